// Package faultmatrix lets every fault strike every endpoint of the Atlas API under a running exporter, and judges each
// scrape from outside.
//
// The exporter is the real program, as a process of its own. A simulated Atlas, whose truth does not change, spoils the answers
// about one target, or about many: always, once, or at random. All other targets must stay exactly as they were; the struck one
// must keep its values and say why it is not read; and when the fault is over, everything must soon be as before. The package is
// a test and has a long form:
//
//	go test ./internal/faultmatrix                                                  every fault once, half a minute
//	go test ./internal/faultmatrix -run Matrix -long -write -timeout 60m            everything, and writes docs/fault-matrix.md
//	go test ./internal/faultmatrix -run Matrix -only 'gzip bomb / backup exports'   by a pattern of "fault / endpoint / mode"
package faultmatrix

import (
	"math/rand/v2"
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

// run plays cells, some exporters at a time, each as a test of its own.
func (m *matrix) run(t *testing.T, all []cell) *report {
	t.Helper()
	r := &report{began: time.Now(), Seed: m.seed}
	waiting := make(chan []cell)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range m.exporters {
		workers.Go(func() {
			for cells := range waiting {
				for len(cells) > 0 && t.Context().Err() == nil {
					t.Run("exporter", func(t *testing.T) {
						results, life := m.play(t, cells)
						cells = cells[len(results):]
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
	for _, some := range batches(all, m.longest, rand.New(rand.NewPCG(m.seed, 0))) {
		waiting <- some
	}
	close(waiting)
	workers.Wait()
	r.took = time.Since(r.began)
	return r
}

// play plays the cells of a batch with one exporter, until that is broken.
func (m *matrix) play(t *testing.T, cells []cell) (results []*result, l life) {
	t.Helper()
	s := start(t, cells[0].setup())
	for _, c := range cells {
		one := s.play(t, c, m.scrapes, m.seed)
		results = append(results, one)
		for _, found := range one.found {
			t.Error(found)
		}
		if s.broken {
			break
		}
	}
	l = s.life
	l.requests = s.atlas.Count("")
	s.server.mu.Lock()
	l.mostConnections, l.connections = s.server.most, s.server.made
	s.server.mu.Unlock()
	l.wrong = append(s.stop(), l.violations()...)
	for _, wrong := range l.wrong {
		t.Error(wrong)
	}
	return results, l
}
