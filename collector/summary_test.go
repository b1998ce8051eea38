package collector

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// shownOf returns everything that is exported about export jobs.
func shownOf(s *jobSummary[exportExtra, exportNewest]) map[string]any {
	g := s.groups[0]
	return map[string]any{
		"counts": g.counts, "total": g.total, "newest": g.newest, "oldest": g.oldest, "success": g.success, "failure": g.failure,
		"newest failed": g.newestFailed, "oldest unfinished": g.oldestUnfinished, "recent": s.recent, "snapshots": s.snapshots,
	}
}

// TestSummaryEqualsFullListing checks that a summary built over many refreshes equals the summary of a full listing.
func TestSummaryEqualsFullListing(t *testing.T) {
	for name, compare := range listOrders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(6) {
				random := rand.New(rand.NewPCG(seed, 3))
				m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: compare}
				m.fill(random, random.IntN(700), true)
				client := m.client(t)
				r, s := m.exportsOf(t, client)
				for step := range 20 {
					for range random.IntN(3) * random.IntN(12) {
						m.mutate(random)
					}
					if random.IntN(8) == 0 {
						m.drop(random.IntN(5))
						r.history.relist = time.Time{} // dropped jobs are noticed when the list is read in full
					}
					if err := r.read(t.Context(), s); err != nil {
						t.Fatal(err)
					}
					full, _ := m.exportsOf(t, client)
					if err := full.read(t.Context(), s); err != nil {
						t.Fatal(err)
					}
					got, want := shownOf(r.summary.Load()), shownOf(full.summary.Load())
					for what := range want {
						if what == "recent" && name != "newest first" && name != "oldest first" {
							continue // jobs of the same second keep the order in which they were read
						}
						if !reflect.DeepEqual(got[what], want[what]) {
							t.Fatalf("seed %d, step %d: %s is %v, want %v", seed, step, what, got[what], want[what])
						}
					}
				}
			}
		})
	}
}

// TestFewJobsAreKept checks that only the jobs that the next refresh may read again are kept of a long list.
func TestFewJobsAreKept(t *testing.T) {
	for _, order := range []string{"newest first", "oldest first", "no order"} {
		for _, stuck := range []int{0, 30} {
			t.Run(fmt.Sprintf("%s, %d stuck", order, stuck), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(1, 4))
				m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: listOrders()[order]}
				for range 1200 {
					m.now = m.now.Add(time.Minute)
					m.add(random)
				}
				for i, j := range m.byAge() {
					if i != 1200-stuck {
						j.state, j.finished = "Successful", j.created.Add(time.Hour)
					}
				}
				r, s := m.exportsOf(t, m.client(t))
				want := headSize
				switch {
				case order == "no order":
					want = 0
				case stuck > 0:
					want = stuck - 1 + headSize
				}
				for range 3 {
					if err := r.read(t.Context(), s); err != nil {
						t.Fatal(err)
					}
					if got := len(r.history.jobs); got != want {
						t.Fatalf("%d of 1200 jobs are kept, want %d", got, want)
					}
					if got := r.only().total; got != 1200 {
						t.Fatalf("%d jobs are counted, want 1200", got)
					}
				}
			})
		}
	}
}
