package faultmatrix

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	// settling is the maximum time until a fault shows.
	settling = slowness * 25 * time.Second
	// starving is the minimum time that requests hang. It is long enough that other targets would become too old if they had
	// to wait.
	starving = slowness * 20 * time.Second
	// recovery is the maximum time from the end of a fault until every target is read again: the 10 s that the interface
	// promises, and the rest of an attempt in progress.
	recovery = slowness * 16 * time.Second
	beat     = 80 * time.Millisecond
	// crowd is the number of simultaneous probes, and of cancelled scrapes.
	crowd = 60
	// tokensPerMinute is the number of tokens that a client may request in a minute.
	tokensPerMinute = 10
)

// play is a cell in progress.
type play struct {
	*stack
	cell
	*result
	judge   *judge
	scrapes int // minimum for each half
	mints   int // tokens issued before the cell
	began   time.Time
	target  target
	disarm  func()

	mu     sync.Mutex
	random *rand.Rand
	seen   int // requests that match the fault
	struck int
}

// play plays a cell and judges every scrape of it.
func (s *stack) play(c cell, scrapes int, seed uint64) *result {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(c.String()))
	random := rand.New(rand.NewPCG(seed, hash.Sum64()))
	p := &play{
		stack: s, cell: c, result: &result{cell: c}, scrapes: (scrapes + 1) / 2, mints: s.atlas.Mints(), began: time.Now(),
		target: s.org.pick(c.endpoint(), random), random: random,
	}
	p.judge = &judge{
		targets: s.org.targets(s.configured), baseline: s.baseline, last: s.last, outcome: c.outcome(), struck: map[target]bool{}, sharing: map[target]bool{},
		wide: c.column.scope != oneTarget, unnoticed: c.mode == once && c.outcome().retried,
	}
	for t, unsupported := range p.judge.targets {
		if unsupported == "" && p.concerns(t) {
			p.judge.struck[t] = true
		}
		p.judge.sharing[t] = p.shares(t)
	}
	p.strikeOut()
	p.lookElsewhere()
	if p.endures() {
		p.endure()
	}
	p.recover()
	if p.endures() { // the exporter must also stop while everything hangs
		p.arm()
		p.atlas.ForgetTokens()
		_, _ = p.ask("/metrics")
	}
	p.conclude()
	return p.result
}

// scrape scrapes once, judges the answer, and waits a beat. It returns the latest readable scrape.
func (p *play) scrape(at phase) *snapshot {
	a, err := p.ask("/metrics")
	p.result.scrapes++
	if p.exporter.Ended() {
		p.t.Fatalf("%s: the exporter exited\n%s", p.cell, strings.Join(p.found, "\n"))
	}
	p.complain(p.findings()...)
	if seen := p.look("a scrape", a, err, http.StatusOK); seen != nil {
		p.complain(p.judge.judge(seen, at)...)
		p.life.peak = p.life.peak.Peak(seen.usage)
		p.judge.last, p.last = seen, seen
	}
	time.Sleep(beat)
	return p.judge.last
}

// look checks the form of an answer. It returns the snapshot if the answer has metrics.
func (p *play) look(what string, a harness.Answer, err error, status int) *snapshot {
	if err != nil {
		p.complain(what + ": no answer: " + err.Error())
		return nil
	}
	if a.Took > scrapeTimeout {
		p.complain(fmt.Sprintf("%s took %s, more than its timeout of %s", what, a.Took, scrapeTimeout))
	}
	if a.Status != status {
		p.complain(fmt.Sprintf("%s: status %d", what, a.Status))
	}
	p.complain(p.guard.search(what, a.Body)...)
	if a.Status != http.StatusOK || !strings.Contains(a.Header.Get("Content-Type"), "version=0.0.4") {
		return nil
	}
	seen, err := read(a.Body, a.Began, p.configured)
	if err != nil {
		p.complain(what + ": not well formed: " + err.Error())
	}
	return seen
}

// shows reports whether every struck target shows the outcome of the fault, or, if one is true, whether any does.
func (p *play) shows(s *snapshot, one bool) bool {
	for t := range p.judge.struck {
		if shown := p.judge.isStruck(s, t) || p.judge.gone(s, t); shown == one {
			return one
		}
	}
	return !one
}

// strikeOut starts the fault, and scrapes until the fault has shown.
func (p *play) strikeOut() {
	if p.fault.points != nil {
		p.reload(p.fault.points(p.stack))
	} else {
		p.arm()
	}
	at, steady, began := faulty, 0, time.Now()
	limit := settling
	if p.judge.wide { // a queued request times out after half a minute
		limit *= 2
	}
	for n := 1; ; n++ {
		seen, struck := p.counts()
		if time.Since(began) > limit {
			p.complain(fmt.Sprintf("the fault has not shown after %s: it struck %d of %d requests", limit, struck, seen))
			return
		}
		if p.ofToken() && struck == 0 && (n == 1 || p.mode != always) {
			p.atlas.ForgetTokens()
		}
		shown := p.scrape(at)
		if p.mode == always && !p.judge.wide && !p.judge.outcome.mayStayUp() && p.shows(shown, false) {
			at = settled
			steady++
		}
		if n >= p.scrapes && p.hasStruck(steady) && (!p.judge.wide || p.shows(shown, true) && time.Since(began) > starving) {
			return
		}
	}
}

// hasStruck reports whether the fault has struck, and has shown often enough.
func (p *play) hasStruck(steady int) bool {
	seen, struck := p.counts()
	switch {
	case p.judge.wide:
		return struck > 0
	case p.mode == always && p.judge.outcome.mayStayUp():
		return struck >= 2 || p.ofToken() && struck >= 1
	case p.mode == always:
		return steady >= 3
	case p.mode == atRandom && !p.alone():
		return struck >= 1 && seen >= 3
	}
	return struck >= 1 // the exporter may never repeat the request
}

// lookElsewhere requests the other pages, checks their status, and searches them for secrets.
func (p *play) lookElsewhere() {
	for path, want := range map[string]int{
		"/": 200, "/sd": 200, "/-/ready": 200, "/-/healthy": 200, "/probe?target=" + p.org.groups[0]: 200, "/probe?target=nothing": 400,
		"/metrics?collect[]=exporter": 200,
	} {
		a, err := p.ask(path)
		p.look(path, a, err, want)
	}
	p.complain(p.findings()...)
}

// endure tests the rest of the exporter while requests hang: many cancelled scrapes, many simultaneous probes, a reload, and
// the commands.
func (p *play) endure() {
	var group sync.WaitGroup
	for range crowd {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(p.t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _ = harness.Ask(ctx, http.MethodGet, p.exporter.URL()+"/metrics", scrapeTimeout) // the timeout cancels it
		})
	}
	group.Wait()
	answers, errs := make([]harness.Answer, crowd), make([]error, crowd)
	for i := range crowd {
		group.Go(func() {
			answers[i], errs[i] = p.ask("/probe?target=" + p.org.groups[i%len(p.org.groups)])
		})
	}
	group.Wait()
	for i, a := range answers {
		a.Took /= 2 // the exporter renders two answers at a time: on a busy machine the last ones are late
		p.look("one of many probes at once", a, errs[i], http.StatusOK)
	}
	p.reload(p.http.URL)
	p.scrape(faulty)
	p.command("timeout", "check")
	if p.judge.struck[endpointOf("pipelines").target(p.org.groups[0], "")] {
		// A trigger that hangs halfway would have an effect.
		remove := p.atlas.Inject(atlassim.Fault{Operation: atlassim.OpTriggerPipeline, Hang: atlassim.HangSilent})
		defer remove()
		p.command("", "trigger", "--project="+p.org.groups[0], "--pipeline=orders", "--snapshot-id=6a7953692c88faeba59d5e01")
	}
}

// command runs a command that must exit with code 1, give the reason, and show no secret.
func (p *play) command(why string, args ...string) {
	got := harness.RunProgram(p.t, p.program, nil, append(args, "--config.file="+p.file)...)
	out := got.Stdout + got.Stderr
	if got.ExitCode != 1 || !strings.Contains(out, why) {
		p.complain(fmt.Sprintf("%s: exit code %d, want 1 and a message with %q:\n%s", args[0], got.ExitCode, why, out))
	}
	p.complain(p.guard.search(args[0], []byte(out))...)
}

// recover ends the fault, and scrapes until everything is as in the baseline.
func (p *play) recover() {
	if p.fault.points != nil {
		p.reload(p.http.URL)
	} else {
		p.disarm()
	}
	lifted, at, calmScrapes := time.Now(), faulty, 0
	for n := 1; calmScrapes < p.scrapes; n++ {
		seen := p.scrape(at)
		if p.judge.outcome.unsupported == featureGone { // the exporter tries again in an hour
			if n >= p.scrapes {
				return
			}
			continue
		}
		if at == faulty {
			if wrong := p.judge.judge(seen, calm); len(wrong) == 0 {
				at, p.result.recovery = calm, time.Since(lifted)
			} else if time.Since(lifted) > recovery+p.patience() {
				p.complain(fmt.Sprintf("%s after the fault: %s", time.Since(lifted).Round(time.Second), strings.Join(wrong[:min(3, len(wrong))], "; ")))
				p.broken = true
				return
			}
		}
		if at == calm {
			calmScrapes++
			p.life.ended = seen.usage
		}
	}
}

// conclude checks the requests of the whole cell.
func (p *play) conclude() {
	if strayed := p.strayed.Swap(0); strayed > 0 {
		p.complain(fmt.Sprintf("%d requests went to another host", strayed))
	}
	odd := p.atlas.Count("") - p.atlas.Count(atlassim.OpTriggerPipeline)
	for _, e := range endpoints() {
		odd -= p.atlas.Count(e.Operation)
	}
	if odd > 0 && !p.broken {
		p.broken = true
		p.complain(fmt.Sprintf("the exporter sent %d unexpected requests", odd))
	}
	seen, struck := p.counts()
	tokens := p.atlas.Mints() - p.mints
	if p.ofToken() {
		tokens = seen
	}
	if float64(tokens) > tokensPerMinute*(1+time.Since(p.began).Minutes()) {
		p.complain(fmt.Sprintf("the exporter requested %d tokens in %s", tokens, time.Since(p.began)))
	}
	if p.ofToken() && slices.Contains(p.judge.outcome.reasons, rateLimited) && struck != 1 {
		p.complain(fmt.Sprintf("%d token requests within a minute were rate limited, want 1", struck))
	}
}
