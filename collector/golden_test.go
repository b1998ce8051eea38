package collector_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// fixtures answers each call from the file named after it: the operation, and the cluster or the pipeline as it is escaped in
// the path.
func fixtures(t *testing.T) http.Handler {
	t.Helper()
	calls := []struct {
		path *regexp.Regexp
		name string
	}{
		{regexp.MustCompile(`^/groups$`), "list_projects"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters$`), "list_clusters"},
		{regexp.MustCompile(`^/groups/[^/]+/pipelines$`), "list_pipelines"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters/([^/]+)/backup/schedule$`), "get_backup_schedule"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters/([^/]+)/backup/exports$`), "list_backup_exports"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters/([^/]+)/backup/restoreJobs$`), "list_backup_restores"},
		{regexp.MustCompile(`^/groups/[^/]+/pipelines/([^/]+)/runs$`), "list_pipeline_runs"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters/([^/]+)/backup/snapshots$`), "list_backup_snapshots"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters/([^/]+)/backup/snapshots/shardedClusters$`), "list_sharded_backup_snapshots"},
		{regexp.MustCompile(`^/groups/[^/]+/clusters/([^/]+)/collectionRestoreJobs$`), "list_collection_restores"},
		{regexp.MustCompile(`^/groups/[^/]+/backup/exportBuckets$`), "list_export_buckets"},
		{regexp.MustCompile(`^/groups/[^/]+/flexClusters$`), "list_flex_clusters"},
		{regexp.MustCompile(`^/groups/[^/]+/flexClusters/([^/]+)/backup/snapshots$`), "list_flex_snapshots"},
		{regexp.MustCompile(`^/groups/[^/]+/flexClusters/([^/]+)/backup/restoreJobs$`), "list_flex_restores"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/atlas/v2")
		for _, call := range calls {
			match := call.path.FindStringSubmatch(path)
			if match == nil {
				continue
			}
			name := strings.Join(append([]string{call.name}, match[1:]...), "_") + ".json"
			if name == "list_backup_snapshots_sharded.json" { // Atlas lists the snapshots of some sharded clusters elsewhere
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"error":400,"errorCode":"INCORRECT_BACKUP_API_ENDPOINT","detail":"use another endpoint"}`))
				return
			}
			body, err := os.ReadFile(filepath.Join("testdata", "fixtures", name))
			if err != nil {
				t.Errorf("no fixture for %s: %v", path, err)
			}
			w.Header().Set("Content-Type", strings.Split(r.Header.Get("Accept"), ";")[0]+";charset=utf-8")
			_, _ = w.Write(body)
			return
		}
		t.Errorf("an unexpected call: %s %s", r.Method, path)
		http.NotFound(w, r)
	})
}

func newExporter(t *testing.T, handler http.Handler, c config.Config) *collector.Exporter {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	api := collector.NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry())
	client := atlasapi.New(atlasapi.Options{BaseURL: base, Credentials: atlasapi.NewAPIKey("key", "secret"), Observer: api})
	e := collector.New(log.NewNopLogger(), api, collector.All())
	e.Configure(c, client)
	t.Cleanup(func() {
		e.Close()
		client.Close()
	})
	return e
}

// gather returns the text exposition of a scrape.
func gather(ctx context.Context, t *testing.T, e *collector.Exporter, s collector.Selection) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(e.Refresh(ctx, s))
	var text bytes.Buffer
	for _, family := range families(t, registry) {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// clockReadings are the samples whose value is the time of the test.
var clockReadings = regexp.MustCompile(`(?m)^(mongodbatlas_(?:target_last_refresh_timestamp_seconds|scrape_collector_duration_seconds)\{.*\}) .*$`)

// TestGolden checks the whole output of each collector on difficult histories.
func TestGolden(t *testing.T) {
	for _, name := range append(collector.All().Configurable().Names(), collector.CollectorExporter) {
		t.Run(name, func(t *testing.T) {
			c := config.Default(collector.All().Config())
			weekly, err := config.NewPattern("new|off|sharded")
			if err != nil {
				t.Fatal(err)
			}
			c.Collectors.SetExpectedIntervals("backup_exports", config.ExpectedInterval{Clusters: weekly, Interval: 7 * 24 * time.Hour})
			e := newExporter(t, fixtures(t), c)
			if name == collector.CollectorExporter {
				gather(t.Context(), t, e, collector.Selection{}) // it reads nothing itself
			}
			got := clockReadings.ReplaceAllString(gather(t.Context(), t, e, collector.Selection{Collectors: []string{name}}), "$1 NOW")
			harness.Golden(t, filepath.Join("testdata", name+".prom"), got)
			if strings.Contains(got, "secret") {
				t.Error("the output contains a download URL or a message of Atlas")
			}
		})
	}
}
