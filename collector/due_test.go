package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestExportDue checks when the export jobs of a cluster are due: once the interval of its export policy has passed since the
// newest.
func TestExportDue(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	schedule := func(auto bool, frequency string) *atlasapi.Schedule {
		return &atlasapi.Schedule{AutoExportEnabled: atlasapi.Optional[bool]{Value: auto, Set: true}, ExportFrequency: frequency}
	}
	for _, test := range []struct {
		name     string
		schedule *atlasapi.Schedule
		age      time.Duration // of the newest export, negative where none was read
		want     bool
	}{
		{"no schedule", nil, 2 * day, false},
		{"no exports", schedule(true, "daily"), -1, false},
		{"a second early", schedule(true, "daily"), day - time.Second, false},
		{"just now", schedule(true, "daily"), day, true},
		{"late", schedule(true, "daily"), 3 * day, true},
		{"a week", schedule(true, "weekly"), 3 * day, false},
		{"off", schedule(false, "daily"), 3 * day, false},
		{"no frequency", schedule(true, ""), 3 * day, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(firstDay)) // no date of Atlas is as old as the clock of a bubble
				c := newChain(t)
				if test.schedule != nil {
					c.schedule.last.Store(test.schedule)
				}
				if test.age >= 0 {
					c.readExports(atlasapi.ExportJob{ID: idOf(2, 1), CreatedAt: time.Now().Add(-test.age), State: "Successful"})
				}
				if got := exportDue(c.view.entry, c.exports); got != test.want {
					t.Errorf("got %t", got)
				}
			})
		})
	}
}

// TestSnapshotDue checks when the snapshots of a cluster are due: from the time of Atlas's next snapshot until it is listed.
func TestSnapshotDue(t *testing.T) {
	t.Parallel()
	const none = -1 << 63
	for _, test := range []struct {
		name         string
		next, newest time.Duration // from now
		paused       bool
		want         bool
	}{
		{"Atlas names none", none, -time.Hour, false, false},
		{"just now", 0, -time.Hour, false, true},
		{"in a second", time.Second, -time.Hour, false, false},
		{"listed", -time.Minute, -time.Minute, false, false},
		{"a newer one is listed", -time.Hour, -time.Minute, false, false},
		{"paused", 0, -time.Hour, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(firstDay)) // as above
				c := newChain(t)
				var schedule atlasapi.Schedule
				if test.next != none {
					schedule.NextSnapshot = time.Now().Add(test.next)
				}
				c.schedule.last.Store(&schedule)
				itemOf[atlasapi.Cluster](c.view.entry).Paused.Value = test.paused
				newest := time.Now().Add(test.newest)
				c.readSnapshots(atlasapi.Snapshot{ID: idOf(1, 1), CreatedAt: newest, Status: "completed", Type: "scheduled", Frequency: "daily"})
				if got := snapshotDue(c.view.entry, c.snapshots); got != test.want {
					t.Errorf("got %t", got)
				}
			})
		})
	}
}

// TestUnknownPolicyItem checks that an item of unknown frequency does not hide the others, whichever comes first.
func TestUnknownPolicyItem(t *testing.T) {
	t.Parallel()
	hourly, unknown := atlasapi.PolicyItem{FrequencyType: "hourly", FrequencyInterval: 6}, atlasapi.PolicyItem{FrequencyType: "hourly", FrequencyInterval: 0}
	for _, items := range [][]atlasapi.PolicyItem{{hourly}, {hourly, unknown}, {unknown, hourly}} {
		if got := policyInterval(&atlasapi.Schedule{PolicyItems: items}); got != 6*time.Hour {
			t.Errorf("%+v: %s", items, got)
		}
	}
}
