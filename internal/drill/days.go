package drill

import (
	"net/http"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// benignDays returns the table of scenarios that must not page.
func benignDays() []scenario {
	return slices.Concat(clusterDays(), exportDays(), snapshotDays(), restoreDays(), pipelineDays(), exporterDays())
}

func clusterDays() []scenario {
	return []scenario{
		benign("healthy", "nothing happens but daily exports, restores and runs",
			healthy(orders, -22*hour), pipeline(-22*hour, hour, ""), func(a *actor) {
				a.cluster(orders).AddRestoreRoutine(atlassim.RestoreRoutine{Period: 3 * hour, First: a.after(-30 * hour)})
			}),
		benign("new-cluster", "a cluster is a day old and has not exported yet", cluster(orders, made(-day))),
		benign("cluster-added", "a cluster is added", healthy(policyOrders, -3*hour), at(soon, cluster(orders, made(soon)))),
		benign("cluster-deleted", "a cluster is deleted", healthy(policyOrders, -3*hour), healthy(orders, -3*hour), at(soon, removed(orders))),
		benign("cluster-created-again", "a cluster is deleted and created again with the same name, without backup yet",
			healthy(orders, -3*hour), at(soon, removed(orders), cluster(orders, made(soon)), autoExport(orders, false)),
			at(soon+10*minute, autoExport(orders, true))),
		benign("cluster-paused", "a cluster has been paused for a month", stopped(orders, -30*day), at(-29*day, paused(orders, true))),
		benign("cluster-pauses", "a cluster is paused shortly before its export would be overdue",
			stopped(orders, -47*hour), at(soon, paused(orders, true))),
		benign("cluster-resumed", "a cluster is resumed after a month; its next export comes hours later",
			stopped(orders, -30*day), at(-29*day, paused(orders, true)), at(soon, paused(orders, false)),
			export(orders, 2*hour, usual, atlassim.ExportSuccessful)),
		benign("free-tier", "a cluster of the free tier", healthy(policyOrders, -3*hour), cluster(orders, provider("TENANT"))),
		benign("flex", "a Flex cluster", healthy(policyOrders, -3*hour), cluster(orders, provider("FLEX"))),
		benign("backup-never-on", "a cluster never had backup", cluster(orders, withoutBackup)),
		benign("backup-off-and-on", "backup is off for 8 minutes while a cluster is changed",
			healthy(policyOrders, -3*hour), at(soon, backup(policyOrders, false)), at(soon+8*minute, backup(policyOrders, true))),
		benign("project-renamed", "a project is renamed",
			healthy(orders, -3*hour), pipeline(-3*hour, hour, ""), at(soon, func(a *actor) { a.project.Name = "renamed" })),
		benign("project-empty", "a project without clusters and pipelines"),
		benign("cluster-errs-briefly", "Atlas answers 500 for one cluster for 8 minutes",
			healthy(orders, -3*hour), at(soon, refused(orders, http.StatusInternalServerError, "")), at(soon+8*minute, refused(orders, 0, ""))),
		benign("sunset-far-away", "an API version ends in a year",
			healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, -5*day, hour, succeeds)).ending(atlassim.OpListBackupRestores, 365*day),
	}
}

func exportDays() []scenario {
	return []scenario{
		benign("export-late", "a daily export comes 22 h late, but comes",
			stopped(orders, -46*hour), export(orders, 30*minute, usual, atlassim.ExportSuccessful)),
		benign("export-retried", "an export failed hours ago, and a retry succeeded", stopped(orders, -26*hour),
			export(orders, -4*hour, 10*minute, atlassim.ExportFailed), export(orders, -3*hour, usual, atlassim.ExportSuccessful)),
		benign("export-long", "an export takes 14 h, the last one took 5 h", cluster(orders),
			export(orders, -36*hour, 5*hour, atlassim.ExportSuccessful), export(orders, -12*hour, 14*hour, atlassim.ExportSuccessful)),
		benign("export-queued", "an export is Queued for 4 h behind others, the last took half an hour",
			stopped(orders, -26*hour), export(orders, -2*hour, 270*minute, atlassim.ExportSuccessful),
			at(-2*hour, exportBecomes(orders, atlassim.ExportQueued)), at(2*hour, exportBecomes(orders, atlassim.ExportInProgress))),
		benign("export-zero-of-zero", "an export in progress counts 0 of 0 collections",
			healthy(orders, -22*hour), export(orders, 10*minute, 3*hour, atlassim.ExportSuccessful)),
		benign("export-cancelled", "the newest export was cancelled", stopped(orders, -23*hour), export(orders, -hour, 10*minute, atlassim.ExportCancelled)),
		benign("export-died", "an export died within Atlas weeks ago, newer ones succeed",
			healthy(orders, -3*hour), export(orders, -20*day, forever, atlassim.ExportInProgress)),
		benign("export-old-failure", "a failure of nine days ago is the newest job of a cluster exported by hand",
			cluster(byHand, withoutExports), export(byHand, -20*day, usual, atlassim.ExportSuccessful), export(byHand, -9*day, usual, atlassim.ExportFailed)),
		benign("export-failures-in-list", "the list has failures, each before a success", cluster(orders),
			export(orders, -75*hour, usual, atlassim.ExportFailed), export(orders, -74*hour, usual, atlassim.ExportSuccessful),
			export(orders, -28*hour, usual, atlassim.ExportFailed), export(orders, -27*hour, usual, atlassim.ExportSuccessful),
			export(orders, -4*hour, usual, atlassim.ExportFailed), export(orders, -3*hour, usual, atlassim.ExportSuccessful)),
		benign("exports-none", "a cluster without export policy has no jobs", cluster(byHand, withoutExports)),
		benign("auto-export-on", "auto export is switched on; the last export was a month ago", func(a *actor) {
			// The interval of this policy is not scaled, so the month is not scaled either.
			month := 30 * day * time.Duration(a.factor)
			cluster(policyOrders, made(-2*month))(a)
			autoExport(policyOrders, false)(a)
			export(policyOrders, -month, usual, atlassim.ExportSuccessful)(a)
		}, at(soon, autoExport(policyOrders, true))),
		benign("auto-export-off-and-on", "auto export is off for 8 minutes while the schedule is rebuilt",
			healthy(policyOrders, -3*hour), at(soon, autoExport(policyOrders, false)), at(soon+8*minute, autoExport(policyOrders, true))),
		benign("auto-export-off-long-ago", "auto export has been off for long",
			stopped(policyOrders, -60*day), at(-59*day, autoExport(policyOrders, false))),
		benign("weekly-export", "a weekly export was made six days ago", cluster(weekly), export(weekly, -6*day, usual, atlassim.ExportSuccessful)),
		benign("monthly-export", "a monthly export was made 32 days ago, a day late", cluster(monthly), export(monthly, -32*day, usual, atlassim.ExportSuccessful)),
		benign("export-behind-its-snapshot", "a snapshot is exported 11 h after its creation",
			exported(-34*hour), snapshot(orders, -10*hour, 0, atlassim.SnapshotCompleted), export(orders, hour, usual, atlassim.ExportSuccessful)),
		benign("auto-export-switched-on", "auto export is switched on while old snapshots have no export", snapshots(byHand, day, -3*hour),
			at(soon, change(byHand, func(c *atlassim.Cluster) {
				c.Schedule.AutoExportEnabled, c.Schedule.ExportFrequency = true, atlassim.Daily
			}))),
	}
}

func snapshotDays() []scenario {
	// Each would become overdue within the day if pauses did not count.
	resumed := func(name, story, cluster string, newest, since time.Duration) scenario {
		return benign("resumed-after-"+name, story, snapshots(cluster, day, newest), at(since, paused(cluster, true)),
			at(soon, paused(cluster, false)), snapshot(cluster, 150*minute, 10*minute, atlassim.SnapshotCompleted))
	}
	return []scenario{
		benign("snapshots-taken", "six-hourly snapshots; one belongs to the daily item, too", snapshots(sixHourlySnapshots, 6*hour, -5*hour),
			snapshot(sixHourlySnapshots, hour, 10*minute, atlassim.SnapshotCompleted, frequency(atlassim.Weekly)),
			snapshot(sixHourlySnapshots, 2*hour, 10*minute, atlassim.SnapshotCompleted, frequency(atlassim.Hourly))),
		resumed("a-night", "a cluster is resumed after a night; its next snapshot comes hours later", sixHourlySnapshots, -11*hour, -10*hour),
		resumed("a-weekend", "a cluster is resumed after a weekend", dailySnapshots, -64*hour, -60*hour),
		resumed("a-month", "a cluster is resumed after a month", dailySnapshots, -30*day, -29*day),
		benign("paused-for-a-night", "a cluster is paused shortly before its snapshot would be overdue",
			snapshots(sixHourlySnapshots, 6*hour, -11*hour), at(soon, paused(sixHourlySnapshots, true))),
		benign("snapshot-late", "a six-hourly snapshot comes 5 h late, but comes",
			snapshots(sixHourlySnapshots, 6*hour, -10*hour), snapshot(sixHourlySnapshots, hour, 10*minute, atlassim.SnapshotCompleted)),
		benign("snapshot-long", "a snapshot takes 5 h",
			snapshots(dailySnapshots, day, -25*hour), snapshot(dailySnapshots, -3*hour, 5*hour, atlassim.SnapshotCompleted)),
		benign("snapshot-retried", "a snapshot failed hours ago, and the next one completed", snapshots(sixHourlySnapshots, 6*hour, -3*hour),
			snapshot(sixHourlySnapshots, -4*hour, 0, atlassim.SnapshotFailed),
			snapshot(sixHourlySnapshots, 10*minute-4*hour, 0, atlassim.SnapshotCompleted, fallback)),
		benign("snapshot-on-demand", "an on-demand snapshot, which the export policy does not cover",
			exported(-14*hour), snapshot(orders, -13*hour, 0, atlassim.SnapshotCompleted, onDemand)),
		benign("snapshots-expire", "retention deletes all snapshots but the newest", exported(-3*hour), at(soon, change(orders, func(c *atlassim.Cluster) {
			all := c.Snapshots()
			for _, s := range all[:len(all)-1] {
				c.RemoveSnapshot(s)
			}
		}))),
		benign("first-snapshot-to-come", "a cluster is 5 h old, and its first snapshot is to come", cluster(sixHourlySnapshots, withoutExports, made(-5*hour)),
			snapshot(sixHourlySnapshots, hour, 10*minute, atlassim.SnapshotCompleted)),
		benign("flex-snapshots", "a Flex cluster with a snapshot each day and a restore",
			flex(-23*hour), flexSnapshot(hour, 10*minute, atlassim.FlexCompleted), flexRestore(-hour, 80*minute, atlassim.FlexCompleted)),
		benign("flex-backup-off", "the backup of a Flex cluster is off",
			flexLate(9*hour), func(a *actor) { a.project.FlexClusters()[0].BackupEnabled = false }),
		// The alerting rules look back an hour for the expected interval.
		benign("policy-shorter", "snapshots that were daily are expected every 6 h; the next one comes 5 h later",
			snapshots(dailySnapshots, day, -20*hour), snapshot(dailySnapshots, 7*hour, 10*minute, atlassim.SnapshotCompleted),
			do(2*hour, expected(dailySnapshots, day, 6*hour))).alone().watched(4 * hour),
		benign("policy-longer", "snapshots that were six-hourly are expected daily",
			snapshots(sixHourlySnapshots, 6*hour, -11*hour), do(soon, expected(sixHourlySnapshots, 6*hour, day))).alone(),
	}
}

func restoreDays() []scenario {
	restored := func(name, story, delivery string, start, takes time.Duration, end func(*atlassim.Restore, time.Time)) scenario {
		return benign(name, story, healthy(orders, -3*hour), restore(delivery, start, takes, end))
	}
	return []scenario{
		restored("restore-download-expires", "a download's link expires", atlassim.RestoreDownload, -hour, 30*minute, becomesReady),
		restored("restore-cancelled", "a restore was cancelled, which Atlas also calls failed", atlassim.RestoreAutomated, -2*hour, hour, isCancelled),
		restored("restore-old-failure", "a restore failed three days ago", atlassim.RestoreAutomated, -3*day, hour, fails),
		restored("restore-point-in-time", "a restore to a point in time runs for 8 h", atlassim.RestorePointInTime, -6*hour, 8*hour, succeeds),
		benign("restore-failed-then-done", "a restore failed, the next one was completed", healthy(orders, -3*hour),
			restore(atlassim.RestoreAutomated, -5*hour, hour, fails), restore(atlassim.RestoreAutomated, -4*hour, hour, succeeds)),
		benign("collection-restore", "a collection restore takes 3 h",
			snapshots(dailySnapshots, day, -3*hour), collectionRestore(dailySnapshots, -hour, 3*hour, atlassim.CollectionSuccessful)),
	}
}

func pipelineDays() []scenario {
	active := emptyPipeline(atlassim.PipelineActive)
	return []scenario{
		benign("dataset-deleted", "a dataset is deleted by its retention", active,
			run(-20*day, atlassim.RunDone, atlassim.PhaseIngestion), run(-10*day, atlassim.RunFailed, atlassim.PhaseExport),
			at(soon, func(a *actor) {
				oldest := a.project.Pipelines()[0].Runs()[0]
				oldest.State, oldest.LastUpdatedDate = atlassim.RunDatasetDeleted, a.after(soon)
			})),
		benign("run-long", "a run takes 5 h", pipeline(-3*hour, 5*hour, "")),
		benign("run-repeated", "a run failed, the next one is done", active,
			run(-9*hour, atlassim.RunFailed, atlassim.PhaseSnapshot), run(-8*hour, atlassim.RunDone, atlassim.PhaseIngestion)),
		benign("pipeline-without-runs", "a pipeline has no run yet", active),
		benign("pipeline-paused", "a pipeline has been paused for a month",
			emptyPipeline(atlassim.PipelinePaused), run(-30*day, atlassim.RunDone, atlassim.PhaseIngestion)),
		benign("pipeline-deleted", "a pipeline is deleted while it runs", active, run(-5*hour, atlassim.RunInProgress, atlassim.PhaseExport),
			at(soon, func(a *actor) { a.project.RemovePipeline(a.project.Pipelines()[0]) })),
	}
}

// exporterDays affect everything that an exporter reads, or the exporter itself.
func exporterDays() []scenario {
	return []scenario{
		firing("maintenance", "the whole API answers 503 for 10 minutes",
			fault(soon, soon+10*minute, atlassim.Fault{Status: http.StatusServiceUnavailable})).slower(30),
		benign("api-slower", "every answer takes 15 s", shop, func(a *actor) {
			fault(soon, 0, atlassim.Fault{Delay: a.scaled(15 * time.Second)})(a)
		}).alone(),
		firing("rate-limit-burst", "5 minutes of 429",
			fault(soon, soon+5*minute, afterSignIn(http.StatusTooManyRequests, "RATE_LIMITED"))),
		firing("tokens-revoked", "every access token is revoked early", at(soon, func(a *actor) { a.server.ForgetTokens() })),
		firing("secret-rotated", "the secret is replaced, and the exporter reloaded 3 minutes later", func(a *actor) {
			successor := atlassim.NewServiceAccount()
			successor.ClientID = a.account.ClientID
			at(soon, func(a *actor) {
				a.server.Deny(a.account.ClientID)
				a.server.AllowServiceAccount(successor)
			})(a)
			do(soon+3*minute, func(a *actor) { a.writeFile("secret", successor.ClientSecret) }, reloaded)(a)
		}),
		firing("scrapes-missed", "a scrape is lost now and then", func(a *actor) {
			for when := soon; when < 80*minute; when += 11 * minute {
				do(when, func(a *actor) { a.gates[0].shut.Store(true) })(a)
				do(when+minute, func(a *actor) { a.gates[0].shut.Store(false) })(a)
			}
		}),
		firing("exporter-restarted", "the exporter is restarted while an alert fires", restarted(0, 0)).slower(60),
		firing("exporter-upgraded", "the exporter is down for 4 minutes while an alert fires", restarted(0, 4*minute)).slower(60),
		firing("two-exporters", "two exporters read the same projects: one page, not two").twice(),
		firing("one-of-two-restarted", "one of two exporters is restarted while an alert fires", restarted(1, 0)).slower(60).twice(),
		firing("reloaded", "a good configuration is reloaded", do(soon, reloaded)),
		benign("pipelines-removed", "Atlas removes Data Lake pipelines while a run is in progress",
			shop, run(-4*hour, atlassim.RunInProgress, atlassim.PhaseExport), at(soon, func(a *actor) { a.org.PipelinesGone = http.StatusGone })).alone(),
	}
}
