package collector

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestRefreshReadsFewPages checks which pages a refresh reads for each kind of change: a small page if the list changed, and
// the whole list only if the change cannot be found otherwise. Afterwards the history equals a full listing.
func TestRefreshReadsFewPages(t *testing.T) {
	t.Parallel()
	small := func(from, to int) (pages []string) {
		for number := from; number <= to; number++ {
			pages = append(pages, fmt.Sprintf("%d of %d", number, headSize))
		}
		return pages
	}
	whole := func(jobs int) (pages []string) {
		for number := range (jobs + atlasapi.MaxPageSize - 1) / atlasapi.MaxPageSize {
			pages = append(pages, fmt.Sprintf("%d of %d", number+1, atlasapi.MaxPageSize))
		}
		return pages
	}
	const known = 3*headSize + 10 // four pages
	add := func(n int) func(*modelList) {
		return func(m *modelList) {
			for range n {
				m.now = m.now.Add(time.Minute)
				m.add(rand.New(rand.NewPCG(1, 1)))
			}
		}
	}
	// finish ends the job at a position, which was open before.
	finish := func(m *modelList, at int) { m.jobs[at].state, m.jobs[at].finished = "Failed", m.now }
	for _, test := range []struct {
		name, order string
		known       int
		open        int // position of the only job that may change, -1 for none
		change      func(*modelList)
		want        []string
	}{
		{"nothing", "newest first", known, -1, func(*modelList) {}, small(1, 1)},
		{"a new job", "newest first", known, -1, add(1), small(1, 1)},
		{"a page of new jobs", "newest first", known, -1, add(headSize), small(1, 2)},
		{"as many as are looked for", "newest first", known, -1, add(headPages*headSize - 1), small(1, headPages)},
		{"more than are looked for", "newest first", known, -1, add(headPages * headSize), append(small(1, headPages), whole(known+headPages*headSize)...)},
		{"the last job changes", "newest first", known, known - 1, func(m *modelList) { finish(m, known-1) }, []string{small(1, 1)[0], small(4, 4)[0]}},
		{"a job changes that moved to the next page", "newest first", known, headSize - 5, func(m *modelList) {
			finish(m, headSize-5)
			add(10)(m)
		}, small(1, 2)},
		{"a new job of the same second", "newest first", known, -1, func(m *modelList) {
			m.ids++
			m.jobs = slices.Insert(m.jobs, 0, &modelJob{id: m.ids, created: m.jobs[0].created, state: "Queued"})
		}, small(1, 1)},
		{"a new job out of order", "newest first", known, -1, func(m *modelList) {
			m.ids++
			m.jobs = slices.Insert(m.jobs, 0, &modelJob{id: m.ids, created: m.jobs[5].created, state: "Queued"})
		}, append(small(1, 1), whole(known+1)...)},
		{"new jobs out of order among themselves", "newest first", known, -1, func(m *modelList) {
			add(2)(m)
			m.jobs[0], m.jobs[1] = m.jobs[1], m.jobs[0]
		}, append(small(1, 1), whole(known+2)...)},
		{"the newest job is gone", "newest first", known, -1, func(m *modelList) { m.jobs = m.jobs[1:] }, append(small(1, 4), whole(known-1)...)},
		{"a job that was read is gone", "newest first", known, -1, func(m *modelList) { m.jobs = slices.Delete(m.jobs, 5, 6) }, append(small(1, 1), whole(known-1)...)},
		{"a small list", "newest first", headSize, -1, add(1), whole(headSize + 1)},
		{"a list a little longer", "newest first", headSize + 1, -1, add(1), small(1, 1)},

		{"nothing", "oldest first", known, -1, func(*modelList) {}, small(4, 4)},
		{"a new job", "oldest first", known, -1, add(1), small(4, 4)},
		{"a new job on a new page", "oldest first", 3 * headSize, -1, add(1), small(3, 4)},
		{"a page of new jobs", "oldest first", known, -1, add(headSize), small(4, 5)},
		{"as many as are looked for", "oldest first", 3 * headSize, -1, add((headPages - 1) * headSize), small(3, headPages+2)},
		{"more than are looked for", "oldest first", 3 * headSize, -1, add((headPages-1)*headSize + 1), append(small(3, headPages+2), whole((headPages+2)*headSize+1)...)},
		{"the first job changes", "oldest first", known, 0, func(m *modelList) { finish(m, 0) }, []string{small(4, 4)[0], small(1, 1)[0]}},
		{"a new job of the same second", "oldest first", known, -1, func(m *modelList) {
			m.ids++
			m.jobs = append(m.jobs, &modelJob{id: m.ids, created: m.jobs[known-1].created, state: "Queued"})
		}, small(4, 4)},
		{"a new job out of order", "oldest first", known, -1, func(m *modelList) {
			m.ids++
			m.jobs = append(m.jobs, &modelJob{id: m.ids, created: m.jobs[known-5].created, state: "Queued"})
		}, append(small(4, 4), whole(known+1)...)},
		{"the newest job is gone", "oldest first", known, -1, func(m *modelList) { m.jobs = m.jobs[:known-1] }, append(small(4, 4), whole(known-1)...)},
	} {
		t.Run(test.order+", "+test.name, func(t *testing.T) {
			t.Parallel()
			m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: listOrders()[test.order]}
			add(test.known)(m)
			for i, j := range m.jobs {
				if i != test.open {
					j.state, j.finished = "Successful", j.created.Add(time.Second)
				}
			}
			l := m.reader(t)
			var h trimmedHistory
			h.read(t, l)
			m.requests = nil
			test.change(m)
			h.read(t, l)
			if got := pagesOf(m.requests); !slices.Equal(got, test.want) {
				t.Errorf("the refresh read the pages %q, want %q", got, test.want)
			}
			var full history[atlasapi.ExportJob, exportExtra]
			if err := full.readWhole(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if got, want := h.all(), sortedJobs(full.jobs); !slices.Equal(got, want) {
				t.Errorf("the history has %d jobs, a full listing %d, and they differ", len(got), len(want))
			}
		})
	}
}

func pagesOf(requests []url.Values) (pages []string) {
	for _, query := range requests {
		pages = append(pages, query.Get("pageNum")+" of "+query.Get("itemsPerPage"))
	}
	return pages
}

// TestRelistIsSpread checks that a list is read in full again within its interval, and not before half of it.
func TestRelistIsSpread(t *testing.T) {
	t.Parallel()
	l := lister[atlasapi.ExportJob, exportExtra]{relistInterval: time.Hour, now: time.Now()}
	first := l.nextRelist()
	spread := false
	for range 100 {
		at := l.nextRelist()
		spread = spread || !at.Equal(first)
		if wait := at.Sub(l.now); wait < time.Hour/2 || wait > time.Hour {
			t.Errorf("the next full read is due in %s", wait)
		}
	}
	if !spread {
		t.Error("every list is due at the same time")
	}
}

// TestQuietProjectCost counts the requests for a quiet project of the largest size that Atlas allows, scraped every 30 seconds
// with the defaults: Atlas grants 500 a minute to all clients of the project together.
func TestQuietProjectCost(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	project := org.AddProject("quiet")
	for range 25 {
		c := project.AddCluster("cluster-"+string(rune('a'+len(project.Clusters()))), atlassim.ClusterOptions{})
		c.AddExport(atlassim.Export{})
	}
	account := atlassim.NewServiceAccount()
	server := harness.StartAtlas(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{account}, NoRateLimits: true})
	base, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := atlasapi.New(atlasapi.Options{
		BaseURL: base, Credentials: atlasapi.NewServiceAccount(account.ClientID, atlasapi.Secret(account.ClientSecret)),
	})
	t.Cleanup(client.Close)
	table := All()
	e := New(log.NewNopLogger(), NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry()), table)
	t.Cleanup(e.Close)
	e.Configure(config.Default(table.Config()), client)

	const scrapes, interval, most = 40, 30 * time.Second, 130
	e.Refresh(t.Context(), Selection{})
	before := len(server.Requests())
	for range scrapes {
		for _, t := range e.inventory.all() { // the interval passes
			t.mu.Lock()
			t.status.attempted = t.status.attempted.Add(-interval)
			t.mu.Unlock()
		}
		e.Refresh(t.Context(), Selection{})
	}
	minutes := (scrapes * interval).Minutes()
	perMinute := float64(len(server.Requests())-before) / minutes
	if perMinute > most || perMinute < 100 {
		t.Errorf("%.1f requests a minute, want at most %d, and at least those for exports and restores", perMinute, most)
	}
	t.Logf("%.1f requests a minute", perMinute)
}
