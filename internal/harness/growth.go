package harness

import (
	"fmt"
	"math"
	"slices"
)

// Usage is what a process uses at one moment.
type Usage struct{ Heap, Resident, Goroutines, Files float64 }

// UsageOf reads the usage from the metrics of the process itself.
func UsageOf(e Exposition) Usage {
	return Usage{
		Heap:       e["go_memstats_heap_inuse_bytes{}"],
		Resident:   e["process_resident_memory_bytes{}"],
		Goroutines: e["go_goroutines{}"],
		Files:      e["process_open_fds{}"],
	}
}

// String shows the usage for a progress report.
func (u Usage) String() string {
	return fmt.Sprintf("heap %s, resident %s, %.0f goroutines, %.0f open files", MiB(u.Heap), MiB(u.Resident), u.Goroutines, u.Files)
}

// Peak returns the larger value of each resource.
func (u Usage) Peak(other Usage) Usage {
	return Usage{
		max(u.Heap, other.Heap), max(u.Resident, other.Resident), max(u.Goroutines, other.Goroutines), max(u.Files, other.Files),
	}
}

// MiB writes a number of bytes.
func MiB(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

// Resource is something that a process must not use more and more of.
type Resource struct {
	Name string
	Of   func(Usage) float64
	Show func(float64) string
	// Relative and Absolute say how far the end may be above the start: by the larger of the two.
	Relative, Absolute float64
}

// Resources lists the four resources of a Usage, with what each may grow by: a share of where it started, or an amount.
func Resources(relative, absolute Usage) []Resource {
	count := func(n float64) string { return fmt.Sprintf("%.0f", n) }
	return []Resource{
		{"heap in use", func(u Usage) float64 { return u.Heap }, MiB, relative.Heap, absolute.Heap},
		{"resident memory", func(u Usage) float64 { return u.Resident }, MiB, relative.Resident, absolute.Resident},
		{"goroutines", func(u Usage) float64 { return u.Goroutines }, count, relative.Goroutines, absolute.Goroutines},
		{"open files", func(u Usage) float64 { return u.Files }, count, relative.Files, absolute.Files},
	}
}

// Growth is how the use of a resource developed over a process's life.
type Growth struct {
	Resource
	Quarters [4]float64 // medians
	Limit    float64    // for the last quarter
}

// lowOf is the number of samples of which only the lowest counts: the heap in use falls with each garbage collection, and
// rises until the next.
const lowOf = 8

// GrowthOf compares the last quarter of the usage with the quarter numbered from, 0 being the first. It needs at least four
// samples to say anything.
func GrowthOf(r Resource, from int, all []Usage) Growth {
	g := Growth{Resource: r, Limit: math.Inf(1)}
	if len(all) < len(g.Quarters) {
		return g
	}
	var lows []float64
	for few := range slices.Chunk(all, max(1, min(lowOf, len(all)/lowOf))) {
		low := math.Inf(1)
		for _, u := range few {
			low = min(low, r.Of(u))
		}
		lows = append(lows, low)
	}
	for q := range g.Quarters {
		quarter := slices.Sorted(slices.Values(lows[q*len(lows)/4 : (q+1)*len(lows)/4]))
		g.Quarters[q] = quarter[len(quarter)/2]
	}
	g.Limit = g.Quarters[from] + max(r.Relative*g.Quarters[from], r.Absolute)
	return g
}

// Flat reports whether the last quarter is within the limit.
func (g Growth) Flat() bool { return g.Quarters[3] <= g.Limit }

// String shows the quarters and the limit.
func (g Growth) String() string {
	return fmt.Sprintf("%s by quarters: %s, %s, %s, %s, at most %s", g.Name,
		g.Show(g.Quarters[0]), g.Show(g.Quarters[1]), g.Show(g.Quarters[2]), g.Show(g.Quarters[3]), g.Show(g.Limit))
}
