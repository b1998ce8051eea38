package atlassim_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// shapeOf lists every member of a JSON value with its type, as "results[].id string".
func shapeOf(value any, path string, into map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			into[path+" object"] = true
		}
		for name, member := range value {
			shapeOf(member, strings.TrimPrefix(path+"."+name, "."), into)
		}
	case []any:
		if len(value) == 0 {
			into[path+"[] empty"] = true
		}
		for _, element := range value {
			shapeOf(element, path+"[]", into)
		}
	case string:
		into[path+" string"] = true
	case bool:
		into[path+" bool"] = true
	case float64:
		into[path+" number"] = true
	case nil:
		into[path+" null"] = true
	}
}

// recordedShapes are the shapes of answers of the real Atlas, without their values.
func recordedShapes(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "shapes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var shapes map[string][]string
	if err := json.Unmarshal(text, &shapes); err != nil {
		t.Fatal(err)
	}
	return shapes
}

// TestLikeRecorded compares the members of simulated answers, and their types, with those of recorded ones.
func TestLikeRecorded(t *testing.T) {
	clock, org, p, cluster := small()
	exported := cluster.AddExport(atlassim.Export{CreatedAt: noon().Add(-time.Hour), FinishedAt: noon()})
	cluster.AddRestore(atlassim.Restore{CreatedAt: noon().Add(-time.Hour), FinishedAt: noon()})
	other := p.AddCluster("other", atlassim.ClusterOptions{})
	exporting := other.AddExport(atlassim.Export{State: atlassim.ExportInProgress})
	queued := other.AddExport(atlassim.Export{})
	restoring := other.AddRestore(atlassim.Restore{})
	taken := cluster.TakeSnapshot("by hand", 3, atlassim.SnapshotOutcome{})
	clock.Advance(time.Hour)
	org.Do(func() { other.TakeSnapshot("by hand", 3, atlassim.SnapshotOutcome{}) })
	sharded := org.AddProject("analytics")
	sharded.AddCluster("sharded", atlassim.ClusterOptions{Shards: 2})
	c := serve(t, org, atlassim.Options{})

	whole := func(path string) any {
		_, body := c.get(path)
		var answer map[string]any
		decode(t, body, &answer)
		return answer
	}
	for _, test := range []struct {
		recorded string
		answer   any
		fewer    bool // the simulated one leaves members out
	}{
		{"exports list", whole(exports(cluster)), false},
		{"export", c.page(exports(cluster)).Results[0], false},
		{"export", whole(exports(cluster) + "/" + exported.ID), false},
		{"export in progress", whole(exports(other) + "/" + exporting.ID), false},
		{"export queued", whole(exports(other) + "/" + queued.ID), false},
		{"restores list", whole(restores(cluster)), false},
		{"restore running", whole(restores(other) + "/" + restoring.ID), false},
		{"schedule", whole(schedule(cluster)), false},
		{"snapshot on demand", c.page(snapshots(cluster)).Results[0], false},
		{"snapshot on demand queued", c.page(snapshots(other)).Results[0], false},
		{"cluster not found", whole("/groups/" + p.ID + "/clusters/none/backup/exports"), false},
		{"wrong family", whole("/groups/" + p.ID + "/flexClusters/" + cluster.Name + "/backup/snapshots"), false},
		{"sharded clusters", whole("/groups/" + sharded.ID + "/clusters"), true},
	} {
		t.Run(test.recorded, func(t *testing.T) {
			want := recordedShapes(t)[test.recorded]
			if len(want) == 0 {
				t.Fatal("there is no recorded shape")
			}
			got := map[string]bool{}
			shapeOf(test.answer, "", got)
			for member := range got {
				if !slices.Contains(want, member) {
					t.Errorf("no recorded answer has %s", member)
				}
			}
			for _, member := range want {
				if !got[member] && !test.fewer {
					t.Errorf("the answer lacks %s", member)
				}
			}
		})
	}
	if taken.Status != atlassim.SnapshotCompleted {
		t.Errorf("the snapshot is %s", taken.Status)
	}
	if response, _ := c.send(c.request(http.MethodGet, "/api/atlas/v2/groups", nil)); response.Header.Get("WWW-Authenticate") == "" {
		t.Error("no challenge")
	}
}
