package atlassim_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestSnapshotShape(t *testing.T) {
	_, org, _, cluster := small()
	taken := noon().Add(-time.Hour)
	done := cluster.AddSnapshot(atlassim.Snapshot{CreatedAt: taken, CopyRegions: []string{"US_EAST_1"}, PolicyItems: []string{"a", "b"}})
	queued := cluster.AddSnapshot(atlassim.Snapshot{Type: atlassim.SnapshotOnDemand, Description: `before "it"`})
	c := serve(t, org, atlassim.Options{})

	list := c.page(snapshots(cluster))
	if ids := list.ids(); !slices.Equal(ids, []string{queued.ID, done.ID}) || *list.TotalCount != 2 {
		t.Fatalf("the list is %v", ids)
	}
	item := list.Results[0]
	absent(t, item, "createdAt", "cloudProvider", "mongodVersion", "members")
	wantJSON(t, item, `{
		"status": "queued", "frequencyType": "ondemand", "snapshotType": "onDemand", "storageSizeBytes": 0,
		"description": "before \"it\""
	}`)
	item = list.Results[1]
	wantJSON(t, item, `{
		"status": "completed", "createdAt": "2026-11-20T11:00:00Z", "expiresAt": "2026-11-27T11:00:00Z", "type": "replicaSet",
		"cloudProvider": "AWS", "copyRegions": ["US_EAST_1"], "policyItems": ["a", "b"]
	}`)
	if number(item, "storageSizeBytes") < 1<<30 {
		t.Errorf("the completed snapshot is %v", item)
	}
	absent(t, item, "description", "finishedAt")
}

func TestSnapshotsOfShardedClusters(t *testing.T) {
	_, org, p, replicaSet := small()
	sharded := p.AddCluster("sharded", atlassim.ClusterOptions{Shards: 2})
	for i := range 150 {
		sharded.AddSnapshot(atlassim.Snapshot{CreatedAt: noon().Add(-time.Duration(i) * time.Hour)})
	}
	c := serve(t, org, atlassim.Options{})
	apart := snapshots(sharded) + "/shardedClusters"

	if got := c.all(snapshots(sharded)); len(got) != 150 || got[0]["type"] != "shardedCluster" || got[0]["members"] != nil {
		t.Errorf("the common list has %d snapshots, the first being %v", len(got), got[0])
	}
	got := c.page(apart)
	if len(got.Results) != 150 || got.link("next") != "" {
		t.Errorf("the sharded list has %d snapshots", len(got.Results))
	}
	first := got.Results[0]
	wantJSON(t, first, `{"members": [{}, {}], "configServerType": "EMBEDDED"}`)
	if len(elements(first, "snapshotIds")) != 2 {
		t.Errorf("the first snapshot is %v", first)
	}
	c.rejects(t, apart, "?pageNum=1", "?itemsPerPage=500", "?includeCount=false")
	c.fails(snapshots(replicaSet)+"/shardedClusters", http.StatusBadRequest, "INCORRECT_BACKUP_API_ENDPOINT")
	org.Do(func() { sharded.SnapshotsApart = true })
	c.fails(snapshots(sharded), http.StatusBadRequest, "INCORRECT_BACKUP_API_ENDPOINT")
	if got := c.page(apart); len(got.Results) != 150 {
		t.Errorf("the sharded list has %d snapshots", len(got.Results))
	}
}

// TestSnapshotLife follows a snapshot from its start to its end.
func TestSnapshotLife(t *testing.T) {
	clock, org, _, cluster := small()
	org.Do(func() {
		cluster.SetPolicy([]atlassim.PolicyItem{{Frequency: atlassim.Daily, Interval: 1, RetentionUnit: atlassim.Days, RetentionValue: 2}})
		cluster.TakeSnapshots(atlassim.SnapshotRoutine{Shortest: 2 * time.Minute, Longest: 2 * time.Minute})
	})
	c := serve(t, org, atlassim.Options{TokenLifetime: 1000 * time.Hour})
	next, err := time.Parse(time.RFC3339, text(c.object(schedule(cluster)), "nextSnapshot"))
	if err != nil || !next.After(clock.Now()) || next.Sub(clock.Now()) > day {
		t.Fatalf("the next snapshot is at %v, %v", next, err)
	}
	var expires string
	for _, step := range []struct {
		after     time.Duration
		status    string
		dated     bool
		kept      time.Duration // from the scheduled time to expiresAt
		nothing   bool
		hasVolume bool
	}{
		{after: -time.Second, nothing: true},
		{after: 0, status: "queued", kept: 2 * day},
		{after: 20 * time.Second, status: "inProgress", kept: 2 * day},
		{after: 100 * time.Second, status: "inProgress", dated: true, kept: 2 * day},
		{after: 2 * time.Minute, status: "completed", dated: true, kept: 2*day + 2*time.Minute, hasVolume: true},
		{after: day - time.Second, status: "completed", dated: true, kept: 2*day + 2*time.Minute, hasVolume: true},
	} {
		clock.Set(next.Add(step.after))
		list := c.page(snapshots(cluster)).Results
		if step.nothing {
			if len(list) != 0 {
				t.Errorf("after %v there are %v", step.after, list)
			}
			continue
		}
		if len(list) != 1 {
			t.Fatalf("after %v there are %d snapshots", step.after, len(list))
		}
		item := list[0]
		_, dated := item["createdAt"]
		if expires = text(item, "expiresAt"); item["status"] != step.status || dated != step.dated ||
			expires != next.Add(step.kept).Format(time.RFC3339) || step.hasVolume != (number(item, "storageSizeBytes") > 0) {
			t.Errorf("after %v the snapshot is %v", step.after, item)
		}
	}
	clock.Set(next.Add(2*day + 2*time.Minute))
	if list := c.page(snapshots(cluster)).Results; slices.ContainsFunc(list, func(item map[string]any) bool {
		return item["expiresAt"] == expires
	}) {
		t.Errorf("a snapshot outlived its retention: %v", list)
	}
}

func TestSnapshotPolicies(t *testing.T) {
	hourly := func(every int) atlassim.PolicyItem {
		return atlassim.PolicyItem{Frequency: atlassim.Hourly, Interval: every, RetentionUnit: atlassim.Days, RetentionValue: 2}
	}
	item := func(frequency string, interval int, unit string) atlassim.PolicyItem {
		return atlassim.PolicyItem{Frequency: frequency, Interval: interval, RetentionUnit: unit, RetentionValue: 2}
	}
	for _, test := range []struct {
		name  string
		items []atlassim.PolicyItem
		first []string // of the snapshots since 20 November 2026, a Friday, at noon
		label []string
	}{
		{
			"hourly",
			[]atlassim.PolicyItem{hourly(8)},
			[]string{"20T14", "20T22", "21T06", "21T14"},
			[]string{"hourly", "hourly", "hourly", "hourly"},
		},
		{
			"hourly and daily",
			[]atlassim.PolicyItem{hourly(12), item(atlassim.Daily, 1, atlassim.Weeks)},
			[]string{"20T18", "21T06", "21T18", "22T06"},
			[]string{"hourly", "daily", "hourly", "daily"},
		},
		{
			"the longest retention labels",
			[]atlassim.PolicyItem{
				item(atlassim.Weekly, 6, atlassim.Weeks), item(atlassim.Daily, 1, atlassim.Days),
			},
			[]string{"21T06", "22T06"},
			[]string{"weekly", "daily"},
		},
		{
			"Sunday, and the last day of the month",
			[]atlassim.PolicyItem{
				item(atlassim.Weekly, 7, atlassim.Weeks), item(atlassim.Monthly, 40, atlassim.Months),
			},
			[]string{"22T06", "29T06", "30T06", "06T06"},
			[]string{"weekly", "weekly", "monthly", "weekly"},
		},
		{"monthly", []atlassim.PolicyItem{item(atlassim.Monthly, 3, atlassim.Months)}, []string{"03T06"}, []string{"monthly"}},
		{"yearly", []atlassim.PolicyItem{item(atlassim.Yearly, 12, atlassim.Years)}, []string{"01T06"}, []string{"yearly"}},
		{"nothing", atlassim.NothingScheduled(), nil, nil},
		{"on demand alone", []atlassim.PolicyItem{item(atlassim.OnDemand, 0, atlassim.Days)}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := atlassim.NewManualClock(noon())
			org := atlassim.NewOrganization(clock)
			cluster := org.AddProject("p").AddCluster("c", atlassim.ClusterOptions{
				Schedule: atlassim.Schedule{Items: test.items, Reference: 6*time.Hour + 40*time.Minute},
			})
			cluster.TakeSnapshots(atlassim.SnapshotRoutine{Keep: 1000 * day})
			c := serve(t, org, atlassim.Options{TokenLifetime: 1000 * day})
			next := text(c.object(schedule(cluster)), "nextSnapshot")
			if (next == "") != (test.first == nil) || next != "" && (!strings.Contains(next, "-"+test.first[0]+":40:") || strings.HasSuffix(next, "00Z")) {
				t.Errorf("nextSnapshot is %q", next)
			}
			clock.Advance(20 * day)
			var first, label []string
			org.Do(func() {
				for _, s := range cluster.Snapshots() {
					first = append(first, s.RequestedAt.UTC().Format("02T15"))
					label = append(label, s.Frequency)
				}
			})
			n := min(len(test.first), len(first))
			if !slices.Equal(first[:n], test.first) || !slices.Equal(label[:n], test.label) || (n == 0) != (len(first) == 0) {
				t.Errorf("snapshots at %v, labelled %v", first, label)
			}
		})
	}
}

// TestSnapshotRules changes the cluster, and looks at the resulting snapshots.
func TestSnapshotRules(t *testing.T) {
	daily := []atlassim.PolicyItem{{Frequency: atlassim.Daily, Interval: 1, RetentionUnit: atlassim.Days, RetentionValue: 30}}
	for _, test := range []struct {
		name   string
		change func(cluster *atlassim.Cluster)
		want   int // snapshots after ten days, the change being after five
	}{
		{"unchanged", func(*atlassim.Cluster) {}, 10},
		{"paused", func(c *atlassim.Cluster) { c.Paused = true }, 5},
		{"nothing scheduled", func(c *atlassim.Cluster) { c.SetPolicy(atlassim.NothingScheduled()) }, 5},
		{"more often", func(c *atlassim.Cluster) {
			c.SetPolicy([]atlassim.PolicyItem{{Frequency: atlassim.Hourly, Interval: 6, RetentionUnit: atlassim.Days, RetentionValue: 30}})
		}, 25},
		{"backup switched off and on", func(c *atlassim.Cluster) { c.DisableBackup(); c.BackupEnabled = true }, 5},
		{"on demand", func(c *atlassim.Cluster) { c.TakeSnapshot("by hand", 9, atlassim.SnapshotOutcome{}) }, 11},
		{"on demand, kept for a day", func(c *atlassim.Cluster) { c.TakeSnapshot("by hand", 1, atlassim.SnapshotOutcome{}) }, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock, org, _, cluster := small()
			cluster.Schedule.Items = daily
			cluster.TakeSnapshots(atlassim.SnapshotRoutine{})
			clock.Advance(5 * day)
			org.Do(func() { test.change(cluster) })
			clock.Advance(5 * day)
			org.Do(func() {
				if got := len(cluster.Snapshots()); got != test.want {
					t.Errorf("%d snapshots, want %d", got, test.want)
				}
			})
		})
	}
}

func TestSnapshotOutcomes(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome atlassim.SnapshotOutcome
		want    []string // type and status of the snapshots of one scheduled time
	}{
		{"completes", atlassim.SnapshotOutcome{}, []string{"scheduled completed"}},
		{"fails", atlassim.SnapshotOutcome{Status: atlassim.SnapshotFailed}, []string{"scheduled failed"}},
		{"hangs", atlassim.SnapshotOutcome{Status: atlassim.SnapshotInProgress}, []string{"scheduled inProgress"}},
		{"waits", atlassim.SnapshotOutcome{Status: atlassim.SnapshotQueued}, []string{"scheduled queued"}},
		{"fallback", atlassim.SnapshotOutcome{Status: atlassim.SnapshotFailed, Fallback: true}, []string{"scheduled failed", "fallback completed"}},
		{"skipped", atlassim.SnapshotOutcome{Skip: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock, org, _, cluster := small()
			cluster.Schedule = atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily", Items: atlassim.DefaultPolicy()[1:2]}
			cluster.TakeSnapshots(atlassim.SnapshotRoutine{Outcome: func(time.Time) atlassim.SnapshotOutcome { return test.outcome }})
			cluster.ExportSnapshots(atlassim.AutoExport{})
			clock.Advance(day - time.Hour)
			var got []string
			org.Do(func() {
				for _, s := range cluster.Snapshots() {
					got = append(got, s.Type+" "+s.Status)
				}
				exported := len(cluster.Exports())
				if want := min(1, strings.Count(strings.Join(test.want, ","), "scheduled completed")); exported != want {
					t.Errorf("%d exports, want %d", exported, want)
				}
			})
			if !slices.Equal(got, test.want) {
				t.Errorf("there are %v, want %v", got, test.want)
			}
		})
	}
}

// TestAutoExport checks the exports of snapshots that the policy causes.
func TestAutoExport(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*atlassim.Cluster)
		want   int // of ten days with four snapshots each
	}{
		{"daily", func(c *atlassim.Cluster) { c.Schedule.ExportFrequency = "daily" }, 10},
		{"weekly", func(c *atlassim.Cluster) { c.Schedule.ExportFrequency = "weekly" }, 2},
		{"no policy", func(c *atlassim.Cluster) { c.Schedule.ExportFrequency = "" }, 0},
		{"auto export off", func(c *atlassim.Cluster) { c.Schedule.AutoExportEnabled = false }, 0},
		{"every second one skipped", func(c *atlassim.Cluster) {
			c.ExportSnapshots(atlassim.AutoExport{Skip: func(taken time.Time) bool { return taken.Day()%2 == 0 }})
		}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock, org, _, cluster := small()
			cluster.Schedule = atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"}
			cluster.TakeSnapshots(atlassim.SnapshotRoutine{})
			cluster.ExportSnapshots(atlassim.AutoExport{})
			test.change(cluster)
			clock.Advance(10*day - time.Hour)
			org.Do(func() {
				if got := len(cluster.Exports()); got != test.want {
					t.Errorf("%d exports, want %d", got, test.want)
				}
				for _, e := range cluster.Exports() {
					if !slices.ContainsFunc(cluster.Snapshots(), func(s *atlassim.Snapshot) bool { return s.ID == e.SnapshotID }) &&
						e.CreatedAt.After(clock.Now().Add(-6*day)) {
						t.Errorf("export %s is of no snapshot", e.ID)
					}
					if e.CreatedAt.After(clock.Now()) || e.FinishedAt.After(clock.Now()) {
						t.Errorf("export %s has a date in the future", e.ID)
					}
				}
			})
		})
	}
}

func TestScheduleInFull(t *testing.T) {
	_, org, p, cluster := small()
	bucket := p.AddExportBucket("second")
	cluster.Schedule = atlassim.Schedule{
		AutoExportEnabled: true, ExportFrequency: "monthly", ExportBucketID: bucket.ID, Reference: 23*time.Hour + 59*time.Minute,
		RestoreWindowDays: 3, CopyRegions: []string{"US_EAST_1"}, NextSnapshot: noon().Add(-5 * time.Hour),
	}
	c := serve(t, org, atlassim.Options{})
	wantJSON(t, c.object(schedule(cluster)), `{
		"export": {"exportBucketId": "`+bucket.ID+`", "frequencyType": "monthly"}, "restoreWindowDays": 3,
		"referenceHourOfDay": 23, "referenceMinuteOfHour": 59, "nextSnapshot": "2026-11-20T07:00:00Z",
		"copySettings": [{"regionName": "US_EAST_1"}],
		"policies": [{"policyItems": [
			{"frequencyType": "hourly", "frequencyInterval": 6}, {}, {}, {"frequencyInterval": 40}, {"retentionUnit": "years"}
		]}]
	}`)
	org.Do(func() { cluster.SetPolicy(atlassim.NothingScheduled()) })
	empty := c.object(schedule(cluster))
	wantJSON(t, empty, `{"policies": [{"policyItems": []}]}`)
	absent(t, empty, "nextSnapshot")
}

func TestExportBuckets(t *testing.T) {
	_, org, p, cluster := small()
	for range 30 {
		p.AddExportBucket("bucket")
	}
	c := serve(t, org, atlassim.Options{})
	path := group(p) + "/backup/exportBuckets"
	first, again := c.page(path).ids(), c.page(path).ids()
	if slices.Equal(first, again) {
		t.Error("the buckets come in the same order twice")
	}
	seen := map[string]bool{}
	for page := 1; page <= 4; page++ {
		for _, id := range c.page(path + "?itemsPerPage=10&pageNum=" + string(rune('0'+page))).ids() {
			seen[id] = true
		}
	}
	if len(seen) != 31 {
		t.Errorf("the pages of one reading show %d of 31 buckets", len(seen))
	}
	named := func() bool {
		return slices.Contains(c.page(path).ids(), clusterBucket(c, cluster))
	}
	org.Do(func() { cluster.Schedule.ExportFrequency = "daily" })
	if !named() {
		t.Error("the schedule names no bucket of the project")
	}
	org.Do(func() { p.RemoveExportBucket(p.ExportBuckets()[0]) })
	if named() {
		t.Error("the bucket is not gone")
	}
}

func clusterBucket(c *client, cluster *atlassim.Cluster) string {
	return text(child(c.object(schedule(cluster)), "export"), "exportBucketId")
}
