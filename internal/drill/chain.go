package drill

import (
	"fmt"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// The names of the clusters whose snapshots are expected in an interval of their own. Of all others none are expected: the
// interval of a backup policy cannot be divided.
const (
	sixthSnapshots = "six-hourly-snapshots"
	dailySnapshots = "daily-snapshots"
)

// snapshotTakes is how long a usual snapshot takes.
const snapshotTakes = 10 * time.Minute

// chained adds a cluster that exports nothing, with completed snapshots in an interval, the newest taken so long ago.
func (a *actor) chained(name string, interval, newest time.Duration) *atlassim.Cluster {
	c := a.cluster(name, func(o *atlassim.ClusterOptions) { o.Schedule = atlassim.Schedule{} })
	for n := range 8 {
		a.taken(c, newest+time.Duration(n)*interval, atlassim.SnapshotCompleted)
	}
	return c
}

// taken adds a snapshot that was taken so long before the beginning.
func (a *actor) taken(c *atlassim.Cluster, age time.Duration, status string, change ...func(*atlassim.Snapshot)) *atlassim.Snapshot {
	s := atlassim.Snapshot{RequestedAt: a.ago(age), Status: status}
	if status == atlassim.SnapshotCompleted {
		s.CreatedAt = s.RequestedAt
	}
	for _, by := range change {
		by(&s)
	}
	return c.AddSnapshot(s)
}

// takes has a snapshot taken, and ended in status some time later; change says what is special of it.
func (a *actor) takes(c *atlassim.Cluster, in time.Duration, status string, change ...func(*atlassim.Snapshot)) (ends time.Time) {
	a.in(in, func(at time.Time) {
		s := atlassim.Snapshot{RequestedAt: at, Status: atlassim.SnapshotInProgress}
		for _, by := range change {
			by(&s)
		}
		added := c.AddSnapshot(s)
		a.org.After(snapshotTakes, func(at time.Time) {
			if added.Status = status; status == atlassim.SnapshotCompleted {
				added.CreatedAt = at
			}
		})
	})
	return a.after(in + snapshotTakes)
}

// exportedDaily adds a cluster with a daily export policy and a snapshot and its export for each of some days, the newest
// taken so long ago.
func (a *actor) exportedDaily(newest time.Duration) *atlassim.Cluster {
	c := a.cluster(dailyCluster)
	for n := range 4 {
		age := newest + time.Duration(n)*day
		s := a.taken(c, age, atlassim.SnapshotCompleted)
		a.exported(c, age-10*time.Minute, exportTakes, atlassim.ExportSuccessful).SnapshotID = s.ID
	}
	return c
}

func fallback(s *atlassim.Snapshot) { s.Type = atlassim.SnapshotFallback }
func onDemand(s *atlassim.Snapshot) {
	s.Type, s.Frequency = atlassim.SnapshotOnDemand, atlassim.OnDemand
}

func snapshotIncidents() []scenario {
	all := []scenario{
		{name: "snapshot-failed", story: "a snapshot fails", act: func(a *actor) {
			c := a.chained(sixthSnapshots, 6*time.Hour, 5*time.Hour)
			due := a.takes(c, soon, atlassim.SnapshotFailed)
			a.expect(due, "MongoDBAtlasBackupSnapshotFailed", "cl_name", sixthSnapshots)
		}},
		{name: "snapshot-failed-then-taken", story: "a snapshot fails and the next one completes: the page ends", act: func(a *actor) {
			c := a.chained(sixthSnapshots, 6*time.Hour, 5*time.Hour)
			due := a.takes(c, soon, atlassim.SnapshotFailed)
			a.takes(c, soon+time.Hour, atlassim.SnapshotCompleted)
			a.expect(due, "MongoDBAtlasBackupSnapshotFailed", "cl_name", sixthSnapshots).resolves = true
		}},
		{name: "snapshot-stuck", story: "a snapshot has been in progress for 6 h", act: func(a *actor) {
			a.taken(a.chained(dailySnapshots, day, 20*time.Hour), 6*time.Hour-soon, atlassim.SnapshotInProgress)
			a.expect(a.after(soon), "MongoDBAtlasBackupSnapshotStuck", "cl_name", dailySnapshots)
		}},
		{name: "snapshot-queued", story: "a snapshot has been queued for 6 h", act: func(a *actor) {
			a.taken(a.chained(dailySnapshots, day, 20*time.Hour), 6*time.Hour-soon, atlassim.SnapshotQueued)
			a.expect(a.after(soon), "MongoDBAtlasBackupSnapshotStuck", "cl_name", dailySnapshots)
		}},
		{name: "snapshot-overdue", story: "six-hourly snapshots are not taken any more", act: func(a *actor) {
			a.chained(sixthSnapshots, 6*time.Hour, 12*time.Hour-soon)
			a.expect(a.after(soon), "MongoDBAtlasBackupSnapshotOverdue", "cl_name", sixthSnapshots)
		}},
		{name: "daily-snapshot-overdue", story: "a daily snapshot is 6 h late", act: func(a *actor) {
			a.chained(dailySnapshots, day, 30*time.Hour-soon)
			a.expect(a.after(soon), "MongoDBAtlasBackupSnapshotOverdue", "cl_name", dailySnapshots)
		}},
		{name: "snapshot-fallback", story: "a snapshot fails, and a fallback is taken in its place: a page for each", act: func(a *actor) {
			c := a.chained(dailySnapshots, day, 20*time.Hour)
			failed := a.takes(c, soon, atlassim.SnapshotFailed)
			due := a.takes(c, soon+snapshotTakes, atlassim.SnapshotCompleted, fallback)
			a.expect(failed, "MongoDBAtlasBackupSnapshotFailed", "cl_name", dailySnapshots)
			a.expect(due, "MongoDBAtlasBackupSnapshotFallback", "cl_name", dailySnapshots)
		}},
		{name: "schedule-behind", story: "Atlas's own next snapshot is 3 h in the past", act: func(a *actor) {
			c := a.chained(dailySnapshots, day, 20*time.Hour)
			c.Schedule.NextSnapshot = a.ago(3*time.Hour - soon)
			a.expect(a.after(soon), "MongoDBAtlasBackupSnapshotScheduleBehind", "cl_name", dailySnapshots)
		}},
		{name: "nothing-scheduled", story: "every item is taken off the backup policy", act: func(a *actor) {
			c := a.chained(manualCluster, day, 3*time.Hour)
			a.in(soon, func(time.Time) { c.SetPolicy(atlassim.NothingScheduled()) })
			a.expect(a.after(soon), "MongoDBAtlasBackupSnapshotNotScheduled", "cl_name", manualCluster)
		}},
		{name: "export-missing", story: "a snapshot has had no export for half a day", act: func(a *actor) {
			c := a.exportedDaily(36*time.Hour - soon)
			a.taken(c, 12*time.Hour-soon, atlassim.SnapshotCompleted)
			a.expect(a.after(soon), "MongoDBAtlasBackupExportMissing", "cl_name", dailyCluster)
		}},
		{name: "bucket-gone", story: "the bucket that the schedule exports to is deleted", act: func(a *actor) {
			c := a.exportedDaily(3 * time.Hour)
			bucket := a.project.ExportBuckets()[0]
			c.Schedule.ExportBucketID = bucket.ID
			a.in(soon, func(time.Time) { a.project.RemoveExportBucket(bucket) })
			a.expect(a.after(soon), "MongoDBAtlasBackupExportBucketMissing", "cl_name", dailyCluster)
		}},
		{name: "collection-restore-failed", story: "a collection restore fails", act: func(a *actor) {
			r := a.chained(dailySnapshots, day, 3*time.Hour).AddCollectionRestore(atlassim.CollectionRestore{CreatedAt: a.ago(time.Hour)})
			a.in(soon, func(at time.Time) { r.State, r.FinishedAt = atlassim.CollectionFailed, at })
			a.expect(a.after(soon), "MongoDBAtlasCollectionRestoreFailed", "cl_name", dailySnapshots)
		}},
		{name: "collection-restore-stuck", story: "a collection restore has run for half a day", act: func(a *actor) {
			a.chained(dailySnapshots, day, 3*time.Hour).AddCollectionRestore(atlassim.CollectionRestore{
				CreatedAt: a.ago(12*time.Hour - soon), State: atlassim.CollectionInProgress, TotalDocuments: 9,
			})
			a.expect(a.after(soon), "MongoDBAtlasCollectionRestoreStuck", "cl_name", dailySnapshots)
		}},
		{name: "flex-snapshot-failed", story: "a snapshot of a Flex cluster fails", act: func(a *actor) {
			s := a.flex(20 * time.Hour).AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: a.ago(0), Status: atlassim.FlexRunning})
			a.in(soon, func(at time.Time) { s.Status, s.FinishTime = atlassim.FlexFailed, at })
			a.expect(a.after(soon), "MongoDBAtlasFlexSnapshotFailed", "cl_name", flexCluster)
		}},
		// A day of the exporter is so many days of the drill.
		{name: "flex-snapshot-overdue", story: "a Flex cluster's snapshots are not taken any more", act: func(a *actor) {
			a.flex(time.Duration(a.factor*float64(day)) + 6*time.Hour - soon)
			a.expect(a.after(soon), "MongoDBAtlasFlexSnapshotOverdue", "cl_name", flexCluster)
		}},
		{name: "flex-restore-failed", story: "a restore of a Flex cluster fails", act: func(a *actor) {
			r := a.flex(3 * time.Hour).AddRestore(atlassim.FlexRestore{ScheduledDate: a.ago(time.Hour), Status: atlassim.FlexRunning})
			a.in(soon, func(at time.Time) { r.Status, r.FinishedDate = atlassim.FlexFailed, at })
			a.expect(a.after(soon), "MongoDBAtlasFlexRestoreFailed", "cl_name", flexCluster)
		}},
		{name: "flex-restore-stuck", story: "a restore of a Flex cluster has run for half a day", act: func(a *actor) {
			a.flex(3 * time.Hour).AddRestore(atlassim.FlexRestore{ScheduledDate: a.ago(12*time.Hour - soon), Status: atlassim.FlexRunning})
			a.expect(a.after(soon), "MongoDBAtlasFlexRestoreStuck", "cl_name", flexCluster, "delivery_type", atlassim.FlexRestoreToCluster)
		}},
	}
	for i := range all {
		all[i].lasts = 2 * time.Hour
	}
	return all
}

const flexCluster = "flex-orders"

// flex adds a Flex cluster whose newest snapshot was taken so long ago.
func (a *actor) flex(newest time.Duration) *atlassim.FlexCluster {
	f := a.project.AddFlexCluster(flexCluster, a.ago(newest+10*day))
	for n := range 8 {
		at := a.ago(newest + time.Duration(7-n)*day)
		f.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: at, StartTime: at, FinishTime: at.Add(a.scaled(2 * time.Minute)), Expiration: time.Now().Add(day)})
	}
	return f
}

func snapshotDays() []scenario {
	// Each would be overdue within the day, did a pause not count.
	resumed := func(name, story, cluster string, newest, paused, next time.Duration) scenario {
		return scenario{name: name, story: story, act: func(a *actor) {
			c := a.chained(cluster, day, newest)
			a.in(-paused, func(time.Time) { c.Paused = true })
			a.in(soon, func(time.Time) { c.Paused = false })
			a.takes(c, next, atlassim.SnapshotCompleted)
		}}
	}
	return []scenario{
		{name: "snapshots-taken", story: "six-hourly snapshots, one of which the daily item shares", act: func(a *actor) {
			c := a.chained(sixthSnapshots, 6*time.Hour, 5*time.Hour)
			a.takes(c, time.Hour, atlassim.SnapshotCompleted, func(s *atlassim.Snapshot) { s.Frequency = atlassim.Weekly })
			a.takes(c, 7*time.Hour, atlassim.SnapshotCompleted, func(s *atlassim.Snapshot) { s.Frequency = atlassim.Hourly })
		}},
		resumed("resumed-after-a-night", "a cluster is resumed after a night; its next snapshot comes hours later", sixthSnapshots, 11*time.Hour, 10*time.Hour, 5*time.Hour),
		resumed("resumed-after-a-weekend", "a cluster is resumed after a weekend", dailySnapshots, 64*time.Hour, 60*time.Hour, 8*time.Hour),
		resumed("resumed-after-a-month", "a cluster is resumed after a month", dailySnapshots, 30*day, 29*day, 8*time.Hour),
		{name: "paused-for-a-night", story: "a cluster is paused shortly before its snapshot would be overdue", act: func(a *actor) {
			c := a.chained(sixthSnapshots, 6*time.Hour, 11*time.Hour)
			a.in(soon, func(time.Time) { c.Paused = true })
		}},
		{name: "snapshot-late", story: "a six-hourly snapshot comes 5 h late, but comes", act: func(a *actor) {
			a.takes(a.chained(sixthSnapshots, 6*time.Hour, 10*time.Hour), time.Hour, atlassim.SnapshotCompleted)
		}},
		{name: "snapshot-long", story: "a snapshot takes 5 h", act: func(a *actor) {
			s := a.taken(a.chained(dailySnapshots, day, 25*time.Hour), 3*time.Hour, atlassim.SnapshotInProgress)
			a.in(2*time.Hour, func(at time.Time) { s.Status, s.CreatedAt = atlassim.SnapshotCompleted, at })
		}},
		{name: "snapshot-retried", story: "a snapshot failed hours ago, and the next one completed", act: func(a *actor) {
			c := a.chained(sixthSnapshots, 6*time.Hour, 3*time.Hour)
			a.taken(c, 4*time.Hour, atlassim.SnapshotFailed)
			a.taken(c, 4*time.Hour-snapshotTakes, atlassim.SnapshotCompleted, fallback)
		}},
		{name: "snapshot-on-demand", story: "an on-demand snapshot, which the export policy does not cover", act: func(a *actor) {
			a.taken(a.exportedDaily(14*time.Hour), 13*time.Hour, atlassim.SnapshotCompleted, onDemand)
		}},
		{name: "snapshots-expire", story: "retention deletes all snapshots but the newest", act: func(a *actor) {
			c := a.exportedDaily(3 * time.Hour)
			a.in(soon, func(time.Time) {
				for _, s := range c.Snapshots()[1:] {
					c.RemoveSnapshot(s)
				}
			})
		}},
		{name: "first-snapshot-to-come", story: "a cluster is 5 h old, and its first snapshot is to come", act: func(a *actor) {
			c := a.cluster(sixthSnapshots, func(o *atlassim.ClusterOptions) { o.Schedule, o.Created = atlassim.Schedule{}, a.ago(5*time.Hour) })
			a.takes(c, time.Hour, atlassim.SnapshotCompleted)
		}},
		{name: "export-behind-its-snapshot", story: "a snapshot is exported 11 h after it was taken", act: func(a *actor) {
			c := a.exportedDaily(34 * time.Hour)
			s := a.taken(c, 10*time.Hour, atlassim.SnapshotCompleted)
			a.in(time.Hour, func(at time.Time) { c.AddExport(atlassim.Export{CreatedAt: at, SnapshotID: s.ID}) })
		}},
		{name: "auto-export-switched-on", story: "auto export is switched on while old snapshots have no export", act: func(a *actor) {
			c := a.chained(manualCluster, day, 3*time.Hour)
			c.Schedule.ExportFrequency = "daily"
			a.in(soon, func(time.Time) { c.Schedule.AutoExportEnabled = true })
		}},
		{name: "collection-restore", story: "a collection restore takes 3 h", act: func(a *actor) {
			r := a.chained(dailySnapshots, day, 3*time.Hour).AddCollectionRestore(atlassim.CollectionRestore{
				CreatedAt: a.ago(time.Hour), State: atlassim.CollectionInProgress, TotalDocuments: 9,
			})
			a.in(2*time.Hour, func(at time.Time) { r.State, r.FinishedAt = atlassim.CollectionSuccessful, at })
		}},
		{name: "flex-snapshots", story: "a Flex cluster with a snapshot each day and a restore", act: func(a *actor) {
			f := a.flex(23 * time.Hour)
			a.in(time.Hour, func(at time.Time) {
				s := f.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: at, Status: atlassim.FlexQueued})
				a.org.After(snapshotTakes, func(at time.Time) { s.Status, s.StartTime, s.FinishTime = atlassim.FlexCompleted, at, at })
			})
			r := f.AddRestore(atlassim.FlexRestore{ScheduledDate: a.ago(time.Hour), Status: atlassim.FlexRunning})
			a.in(soon, func(at time.Time) { r.Status, r.FinishedDate = atlassim.FlexCompleted, at })
		}},
		{name: "flex-backup-off", story: "the backup of a Flex cluster is off", act: func(a *actor) {
			a.flex(time.Duration(a.factor*float64(day)) + 9*time.Hour).BackupEnabled = false
		}},
	}
}

// policyDays change how often snapshots are expected. A reload of the configuration does it, where a policy cannot.
func policyDays() []scenario {
	changed := func(a *actor, in time.Duration, cluster string, from, to time.Duration) {
		a.do(in, func(s *stack) error {
			entry := func(interval time.Duration) string {
				return fmt.Sprintf("{clusters: %q, interval: %s}", cluster, s.text(interval))
			}
			s.writeFile("exporter.yml", strings.Replace(s.exporterConfig(""), entry(from), entry(to), 1))
			return s.reload()
		})
	}
	return []scenario{
		// The rules have to know for an hour how often snapshots were expected.
		{
			name: "policy-shorter", story: "snapshots that were daily are expected every 6 h; the next one comes 5 h later", lasts: 4 * time.Hour,
			act: func(a *actor) {
				a.takes(a.chained(dailySnapshots, day, 20*time.Hour), 7*time.Hour, atlassim.SnapshotCompleted)
				changed(a, 2*time.Hour, dailySnapshots, day, 6*time.Hour)
			},
		},
		{name: "policy-longer", story: "snapshots that were six-hourly are expected daily", act: func(a *actor) {
			a.chained(sixthSnapshots, 6*time.Hour, 11*time.Hour)
			changed(a, soon, sixthSnapshots, 6*time.Hour, day)
		}},
	}
}
