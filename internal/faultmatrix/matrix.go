package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// matrix is a whole run.
type matrix struct {
	program   string // the exporter
	scrapes   int    // at least, of each cell
	exporters int    // at a time
	longest   int    // about how many cells one exporter is played with
	seed      uint64
	progress  io.Writer
}

// cells lists every cell whose name holds a text.
func cells(only string) []cell {
	var all []cell
	for _, f := range allFaults() {
		for _, c := range columns() {
			for _, m := range modes() {
				one := cell{&f, c, m}
				if _, ok := f.expect(c.endpoint); ok && strings.Contains(one.String(), only) {
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

// batches parts cells by what they need of an exporter, some for each. The longest come first, and each holds cells of many kinds.
func batches(all []cell, longest int, random *rand.Rand) []batch {
	var parted []batch
	bySetup := map[setup][]cell{}
	var order []setup
	for _, c := range all {
		if c.lasting() {
			parted = append(parted, batch{c.setup(), []cell{c}})
			continue
		}
		s := c.setup()
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

// weight is about how long a cell takes: a fault of the token is found when the token has ended, and a refused one is asked
// for again after five seconds.
func (s setup) weight() int {
	if s.hasty || s.shortToken {
		return 4
	}
	return 1
}

// run plays cells, some exporters at a time.
func (m *matrix) run(ctx context.Context, all []cell) (*report, error) {
	r := &report{began: time.Now(), seed: m.seed}
	waiting := make(chan batch)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range m.exporters {
		workers.Go(func() {
			for b := range waiting {
				for len(b.cells) > 0 && ctx.Err() == nil {
					done, results, life, err := m.play(ctx, b)
					mu.Lock()
					r.add(results, life)
					if err != nil && ctx.Err() == nil {
						cancel(err)
					}
					for _, wrong := range life.wrong {
						_, _ = fmt.Fprintln(m.progress, "VIOLATION", wrong)
					}
					for _, one := range results {
						for _, found := range one.found {
							_, _ = fmt.Fprintln(m.progress, "VIOLATION", found)
						}
					}
					_, _ = fmt.Fprintf(m.progress, "%s: %d of %d cells, %d scrapes, %d violations\n",
						time.Since(r.began).Round(time.Second), len(r.results), len(all), r.scrapes(), r.violations())
					mu.Unlock()
					b.cells = b.cells[done:]
				}
			}
		})
	}
	for _, b := range batches(all, m.longest, rand.New(rand.NewPCG(m.seed, 0))) {
		select {
		case waiting <- b:
		case <-ctx.Done():
		}
	}
	close(waiting)
	workers.Wait()
	r.took = time.Since(r.began)
	return r, context.Cause(ctx)
}

// play plays the cells of a batch with one exporter, until that is broken, and tells how many it played.
func (m *matrix) play(ctx context.Context, b batch) (done int, results []*result, life life, err error) {
	s, err := start(ctx, m.program, b.setup)
	if err != nil {
		return 0, nil, life, err
	}
	began := time.Now()
	for _, c := range b.cells {
		done++
		one, err := s.play(ctx, c, m.scrapes, m.seed)
		if ctx.Err() != nil {
			break
		}
		results = append(results, one)
		if err != nil {
			one.complain(one.scrapes, "it could not go on: "+err.Error())
			s.broken = true
		}
		if s.broken {
			break
		}
	}
	if err := s.cool(ctx); err != nil && ctx.Err() == nil {
		life.wrong = append(life.wrong, err.Error())
	}
	life.growth, life.cells, life.scrapes, life.setup, life.lasted = s.growth, done, s.scrapes, b.setup, time.Since(began)
	_, life.mostConnections, life.connections = s.server.connections.count()
	life.requests = s.server.requests.Load()
	life.logged = s.exporter.log.size()
	if err := s.end(); err != nil && ctx.Err() == nil {
		life.wrong = append(life.wrong, "the exporter did not end well: "+err.Error())
	}
	life.wrong = append(life.wrong, life.growth.violations()...)
	life.wrong = append(life.wrong, s.exporter.log.findings()...)
	return done, results, life, nil
}
