package atlassim_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// counted reads a list to its end with the exporter's own client.
func counted[T any](t *testing.T, name string, want int, list atlasapi.List[T]) {
	t.Helper()
	got := 0
	for _, err := range list.All(t.Context()) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		got++
	}
	if got != want {
		t.Errorf("%s: %d are read, %d are listed", name, got, want)
	}
}

// TestExporterClient reads the demo's backups as the exporter does: its client must understand every answer, and none of its
// requests may be refused.
func TestExporterClient(t *testing.T) {
	org := atlassim.Demo(atlassim.NewManualClock(noon()))
	server := serve(t, org, atlassim.Options{}).server
	base, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := atlasapi.New(atlasapi.Options{
		BaseURL: base, Credentials: atlasapi.NewServiceAccount(account().ClientID, atlasapi.Secret(account().ClientSecret)),
	})
	t.Cleanup(client.Close)
	for _, p := range org.Projects() {
		counted(t, "export buckets of "+p.Name, len(p.ExportBuckets()), client.ExportBuckets(p.ID))
		counted(t, "flex clusters of "+p.Name, len(p.FlexClusters()), client.FlexClusters(p.ID))
		for _, f := range p.FlexClusters() {
			counted(t, "snapshots of "+f.Name, len(f.Snapshots()), client.FlexSnapshots(p.ID, f.Name))
			counted(t, "restores of "+f.Name, len(f.Restores()), client.FlexRestores(p.ID, f.Name))
		}
		for _, c := range p.Clusters() {
			if !c.BackupEnabled {
				continue
			}
			counted(t, "snapshots of "+c.Name, len(c.Snapshots()), client.Snapshots(p.ID, c.Name))
			counted(t, "collection restores of "+c.Name, len(c.CollectionRestores()), client.CollectionRestores(p.ID, c.Name))
			schedule, err := client.Schedule(t.Context(), p.ID, c.Name)
			if err != nil || schedule.NextSnapshot.IsZero() != (len(schedule.PolicyItems) == 0) {
				t.Errorf("the schedule of %s is %+v, %v", c.Name, schedule, err)
			}
			if c.Shards > 0 {
				counted(t, "sharded snapshots of "+c.Name, len(c.Snapshots()), client.ShardedSnapshots(p.ID, c.Name))
			}
		}
	}
	for _, r := range server.Requests() {
		if r.Status != http.StatusOK {
			t.Errorf("%s %s?%s with %s is answered %d", r.Method, r.Path, r.Query, r.Accept, r.Status)
		}
	}
	sharded := org.Projects()[2].Clusters()[0]
	org.Do(func() { sharded.SnapshotsApart = true })
	var refused *atlasapi.Error
	if _, err := client.Snapshots(sharded.Project().ID, sharded.Name).Page(t.Context(), 1, 500); !errors.As(err, &refused) ||
		refused.Code != "INCORRECT_BACKUP_API_ENDPOINT" {
		t.Errorf("the common list answers %v", err)
	}
}
