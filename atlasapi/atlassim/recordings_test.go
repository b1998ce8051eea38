package atlassim_test

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// recording is the body of a recorded answer of the real Atlas. ATLAS_RECORDINGS names the folder where they are.
func recording(t *testing.T, name string) map[string]any {
	t.Helper()
	folder := os.Getenv("ATLAS_RECORDINGS")
	if folder == "" {
		t.Skip("ATLAS_RECORDINGS is not set")
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Skip(err)
	}
	_, body, _ := bytes.Cut(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	var answer map[string]any
	decode(t, body, &answer)
	return answer
}

func keys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

// TestLikeRecorded compares the members of simulated answers with those of recorded ones.
func TestLikeRecorded(t *testing.T) {
	_, org, p, cluster := small()
	created := noon().Add(-time.Hour)
	cluster.AddExport(atlassim.Export{CreatedAt: created, FinishedAt: noon()})
	cluster.AddRestore(atlassim.Restore{CreatedAt: created, FinishedAt: noon()})
	running := cluster.AddRestore(atlassim.Restore{CreatedAt: created})
	sharded := org.AddProject("analytics")
	sharded.AddCluster("sharded", atlassim.ClusterOptions{Shards: 2})
	c := serve(t, org, atlassim.Options{})

	for name, path := range map[string]string{
		"exports-list.http":  exports(cluster) + "?itemsPerPage=1",
		"restores-list.http": restores(cluster) + "?itemsPerPage=1",
	} {
		want, got := recording(t, name), c.object(path)
		if !slices.Equal(keys(want), keys(got)) {
			t.Errorf("%s has %v, not %v", path, keys(got), keys(want))
		}
		wantItem, gotItem := children(want, "results")[0], children(got, "results")[0]
		if path == restores(cluster)+"?itemsPerPage=1" {
			delete(wantItem, "finishedAt") // the newest one runs
		}
		if !slices.Equal(keys(wantItem), keys(gotItem)) {
			t.Errorf("items of %s have %v, not %v", path, keys(gotItem), keys(wantItem))
		}
	}
	if want, got := recording(t, "restore-running.http"), c.object(restores(cluster)+"/"+running.ID); !slices.Equal(keys(want), keys(got)) {
		t.Errorf("a running restore has %v, not %v", keys(got), keys(want))
	}
	if want, got := recording(t, "schedule.http"), c.object(schedule(cluster)); !slices.Equal(keys(want), keys(got)) {
		t.Errorf("a schedule has %v, not %v", keys(got), keys(want))
	}
	_, body := c.get("/groups/" + p.ID + "/clusters/none/backup/exports")
	var failure map[string]any
	decode(t, body, &failure)
	if want := recording(t, "error-cluster-not-found.http"); !slices.Equal(keys(want), keys(failure)) {
		t.Errorf("an error has %v, not %v", keys(failure), keys(want))
	}
	want := children(recording(t, "clusters-list-sharded-2024-08-05.http"), "results")[0]
	got := c.page("/groups/" + sharded.ID + "/clusters").Results[0]
	for _, key := range keys(got) {
		if _, ok := want[key]; !ok {
			t.Errorf("no recorded cluster has %s", key)
		}
	}
	if response, _ := c.send(c.request(http.MethodGet, "/api/atlas/v2/groups", nil)); response.Header.Get("WWW-Authenticate") == "" {
		t.Error("no challenge")
	}
}
