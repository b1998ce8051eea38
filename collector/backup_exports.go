package collector

import (
	"fmt"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// exportExtra has the fields of an export job that a summary needs in addition to those of job. Its label is Atlas's
// error code.
type exportExtra struct{ snapshot snapshotHash }

// exportNewest has the values that the metrics show about the newest export job alone.
type exportNewest struct{ exported, collections atlasapi.Optional[int32] }

type (
	exportSummary = summary[exportExtra, exportNewest]
	exportReader  = jobReader[atlasapi.ExportJob, exportExtra, exportNewest]
)

// exportJobs is the kind of job that exports a snapshot to a bucket. States are in Atlas's spelling.
func exportJobs() *jobKind[atlasapi.ExportJob, exportExtra, exportNewest] {
	states := statesOf(
		jobState{"Queued", OutcomeUnfinished},
		jobState{"InProgress", OutcomeUnfinished},
		jobState{"Successful", OutcomeSucceeded},
		jobState{"Failed", OutcomeFailed},
		jobState{"Cancelled", OutcomeNeither},
	)
	return &jobKind[atlasapi.ExportJob, exportExtra, exportNewest]{
		states: states,
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.ExportJob] {
			return c.ExportJobs(groupID, cluster)
		},
		keep: func(j *atlasapi.ExportJob, words *interner) job[exportExtra] {
			return job[exportExtra]{
				id:      j.ID,
				created: firstValid(j.CreatedAt, j.ID.Time()),
				ended:   secondsOf(j.FinishedAt),
				state:   states.index(j.State),
				label:   words.index(j.ErrorCode),
				extra:   exportExtra{snapshot: hashOf(j.SnapshotID)},
			}
		},
		takeNewest: func(j *atlasapi.ExportJob, newest *exportNewest) {
			newest.exported, newest.collections = j.ExportStatus.Value.ExportedCollections, j.ExportStatus.Value.TotalCollections
		},
		snapshot: func(j *job[exportExtra]) snapshotHash { return j.extra.snapshot },
		open:     func(j *job[exportExtra], _ seconds) bool { return !states.isFinal(j.state) },
		common: commonFamilies{
			prefix: "mongodbatlas_backup_export", item: "job", noun: "export job",
			counts:      "Snapshot export jobs that Atlas lists, by state.",
			stateSource: "results[].state", createdSource: "results[].createdAt", endedSource: "results[].finishedAt",
		},
		families: []family[*exportSummary]{
			number("mongodbatlas_backup_export_last_job_exported_collections",
				"Collections that the newest export job has exported so far. Atlas may report 0 in every state.",
				"results[].exportStatus.exportedCollections",
				func(s *exportSummary) (float64, bool) { return count(s.details.exported) }),
			number("mongodbatlas_backup_export_last_job_collections",
				"Collections that the newest export job is to export. Atlas may report 0 in every state.",
				"results[].exportStatus.totalCollections",
				func(s *exportSummary) (float64, bool) { return count(s.details.collections) }),
			{
				name:   "mongodbatlas_backup_export_last_failure_info",
				help:   "Atlas's error code of the newest failed export job; always 1.",
				source: "results[].stateReason.errorCode", labels: []string{"error_code"},
				samples: func(s *exportSummary, to *sampler) {
					if !s.newestFailed.id.IsZero() {
						to.gauge(1, s.words.word(s.newestFailed.label))
					}
				},
			},
			timestamp("mongodbatlas_backup_export_first_job_created_timestamp_seconds",
				"When the oldest export job that Atlas lists was created.",
				"results[].createdAt", func(s *exportSummary) seconds { return s.oldest }),
		},
		progress: func(s *exportSummary) string {
			exported, collections := s.details.exported, s.details.collections
			if exported.Set && collections.Set && collections.Value > 0 {
				return fmt.Sprintf("%d of %d collections", exported.Value, collections.Value)
			}
			return ""
		},
		completeLatest: func(s *exportSummary, l *Latest) {
			if s.newestFailed.label != 0 {
				l.FailureCode = s.words.word(s.newestFailed.label)
			}
		},
	}
}

func backupExports(clusters, schedules, buckets *Declaration) *Declaration {
	d := exportJobs().declare(&Declaration{
		Name: "backup_exports", Title: "Export jobs", Noun: "export", Role: backupManager, Parent: clusters,
		Needs: []*Declaration{schedules, buckets},
		Step:  StepExport, Alert: "BackupExport",
		Row: RowAlways, ExpectedIntervals: true, showsParent: true,
		due: func(e *entry, r reader) bool { return exportDue(e, r.(*exportReader)) },
		Patience: Patience{
			News: 8 * 24 * time.Hour, Stuck: 12 * time.Hour, StuckFactor: 4, StuckLeast: 6 * time.Hour, Grace: 48 * time.Hour,
			Missing: 12 * time.Hour,
		},
	})
	expected := func(v *entryView) time.Duration { return clusterInterval(d, v, exportPolicyInterval(v.entry)) }
	d.entryFamilies = bind(d.entryLabels(),
		interval("mongodbatlas_backup_export_expected_interval_seconds",
			"How often a successful export is expected: by the configuration, else by the export policy of the cluster. Absent when neither says, and while the cluster is paused or its backup is off.",
			"backup schedule: export.frequencyType", expected).
			query(`time() - mongodbatlas_backup_export_last_success_timestamp_seconds > 2 * mongodbatlas_backup_export_expected_interval_seconds`),
		flag("mongodbatlas_backup_export_auto_enabled",
			"1 when the backup schedule of the cluster exports snapshots automatically, 0 when it does not or backup is off.",
			"backup schedule: autoExportEnabled", func(v *entryView) atlasapi.Optional[bool] { return autoExport(v.entry) }).
			query(`mongodbatlas_backup_export_auto_enabled == 0`),
	)
	d.plan = func(v *entryView) Plan {
		p := clusterPlan(v, expected(v))
		auto, schedule := autoExport(v.entry), scheduleOf(v.entry)
		if r := readerOf[*scheduleReader](v.targets()); r != nil {
			p.AutoExportWasOn = r.auto.lastOn()
			p.restart(r.auto.restarted(), false)
		}
		if p.Off == NotOff && auto.Set && !auto.Value {
			p.Off = AutoExportOff
		}
		if p.Off == NotOff {
			p.UnknownFrequency = p.Interval == 0 && schedule != nil && unknownExportFrequency(schedule)
			p.Missing = missingExport(v).time()
		}
		found := bucketFound(v)
		p.BucketMissing = found.Set && !found.Value
		return p
	}
	return d
}

// autoExport reports whether a cluster exports snapshots automatically. It is unset if the schedule was never read.
func autoExport(e *entry) atlasapi.Optional[bool] {
	if backupIsOff(e) {
		return atlasapi.Optional[bool]{Set: true}
	}
	if schedule := scheduleOf(e); schedule != nil {
		return schedule.AutoExportEnabled
	}
	return atlasapi.Optional[bool]{}
}

// exportPolicyInterval returns how often the export policy of a cluster exports a snapshot, 0 if it does not or if the
// frequency is unknown.
func exportPolicyInterval(e *entry) time.Duration {
	if !autoExport(e).Value {
		return 0
	}
	return frequencyInterval(scheduleOf(e).ExportFrequency)
}

// exportDue reports whether a new export is due by the export policy of the cluster.
func exportDue(e *entry, exports *exportReader) bool {
	s, every := exports.only(), exportPolicyInterval(e)
	return s != nil && every > 0 && time.Since(s.newest.created.time()) >= every
}
