package atlassim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestLarge(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Large(clock, atlassim.LargeOptions{
		Projects: 3, ClustersPerProject: 4, PipelinesPerProject: 2, ExportsPerCluster: 365, RestoresPerCluster: 10,
		RunsPerPipeline: 30, Order: atlassim.OldestFirst,
	})
	r := serve(t, org, atlassim.Options{}).readAll()
	ids := map[any]bool{}
	for _, p := range org.Projects() {
		if len(p.Clusters()) != 4 {
			t.Errorf("%d clusters", len(p.Clusters()))
		}
	}
	for name, list := range r.exports { // by name: the last read of each project wins
		if len(list) != 365 || len(r.restores[name]) != 10 {
			t.Errorf("%s has %d exports and %d restores", name, len(list), len(r.restores[name]))
		}
		for _, job := range list {
			ids[job["id"]] = true
			if age(t, job, "finishedAt", noon()) < 0 {
				t.Errorf("a job has a date in the future: %v", job)
			}
		}
	}
	if len(ids) != 4*365 {
		t.Errorf("%d ids of %d jobs", len(ids), 4*365)
	}
	states := map[any]int{}
	for _, run := range r.runs["pipeline-00"] {
		states[run["state"]]++
	}
	if states["DONE"] == 0 || states["DATASET_DELETED"] == 0 || states["DONE"]+states["DATASET_DELETED"] != 30 {
		t.Errorf("runs are %v", states)
	}
}

func TestCachedPages(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Large(clock, atlassim.LargeOptions{Projects: 1, ClustersPerProject: 2, ExportsPerCluster: 30})
	c := serve(t, org, atlassim.Options{CachePages: true})
	cluster := org.Projects()[0].Clusters()[0]
	path := "/" // the other cluster's list must not share its storage
	for _, path = range []string{exports(cluster), exports(org.Projects()[0].Clusters()[1])} {
		for _, query := range []string{"?itemsPerPage=10", "?itemsPerPage=10&pageNum=2", "?itemsPerPage=7"} {
			_, made := c.get(path + query)
			if _, kept := c.get(path + query); string(kept) != string(made) {
				t.Errorf("%s%s differs the second time", path, query)
			}
		}
	}
	if first, other := c.page(exports(cluster)), c.page(path); first.ids()[0] == other.ids()[0] {
		t.Error("two clusters list the same job")
	}
	var added string
	org.Do(func() { added = cluster.AddExport(atlassim.Export{}).ID })
	if got := c.page(exports(cluster)).ids(); got[0] != added || len(got) != 31 {
		t.Errorf("the new job is not listed: %v", got)
	}
	if all := c.all(exports(cluster)); len(all) != 31 {
		t.Errorf("%d jobs", len(all))
	}
}

// BenchmarkPage renders a page of 500 generated export jobs, without a network.
func BenchmarkPage(b *testing.B) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Large(clock, atlassim.LargeOptions{Projects: 1, ClustersPerProject: 1, ExportsPerCluster: 1000})
	server := atlassim.NewServer(org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{account()}, NoRateLimits: true,
	})
	mint := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/api/oauth/token", strings.NewReader(grant().Encode()))
	mint.SetBasicAuth(account().ClientID, account().ClientSecret)
	mint.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	minted := httptest.NewRecorder()
	server.ServeHTTP(minted, mint)
	_, rest, _ := strings.Cut(minted.Body.String(), `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)

	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet,
		"/api/atlas/v2"+exports(org.Projects()[0].Clusters()[0])+"?itemsPerPage=500", nil)
	request.Header.Set("Accept", newest)
	request.Header.Set("Authorization", "Bearer "+token)
	b.ReportAllocs()
	for b.Loop() {
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Code)
		}
		b.SetBytes(int64(answer.Body.Len()))
	}
}

// BenchmarkLarge builds the largest organization that Atlas documents, with 2.3 million jobs.
func BenchmarkLarge(b *testing.B) {
	clock := atlassim.NewManualClock(noon())
	b.ReportAllocs()
	for b.Loop() {
		atlassim.Large(clock, atlassim.LargeOptions{Projects: 250, ClustersPerProject: 25, ExportsPerCluster: 365})
	}
}
