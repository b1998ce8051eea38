package collector

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// flexInterval is how often Atlas takes a snapshot of a Flex cluster. It is fixed.
const flexInterval = 24 * time.Hour

// flexSnapshotExtra has the fields of a snapshot that a summary needs in addition to those of job.
type flexSnapshotExtra struct{ expires seconds }

// flexSnapshotTotals has the values that the metrics show about all snapshots.
type flexSnapshotTotals struct{ newestExpiration seconds }

type flexSnapshotSummary = summary[flexSnapshotExtra, flexSnapshotTotals]

// flexSnapshotJobs is the kind of job that takes a snapshot of a Flex cluster. Atlas keeps eight of them.
func flexSnapshotJobs() *jobKind[atlasapi.FlexSnapshot, flexSnapshotExtra, flexSnapshotTotals] {
	states := flexStates()
	return &jobKind[atlasapi.FlexSnapshot, flexSnapshotExtra, flexSnapshotTotals]{
		states:     states,
		byCreation: true,
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.FlexSnapshot] {
			return c.FlexSnapshots(groupID, cluster)
		},
		keep: func(s *atlasapi.FlexSnapshot, _ *interner) job[flexSnapshotExtra] {
			return job[flexSnapshotExtra]{
				id:      s.ID,
				created: firstValid(s.StartTime, s.ScheduledTime, s.ID.Time()),
				ended:   secondsOf(s.FinishTime),
				state:   states.index(s.Status),
				extra:   flexSnapshotExtra{secondsOf(s.Expiration)},
			}
		},
		addTotals: func(totals *flexSnapshotTotals, j *job[flexSnapshotExtra]) {
			if states.outcome(j.state) == OutcomeSucceeded {
				totals.newestExpiration = max(totals.newestExpiration, j.extra.expires)
			}
		},
		common: commonFamilies{
			prefix: "mongodbatlas_flex_snapshot", noun: "Flex snapshot",
			counts:      "Snapshots of a Flex cluster that Atlas lists, by state.",
			stateSource: "results[].status", createdSource: "results[].startTime, else scheduledTime", endedSource: "results[].finishTime",
		},
		families: []family[*flexSnapshotSummary]{
			timestamp("mongodbatlas_flex_snapshot_newest_expiration_timestamp_seconds",
				"When the last completed Flex snapshot expires: after it nothing is left to restore.",
				"results[].expiration", func(s *flexSnapshotSummary) seconds { return s.details.newestExpiration }),
		},
	}
}

func flexSnapshots(flexClusters *Declaration) *Declaration {
	d := flexSnapshotJobs().declare(&Declaration{
		Name: "flex_snapshots", Title: "Flex snapshots", Noun: "Flex snapshot", Role: readOnly, Parent: flexClusters,
		Step: StepSnapshot, Alert: "FlexSnapshot",
		Row: RowAlways, MinInterval: 5 * time.Minute, showsParent: true,
		due: func(_ *entry, r reader) bool {
			s := r.(*jobReader[atlasapi.FlexSnapshot, flexSnapshotExtra, flexSnapshotTotals]).only()
			return s != nil && s.total > 0 && time.Since(s.newest.created.time()) >= flexInterval
		},
		// A snapshot that hangs is overdue a day later; nothing else says so of a Flex cluster.
		Patience: Patience{News: 8 * 24 * time.Hour, Grace: 6 * time.Hour},
	})
	expected := func(v *entryView) time.Duration {
		if on := flexOf(v.entry).BackupEnabled; on.Set && !on.Value {
			return 0
		}
		return flexInterval
	}
	d.entryFamilies = bind(d.entryLabels(),
		interval("mongodbatlas_flex_snapshot_expected_interval_seconds",
			"How often Atlas takes a snapshot of the Flex cluster; absent while its backup is off.",
			"flexClusters: backupSettings.enabled", expected),
	)
	d.plan = func(v *entryView) Plan {
		p := Plan{Since: flexCreated(v.entry).time(), Interval: expected(v)}
		if p.Interval == 0 {
			p.Off = BackupOff
		}
		return p
	}
	return d
}
