package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// trimmedHistory is a history and the jobs that it does not keep: together they are everything that was read of a list.
type trimmedHistory struct {
	history[atlasapi.ExportJob, exportExtra]
	trimmed []job[exportExtra]
}

func (h *trimmedHistory) refresh(ctx context.Context, l lister[atlasapi.ExportJob, exportExtra]) error {
	whole, err := h.history.refresh(ctx, l)
	if err != nil {
		return err
	}
	if whole {
		h.trimmed = nil
	}
	h.trimmed = append(h.trimmed, h.trim(l.open)...)
	return nil
}

func (h *trimmedHistory) read(t testing.TB, l lister[atlasapi.ExportJob, exportExtra]) {
	t.Helper()
	if err := h.refresh(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func (h *trimmedHistory) all() []job[exportExtra] {
	return sortedJobs(slices.Concat(h.trimmed, h.jobs))
}

func sortedJobs(jobs []job[exportExtra]) []job[exportExtra] {
	return slices.SortedFunc(slices.Values(jobs), func(a, b job[exportExtra]) int { return a.compare(&b) })
}

// TestHistoryEqualsFullListing checks that after a refresh during which nothing changed, a history together with the jobs that
// it does not keep equals a full listing, whatever happened before, between and during the readings.
func TestHistoryEqualsFullListing(t *testing.T) {
	for name, compare := range listOrders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeds := uint64(8)
			if testing.Short() {
				seeds = 2
			}
			for seed := range seeds {
				random := rand.New(rand.NewPCG(seed, 1))
				m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: compare}
				m.fill(random, random.IntN(1200), seed%4 != 0)
				l := m.reader(t)
				var h trimmedHistory
				for step := range 25 {
					for range random.IntN(3) * random.IntN(15) {
						m.mutate(random)
					}
					if random.IntN(10) == 0 {
						m.drop(random.IntN(5))
						h.relist = time.Time{} // dropped jobs are noticed when the list is read in full
					}
					if random.IntN(3) == 0 {
						m.beforePage = func() {
							if random.IntN(2) == 0 {
								m.mutate(random)
							}
						}
						h.read(t, l)
						m.beforePage = nil
					}
					h.read(t, l)
					var full history[atlasapi.ExportJob, exportExtra]
					if err := full.readWhole(t.Context(), l); err != nil {
						t.Fatal(err)
					}
					if got, want := h.all(), sortedJobs(full.jobs); !slices.Equal(got, want) {
						t.Fatalf("seed %d, step %d: the history has %d jobs, a full listing %d, and they differ", seed, step, len(got), len(want))
					}
				}
			}
		})
	}
}

// TestDropWhileReading checks that a full read loses no job that Atlas still has if Atlas drops the oldest ones meanwhile,
// whether a new one appears at the same time or not.
func TestDropWhileReading(t *testing.T) {
	for name, compare := range listOrders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(12) {
				random := rand.New(rand.NewPCG(seed, 2))
				m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: compare}
				m.fill(random, 1300, true)
				l := m.reader(t)
				page, at := 0, 2+random.IntN(2)
				m.beforePage = func() {
					if page++; page != at {
						return
					}
					m.drop(1 + random.IntN(3))
					if seed%2 == 0 {
						m.add(random)
					}
				}
				var h trimmedHistory
				h.read(t, l)
				known := map[string]bool{}
				for _, j := range h.all() {
					known[j.id.String()] = true
				}
				for _, j := range m.jobs {
					// A new job may be on a page that was already read: the next refresh finds it.
					if j.id <= 1300 && !known[j.hex()] {
						t.Errorf("seed %d: job %d is lost", seed, j.id)
					}
				}
			}
		})
	}
}

// TestQuietRefreshReadsOneSmallPage checks the cost of a refresh if nothing changed, and if one job at the far end of the list
// is stuck.
func TestQuietRefreshReadsOneSmallPage(t *testing.T) {
	for _, order := range []string{"newest first", "oldest first"} {
		for _, stuck := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stuck %v", order, stuck), func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 1))
				m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: listOrders()[order]}
				for range 1700 {
					m.add(random)
				}
				for i, j := range m.jobs {
					if !stuck || i != 850 {
						j.state, j.finished = "Successful", j.created.Add(time.Minute)
					}
				}
				l := m.reader(t)
				var h trimmedHistory
				h.read(t, l)
				if got := len(m.requests); got != 4 {
					t.Errorf("the first refresh took %d requests, want 4 pages of %d", got, atlasapi.MaxPageSize)
				}
				m.requests = nil
				h.read(t, l)
				want := 1
				if stuck {
					want = 2
				}
				if got := len(m.requests); got != want {
					t.Errorf("a quiet refresh took %d requests, want %d", got, want)
				}
				for _, query := range m.requests {
					if got := query.Get("itemsPerPage"); got != strconv.Itoa(headSize) {
						t.Errorf("a quiet refresh asked for a page of %s, want %d", got, headSize)
					}
				}
				h.relist = l.now.Add(-time.Second)
				m.requests = nil
				h.read(t, l)
				if got := len(m.requests); got != 4 {
					t.Errorf("a refresh after the relist interval took %d requests, want 4", got)
				}
			})
		}
	}
}

// TestHistoryStaysOnError checks that a read that fails on a later page changes nothing.
func TestHistoryStaysOnError(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: listOrders()["no order"]}
	for range 1200 { // three pages: the end of the context is noticed at the third at the latest
		m.add(random)
	}
	l := m.reader(t)
	var h trimmedHistory
	h.read(t, l)
	before := h.all()
	m.add(random)
	ctx, cancel := context.WithCancel(t.Context())
	pages := 0
	m.beforePage = func() {
		if pages++; pages == 2 {
			cancel()
		}
	}
	err := h.refresh(ctx, l)
	if err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Fatalf("refresh returned %v, want the end of its context", err)
	}
	if !slices.Equal(h.all(), before) {
		t.Error("a reading that failed changed the history")
	}
}

// TestNewestJobs checks that the newest jobs are kept in order, whatever the order in which they arrive.
func TestNewestJobs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		for _, n := range []int{1, maxRecent - 1, maxRecent, maxRecent + 1, 3 * maxRecent} {
			var got recentJobs
			for _, created := range rand.New(rand.NewPCG(seed, 1)).Perm(n) {
				got.add(seconds(created+1), 0, OutcomeSucceeded)
			}
			var want recentJobs
			for created := max(0, n-maxRecent); created < n; created++ {
				want = append(want, recentJob{seconds(created + 1), 0, OutcomeSucceeded})
			}
			if !slices.Equal(got, want) {
				t.Errorf("of %d jobs these are kept: %v, want %v", n, got, want)
			}
		}
	}
}

// TestShorterRelistIntervalHoldsAtOnce checks that a reload that shortens relist_interval applies at once: jobs that Atlas
// dropped are noticed within the new interval.
func TestShorterRelistIntervalHoldsAtOnce(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: listOrders()["newest first"]}
	m.fill(random, 200, true)
	l := m.reader(t)
	var h trimmedHistory
	read := func() int {
		t.Helper()
		h.read(t, l)
		return len(h.all())
	}
	if n := read(); n != 200 {
		t.Fatalf("read %d jobs, want 200", n)
	}
	m.drop(50)
	if n := read(); n != 200 {
		t.Fatalf("%d jobs after a quiet refresh, want 200 still: the test does not test anything", n)
	}
	l.relistInterval = time.Minute
	read()
	l.now = l.now.Add(time.Minute)
	if n := read(); n != 150 {
		t.Errorf("%d jobs a minute after the interval became that, want 150", n)
	}
}
