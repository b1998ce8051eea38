package atlassim_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestFleet(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Fleet(clock, atlassim.FleetOptions{})
	names := regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]{19,63}$`)
	clusters, flex, projects := map[string]bool{}, 0, map[string]bool{}
	counts := map[string]int{}
	look := func() {
		now := clock.Now()
		for _, p := range org.Projects() {
			projects[p.Name] = true
			flex += len(p.FlexClusters())
			for _, c := range p.Clusters() {
				if clusters[c.Name] = true; !names.MatchString(c.Name) {
					t.Errorf("%s is not a realistic name", c.Name)
				}
				situations(c, now, counts)
				for _, s := range c.Snapshots() {
					if s.RequestedAt.After(now) || s.CreatedAt.After(now) || s.Status == atlassim.SnapshotCompleted && s.ExpiresAt.Before(now) {
						t.Errorf("%v: a snapshot of %s is of %v and ends at %v", now, c.Name, s.CreatedAt, s.ExpiresAt)
					}
				}
				for _, e := range c.Exports() {
					if e.CreatedAt.After(now) || e.FinishedAt.After(now) {
						t.Errorf("an export of %s has a date in the future", c.Name)
					}
				}
			}
		}
	}
	org.Do(look)
	if len(projects) != 40 || len(clusters) != 400 || flex != 16 {
		t.Errorf("%d projects, %d clusters, %d flex clusters", len(projects), len(clusters), flex)
	}
	if healthy := counts["healthy"]; healthy < 200 || healthy > 320 {
		t.Errorf("%d of 400 clusters are healthy", healthy)
	}
	for _, situation := range []string{
		"export failed", "export stuck", "no export", "snapshot failed", "fallback", "snapshot hangs", "nothing scheduled", "paused",
		"backup off", "free tier", "new", "restore failed", "restore stuck", "collection restore failed", "sharded", "auto export off",
	} {
		if counts[situation] == 0 {
			t.Errorf("there is no cluster for: %s, but %v", situation, counts)
		}
	}
	clock.Advance(7 * time.Hour)
	before := counts["healthy"]
	clear(counts)
	org.Do(look)
	if after := counts["healthy"]; after < before-20 || after > before+20 {
		t.Errorf("%d clusters were healthy, %d are seven hours later", before, after)
	}
}

// situations counts the situations of a cluster.
func situations(c *atlassim.Cluster, now time.Time, counts map[string]int) {
	exports, snapshots := c.Exports(), c.Snapshots()
	found := 0
	count := func(situation string, is bool) {
		if is {
			found++
			counts[situation]++
		}
	}
	if c.Shards > 0 {
		counts["sharded"]++
	}
	count("paused", c.Paused)
	count("free tier", c.Provider == "TENANT")
	count("backup off", !c.BackupEnabled && c.Provider != "TENANT")
	count("new", now.Sub(c.Created) < day)
	count("nothing scheduled", c.Schedule.Items != nil && len(c.Schedule.Items) == 0)
	count("auto export off", !c.Schedule.AutoExportEnabled && c.Schedule.ExportFrequency != "")
	count("no export", c.Schedule.AutoExportEnabled && len(exports) == 0)
	if len(exports) > 0 {
		newest := exports[len(exports)-1]
		count("export failed", newest.State == atlassim.ExportFailed)
		count("export stuck", newest.State == atlassim.ExportInProgress && now.Sub(newest.CreatedAt) > time.Hour)
		count("exports stopped", c.Schedule.ExportFrequency == "daily" && now.Sub(newest.CreatedAt) > 2*day && !c.Paused)
	}
	if len(snapshots) > 0 {
		newest := snapshots[len(snapshots)-1]
		count("snapshot failed", newest.Status == atlassim.SnapshotFailed)
		count("fallback", newest.Type == atlassim.SnapshotFallback)
		count("snapshot hangs", newest.Status == atlassim.SnapshotInProgress && now.Sub(newest.RequestedAt) > time.Hour)
		count("snapshots stopped", now.Sub(newest.RequestedAt) > 7*time.Hour)
	}
	for _, r := range c.Restores() {
		count("restore failed", r.Failed)
		count("restore stuck", r.FinishedAt.IsZero() && now.Sub(r.CreatedAt) > time.Hour)
	}
	for _, r := range c.CollectionRestores() {
		count("collection restore failed", r.State == atlassim.CollectionFailed)
	}
	if found == 0 {
		counts["healthy"]++
	}
}

func TestFleetIsTheSameEveryTime(t *testing.T) {
	read := func(seed uint64) string {
		org := atlassim.Fleet(atlassim.NewManualClock(noon()), atlassim.FleetOptions{Projects: 3, ClustersPerProject: 4, Seed: seed})
		text := ""
		for _, p := range org.Projects() {
			for _, c := range p.Clusters() {
				text += c.ID + " "
				for _, s := range c.Snapshots() {
					text += s.ID + s.Status
				}
			}
		}
		return text
	}
	first, again := read(7), read(7)
	if first != again {
		t.Error("two fleets of a seed differ")
	}
	if first == read(8) {
		t.Error("two seeds make the same fleet")
	}
}

func TestLargeBackups(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Large(clock, atlassim.LargeOptions{
		Projects: 1, ClustersPerProject: 3, ExportsPerCluster: 30, SnapshotsPerCluster: 192, CollectionRestoresPerCluster: 3,
		FlexClustersPerProject: 2,
	})
	c := serve(t, org, atlassim.Options{CachePages: true})
	r := c.readAll()
	if len(r.snapshots) != 3 || r.collectionRestores["SUCCESSFUL"] != 9 || len(r.flexSnapshots["flex-01"]) != 8 {
		t.Errorf("%d clusters, %v collection restores, %d flex snapshots", len(r.snapshots), r.collectionRestores, len(r.flexSnapshots["flex-01"]))
	}
	for name, ch := range r.chains() {
		if len(ch.snapshots) != 192 || ch.missing() != 0 {
			t.Errorf("%s has %d snapshots, and an export missing since %d", name, len(ch.snapshots), ch.missing())
		}
		if got := age(t, ch.snapshots[0], "createdAt", noon()); got < 0 || got > time.Hour {
			t.Errorf("the newest snapshot of %s is %v old", name, got)
		}
	}
}
