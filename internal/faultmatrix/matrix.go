// Package faultmatrix injects every fault into every endpoint of the Atlas API that a running exporter reads, and judges each
// scrape.
//
// The exporter is the real program in its own process. The data of the simulated Atlas does not change. Atlas spoils the answers
// about one target or about many: always, once, or at random. All other targets must not change. The struck target must keep its
// values and show the reason of the failure. After the fault, everything must soon be as before. The package is a test and has a
// long form:
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

// matrix has the parameters of a run.
type matrix struct {
	scrapes   int // minimum for each cell
	exporters int // number of exporters at a time
	longest   int // maximum number of cells for one exporter
	seed      uint64
}

// run plays the cells. It runs several exporters at a time, each as a subtest.
func (m *matrix) run(t *testing.T, all []cell) *report {
	t.Helper()
	r := &report{seed: m.seed}
	began, waiting := time.Now(), make(chan []cell)
	var workers sync.WaitGroup
	for range m.exporters {
		workers.Go(func() {
			for cells := range waiting {
				for len(cells) > 0 {
					t.Run("exporter", func(t *testing.T) { m.play(t, &cells, r) })
				}
			}
		})
	}
	for _, some := range batches(all, m.longest, rand.New(rand.NewPCG(m.seed, 0))) {
		waiting <- some
	}
	close(waiting)
	workers.Wait()
	r.took = time.Since(began)
	return r
}

// play plays the cells of a batch with one exporter, until the exporter is broken or the test ends. It removes the played
// cells from the batch.
func (m *matrix) play(t *testing.T, cells *[]cell, r *report) {
	t.Helper()
	first := (*cells)[0]
	var played int
	defer func() { *cells = (*cells)[max(1, played):] }()
	s := start(t, first.setup())
	for _, c := range *cells {
		played++
		one := s.play(c, m.scrapes, m.seed)
		r.add(one)
		for _, found := range one.found {
			t.Error(found)
		}
		if s.broken {
			break
		}
	}
	s.life.wrong = append(s.stop(), s.life.violations()...)
	r.end(s.life)
	for _, wrong := range s.life.wrong {
		t.Error(wrong)
	}
}
