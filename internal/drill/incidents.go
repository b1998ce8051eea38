package drill

import (
	"net/http"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// soon is when most of what is planned happens.
const soon = 20 * time.Minute

// incidents are those that concern a single project, so that all of them play in one organisation.
func incidents() []scenario {
	all := exportIncidents()
	all = append(all, snapshotIncidents()...)
	all = append(all, restoreIncidents()...)
	all = append(all, pipelineIncidents()...)
	return append(all, accessIncidents()...)
}

func exportIncidents() []scenario {
	return []scenario{
		{
			name: "export-failed", story: "tonight's export fails", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.stopped(dailyCluster, 23*time.Hour)
				due := a.export(c, soon-10*time.Minute, 10*time.Minute, atlassim.ExportFailed)
				a.expect(due, "MongoDBAtlasBackupExportFailed", "cl_name", dailyCluster)
			},
		},
		{
			name: "export-failed-retried", story: "an export fails and is made anew by hand: the page ends", lasts: 3 * time.Hour,
			act: func(a *actor) {
				c := a.stopped(dailyCluster, 23*time.Hour)
				due := a.export(c, soon-10*time.Minute, 10*time.Minute, atlassim.ExportFailed)
				a.export(c, time.Hour, exportTakes, atlassim.ExportSuccessful)
				a.expect(due, "MongoDBAtlasBackupExportFailed", "cl_name", dailyCluster).resolves = true
			},
		},
		{
			name: "export-fails-for-days", story: "every export has failed for days: failed, then overdue", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.stopped(dailyCluster, 2*day-soon)
				a.exported(c, 23*time.Hour, 10*time.Minute, atlassim.ExportFailed)
				a.expect(a.built, "MongoDBAtlasBackupExportFailed", "cl_name", dailyCluster)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportOverdue", "cl_name", dailyCluster)
			},
		},
		{
			name: "export-stuck-queued", story: "a job is Queued for 6 h, the last took half an hour", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.stopped(dailyCluster, 26*time.Hour)
				a.exported(c, 6*time.Hour-soon, 0, atlassim.ExportQueued)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportStuck", "cl_name", dailyCluster)
			},
		},
		{
			name: "export-stuck-in-progress", story: "a job is InProgress for 16 h, the last took 4 h", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.cluster(dailyCluster)
				a.exported(c, 22*time.Hour, 4*time.Hour, atlassim.ExportSuccessful)
				a.exported(c, 16*time.Hour-soon, 0, atlassim.ExportInProgress)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportStuck", "cl_name", dailyCluster)
			},
		},
		{
			name: "first-export-stuck", story: "a new cluster's first export is InProgress for half a day", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.Created = a.ago(20 * time.Hour) })
				a.exported(c, 12*time.Hour-soon, 0, atlassim.ExportInProgress)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportStuck", "cl_name", dailyCluster)
			},
		},
		{
			name: "export-never-ran", story: "two days after a cluster was made, no export has been made", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.Created = a.ago(2*day - soon) })
				a.expect(a.after(soon), "MongoDBAtlasBackupExportOverdue", "cl_name", dailyCluster)
			},
		},
		{
			name: "export-overdue", story: "daily exports are not made any more", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.stopped(dailyCluster, 2*day-soon)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportOverdue", "cl_name", dailyCluster)
			},
		},
		{
			name: "six-hourly-overdue", story: "exports expected every 6 h are not made any more", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.stopped(sixthCluster, 12*time.Hour-soon)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportOverdue", "cl_name", sixthCluster)
			},
		},
		{
			name: "weekly-overdue", story: "a weekly export is two days late", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.cluster(weeklyCluster)
				a.exported(c, 9*day-soon+exportTakes, exportTakes, atlassim.ExportSuccessful)
				a.expect(a.after(soon), "MongoDBAtlasBackupExportOverdue", "cl_name", weeklyCluster)
			},
		},
		{
			name: "overdue-after-resume", story: "a resumed cluster exports no more: overdue 12 h after its resumption", lasts: 14 * time.Hour,
			act: func(a *actor) {
				c := a.stopped(sixthCluster, 3*day)
				a.in(-2*day, func(time.Time) { c.Paused = true })
				a.in(time.Hour, func(time.Time) { c.Paused = false })
				a.expect(a.after(13*time.Hour), "MongoDBAtlasBackupExportOverdue", "cl_name", sixthCluster)
			},
		},
		{
			name: "auto-export-off", story: "auto export is switched off", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.healthy(policyCluster, 3*time.Hour)
				a.in(soon, func(time.Time) { c.Schedule.AutoExportEnabled = false })
				a.expect(a.after(soon), "MongoDBAtlasBackupAutoExportDisabled", "cl_name", policyCluster)
			},
		},
		{
			name: "backup-off", story: "backup is switched off, and auto export with it: a page for each", lasts: 2 * time.Hour,
			act: func(a *actor) {
				c := a.healthy(policyCluster, 3*time.Hour)
				a.in(soon, func(time.Time) { c.BackupEnabled = false })
				a.expect(a.after(soon), "MongoDBAtlasBackupDisabled", "cl_name", policyCluster)
				a.expect(a.after(soon), "MongoDBAtlasBackupAutoExportDisabled", "cl_name", policyCluster)
			},
		},
	}
}

func restoreIncidents() []scenario {
	return []scenario{
		{
			name: "restore-failed", story: "a restore fails", lasts: 2 * time.Hour,
			act: func(a *actor) {
				r := a.restored(a.healthy(dailyCluster, 3*time.Hour), 30*time.Minute, nil)
				a.in(soon, func(at time.Time) { r.Failed, r.FinishedAt = true, at })
				a.expect(a.after(soon), "MongoDBAtlasBackupRestoreFailed", "cl_name", dailyCluster)
			},
		},
		{
			name: "long-restore-failed", story: "a restore fails after 30 h, without a date of its end", lasts: 2 * time.Hour,
			act: func(a *actor) {
				r := a.restored(a.healthy(dailyCluster, 3*time.Hour), 30*time.Hour, nil)
				a.in(soon, func(time.Time) { r.Failed = true })
				a.expect(a.after(soon), "MongoDBAtlasBackupRestoreFailed", "cl_name", dailyCluster)
				a.expect(a.built, "MongoDBAtlasBackupRestoreStuck", "cl_name", dailyCluster).resolves = true
			},
		},
		{
			name: "restore-failed-repeated", story: "a restore fails and the next one completes: the page ends", lasts: 3 * time.Hour,
			act: func(a *actor) {
				c := a.healthy(dailyCluster, 3*time.Hour)
				r := a.restored(c, 30*time.Minute, nil)
				a.in(soon, func(at time.Time) { r.Failed, r.FinishedAt = true, at })
				a.in(time.Hour, func(at time.Time) {
					second := c.AddRestore(atlassim.Restore{CreatedAt: at})
					a.org.After(20*time.Minute, func(at time.Time) { second.FinishedAt = at })
				})
				a.expect(a.after(soon), "MongoDBAtlasBackupRestoreFailed", "cl_name", dailyCluster).resolves = true
			},
		},
		{
			name: "restore-stuck", story: "a restore has run for half a day", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.restored(a.healthy(dailyCluster, 3*time.Hour), 12*time.Hour-soon, nil)
				a.expect(a.after(soon), "MongoDBAtlasBackupRestoreStuck", "cl_name", dailyCluster, "delivery_type", "automated")
			},
		},
	}
}

func pipelineIncidents() []scenario {
	// A run of 24 min takes twelve steps; it fails in the middle of its phase.
	failed := func(name, phase string, at time.Duration) scenario {
		return scenario{
			name: name, story: "a pipeline run fails in its phase " + phase, lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.healthy(dailyCluster, 3*time.Hour)
				a.pipeline(day-soon, 24*time.Minute, func(created time.Time) atlassim.RunOutcome {
					if created.Before(a.begin) {
						return atlassim.RunOutcome{}
					}
					return atlassim.RunOutcome{State: atlassim.RunFailed, Phase: phase}
				})
				a.expect(a.after(soon+at), "MongoDBAtlasPipelineRunFailed", "pipeline", "orders")
			},
		}
	}
	stuck := func(name, state, phase string) scenario {
		return scenario{
			name: name, story: "a pipeline run has been " + state + " for 6 h", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.healthy(dailyCluster, 3*time.Hour)
				pl := a.pipeline(23*time.Hour, 24*time.Minute, nil)
				pl.AddRun(atlassim.Run{CreatedDate: a.ago(6*time.Hour - soon), State: state, Phase: phase})
				a.expect(a.after(soon), "MongoDBAtlasPipelineRunStuck", "pipeline", "orders")
			},
		}
	}
	return []scenario{
		failed("run-failed-snapshot", atlassim.PhaseSnapshot, 4*time.Minute),
		failed("run-failed-export", atlassim.PhaseExport, 10*time.Minute),
		failed("run-failed-ingestion", atlassim.PhaseIngestion, 18*time.Minute),
		stuck("run-stuck-pending", atlassim.RunPending, atlassim.PhaseSnapshot),
		stuck("run-stuck-in-progress", atlassim.RunInProgress, atlassim.PhaseIngestion),
	}
}

func accessIncidents() []scenario {
	unreadable := func(a *actor, reason string, collectors ...string) {
		for _, c := range collectors {
			a.expect(a.after(soon), "MongoDBAtlasTargetUnreadable", "collector", c, "reason", reason)
		}
	}
	return []scenario{
		{
			name: "project-gone", story: "the credentials lose a project", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.healthy(dailyCluster, 3*time.Hour)
				a.pipeline(3*time.Hour, time.Hour, nil)
				a.in(soon, func(time.Time) { a.project.Hide(atlassim.NotInGroup()) })
				a.expect(a.after(soon), "MongoDBAtlasProjectGone")
			},
		},
		{
			name: "role-removed", story: "Project Backup Manager is taken away on one project", lasts: 2 * time.Hour,
			act: func(a *actor) {
				for _, name := range []string{dailyCluster, policyCluster, manualCluster} {
					a.healthy(name, time.Hour)
				}
				for _, list := range []string{"/backup/exports", "/backup/restoreJobs", "/collectionRestoreJobs"} {
					a.fault(soon, 0, atlassim.Fault{
						Authenticated: true, Match: a.below(list), Status: http.StatusUnauthorized, Code: "USER_UNAUTHORIZED",
					})
				}
				unreadable(a, "forbidden", "backup_exports", "backup_restores", "collection_restores")
			},
		},
		{
			name: "cluster-erroring", story: "Atlas answers 500 for the backups of one cluster", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.healthy(dailyCluster, 3*time.Hour)
				c := a.healthy(policyCluster, 3*time.Hour)
				a.in(soon, func(time.Time) {
					c.BackupRefusal = atlassim.Refusal{Status: http.StatusInternalServerError, Code: "UNEXPECTED_ERROR"}
				})
				unreadable(a, "server_error", "backup_exports", "backup_restores", "backup_schedule", "backup_snapshots", "collection_restores")
			},
		},
		{
			name: "cluster-list-refused", story: "the list of clusters is refused while one becomes Flex", lasts: 2 * time.Hour,
			act: func(a *actor) {
				a.healthy(dailyCluster, 3*time.Hour)
				a.in(soon, func(time.Time) {
					a.project.ClustersRefusal = atlassim.Refusal{
						Status: http.StatusBadRequest, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
					}
				})
				unreadable(a, "bad_response", "clusters")
			},
		},
		{
			name: "api-sunset", story: "the end of an API version comes within 90 days", lasts: 2 * time.Hour,
			options: func(o *atlassim.Options, now time.Time, c clock) {
				o.Deprecations[atlassim.OpListPipelineRuns] = atlassim.Deprecation{Sunset: now.Add(c.scaled(89 * day))}
			},
			act: func(a *actor) {
				a.healthy(dailyCluster, 3*time.Hour)
				a.pipeline(3*time.Hour, time.Hour, nil)
				a.expectAnywhere(a.built, "MongoDBAtlasAPISunset", "endpoint", atlassim.OpListPipelineRuns)
			},
		},
	}
}
