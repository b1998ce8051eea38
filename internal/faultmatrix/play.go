package faultmatrix

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// play plays a cell and judges every scrape of it.
func (s *stack) play(t testing.TB, c cell, scrapes int, seed uint64) *result {
	t.Helper()
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(c.String()))
	random := rand.New(rand.NewPCG(seed, hash.Sum64()))
	k := &strike{
		fault: c.fault, endpoint: c.column.endpoint, target: s.org.pick(c.column.endpoint, random), wide: c.column.wide, mode: c.mode,
		random: rand.New(rand.NewPCG(random.Uint64(), random.Uint64())),
	}
	p := &play{
		stack: s, cell: c, strike: k, result: &result{cell: c}, mints: s.atlas.Mints(), began: time.Now(),
		judge: &judge{
			org: s.org, configured: s.configured, baseline: s.baseline, last: s.last, outcome: mustOutcome(k), struck: s.strikes(k), sharing: s.sharing(k),
			wide: c.column.wide != nil,
		},
	}
	if p.judge.outcome.renames {
		if p.judge.renamed = k.target.group; p.judge.renamed == "" {
			p.judge.renamed = s.org.groups[0]
		}
	}
	if isLong(k.target) && isOfPages(c.fault) {
		p.judge.outcome.up = true // mostly, its first page is all that is read of it, and that is true
	}
	p.judge.unnoticed = c.mode == once && p.judge.outcome.retried
	flooded := s.server.flooded.Load()
	err := p.strikeOut(t.Context(), max(3, scrapes/2))
	if err == nil {
		err = p.lookElsewhere(t.Context())
	}
	if err == nil && p.judge.wide {
		err = p.endure(t)
	}
	if err == nil {
		err = p.recover(t.Context(), max(2, scrapes-scrapes/2))
	}
	if err != nil {
		p.result.complain(p.result.scrapes, "it could not go on: "+err.Error())
		s.broken = true
	} else {
		p.conclude(s.server.flooded.Load() - flooded)
	}
	if p.judge.wide { // the exporter has to end while everything hangs
		s.server.arm(k)
		_, _ = s.ask(t.Context(), http.MethodGet, "/metrics")
		s.broken = true
	}
	return p.result
}

func isOfPages(f *fault) bool {
	return strings.Contains(f.name, "page") || strings.Contains(f.name, "next links")
}

// play is a cell that is being played.
type play struct {
	stack  *stack
	cell   cell
	strike *strike
	judge  *judge
	result *result
	mints  int
	began  time.Time
}

// scrape scrapes once, judges what comes, and waits a beat. It returns nil where nothing could be read, which has then been
// said.
func (p *play) scrape(ctx context.Context, at phase) (*snapshot, error) {
	s := p.stack
	a, err := s.ask(ctx, http.MethodGet, "/metrics")
	p.result.scrapes++
	n := p.result.scrapes
	if s.exporter.Ended() {
		return nil, errors.New("the exporter has ended")
	}
	p.result.complain(n, s.findings()...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	seen := p.look(a, err)
	if seen != nil {
		p.result.complain(n, p.judge.judge(seen, at)...)
		s.observe(seen, false)
		p.judge.last, s.last = seen, seen
	}
	return seen, harness.Pause(ctx, beat)
}

// look judges an answer by its form, and returns what it shows.
func (p *play) look(a harness.Answer, err error) *snapshot {
	n := p.result.scrapes
	if err != nil {
		p.result.complain(n, "no answer: "+err.Error())
		return nil
	}
	if a.Took > scrapeTimeout {
		p.result.complain(n, fmt.Sprintf("it was answered after %s, and had %s", a.Took, scrapeTimeout))
	}
	if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		p.result.complain(n, fmt.Sprintf("status %d, %s", a.Status, a.Header.Get("Content-Type")))
	}
	p.result.complain(n, p.stack.guard.search("a scrape", a.Body)...)
	seen, err := read(a.Body, a.Began)
	if err != nil {
		p.result.complain(n, "not well formed: "+err.Error())
		return nil
	}
	return seen
}

// shows tells whether a scrape shows what the fault makes of every target that it strikes.
func (p *play) shows(s *snapshot) bool {
	if s == nil {
		return false
	}
	for t := range p.judge.struck {
		if p.judge.gone(s, t, faulty) {
			continue
		}
		if !p.judge.isStruck(s, t) {
			return false
		}
	}
	return true
}

// showsAny reports whether a scrape shows what the fault makes of any target that it strikes.
func (p *play) showsAny(s *snapshot) bool {
	if s == nil {
		return false
	}
	for t := range p.judge.struck {
		if p.judge.isStruck(s, t) {
			return true
		}
	}
	return false
}

// starving is how long requests hang at least: long enough for those that do not hang to grow old, if they had to wait.
const starving = slowness * 20 * time.Second

// strikeOut lets the fault strike, and scrapes until it has shown.
func (p *play) strikeOut(ctx context.Context, atLeast int) error {
	s, c := p.stack, p.cell
	if c.fault.connection != noName {
		s.server.arm(p.strike)
	}
	at, steady := faulty, 0
	for began := time.Now(); ; {
		if c.fault.connection == noName {
			if err := p.rename(ctx); err != nil {
				return err
			}
		}
		seen, err := p.scrape(ctx, at)
		if err != nil {
			return err
		}
		if p.judge.wide {
			if p.showsAny(seen) && time.Since(began) > starving {
				return nil
			}
		} else if at == settled || c.mode == always && !p.judge.outcome.mayStayUp() && p.shows(seen) {
			at = settled
			steady++
		}
		if !p.judge.wide && p.result.scrapes >= atLeast && p.isDone(steady) {
			return nil
		}
		if time.Since(began) > settling {
			seen, struck := p.strike.counts()
			p.result.complain(p.result.scrapes, fmt.Sprintf("after %s the fault has not shown: it struck %d of %d requests", settling, struck, seen))
			return nil
		}
	}
}

// isDone tells whether the fault has struck, and has shown as often as it should.
func (p *play) isDone(steady int) bool {
	seen, struck := p.strike.counts()
	switch {
	case p.cell.fault.connection == noName:
		return p.cell.mode != always || steady >= 3
	case p.cell.mode == always && p.judge.outcome.mayStayUp():
		return struck >= 2 || p.cell.column.endpoint == token && struck >= 1
	case p.cell.mode == always:
		return steady >= 3
	case p.cell.mode == atRandom && p.cell.lasting(): // it may be struck once and never ask again
		return struck >= 1
	case p.cell.mode == atRandom:
		return struck >= 1 && seen >= 3
	}
	return struck >= 1
}

// rename points the exporter to a name that does not exist: for good, for one scrape, or for any.
func (p *play) rename(ctx context.Context) error {
	n := p.result.scrapes
	wrong := n == 0 || p.cell.mode == atRandom && p.strike.random.IntN(2) == 0
	if p.cell.mode == always && n > 0 {
		return nil
	}
	if wrong {
		return p.stack.reload(ctx, noHost)
	}
	return p.stack.reload(ctx, p.stack.server.connections.url())
}

// recover ends the fault, and scrapes until everything is as it was.
func (p *play) recover(ctx context.Context, atLeast int) error {
	s := p.stack
	s.server.lift()
	if p.cell.fault.connection == noName {
		if err := s.reload(ctx, s.server.connections.url()); err != nil {
			return err
		}
	}
	if !p.cell.recovers() {
		for range atLeast {
			if _, err := p.scrape(ctx, settled); err != nil {
				return err
			}
		}
		return nil
	}
	lifted := time.Now()
	for calmScrapes := 0; ; {
		at := faulty
		if calmScrapes > 0 {
			at = calm
		}
		seen, err := p.scrape(ctx, at)
		if err != nil {
			return err
		}
		var wrong []string
		if seen == nil {
			wrong = []string{"nothing can be read"}
		} else if calmScrapes == 0 {
			wrong = p.judge.judge(seen, calm)
		}
		switch {
		case len(wrong) == 0:
			if calmScrapes++; calmScrapes == 1 {
				p.result.recovery = time.Since(lifted)
			}
			if calmScrapes >= atLeast {
				s.observe(seen, true)
				return nil
			}
		case time.Since(lifted) > recovery+p.cell.fault.retryAfter:
			p.result.complain(p.result.scrapes, fmt.Sprintf("%s after the fault: %s", time.Since(lifted).Round(time.Second), strings.Join(wrong[:min(3, len(wrong))], "; ")))
			s.broken = true
			return nil
		}
	}
}

// lookElsewhere searches the other pages for secrets, and sees that they answer.
func (p *play) lookElsewhere(ctx context.Context) error {
	s := p.stack
	for _, path := range []string{"/", "/sd", "/-/ready", "/-/healthy", "/probe?target=" + s.org.groups[0], "/probe?target=nothing", "/metrics?collect[]=exporter"} {
		a, err := s.ask(ctx, http.MethodGet, path)
		if err != nil {
			return err
		}
		p.result.complain(p.result.scrapes, s.guard.search(path, a.Body)...)
		want := http.StatusOK
		if strings.HasSuffix(path, "nothing") {
			want = http.StatusBadRequest
		}
		if a.Took > scrapeTimeout {
			p.result.complain(p.result.scrapes, fmt.Sprintf("%s: answered after %s", path, a.Took))
		}
		if a.Status != want {
			p.result.complain(p.result.scrapes, fmt.Sprintf("%s: status %d", path, a.Status))
		}
		if strings.HasPrefix(path, "/probe") && a.Status == http.StatusOK {
			if _, err := read(a.Body, a.Began); err != nil {
				p.result.complain(p.result.scrapes, fmt.Sprintf("%s: not well formed: %v", path, err))
			}
		}
	}
	p.result.complain(p.result.scrapes, s.findings()...)
	return nil
}

// endure asks for everything else while requests hang: many probes at once, a reload, and the commands.
func (p *play) endure(t testing.TB) error {
	t.Helper()
	s, n := p.stack, p.result.scrapes
	const probes = 60
	wrong := make([]string, probes)
	var group sync.WaitGroup
	for i := range probes {
		group.Go(func() {
			path := "/probe?target=" + s.org.groups[i%len(s.org.groups)]
			a, err := s.ask(t.Context(), http.MethodGet, path)
			// Sixty answers are rendered two at a time: on a busy machine the last ones are late without waiting for Atlas.
			if err != nil || a.Status != http.StatusOK || a.Took > 2*scrapeTimeout {
				wrong[i] = fmt.Sprintf("one of %d probes at once: %s: status %d after %s: %v", probes, path, a.Status, a.Took, err)
			}
		})
	}
	group.Wait()
	for _, w := range wrong {
		if w != "" {
			p.result.complain(n, w)
		}
	}
	a, err := s.ask(t.Context(), http.MethodPost, "/-/reload")
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		p.result.complain(n, fmt.Sprintf("a reload answers %d: %s", a.Status, a.Body))
	}
	if _, err := p.scrape(t.Context(), faulty); err != nil {
		return err
	}
	p.command(t, "timeout", "check")
	if p.judge.struck[target{collector: pipelines.collector(), group: s.org.groups[0]}] {
		p.command(t, "", "trigger", "--project="+s.org.groups[0], "--pipeline=orders", "--snapshot-id=6a7953692c88faeba59d5e01")
	}
	return nil
}

// commandLimit bounds a command: check asks for some two hundred things, of which many hang, each with a retry.
const commandLimit = slowness * 3 * time.Minute

// command runs a command that must end, fail and say why, and tell no secret.
func (p *play) command(t testing.TB, why string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.stack.program, append(args, "--config.file="+p.stack.configFile())...) //nolint:gosec // the program that is tested
	cmd.Env = os.Environ()
	out, err := cmd.CombinedOutput()
	name, n := args[0], p.result.scrapes
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		p.result.complain(n, fmt.Sprintf("%s does not end within %s", name, commandLimit))
	case !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), why):
		p.result.complain(n, fmt.Sprintf("%s: %v, and does not say %q:\n%s", name, err, why, out))
	}
	p.result.complain(n, p.stack.guard.search(name, out)...)
}

// conclude judges the cell as a whole.
func (p *play) conclude(flooded int64) {
	s, n := p.stack, p.result.scrapes
	if strayed := s.server.strayed.Swap(0); strayed > 0 {
		p.result.complain(n, fmt.Sprintf("%d requests went to another host", strayed))
	}
	if odd := s.server.odd.Swap(0); odd > 0 {
		p.result.complain(n, fmt.Sprintf("%d requests that the exporter should not send", odd))
	}
	seconds := time.Since(p.began).Seconds()
	if minted := s.atlas.Mints() - p.mints; float64(minted) > 5+2*seconds {
		p.result.complain(n, fmt.Sprintf("%d tokens were asked for in %.0f s", minted, seconds))
	}
	_, struck := p.strike.counts()
	if struck > 0 && flooded/int64(struck) > mostFlood {
		p.result.complain(n, fmt.Sprintf("%d bytes were read of a body without end", flooded/int64(struck)))
	}
	s.mostFlooded = max(s.mostFlooded, flooded/int64(max(struck, 1)))
}
