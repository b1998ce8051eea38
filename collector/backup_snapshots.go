package collector

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

const snapshotFallback = "fallback"

// snapshotExtra has the fields of a snapshot that a summary needs in addition to those of job.
type snapshotExtra struct {
	fallback bool
	expires  seconds
	size     atlasapi.Optional[int64]
	regions  int
	taken    takenFor
}

// takenFor says which frequency and which policy items a snapshot was taken for.
type takenFor struct {
	frequency uint8  // index into the words of the summary
	items     uint64 // policy items, a bit for each index into the words of the summary
}

// snapshotTotals has the values that the metrics show about all snapshots of a cluster.
type snapshotTotals struct {
	lastFallback     seconds
	oldestSuccess    seconds
	newestExpiration seconds

	// exportable are the completed snapshots whose export may be missing: those newer than the newest exported
	// snapshot. Snapshots created up to bound are not kept. boundExport is the exported snapshot that gave the bound, 0
	// if it is not listed.
	exportable  []exportable
	bound       seconds
	boundExport snapshotHash
	withoutAuto bool // auto export was off: none was kept
}

type (
	snapshotSummary = summary[snapshotExtra, snapshotTotals]
	snapshotReader  = jobReader[atlasapi.Snapshot, snapshotExtra, snapshotTotals]
)

// snapshotJobs is the kind of job that takes a snapshot of a cluster. States are in Atlas's spelling. A cluster has few
// snapshots, so the list is always read in full.
func snapshotJobs() *jobKind[atlasapi.Snapshot, snapshotExtra, snapshotTotals] {
	states := statesOf(
		jobState{"queued", OutcomeUnfinished},
		jobState{"inProgress", OutcomeUnfinished},
		jobState{"completed", OutcomeSucceeded},
		jobState{"failed", OutcomeFailed},
	)
	outcomeOf := func(j *job[snapshotExtra]) Outcome {
		o := states.outcome(j.state)
		if o == OutcomeSucceeded && j.extra.fallback {
			return OutcomeNeither // it may be inconsistent, and can be neither exported nor used for a collection restore
		}
		return o
	}
	return &jobKind[atlasapi.Snapshot, snapshotExtra, snapshotTotals]{
		states:  states,
		outcome: outcomeOf,
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.Snapshot] {
			return c.Snapshots(groupID, cluster)
		},
		instead: func(c *atlasapi.Client, groupID, cluster string, refusal error) (atlasapi.List[atlasapi.Snapshot], bool) {
			return c.ShardedSnapshots(groupID, cluster), atlasapi.HasCode(refusal, atlasapi.CodeIncorrectEndpoint)
		},
		keep: func(s *atlasapi.Snapshot, words *interner) job[snapshotExtra] {
			taken := takenFor{frequency: words.index(s.Frequency)}
			for _, item := range s.PolicyItems {
				taken.items |= 1 << words.index(item) // an index above 63 has no bit: no policy has so many items
			}
			return job[snapshotExtra]{
				id:      s.ID,
				created: firstValid(s.CreatedAt, s.ID.Time()),
				state:   states.index(s.Status),
				extra: snapshotExtra{
					fallback: s.Type == snapshotFallback, expires: secondsOf(s.ExpiresAt),
					size: s.StorageSizeBytes, regions: s.CopyRegions, taken: taken,
				},
			}
		},
		addTotals: func(totals *snapshotTotals, j *job[snapshotExtra]) {
			if states.outcome(j.state) != OutcomeSucceeded {
				return
			}
			totals.newestExpiration = max(totals.newestExpiration, j.extra.expires)
			if j.extra.fallback {
				totals.lastFallback = max(totals.lastFallback, j.created)
				return
			}
			totals.oldestSuccess = earliestOf(totals.oldestSuccess, j.created)
			totals.exportable = append(totals.exportable, exportable{j.created, hashOf(j.id), j.extra.taken})
		},
		settle:         keepExportable,
		completeLatest: func(s *snapshotSummary, l *Latest) { l.LastFallback = s.details.lastFallback.time() },
		common: commonFamilies{
			prefix: "mongodbatlas_backup_snapshot", noun: "snapshot",
			counts:      "Snapshots of the cluster that Atlas lists, by state.",
			stateSource: "results[].status", createdSource: "results[].createdAt, else the time in id",
			note: " A fallback snapshot is no success.",
		},
		families: []family[*snapshotSummary]{
			timestamp("mongodbatlas_backup_snapshot_last_fallback_timestamp_seconds",
				"When the newest completed fallback snapshot was created; absent when there is none.",
				"results[].snapshotType", func(s *snapshotSummary) seconds { return s.details.lastFallback }),
			number("mongodbatlas_backup_snapshot_last_success_size_bytes",
				"Storage size of the newest successful snapshot.",
				"results[].storageSizeBytes", func(s *snapshotSummary) (float64, bool) { return count(s.success.extra.size) }),
			number("mongodbatlas_backup_snapshot_last_success_copy_regions",
				"Regions that the newest successful snapshot was copied to.",
				"results[].copyRegions", func(s *snapshotSummary) (float64, bool) {
					return float64(s.success.extra.regions), !s.success.id.IsZero()
				}),
			timestamp("mongodbatlas_backup_snapshot_oldest_success_timestamp_seconds",
				"When the oldest successful snapshot was created: how far back a restore can go.",
				"results[].createdAt", func(s *snapshotSummary) seconds { return s.details.oldestSuccess }),
			timestamp("mongodbatlas_backup_snapshot_newest_expiration_timestamp_seconds",
				"When the last completed snapshot expires: after it nothing is left to restore.",
				"results[].expiresAt", func(s *snapshotSummary) seconds { return s.details.newestExpiration }),
		},
	}
}

func backupSnapshots(clusters, schedules, buckets *Declaration) *Declaration {
	d := snapshotJobs().declare(&Declaration{
		Name: "backup_snapshots", Title: "Cluster snapshots", Noun: "snapshot", Role: readOnly, Parent: clusters,
		Needs: []*Declaration{schedules, buckets},
		Step:  StepSnapshot, Alert: "BackupSnapshot",
		Row: RowAlways, MinInterval: 5 * time.Minute, ExpectedIntervals: true, showsParent: true,
		due:      func(e *entry, r reader) bool { return snapshotDue(e, r.(*snapshotReader)) },
		Patience: Patience{News: 8 * 24 * time.Hour, Stuck: 6 * time.Hour, Grace: 6 * time.Hour, Behind: 3 * time.Hour},
	})
	expected := func(v *entryView) time.Duration { return clusterInterval(d, v, policyInterval(scheduleOf(v.entry))) }
	d.entryFamilies = bind(d.entryLabels(),
		interval("mongodbatlas_backup_snapshot_expected_interval_seconds",
			"How often a snapshot is expected: by the configuration, else by the shortest item of the backup policy. Absent while the cluster is paused or its backup is off, and when nothing is scheduled.",
			"backup schedule: policies[].policyItems[]", expected).
			query(`time() - mongodbatlas_backup_snapshot_last_success_timestamp_seconds > 2 * mongodbatlas_backup_snapshot_expected_interval_seconds`),
		number("mongodbatlas_backup_snapshot_policy_items",
			"Items of the backup policy that take snapshots by themselves; 0: backup is on and nothing is scheduled.",
			"backup schedule: policies[].policyItems[]", func(v *entryView) (float64, bool) {
				schedule := scheduleOf(v.entry)
				if schedule == nil || schedule.PolicyItems == nil || backupIsOff(v.entry) {
					return 0, false
				}
				return float64(len(scheduledItems(schedule))), true
			}),
		timestamp("mongodbatlas_backup_snapshot_next_timestamp_seconds",
			"When Atlas will take the next snapshot; absent when it schedules none.",
			"backup schedule: nextSnapshot", func(v *entryView) seconds {
				schedule := scheduleOf(v.entry)
				if schedule == nil || backupIsOff(v.entry) {
					return 0
				}
				return secondsOf(schedule.NextSnapshot)
			}),
		// It is about exports, but stays with the snapshots: a scrape that selects only these has always had it.
		timestamp("mongodbatlas_backup_export_missing_snapshot_created_timestamp_seconds",
			"When the oldest completed snapshot was created that auto export should have exported and that has no export job; absent when there is none, while auto export is off, and while either list is unread.",
			"snapshots, export jobs and backup schedule", missingExport).
			query(`time() - mongodbatlas_backup_export_missing_snapshot_created_timestamp_seconds > 12 * 3600`),
		number("mongodbatlas_backup_restore_window_seconds",
			"How far back continuous backup can restore to any point in time; absent while it is off.",
			"backup schedule: restoreWindowDays", func(v *entryView) (float64, bool) {
				schedule := scheduleOf(v.entry)
				if schedule == nil || !clusterOf(v).PITEnabled.Value || backupIsOff(v.entry) {
					return 0, false
				}
				return float64(schedule.RestoreWindowDays.Value) * 86400, schedule.RestoreWindowDays.Set
			}),
	)
	d.plan = func(v *entryView) Plan {
		p := clusterPlan(v, expected(v))
		schedule := scheduleOf(v.entry)
		if schedule == nil || p.Off != NotOff {
			return p
		}
		p.UnknownFrequency = len(unknownItems(schedule)) > 0
		p.Next = secondsOf(schedule.NextSnapshot).time()
		if schedule.PolicyItems != nil && len(scheduledItems(schedule)) == 0 {
			p.Off = NothingScheduled
		}
		if clusterOf(v).PITEnabled.Value {
			p.RestoreWindow = time.Duration(schedule.RestoreWindowDays.Value) * 24 * time.Hour
		}
		return p
	}
	return d
}

// snapshotDue reports whether the list of snapshots is about to change or has to be read again. Either Atlas's next
// snapshot is due and not listed yet, or auto export was switched on, and the snapshots without an export were not
// kept.
func snapshotDue(e *entry, r *snapshotReader) bool {
	schedule, s := scheduleOf(e), r.only()
	if schedule == nil || s == nil {
		return false
	}
	if s.details.withoutAuto && autoExport(e).Value {
		return true
	}
	next := secondsOf(schedule.NextSnapshot)
	paused := itemOf[atlasapi.Cluster](e).Paused.Value
	return next != 0 && !paused && s.newest.created < next && !time.Now().Before(next.time())
}
