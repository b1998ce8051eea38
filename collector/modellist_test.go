package collector

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
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

// fill makes a list of n jobs. Either all but the last few have ended, or none.
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

// exportsOf returns a reader of the model's list, and the settings that it reads with.
func (m *modelList) exportsOf(t *testing.T, client *atlasapi.Client) (*exportReader, *settings) {
	t.Helper()
	target := &target{Declaration: exportJobs().declare(&Declaration{Parent: clusters()}), groupID: "32b6e34b3d91647abb20e7b8", entry: &entry{}}
	target.entry.state.Store(&entryState{Entry: Entry{Name: "cluster"}})
	s := &settings{config: config.Default(All().Config()), client: client}
	return target.attach(target).(*exportReader), s
}
