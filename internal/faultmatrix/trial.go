package faultmatrix

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
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
)

// trial is one cell in progress: the fault begins, the exporter is scraped, the fault ends, and the exporter recovers.
type trial struct {
	*exporter
	cell

	t      *testing.T
	judge  *judge
	target target
	paths  map[string]bool // of the requests that the fault may strike
	least  int             // minimum number of scrapes for each half
	found  []string

	mu     sync.Mutex
	random *rand.Rand
	seen   int // requests that the fault may strike
	hit    int // requests that it struck
}

// try plays a cell, and returns the violations.
func (s *exporter) try(t *testing.T, c cell, scrapes int, seed uint64) []string {
	t.Helper()
	p := &trial{
		exporter: s, cell: c, t: t, least: (scrapes + 1) / 2, paths: map[string]bool{},
		random: rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, c)))),
		judge: &judge{
			baseline: s.baseline, last: s.last, outcome: c.outcome, wide: c.wide(), struck: map[target]bool{}, limited: map[target]bool{},
		},
	}
	if c.mode == once && c.outcome.retried {
		p.judge.outcome = outcome{up: true}
	}
	p.target = p.pick()
	for t, state := range s.baseline.states {
		p.judge.limited[t] = c.throttles() && t.group == p.target.group && t.endpoint().Set == c.column.endpoint.Set
		if state == "up" && p.strikes(t) {
			p.judge.struck[t] = true
			p.paths[t.endpoint().path(t)] = true
		}
	}
	if c.ofToken() {
		p.paths = map[string]bool{c.column.endpoint.Path: true}
	}
	sources := []string{"clusters", "backup_schedule", "backup_snapshots", exports, "export_buckets"} // of the derived series
	if (c.outcome.lies || c.outcome.unsupported != "") && slices.Contains(sources, p.target.collector) {
		p.judge.uncertain = p.target.group
	}
	end := p.strike()
	p.await()
	p.lookElsewhere()
	if p.wide() {
		p.check()
	}
	end()
	p.recover()
	return p.found
}

func (p *trial) complain(wrong ...string) { p.found = append(p.found, wrong...) }

// pick chooses a target of the endpoint in the first project, so that healthy targets of the same kind remain beside it and in
// other projects. A token has no target.
func (p *trial) pick() target {
	var candidates []target
	for t, state := range p.baseline.states {
		if state == "up" && t.endpoint().name == p.column.endpoint.name && (t.group == "" || t.group == p.org.Projects()[0].ID) {
			candidates = append(candidates, t)
		}
	}
	switch {
	case p.ofToken():
		return target{}
	case len(candidates) == 0:
		p.t.Fatalf("no target of %s", p.column.endpoint.name)
	}
	slices.SortFunc(candidates, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return candidates[p.random.IntN(len(candidates))]
}

// strikes reports whether the fault strikes a target.
func (p *trial) strikes(t target) bool {
	switch p.column.scope {
	case oneProject:
		return t.group == p.target.group
	case oneEndpoint:
		return t.collector == p.target.collector
	case everything:
		return true
	default:
		return p.fault.baseURL != nil || p.ofToken() || t == p.target
	}
}

// strike begins the fault. It returns a function that ends it.
func (p *trial) strike() (end func()) {
	if p.fault.baseURL != nil {
		p.reload(p.t, p.fault.baseURL(p.exporter))
		return func() { p.reload(p.t, p.http.URL) }
	}
	f := atlassim.Fault{Match: p.hits, Hang: p.fault.hang}
	if p.fault.answer != nil {
		f.Handler = func(w http.ResponseWriter, r *http.Request) {
			p.fault.answer(&exchange{ResponseWriter: w, exporter: p.exporter, r: r, token: p.ofToken()})
		}
	}
	return p.atlas.Inject(f)
}

// hits reports whether the fault strikes a request. It spares requests without credentials, which only get a challenge.
func (p *trial) hits(r *http.Request) bool {
	if !p.paths[r.URL.EscapedPath()] || r.Header.Get("Authorization") == "" || r.Context().Value(spared{}) != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	late := p.seen > 2 && p.hit == 0 // of a token, there are few requests
	hit := p.mode == always || p.mode == once && p.hit == 0 || p.mode == atRandom && (late || p.random.IntN(2) == 0)
	if hit {
		p.hit++
	}
	return hit
}

// hasHit reports whether the fault has struck a request.
func (p *trial) hasHit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hit > 0 || p.fault.baseURL != nil
}

// scrape scrapes once, judges the answer, and waits a beat. It returns the latest readable scrape.
func (p *trial) scrape(at phase) *scrape {
	a, err := p.ask(p.t, "/metrics")
	p.scrapes++
	if p.process.Ended() {
		p.t.Fatalf("the exporter exited\n%s", strings.Join(p.found, "\n"))
	}
	if seen := p.look("a scrape", a, err, http.StatusOK); seen != nil {
		p.complain(p.judge.judge(seen, at)...)
		p.judge.last, p.last = seen, seen
	}
	time.Sleep(beat)
	return p.judge.last
}

// look checks the form of an answer. It returns the scrape if the answer has metrics.
func (p *trial) look(what string, a harness.Answer, err error, status int) *scrape {
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
	p.complain(p.secrets.search(what, a.Body)...)
	if a.Status != http.StatusOK || !strings.Contains(a.Header.Get("Content-Type"), "version=0.0.4") {
		return nil
	}
	seen, err := parse(a.Body, a.Began)
	if err != nil {
		p.complain(what + ": not well formed: " + err.Error())
	}
	return seen
}

// await scrapes until the fault has struck, and, if each request of a target fails, has shown in three scrapes.
func (p *trial) await() {
	shows := p.mode == always && !p.wide() && !p.judge.outcome.mayStayUp()
	at, steady, began, limit := faulty, 0, time.Now(), settling
	if p.wide() { // a queued request times out after half a minute
		limit *= 2
	}
	for n := 1; ; n++ {
		if time.Since(began) > limit {
			p.complain(fmt.Sprintf("the fault has not shown after %s", limit))
			return
		}
		if p.ofToken() && !p.hasHit() {
			p.atlas.ForgetTokens()
		}
		seen := p.scrape(at)
		shown := p.judge.shown(seen)
		if shows && shown == len(p.judge.struck) {
			at = settled
			steady++
		}
		if p.wide() && (shown == 0 || time.Since(began) < starving) || shows && steady < 3 {
			continue
		}
		if n >= p.least && p.hasHit() {
			return
		}
	}
}

// lookElsewhere requests the other pages, checks their status, and searches them for secrets.
func (p *trial) lookElsewhere() {
	for path, want := range map[string]int{
		"/": 200, "/sd": 200, "/-/ready": 200, "/-/healthy": 200,
		"/probe?target=" + p.org.Projects()[0].ID: 200, "/probe?target=nothing": 400, "/metrics?collect[]=exporter": 200,
	} {
		a, err := p.ask(p.t, path)
		p.look(path, a, err, want)
	}
}

// check runs the command check, which must report the timeout.
func (p *trial) check() {
	got := harness.RunExporter(p.t, nil, "check", "--config.file="+p.file)
	if got.ExitCode != 1 || !strings.Contains(got.Stdout, timeout) {
		p.complain(fmt.Sprintf("check: exit code %d, want 1 and a timeout:\n%s", got.ExitCode, got.Stdout))
	}
	p.complain(p.secrets.search("check", []byte(got.Stdout+got.Stderr))...)
}

// recover scrapes after the fault until everything is as in the baseline, and then some more times.
func (p *trial) recover() {
	at, calmScrapes := faulty, 0
	for ended := time.Now(); calmScrapes < p.least; {
		seen := p.scrape(at)
		if at == calm || p.outcome.unsupported == featureGone { // the exporter tries again in an hour
			calmScrapes++
			continue
		}
		wrong := p.judge.judge(seen, calm)
		if len(wrong) == 0 {
			at = calm
		} else if time.Since(ended) > recovery+p.patience() {
			some := strings.Join(wrong[:min(3, len(wrong))], "; ")
			p.complain(fmt.Sprintf("%s after the fault: %s", time.Since(ended).Round(time.Second), some))
			return
		}
	}
	if at == calm {
		p.ended = harness.UsageOf(p.last.all)
	}
}
