package drill

import (
	"net/http"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// benignDays are those that concern a single project, so that all of them play in the organisation of the incidents.
func benignDays() []scenario {
	all := clusterDays()
	all = append(all, exportDays()...)
	all = append(all, snapshotDays()...)
	all = append(all, restoreDays()...)
	all = append(all, pipelineDays()...)
	for i := range all {
		all[i].benign = true
		all[i].lasts = 3 * time.Hour
	}
	return all
}

func clusterDays() []scenario {
	created := func(age time.Duration, a *actor) func(*atlassim.ClusterOptions) {
		return func(o *atlassim.ClusterOptions) { o.Created = a.ago(age) }
	}
	return []scenario{
		{name: "healthy", story: "nothing happens but daily exports, restores and runs", act: func(a *actor) {
			c := a.healthy(dailyCluster, 22*time.Hour)
			c.AddRestoreRoutine(atlassim.RestoreRoutine{Period: 3 * time.Hour, First: a.ago(30 * time.Hour)})
			a.pipeline(22*time.Hour, time.Hour, nil)
		}},
		{name: "new-cluster", story: "a cluster is a day old and has not exported yet", act: func(a *actor) {
			a.cluster(dailyCluster, created(day, a))
		}},
		{name: "cluster-added", story: "a cluster is added", act: func(a *actor) {
			a.healthy(policyCluster, 3*time.Hour)
			a.in(soon, func(at time.Time) {
				a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.Created = at })
			})
		}},
		{name: "cluster-deleted", story: "a cluster is deleted", act: func(a *actor) {
			a.healthy(policyCluster, 3*time.Hour)
			c := a.healthy(dailyCluster, 3*time.Hour)
			a.in(soon, func(time.Time) { a.project.RemoveCluster(c) })
		}},
		{name: "cluster-made-anew", story: "a cluster is deleted and made anew under its name, without backup yet", act: func(a *actor) {
			c := a.healthy(dailyCluster, 3*time.Hour)
			a.in(soon, func(at time.Time) {
				a.project.RemoveCluster(c)
				anew := a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.Created = at })
				anew.Schedule.AutoExportEnabled = false
				a.org.After(10*time.Minute, func(time.Time) { anew.Schedule.AutoExportEnabled = true })
			})
		}},
		{name: "cluster-paused", story: "a cluster has been paused for a month", act: func(a *actor) {
			c := a.stopped(dailyCluster, 30*day)
			a.in(-29*day, func(time.Time) { c.Paused = true })
		}},
		{name: "cluster-pauses", story: "a cluster is paused shortly before its export would be overdue", act: func(a *actor) {
			c := a.stopped(dailyCluster, 47*time.Hour)
			a.in(soon, func(time.Time) { c.Paused = true })
		}},
		{name: "cluster-resumed", story: "a cluster is resumed after a month; its next export comes hours later", act: func(a *actor) {
			c := a.stopped(dailyCluster, 30*day)
			a.in(-29*day, func(time.Time) { c.Paused = true })
			a.in(soon, func(time.Time) { c.Paused = false })
			a.export(c, 8*time.Hour, exportTakes, atlassim.ExportSuccessful)
		}},
		{name: "free-tier", story: "a cluster of the free tier", act: func(a *actor) {
			a.healthy(policyCluster, 3*time.Hour)
			a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.Provider = "TENANT" })
		}},
		{name: "flex", story: "a Flex cluster", act: func(a *actor) {
			a.healthy(policyCluster, 3*time.Hour)
			a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.Provider = "FLEX" })
		}},
		{name: "backup-never-on", story: "a cluster never had backup", act: func(a *actor) {
			a.cluster(dailyCluster, func(o *atlassim.ClusterOptions) { o.BackupDisabled = true })
		}},
		{name: "backup-off-and-on", story: "backup is off for 8 minutes while a cluster is changed", act: func(a *actor) {
			c := a.healthy(policyCluster, 3*time.Hour)
			a.in(soon, func(time.Time) { c.BackupEnabled = false })
			a.in(soon+8*time.Minute, func(time.Time) { c.BackupEnabled = true })
		}},
		{name: "project-renamed", story: "a project is renamed", act: func(a *actor) {
			a.healthy(dailyCluster, 3*time.Hour)
			a.pipeline(3*time.Hour, time.Hour, nil)
			a.in(soon, func(time.Time) { a.project.Name = "renamed" })
		}},
		{name: "project-empty", story: "a project without clusters and pipelines", act: func(*actor) {}},
		{name: "cluster-errs-briefly", story: "Atlas answers 500 for one cluster for 8 minutes", act: func(a *actor) {
			c := a.healthy(dailyCluster, 3*time.Hour)
			a.in(soon, func(time.Time) { c.BackupRefusal = atlassim.Refusal{Status: http.StatusInternalServerError} })
			a.in(soon+8*time.Minute, func(time.Time) { c.BackupRefusal = atlassim.Refusal{} })
		}},
		{
			name: "sunset-far-away", story: "an API version ends in a year",
			options: func(o *atlassim.Options, now time.Time, c clock) {
				o.Deprecations[atlassim.OpListBackupRestores] = atlassim.Deprecation{
					Deprecated: now.Add(-c.scaled(30 * day)), Sunset: now.Add(c.scaled(365 * day)),
				}
			},
			act: func(a *actor) {
				c := a.healthy(dailyCluster, 3*time.Hour)
				a.restored(c, 5*day, func(r *atlassim.Restore) { r.FinishedAt = a.ago(5*day - time.Hour) })
			},
		},
	}
}

func exportDays() []scenario {
	return []scenario{
		{name: "export-late", story: "a daily export comes 22 h late, but comes", act: func(a *actor) {
			c := a.stopped(dailyCluster, 45*time.Hour)
			a.export(c, 30*time.Minute, exportTakes, atlassim.ExportSuccessful)
			a.export(c, 9*time.Hour, exportTakes, atlassim.ExportSuccessful)
		}},
		{name: "export-retried", story: "an export failed hours ago, and a retry succeeded", act: func(a *actor) {
			c := a.stopped(dailyCluster, 26*time.Hour)
			a.exported(c, 4*time.Hour, 10*time.Minute, atlassim.ExportFailed)
			a.exported(c, 3*time.Hour, exportTakes, atlassim.ExportSuccessful)
		}},
		{name: "export-long", story: "an export takes 14 h, the last one took 5 h", act: func(a *actor) {
			c := a.cluster(dailyCluster)
			a.exported(c, 26*time.Hour, 5*time.Hour, atlassim.ExportSuccessful)
			job := a.exported(c, 5*time.Hour, 0, atlassim.ExportInProgress)
			a.in(9*time.Hour, func(at time.Time) { job.State, job.FinishedAt = atlassim.ExportSuccessful, at })
		}},
		{name: "export-queued", story: "an export is Queued for 4 h behind others, the last took half an hour", act: func(a *actor) {
			c := a.stopped(dailyCluster, 26*time.Hour)
			job := a.exported(c, 2*time.Hour, 0, atlassim.ExportQueued)
			a.in(2*time.Hour, func(time.Time) { job.State = atlassim.ExportInProgress })
			a.in(150*time.Minute, func(at time.Time) { job.State, job.FinishedAt = atlassim.ExportSuccessful, at })
		}},
		{name: "export-zero-of-zero", story: "an export in progress counts 0 of 0 collections", act: func(a *actor) {
			c := a.healthy(dailyCluster, 22*time.Hour)
			a.export(c, 10*time.Minute, 3*time.Hour, atlassim.ExportSuccessful)
		}},
		{name: "export-cancelled", story: "the newest export was cancelled", act: func(a *actor) {
			c := a.stopped(dailyCluster, 23*time.Hour)
			a.exported(c, time.Hour, 10*time.Minute, atlassim.ExportCancelled)
		}},
		{name: "export-old-failure", story: "a failure of nine days ago is the newest job of a cluster exported by hand", act: func(a *actor) {
			c := a.cluster(manualCluster, func(o *atlassim.ClusterOptions) { o.Schedule.AutoExportEnabled = false })
			a.exported(c, 20*day, exportTakes, atlassim.ExportSuccessful)
			a.exported(c, 9*day, exportTakes, atlassim.ExportFailed)
		}},
		{name: "export-failures-in-list", story: "the list has failures, each before a success", act: func(a *actor) {
			a.exports(a.cluster(dailyCluster), 3*time.Hour, atlassim.ExportRoutine{
				Outcome: func(n int, _ time.Time) atlassim.ExportOutcome {
					if n%3 == 1 {
						return atlassim.ExportOutcome{State: atlassim.ExportFailed}
					}
					return atlassim.ExportOutcome{}
				},
			})
		}},
		{name: "exports-none", story: "a cluster without export policy has no job at all", act: func(a *actor) {
			a.cluster(manualCluster, func(o *atlassim.ClusterOptions) { o.Schedule = atlassim.Schedule{} })
		}},
		{name: "auto-export-on", story: "auto export is switched on; the last export was a month ago", act: func(a *actor) {
			// The policy's day is a real one, so the month is, too.
			const realMonth = 30 * day
			c := a.cluster(policyCluster, func(o *atlassim.ClusterOptions) {
				o.Created, o.Schedule.AutoExportEnabled = a.begin.Add(-2*realMonth), false
			})
			c.AddExport(atlassim.Export{CreatedAt: a.begin.Add(-realMonth), FinishedAt: a.begin.Add(-realMonth + time.Hour)})
			a.in(soon, func(time.Time) { c.Schedule.AutoExportEnabled = true })
		}},
		{name: "auto-export-off-and-on", story: "auto export is off for 8 minutes while the schedule is rebuilt", act: func(a *actor) {
			c := a.healthy(policyCluster, 3*time.Hour)
			a.in(soon, func(time.Time) { c.Schedule.AutoExportEnabled = false })
			a.in(soon+8*time.Minute, func(time.Time) { c.Schedule.AutoExportEnabled = true })
		}},
		{name: "auto-export-off-long-ago", story: "auto export has been off for long", act: func(a *actor) {
			c := a.stopped(policyCluster, 60*day)
			a.in(-59*day, func(time.Time) { c.Schedule.AutoExportEnabled = false })
		}},
		{name: "weekly-export", story: "a weekly export was made six days ago", act: func(a *actor) {
			a.exported(a.cluster(weeklyCluster), 6*day, exportTakes, atlassim.ExportSuccessful)
		}},
		{name: "monthly-export", story: "a monthly export was made 32 days ago, a day late", act: func(a *actor) {
			a.exported(a.cluster(monthCluster), 32*day, exportTakes, atlassim.ExportSuccessful)
		}},
	}
}

func restoreDays() []scenario {
	restored := func(name, story string, age time.Duration, change func(*actor, *atlassim.Restore)) scenario {
		return scenario{name: name, story: story, act: func(a *actor) {
			c := a.healthy(dailyCluster, 3*time.Hour)
			a.restored(c, age, func(r *atlassim.Restore) { change(a, r) })
		}}
	}
	return []scenario{
		{name: "restore-download-expires", story: "a download's link expires", act: func(a *actor) {
			r := a.restored(a.healthy(dailyCluster, 3*time.Hour), time.Hour, func(r *atlassim.Restore) {
				r.DeliveryType = atlassim.RestoreDownload
			})
			a.in(-30*time.Minute, r.MakeReady)
		}},
		restored("restore-cancelled", "a restore was cancelled, which Atlas also calls failed", 2*time.Hour,
			func(a *actor, r *atlassim.Restore) {
				r.Cancelled, r.Failed, r.FinishedAt = true, true, a.ago(time.Hour)
			}),
		restored("restore-old-failure", "a restore failed three days ago", 3*day, func(a *actor, r *atlassim.Restore) {
			r.Failed, r.FinishedAt = true, a.ago(3*day-time.Hour)
		}),
		restored("restore-point-in-time", "a restore to a point in time runs for 8 h", 6*time.Hour,
			func(a *actor, r *atlassim.Restore) {
				r.DeliveryType = atlassim.RestorePointInTime
				a.in(2*time.Hour, func(at time.Time) { a.project.Clusters()[0].Restores()[0].FinishedAt = at })
			}),
		{name: "restore-failed-then-done", story: "a restore failed, the next one was completed", act: func(a *actor) {
			c := a.healthy(dailyCluster, 3*time.Hour)
			a.restored(c, 5*time.Hour, func(r *atlassim.Restore) { r.Failed, r.FinishedAt = true, a.ago(4*time.Hour) })
			a.restored(c, 4*time.Hour, func(r *atlassim.Restore) { r.FinishedAt = a.ago(3 * time.Hour) })
		}},
	}
}

func pipelineDays() []scenario {
	return []scenario{
		{name: "dataset-deleted", story: "a dataset is deleted by its retention", act: func(a *actor) {
			pl := a.project.AddPipeline("orders", atlassim.PipelineOptions{})
			run := pl.AddRun(atlassim.Run{CreatedDate: a.ago(20 * day), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
			pl.AddRun(atlassim.Run{CreatedDate: a.ago(10 * day), State: atlassim.RunFailed, Phase: atlassim.PhaseExport})
			a.in(soon, func(at time.Time) { run.State, run.LastUpdatedDate = atlassim.RunDatasetDeleted, at })
		}},
		{name: "run-long", story: "a run takes 5 h", act: func(a *actor) {
			a.pipeline(3*time.Hour, 5*time.Hour, nil)
		}},
		{name: "run-repeated", story: "a run failed, the next one is done", act: func(a *actor) {
			pl := a.project.AddPipeline("orders", atlassim.PipelineOptions{})
			pl.AddRun(atlassim.Run{CreatedDate: a.ago(9 * time.Hour), State: atlassim.RunFailed, Phase: atlassim.PhaseSnapshot})
			pl.AddRun(atlassim.Run{CreatedDate: a.ago(8 * time.Hour), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
		}},
		{name: "pipeline-without-runs", story: "a pipeline has no run yet", act: func(a *actor) {
			a.project.AddPipeline("orders", atlassim.PipelineOptions{})
		}},
		{name: "pipeline-paused", story: "a pipeline has been paused for a month", act: func(a *actor) {
			pl := a.project.AddPipeline("orders", atlassim.PipelineOptions{State: atlassim.PipelinePaused})
			pl.AddRun(atlassim.Run{CreatedDate: a.ago(30 * day), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
		}},
		{name: "pipeline-deleted", story: "a pipeline is deleted while it runs", act: func(a *actor) {
			pl := a.project.AddPipeline("orders", atlassim.PipelineOptions{})
			pl.AddRun(atlassim.Run{CreatedDate: a.ago(5 * time.Hour), State: atlassim.RunInProgress, Phase: atlassim.PhaseExport})
			a.in(soon, func(time.Time) { a.project.RemovePipeline(pl) })
		}},
	}
}
