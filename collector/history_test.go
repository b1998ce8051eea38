package collector

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// modelJob is an export job of the model: an Atlas list reduced to what a history depends on.
type modelJob struct {
	id                int
	created, finished time.Time
	state             string
	place             float64 // in a list without an order
}

func (j *modelJob) hex() string { return fmt.Sprintf("%08x%016x", j.created.Unix(), j.id) }

func (j *modelJob) MarshalJSON() ([]byte, error) {
	fields := map[string]any{
		"id":        j.hex(),
		"state":     j.state,
		"createdAt": j.created.Format(time.RFC3339),

		"snapshotId": fmt.Sprintf("%024x", 1+j.id/2), // some are exported twice
	}
	if !j.finished.IsZero() {
		fields["finishedAt"] = j.finished.Format(time.RFC3339)
	}
	return json.Marshal(fields)
}

// modelList is a list that a test changes between readings and during one.
type modelList struct {
	mu         sync.Mutex
	jobs       []*modelJob
	now        time.Time
	ids        int
	compare    func(a, b *modelJob) int
	beforePage func()
	requests   []url.Values
}

// The orders that a list may have; none is documented.
func listOrders() map[string]func(a, b *modelJob) int {
	byCreation := func(a, b *modelJob) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id)) }
	return map[string]func(a, b *modelJob) int{
		"newest first": func(a, b *modelJob) int { return byCreation(b, a) },
		"oldest first": byCreation,
		"newest first, the oldest of a second before": func(a, b *modelJob) int {
			return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.id, b.id))
		},
		"no order": func(a, b *modelJob) int { return cmp.Compare(a.place, b.place) },
		"last finished first": func(a, b *modelJob) int {
			end := func(j *modelJob) time.Time {
				if j.finished.IsZero() {
					return time.Unix(1<<40, 0)
				}
				return j.finished
			}
			return cmp.Or(end(b).Compare(end(a)), byCreation(b, a))
		},
		"by state, newest first": func(a, b *modelJob) int {
			return cmp.Or(cmp.Compare(a.state, b.state), byCreation(b, a))
		},
	}
}

func (m *modelList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beforePage != nil {
		m.beforePage()
	}
	query := r.URL.Query()
	m.requests = append(m.requests, query)
	number, _ := strconv.Atoi(query.Get("pageNum"))
	size, _ := strconv.Atoi(query.Get("itemsPerPage"))
	from := min((number-1)*size, len(m.jobs))
	to := min(from+size, len(m.jobs))
	page := map[string]any{"results": m.jobs[from:to], "links": []any{}}
	if to == from {
		page["results"] = []any{}
	}
	if to < len(m.jobs) {
		page["links"] = []any{map[string]string{"rel": "next", "href": "https://elsewhere.example/"}}
	}
	w.Header().Set("Content-Type", "application/vnd.atlas.2023-01-01+json;charset=utf-8")
	_ = json.NewEncoder(w).Encode(page)
}

func (m *modelList) add(random *rand.Rand) {
	m.ids++
	m.now = m.now.Add(time.Duration(random.IntN(3)) * time.Second) // two jobs of the same second are possible
	j := &modelJob{id: m.ids, created: m.now, state: "Queued", place: random.Float64()}
	at, _ := slices.BinarySearchFunc(m.jobs, j, m.compare)
	m.jobs = slices.Insert(m.jobs, at, j)
}

// fill makes a list of n jobs, of which either all but the last few or none have ended.
func (m *modelList) fill(random *rand.Rand, n int, ended bool) {
	for range n {
		m.add(random)
	}
	byAge := m.byAge()
	for _, j := range byAge[:max(0, len(byAge)-random.IntN(8))] {
		if ended {
			m.now = m.now.Add(time.Second)
			j.state, j.finished = "Successful", m.now
		}
	}
	m.sort()
}

// byAge returns the jobs, oldest first.
func (m *modelList) byAge() []*modelJob {
	return slices.SortedFunc(slices.Values(m.jobs), func(a, b *modelJob) int { return cmp.Compare(a.id, b.id) })
}

func (m *modelList) sort() { slices.SortStableFunc(m.jobs, m.compare) }

// move advances one unfinished job.
func (m *modelList) move(random *rand.Rand) {
	var unfinished []*modelJob
	for _, j := range m.jobs {
		if j.finished.IsZero() {
			unfinished = append(unfinished, j)
		}
	}
	if len(unfinished) == 0 {
		return
	}
	j := unfinished[random.IntN(len(unfinished))]
	m.now = m.now.Add(time.Second)
	if j.state == "Queued" {
		j.state = "InProgress"
	} else {
		j.state, j.finished = []string{"Successful", "Successful", "Failed", "Cancelled"}[random.IntN(4)], m.now
	}
	m.sort()
}

// drop removes the oldest jobs, as Atlas may.
func (m *modelList) drop(n int) {
	byAge := slices.SortedFunc(slices.Values(m.jobs), func(a, b *modelJob) int { return a.created.Compare(b.created) })
	n = min(n, len(byAge))
	m.jobs = slices.DeleteFunc(m.jobs, func(j *modelJob) bool { return slices.Contains(byAge[:n], j) })
}

func (m *modelList) mutate(random *rand.Rand) {
	if random.IntN(2) == 0 {
		m.add(random)
	} else {
		m.move(random)
	}
}

// client returns a real client of the list.
func (m *modelList) client(t testing.TB) *atlasapi.Client {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := atlasapi.New(atlasapi.Options{BaseURL: base, Credentials: atlasapi.NewAPIKey("key", "secret")})
	t.Cleanup(client.Close)
	return client
}

// reader returns what reads the list through the real client.
func (m *modelList) reader(t testing.TB) lister[atlasapi.ExportJob, exportExtra] {
	t.Helper()
	client := m.client(t)
	var codes interner
	kind := exportJobs()
	return lister[atlasapi.ExportJob, exportExtra]{
		list:           client.ExportJobs("32b6e34b3d91647abb20e7b8", "cluster"),
		keep:           func(j *atlasapi.ExportJob) job[exportExtra] { return kind.keep(j, &codes) },
		open:           func(j *job[exportExtra]) bool { return kind.open(j, 0) },
		relistInterval: time.Hour,
		now:            time.Now(),
	}
}

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
