package harness

import (
	"fmt"
	"math"
	"slices"
)

// Usage is the resource use of a process: bytes of memory, and numbers of goroutines and open files.
type Usage struct{ Heap, Resident, Goroutines, Files float64 }

// UsageOf returns the usage in a scrape of the process's own metrics.
func UsageOf(e Exposition) Usage {
	return Usage{
		Heap:       e["go_memstats_heap_inuse_bytes{}"],
		Resident:   e["process_resident_memory_bytes{}"],
		Goroutines: e["go_goroutines{}"],
		Files:      e["process_open_fds{}"],
	}
}

// String formats the usage for messages.
func (u Usage) String() string {
	return fmt.Sprintf("heap %s, resident %s, %.0f goroutines, %.0f open files", MiB(u.Heap), MiB(u.Resident), u.Goroutines, u.Files)
}

// Peak returns the maximum of each resource.
func (u Usage) Peak(other Usage) Usage {
	return Usage{
		max(u.Heap, other.Heap), max(u.Resident, other.Resident), max(u.Goroutines, other.Goroutines), max(u.Files, other.Files),
	}
}

// MiB formats a number of bytes in MiB.
func MiB(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

// Growth is the use of a resource over the life of a process.
type Growth struct {
	Name     string
	Show     func(float64) string
	Quarters [4]float64 // medians
	Limit    float64    // for the last quarter
}

// groupSize is the number of samples in a group. Only the lowest sample of a group counts, because the heap in use rises until
// the next garbage collection.
const groupSize = 8

// GrowthOf compares the last quarter of the usage with the second, for each of the four resources. The first quarter does
// not count, because a process grows to its normal size in it. A resource may grow by a share of its use or by an amount,
// whichever is larger. With fewer than four samples, there is no limit.
func GrowthOf(all []Usage, share, amount Usage) []Growth {
	count := func(n float64) string { return fmt.Sprintf("%.0f", n) }
	var growths []Growth
	for _, r := range []struct {
		name string
		show func(float64) string
		of   func(Usage) float64
	}{
		{"heap in use", MiB, func(u Usage) float64 { return u.Heap }},
		{"resident memory", MiB, func(u Usage) float64 { return u.Resident }},
		{"goroutines", count, func(u Usage) float64 { return u.Goroutines }},
		{"open files", count, func(u Usage) float64 { return u.Files }},
	} {
		g := Growth{Name: r.name, Show: r.show, Limit: math.Inf(1)}
		var lows []float64
		for few := range slices.Chunk(all, max(1, min(groupSize, len(all)/groupSize))) {
			low := math.Inf(1)
			for _, u := range few {
				low = min(low, r.of(u))
			}
			lows = append(lows, low)
		}
		if len(lows) >= len(g.Quarters) {
			for q := range g.Quarters {
				quarter := slices.Sorted(slices.Values(lows[q*len(lows)/4 : (q+1)*len(lows)/4]))
				g.Quarters[q] = quarter[len(quarter)/2]
			}
			g.Limit = g.Quarters[1] + max(r.of(share)*g.Quarters[1], r.of(amount))
		}
		growths = append(growths, g)
	}
	return growths
}

// Flat reports whether the use in the last quarter is within the limit.
func (g Growth) Flat() bool { return g.Quarters[3] <= g.Limit }
