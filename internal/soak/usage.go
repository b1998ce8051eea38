package main

import (
	"fmt"
	"math"
	"slices"
)

// usage is what the exporter's process needs at a moment.
type usage struct {
	heap, resident, goroutines, files float64
}

func usageOf(got scraped) usage {
	return usage{
		heap:       got["go_memstats_heap_inuse_bytes{}"],
		resident:   got["process_resident_memory_bytes{}"],
		goroutines: got["go_goroutines{}"],
		files:      got["process_open_fds{}"],
	}
}

func (u usage) String() string {
	return fmt.Sprintf("heap %s, resident %s, %.0f goroutines, %.0f open files", mebibytes(u.heap), mebibytes(u.resident), u.goroutines, u.files)
}

func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }

// resource is something of which the exporter must not need ever more.
type resource struct {
	name string
	of   func(usage) float64
	show func(float64) string
	// relative and absolute say how much the last quarter may be above the second: the larger of them.
	relative, absolute float64
}

// lowOf is over how many samples the least is taken: what the heap has in use falls with each garbage collection and rises
// until the next.
const lowOf = 8

func resources() []resource {
	whole := func(n float64) string { return fmt.Sprintf("%.0f", n) }
	return []resource{
		{"heap in use", func(u usage) float64 { return u.heap }, mebibytes, 0.10, 1 << 20},
		{"resident memory", func(u usage) float64 { return u.resident }, mebibytes, 0.15, 4 << 20},
		{"goroutines", func(u usage) float64 { return u.goroutines }, whole, 0.10, 16},
		{"open files", func(u usage) float64 { return u.files }, whole, 0.10, 8},
	}
}

// flatness is how the need of a resource went on.
type flatness struct {
	resource
	first, last float64
	quarters    [4]float64 // the medians
	allowed     float64    // the most that the last quarter's may be
}

func (f flatness) flat() bool { return f.quarters[3] <= f.allowed }

// flatnessOf takes the least of every few samples, and the median of these for each quarter of the time.
func flatnessOf(r resource, all []usage) flatness {
	var lows []float64
	for few := range slices.Chunk(all, max(1, min(lowOf, len(all)/8))) {
		low := math.Inf(1)
		for _, u := range few {
			low = min(low, r.of(u))
		}
		lows = append(lows, low)
	}
	f := flatness{resource: r, first: lows[0], last: lows[len(lows)-1]}
	for q := range f.quarters {
		f.quarters[q] = median(lows[q*len(lows)/4 : (q+1)*len(lows)/4])
	}
	f.allowed = f.quarters[1] + max(r.relative*f.quarters[1], r.absolute)
	return f
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	ordered := slices.Sorted(slices.Values(values))
	return ordered[len(ordered)/2]
}
