package collector

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNewestJobs holds that the newest jobs are kept, in order, whatever the order in which they come.
func TestNewestJobs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		for _, n := range []int{1, maxRecent - 1, maxRecent, maxRecent + 1, 3 * maxRecent} {
			var got newestJobs
			for _, created := range rand.New(rand.NewPCG(seed, 1)).Perm(n) {
				got.add(seconds(created+1), 0, succeeded)
			}
			var want newestJobs
			for created := max(0, n-maxRecent); created < n; created++ {
				want = append(want, recentJob{seconds(created + 1), 0, succeeded})
			}
			if !slices.Equal(got, want) {
				t.Errorf("of %d jobs these are kept: %v, want %v", n, got, want)
			}
		}
	}
}
