package main

import (
	"fmt"
	"math"
	"slices"
)

// reading is what a process tells of its own size, and what is known of its connections, at a quiet moment.
type reading struct{ goroutines, files, heap, resident, connections float64 }

// growth is what became of one exporter's size while it was played with.
type growth struct {
	quiet       []reading // after each cell, when everything was well again
	peak        reading
	mostFlooded int64 // bytes that one cell could send of a body without end
}

// The tolerances. An exporter keeps up to eight connections, each of which has two goroutines and a file; a scrape has some
// more. Buffers of large answers are given back to the system some time after they were used.
const (
	moreGoroutines  = 24
	moreFiles       = 12
	moreHeap        = 24 << 20
	mostGoroutines  = 400
	mostResident    = 512 << 20
	mostConnections = 32
	// mostFlood is what a server may get rid of a gigabyte before nobody listens: the 16 MiB that an answer may have, for
	// each request that reads it at the same time, and what the kernel holds.
	mostFlood = 64 << 20
)

// observe takes a reading from a scrape.
func (g *growth) observe(s *snapshot, connections int, isQuiet bool) {
	r := reading{
		s.number("go_goroutines"), s.number("process_open_fds"), s.number("go_memstats_heap_inuse_bytes"),
		s.number("process_resident_memory_bytes"), float64(connections),
	}
	g.peak = reading{
		max(g.peak.goroutines, r.goroutines), max(g.peak.files, r.files), max(g.peak.heap, r.heap), max(g.peak.resident, r.resident),
		max(g.peak.connections, r.connections),
	}
	if isQuiet {
		g.quiet = append(g.quiet, r)
	}
}

// ends are the medians of the first and the last quiet moments, and for the heap the least, which garbage does not blur.
func (g *growth) ends() (first, last reading) {
	n := max(1, min(10, len(g.quiet)/3))
	return summary(g.quiet[:n]), summary(g.quiet[len(g.quiet)-n:])
}

func summary(readings []reading) reading {
	median := func(of func(reading) float64) float64 {
		values := make([]float64, 0, len(readings))
		for _, r := range readings {
			values = append(values, of(r))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	r := reading{
		goroutines:  median(func(r reading) float64 { return r.goroutines }),
		files:       median(func(r reading) float64 { return r.files }),
		resident:    median(func(r reading) float64 { return r.resident }),
		connections: median(func(r reading) float64 { return r.connections }),
		heap:        math.Inf(1),
	}
	for _, one := range readings {
		r.heap = min(r.heap, one.heap)
	}
	return r
}

// violations tells what grew more than it may.
func (g *growth) violations() []string {
	if len(g.quiet) == 0 {
		return nil
	}
	first, last := g.ends()
	var wrong []string
	for _, held := range []struct {
		what        string
		first, last float64
		more        float64
	}{
		{"goroutines", first.goroutines, last.goroutines, moreGoroutines},
		{"open files", first.files, last.files, moreFiles},
		{"bytes of heap", first.heap, last.heap, moreHeap},
	} {
		if held.last > held.first+held.more {
			wrong = append(wrong, fmt.Sprintf("%s grew from %.0f to %.0f", held.what, held.first, held.last))
		}
	}
	for _, held := range []struct {
		what      string
		got, most float64
	}{
		{"goroutines", g.peak.goroutines, mostGoroutines},
		{"bytes of memory", g.peak.resident, mostResident},
		{"connections", g.peak.connections, mostConnections},
	} {
		if held.got > held.most {
			wrong = append(wrong, fmt.Sprintf("%.0f %s at a time", held.got, held.what))
		}
	}
	return wrong
}
