// Package faultmatrix lets every fault strike every endpoint of the Atlas API under a running exporter, and judges each
// scrape from outside.
//
// The exporter is the real program, as a process of its own. Between it and a simulated Atlas, whose truth does not change,
// a server spoils the answers about one target, or about many: always, once, or at random. All other targets must stay
// exactly as they were; the struck one must keep its values and say why it is not read; and when the fault is over,
// everything must soon be as before. The package is a test and has a long form:
//
//	go test ./internal/faultmatrix                                                  every fault once, half a minute
//	go test ./internal/faultmatrix -run Matrix -long -write -timeout 40m            everything, and writes docs/fault-matrix.md
//	go test ./internal/faultmatrix -run Matrix -only 'gzip bomb / exports'          by a pattern of "fault / endpoint / mode"
package faultmatrix

import (
	"cmp"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// matrix is a whole run.
type matrix struct {
	scrapes   int // at least, of each cell
	exporters int // at a time
	longest   int // about how many cells one exporter is played with
	seed      uint64
}

// cells lists every cell in whose name a pattern matches.
func cells(only *regexp.Regexp) []cell {
	var all []cell
	for _, f := range allFaults() {
		for _, c := range columns() {
			for _, m := range modes() {
				// The exporter asks for at most eight tokens a minute: a token endpoint that fails at random, under tokens that
				// expire at once, would use these up, and the wait be taken for a fault.
				if c.endpoint == token && m == atRandom {
					continue
				}
				if one := (cell{&f, c, m}); one.makesSense() && only.MatchString(one.String()) {
					all = append(all, one)
				}
			}
		}
	}
	return all
}

// sample chooses one cell of each fault, any one.
func sample(all []cell, random *rand.Rand) []cell {
	byFault := map[string][]cell{}
	for _, c := range all {
		byFault[c.fault.name] = append(byFault[c.fault.name], c)
	}
	var chosen []cell
	for _, f := range allFaults() {
		if of := byFault[f.name]; len(of) > 0 {
			chosen = append(chosen, of[random.IntN(len(of))])
		}
	}
	return chosen
}

// batch is the cells that one exporter is played with.
type batch struct {
	setup setup
	cells []cell
}

// batches parts cells by what they need of an exporter. The longest come first, and each holds cells of many kinds.
func batches(all []cell, longest int, random *rand.Rand) []batch {
	var parted []batch
	bySetup := map[setup][]cell{}
	var order []setup
	for _, c := range all {
		s := c.setup()
		if c.lasting() {
			parted = append(parted, batch{s, []cell{c}})
			continue
		}
		if bySetup[s] == nil {
			order = append(order, s)
		}
		bySetup[s] = append(bySetup[s], c)
	}
	for _, s := range order {
		of := bySetup[s]
		random.Shuffle(len(of), func(i, k int) { of[i], of[k] = of[k], of[i] })
		for chunk := range slices.Chunk(of, max(1, longest/s.weight())) {
			parted = append(parted, batch{s, chunk})
		}
	}
	slices.SortStableFunc(parted, func(a, b batch) int { return cmp.Compare(b.weight(), a.weight()) })
	return parted
}

func (b batch) weight() int { return b.setup.weight() * len(b.cells) }

// weight is about how long a cell takes: a fault of the token is found when the token has expired, and a refused one is
// asked for again after five seconds.
func (s setup) weight() int {
	if s.hasty || s.shortToken {
		return 4
	}
	return 1
}

// run plays cells, some exporters at a time, each as a test of its own.
func (m *matrix) run(t *testing.T, all []cell) *report {
	t.Helper()
	r := &report{began: time.Now(), Seed: m.seed}
	waiting := make(chan batch)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range m.exporters {
		workers.Go(func() {
			for b := range waiting {
				for len(b.cells) > 0 && t.Context().Err() == nil {
					t.Run("exporter", func(t *testing.T) {
						results, life := m.play(t, b)
						b.cells = b.cells[len(results):]
						mu.Lock()
						defer mu.Unlock()
						r.results = append(r.results, results...)
						r.lives = append(r.lives, life)
						t.Logf("%s: %d of %d cells", time.Since(r.began).Round(time.Second), len(r.results), len(all))
					})
				}
			}
		})
	}
	for _, b := range batches(all, m.longest, rand.New(rand.NewPCG(m.seed, 0))) {
		waiting <- b
	}
	close(waiting)
	workers.Wait()
	r.took = time.Since(r.began)
	return r
}

// play plays the cells of a batch with one exporter, until that is broken.
func (m *matrix) play(t *testing.T, b batch) (results []*result, l life) {
	t.Helper()
	s := start(t, b.setup)
	for _, c := range b.cells {
		one := s.play(t, c, m.scrapes, m.seed)
		results = append(results, one)
		for _, found := range one.found {
			t.Error(found)
		}
		if s.broken {
			break
		}
	}
	if err := s.cool(t.Context()); err != nil && !s.broken {
		t.Error(err)
	}
	l = life{peak: s.peak, quiet: s.quiet, flooded: s.mostFlooded, requests: s.server.requests.Load(), logged: len(s.exporter.Logs())}
	_, l.mostConnections, l.connections = s.server.connections.count()
	l.wrong = append(s.stop(), l.violations()...)
	for _, wrong := range l.wrong {
		t.Error(wrong)
	}
	return results, l
}
