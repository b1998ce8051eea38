package atlasapi_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// generate adds this many export jobs to the world's cluster.
func (w *world) generate(n int) {
	w.cluster.GenerateExports(n, func(n int) atlassim.Export {
		return atlassim.Export{CreatedAt: noon().Add(time.Duration(n-100000) * time.Minute)}
	})
}

func (w *world) exportIDs() ([]string, error) {
	jobs, err := collect(w.client.ExportJobs(w.project.ID, clusterName).All(w.t.Context()))
	ids := make([]string, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID.String()
	}
	return ids, err
}

func distinct(ids []string) int {
	return len(slices.Compact(slices.Sorted(slices.Values(ids))))
}

func TestPages(t *testing.T) {
	t.Parallel()
	for n, requests := range map[int]int{0: 1, 1: 1, 499: 1, 500: 1, 501: 2, 1000: 2, 1500: 3, 1777: 4} {
		t.Run(fmt.Sprintf("%d jobs", n), func(t *testing.T) {
			w := newWorld(t)
			w.generate(n)
			ids, err := w.exportIDs()
			if err != nil || len(ids) != n || distinct(ids) != n {
				t.Errorf("of %d jobs, %d were read, %d of them distinct (%v)", n, len(ids), distinct(ids), err)
			}
			w.wantRequests(t, atlassim.OpListBackupExports, requests)
		})
	}
}

// TestPage reads single pages.
func TestPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.generate(25)
	list := w.client.ExportJobs(w.project.ID, clusterName)
	for number, want := range map[int]struct {
		items int
		more  bool
	}{1: {10, true}, 2: {10, true}, 3: {5, false}, 4: {0, false}} {
		page, err := list.Page(t.Context(), number, 10)
		if err != nil || page.Number != number || len(page.Items) != want.items || page.More != want.more {
			t.Errorf("page %d is number %d with %d items, more: %t (%v), want %+v",
				number, page.Number, len(page.Items), page.More, err, want)
		}
	}
	for _, r := range w.server.Requests() {
		if r.Operation == atlassim.OpListBackupExports && !strings.HasPrefix(r.Query, "includeCount=false&itemsPerPage=10&pageNum=") {
			t.Errorf("the query is %q", r.Query)
		}
	}
}

// TestStopReading checks that no further page is requested when the caller stops reading a list.
func TestStopReading(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.generate(1700)
	seen := 0
	for _, err := range w.client.ExportJobs(w.project.ID, clusterName).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 600 {
			break
		}
	}
	w.wantRequests(t, atlassim.OpListBackupExports, 2)
	list := w.client.ExportJobs(w.project.ID, clusterName).Pages(t.Context())
	for range 2 { // a list can be read again
		for page, err := range list {
			if err != nil || page.Number != 1 || len(page.Items) != atlasapi.MaxPageSize {
				t.Errorf("the first page is number %d with %d items (%v)", page.Number, len(page.Items), err)
			}
			break
		}
	}
	w.wantRequests(t, atlassim.OpListBackupExports, 4)
}

// TestShortPage checks that a list continues after a first page with fewer items than fit.
func TestShortPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.sim.ShortPages = map[string]int{atlassim.OpListBackupExports: 2} })
	w.generate(503)
	ids, err := w.exportIDs()
	if err != nil || distinct(ids) != 503 {
		t.Errorf("%d distinct jobs, want 503 (%v)", distinct(ids), err)
	}
}

// TestGrowingList adds a job before each page, so that the list shifts while it is read.
func TestGrowingList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.generate(1400)
	w.server.SetBeforePage(func(operation string, page int) {
		if operation == atlassim.OpListBackupExports && page > 1 {
			w.org.Do(func() {
				for range 3 {
					w.cluster.AddExport(atlassim.Export{})
				}
			})
		}
	})
	ids, err := w.exportIDs()
	if err != nil || len(ids) != 1400 || distinct(ids) != 1400 {
		t.Errorf("%d jobs, %d of them distinct, want the 1400 that were there at first (%v)", len(ids), distinct(ids), err)
	}
}

// TestDoubleOnOnePage checks the same id twice on a page.
func TestDoubleOnOnePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListBackupExports, `{"results":[{"id":"`+jobID+`","state":"Queued"},{"id":"`+jobID+`"}]}`)
	if ids, err := w.exportIDs(); err != nil || len(ids) != 1 {
		t.Errorf("%v (%v)", ids, err)
	}
}

// elsewhere is the URL of a server that must not get any request.
func elsewhere(t *testing.T) string {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s with the authorization %q went to another host", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	return other.URL
}

// TestLinksAreNotFollowed checks that next links to another host are not followed.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	withEachScheme(t, func(w *world) {
		t := w.t
		w.generate(1200)
		if ids, err := w.exportIDs(); err != nil || len(ids) != 1200 {
			t.Errorf("%d jobs (%v)", len(ids), err)
		}
	}, func(s *setup) { s.sim.CentralURL = elsewhere(t) })
}

const (
	nextLink  = `"links":[{"href":"https://` + marker + `","rel":"self"},{"href":"https://` + marker + `","rel":"next"}]`
	firstPage = `{"results":[{"id":"` + jobID + `"}],` + nextLink + `}`
)

// pages serves the first page of the export jobs, and another body for each later one.
func (w *world) pages(later string) {
	w.server.Inject(atlassim.Fault{
		Operation: atlassim.OpListBackupExports, Authenticated: true,
		Handler: func(out http.ResponseWriter, r *http.Request) {
			body := later
			if r.URL.Query().Get("pageNum") == "1" {
				body = firstPage
			}
			_, _ = io.WriteString(out, body)
		},
	})
}

// TestRepeatedPage answers each page with the first one, like a proxy that drops the query.
func TestRepeatedPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pages(firstPage)
	_, err := w.exportIDs()
	wantFailure(t, err, atlassim.OpListBackupExports, atlasapi.KindBadResponse)
	w.wantRequests(t, atlassim.OpListBackupExports, 2)
}

// TestRepeatedLastPage checks that the last page may contain nothing new, which happens when a list shifts.
func TestRepeatedLastPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pages(`{"results":[{"id":"` + jobID + `"}]}`)
	if ids, err := w.exportIDs(); err != nil || len(ids) != 1 {
		t.Errorf("%v (%v)", ids, err)
	}
}

// TestBadLaterPage checks that a list ends with the error if its second page fails.
func TestBadLaterPage(t *testing.T) {
	t.Parallel()
	for _, second := range []string{`{"results":null}`, `{}`, `{"results":[],` + nextLink + `}`, "", `{"results":[{"id":"` + marker + `"}]}`} {
		t.Run(cmp.Or(second, "no body"), func(t *testing.T) {
			w := newWorld(t)
			w.pages(second)
			ids, err := w.exportIDs()
			wantFailure(t, err, atlassim.OpListBackupExports, atlasapi.KindBadResponse)
			if len(ids) != 1 {
				t.Errorf("%v is returned before it", ids)
			}
		})
	}
}

// TestShiftedList checks that an item that was dropped before the pages is noticed in a list whose oldest items come first.
func TestShiftedList(t *testing.T) {
	t.Parallel()
	for _, order := range []atlassim.Order{atlassim.OldestFirst, atlassim.NewestFirst} {
		for _, dropped := range []int{-1, 0, 499, 500} {
			t.Run(fmt.Sprintf("order %d without job %d", order, dropped), func(t *testing.T) {
				w := newWorld(t)
				w.org.Do(func() {
					for n := range 1300 {
						w.cluster.AddExport(atlassim.Export{CreatedAt: noon().Add(time.Duration(n-1300) * time.Minute)})
					}
				})
				w.cluster.OrderExports(order)
				oldestFirst := slices.SortedFunc(slices.Values(w.cluster.Exports()), func(a, b *atlassim.Export) int {
					return a.CreatedAt.Compare(b.CreatedAt)
				})
				var shifted []int
				read := 0
				for page, err := range w.client.ExportJobs(w.project.ID, clusterName).Pages(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					read += len(page.Items)
					if page.Shifted {
						shifted = append(shifted, page.Number)
					}
					if page.Number == 1 && dropped >= 0 {
						w.org.Do(func() { w.cluster.RemoveExport(oldestFirst[dropped]) })
					}
				}
				var want []int
				if order == atlassim.OldestFirst && dropped >= 0 && dropped < 500 {
					want = []int{2}
				}
				if !slices.Equal(shifted, want) {
					t.Errorf("%v, %d dropped: pages %v are shifted, want %v", order, dropped, shifted, want)
				}
				if dropped < 0 && read != 1300 {
					t.Errorf("%d of 1300 items were read", read)
				}
			})
		}
	}
}
