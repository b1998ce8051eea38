package drill

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// incidents returns the table of scenarios that must page.
func incidents() []scenario {
	return slices.Concat(exportIncidents(), snapshotIncidents(), restoreIncidents(), accessIncidents(), exporterIncidents())
}

func exportIncidents() []scenario {
	return []scenario{
		incident("export-failed", "tonight's export fails", pages(soon, "BackupExportFailed{cl_name=orders}"),
			stopped(orders, -23*hour), export(orders, 10*minute, 10*minute, atlassim.ExportFailed)),
		incident("export-failed-retried", "an export fails and is repeated by hand: the page resolves",
			resolved(pages(soon, "BackupExportFailed{cl_name=orders}")),
			stopped(orders, -23*hour), export(orders, 10*minute, 10*minute, atlassim.ExportFailed), export(orders, hour, usual, atlassim.ExportSuccessful)),
		incident("export-fails-for-days", "every export has failed for days: failed, then overdue",
			slices.Concat(pages(standing, "BackupExportFailed{cl_name=orders}"), pages(soon, "BackupExportOverdue{cl_name=orders}")),
			stopped(orders, soon-2*day), export(orders, -23*hour, 10*minute, atlassim.ExportFailed)),
		incident("export-stuck-queued", "a job is Queued for 6 h, the last took half an hour", pages(soon, "BackupExportStuck{cl_name=orders}"),
			stopped(orders, -26*hour), export(orders, soon-6*hour, forever, atlassim.ExportQueued)),
		incident("export-stuck-in-progress", "a job is InProgress for 16 h, the last took 4 h", pages(soon, "BackupExportStuck{cl_name=orders}"),
			cluster(orders), export(orders, -22*hour, 4*hour, atlassim.ExportSuccessful), export(orders, soon-16*hour, forever, atlassim.ExportInProgress)),
		incident("first-export-stuck", "a new cluster's first export is InProgress for half a day", pages(soon, "BackupExportStuck{cl_name=orders}"),
			cluster(orders, made(-20*hour)), export(orders, soon-12*hour, forever, atlassim.ExportInProgress)),
		incident("export-never-ran", "a cluster has no export two days after its creation", pages(soon, "BackupExportOverdue{cl_name=orders}"),
			cluster(orders, made(soon-2*day))),
		incident("export-overdue", "daily exports stop", pages(soon, "BackupExportOverdue{cl_name=orders}"),
			stopped(orders, soon-2*day)),
		incident("six-hourly-overdue", "exports expected every 6 h stop", pages(soon, "BackupExportOverdue{cl_name=six-hourly-orders}"),
			stopped(sixHourly, soon-12*hour)),
		incident("weekly-overdue", "a weekly export is two days late", pages(soon, "BackupExportOverdue{cl_name=weekly-orders}"),
			cluster(weekly), export(weekly, soon-9*day-usual, usual, atlassim.ExportSuccessful)),
		incident("overdue-after-resume", "hourly exports do not start again after a cluster is resumed: overdue after 2 h",
			pages(140*minute, "BackupExportOverdue{cl_name=hourly-orders}"),
			stopped(hourly, -3*day), at(-2*day, paused(hourly, true)), at(soon, paused(hourly, false))).watched(3 * hour),
		incident("auto-export-off", "auto export is switched off", pages(soon, "BackupAutoExportDisabled{cl_name=policy-orders}"),
			healthy(policyOrders, -3*hour), at(soon, autoExport(policyOrders, false))),
		incident("backup-off", "backup is switched off, and auto export with it", pages(soon, "BackupDisabled{cl_name=policy-orders}"),
			healthy(policyOrders, -3*hour), at(soon, backup(policyOrders, false))),
		incident("export-missing", "a snapshot has had no export for half a day", pages(soon, "BackupExportMissing{cl_name=orders}"),
			exported(soon-36*hour), snapshot(orders, soon-12*hour, 0, atlassim.SnapshotCompleted)),
		incident("bucket-gone", "the bucket that the schedule exports to is deleted", pages(soon, "BackupExportBucketMissing{cl_name=orders}"),
			exported(-3*hour), func(a *actor) {
				bucket := a.project.ExportBuckets()[0]
				a.cluster(orders).Schedule.ExportBucketID = bucket.ID
				at(soon, func(a *actor) { a.project.RemoveExportBucket(bucket) })(a)
			}),
	}
}

func snapshotIncidents() []scenario {
	const (
		six   = "{cl_name=six-hourly-snapshots}"
		daily = "{cl_name=daily-snapshots}"
		flexC = "{cl_name=flex-orders}"
	)
	return []scenario{
		incident("snapshot-failed", "a snapshot fails", pages(30*minute, "BackupSnapshotFailed"+six),
			snapshots(sixHourlySnapshots, 6*hour, -5*hour), snapshot(sixHourlySnapshots, soon, 10*minute, atlassim.SnapshotFailed)),
		incident("snapshot-failed-then-taken", "a snapshot fails and the next one completes: the page resolves",
			resolved(pages(30*minute, "BackupSnapshotFailed"+six)),
			snapshots(sixHourlySnapshots, 6*hour, -5*hour), snapshot(sixHourlySnapshots, soon, 10*minute, atlassim.SnapshotFailed),
			snapshot(sixHourlySnapshots, soon+hour, 10*minute, atlassim.SnapshotCompleted)),
		incident("snapshot-stuck", "a snapshot has been in progress for 6 h", pages(soon, "BackupSnapshotStuck"+daily),
			snapshots(dailySnapshots, day, -20*hour), snapshot(dailySnapshots, soon-6*hour, forever, atlassim.SnapshotInProgress)),
		incident("snapshot-queued", "a snapshot has been queued for 6 h", pages(soon, "BackupSnapshotStuck"+daily),
			snapshots(dailySnapshots, day, -20*hour), snapshot(dailySnapshots, soon-6*hour, forever, atlassim.SnapshotQueued)),
		incident("snapshot-overdue", "six-hourly snapshots stop", pages(soon, "BackupSnapshotOverdue"+six),
			snapshots(sixHourlySnapshots, 6*hour, soon-12*hour)),
		incident("daily-snapshot-overdue", "a daily snapshot is 6 h late", pages(soon, "BackupSnapshotOverdue"+daily),
			snapshots(dailySnapshots, day, soon-30*hour)),
		incident("snapshot-fallback", "a snapshot fails and Atlas takes a fallback instead: a page for each",
			slices.Concat(pages(30*minute, "BackupSnapshotFailed"+daily), pages(40*minute, "BackupSnapshotFallback"+daily)),
			snapshots(dailySnapshots, day, -20*hour), snapshot(dailySnapshots, soon, 10*minute, atlassim.SnapshotFailed),
			snapshot(dailySnapshots, 30*minute, 10*minute, atlassim.SnapshotCompleted, fallback)),
		incident("schedule-behind", "Atlas's own next snapshot is 3 h in the past", pages(soon, "BackupSnapshotScheduleBehind"+daily),
			snapshots(dailySnapshots, day, -20*hour), func(a *actor) { a.cluster(dailySnapshots).Schedule.NextSnapshot = a.after(soon - 3*hour) }),
		incident("nothing-scheduled", "every item is removed from the backup policy", pages(soon, "BackupSnapshotNotScheduled{cl_name=manual-orders}"),
			snapshots(byHand, day, -3*hour), at(soon, change(byHand, func(c *atlassim.Cluster) { c.SetPolicy(atlassim.NothingScheduled()) }))),
		incident("flex-snapshot-failed", "a snapshot of a Flex cluster fails", pages(soon, "FlexSnapshotFailed"+flexC),
			flex(-20*hour), flexSnapshot(0, soon, atlassim.FlexFailed)),
		incident("flex-snapshot-overdue", "the snapshots of a Flex cluster stop", pages(soon, "FlexSnapshotOverdue"+flexC),
			flexLate(6*hour-soon)),
	}
}

func restoreIncidents() []scenario {
	pipelineFails := func(name, phase string, due time.Duration) scenario { // a run of 24 minutes has twelve steps, and fails in the middle of its phase
		return incident("run-failed-"+name, "a pipeline run fails in its phase "+phase, pages(due, "PipelineRunFailed{pipeline=orders}"),
			healthy(orders, -3*hour), pipeline(soon-day, 24*minute, phase))
	}
	pipelineHangs := func(name, state, phase string) scenario {
		return incident("run-stuck-"+name, "a pipeline run has been "+state+" for 6 h", pages(soon, "PipelineRunStuck{pipeline=orders}"),
			healthy(orders, -3*hour), pipeline(-23*hour, 24*minute, ""), run(soon-6*hour, state, phase))
	}
	failure := pages(soon, "BackupRestoreFailed{cl_name=orders}")
	return []scenario{
		incident("restore-failed", "a restore fails", failure,
			healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, soon-50*minute, 50*minute, fails)),
		incident("long-restore-failed", "a restore fails after 22 h, without an end date",
			slices.Concat(failure, resolved(pages(standing, "BackupRestoreStuck{cl_name=orders}"))),
			healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, soon-22*hour, 22*hour, failsUndated)),
		incident("restore-failed-repeated", "a restore fails and the next one completes: the page resolves",
			resolved(pages(soon, "BackupRestoreFailed{cl_name=orders}")),
			healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, soon-50*minute, 50*minute, fails),
			restore(atlassim.RestoreAutomated, hour, 20*minute, succeeds)),
		incident("restore-failed-downloaded", "a restore fails, and a later download succeeds: the alert keeps firing", failure,
			healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, soon-50*minute, 50*minute, fails),
			restore(atlassim.RestoreDownload, hour, 20*minute, becomesReady)),
		incident("restore-stuck", "a restore has run for half a day", pages(soon, "BackupRestoreStuck{cl_name=orders,delivery_type=automated}"),
			healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, soon-12*hour, forever, nil)),
		incident("collection-restore-failed", "a collection restore fails", pages(soon, "CollectionRestoreFailed{cl_name=daily-snapshots}"),
			snapshots(dailySnapshots, day, -3*hour), collectionRestore(dailySnapshots, soon-80*minute, 80*minute, atlassim.CollectionFailed)),
		incident("collection-restore-stuck", "a collection restore has run for half a day", pages(soon, "CollectionRestoreStuck{cl_name=daily-snapshots}"),
			snapshots(dailySnapshots, day, -3*hour), collectionRestore(dailySnapshots, soon-12*hour, forever, "")),
		incident("flex-restore-failed", "a restore of a Flex cluster fails", pages(soon, "FlexRestoreFailed{cl_name=flex-orders}"),
			flex(-3*hour), flexRestore(soon-80*minute, 80*minute, atlassim.FlexFailed)),
		incident("flex-restore-stuck", "a restore of a Flex cluster has run for half a day",
			pages(soon, "FlexRestoreStuck{cl_name=flex-orders,delivery_type=RESTORE}"),
			flex(-3*hour), flexRestore(soon-12*hour, forever, "")),
		pipelineFails("snapshot", atlassim.PhaseSnapshot, 24*minute),
		pipelineFails("export", atlassim.PhaseExport, 30*minute),
		pipelineFails("ingestion", atlassim.PhaseIngestion, 38*minute),
		pipelineHangs("pending", atlassim.RunPending, atlassim.PhaseSnapshot),
		pipelineHangs("in-progress", atlassim.RunInProgress, atlassim.PhaseIngestion),
	}
}

// unreadable returns the expected pages about collectors that cannot be read.
func unreadable(reason string, collectors ...string) (all []expectation) {
	for _, c := range collectors {
		all = append(all, pages(soon, fmt.Sprintf("TargetUnreadable{collector=%s,reason=%s}", c, reason))...)
	}
	return all
}

func accessIncidents() []scenario {
	lists := []string{"backup_exports", "backup_restores", "backup_schedule", "backup_snapshots", "collection_restores"}
	noRole := afterSignIn(http.StatusUnauthorized, "USER_UNAUTHORIZED")
	return []scenario{
		incident("project-gone", "the credentials lose a project", pages(soon, "ProjectGone"),
			healthy(orders, -3*hour), pipeline(-3*hour, hour, ""), at(soon, func(a *actor) { a.project.Hide(atlassim.NotInGroup()) })),
		incident("role-removed", "Project Backup Manager is revoked for one project",
			unreadable("forbidden", "backup_exports", "backup_restores", "collection_restores"),
			healthy(orders, -hour), healthy(policyOrders, -hour), healthy(byHand, -hour),
			below("/backup/exports", noRole), below("/backup/restoreJobs", noRole), below("/collectionRestoreJobs", noRole)),
		incident("cluster-erroring", "Atlas answers 500 for the backups of one cluster", unreadable("server_error", lists...),
			healthy(orders, -3*hour), healthy(policyOrders, -3*hour),
			at(soon, refused(policyOrders, http.StatusInternalServerError, "UNEXPECTED_ERROR"))),
		incident("unreadable-while-exporting", "an export is in progress when its cluster becomes unreadable: nobody can know that it is stuck",
			unreadable("server_error", lists...),
			stopped(orders, -26*hour), export(orders, hour-6*hour, forever, atlassim.ExportInProgress),
			at(soon, refused(orders, http.StatusInternalServerError, "UNEXPECTED_ERROR"))),
		incident("cluster-list-refused", "the list of clusters is refused while one becomes Flex", unreadable("bad_response", "clusters"),
			healthy(orders, -3*hour), at(soon, func(a *actor) {
				a.project.ClustersRefusal = atlassim.Refusal{Status: http.StatusBadRequest, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}
			})),
		incident("api-sunset", "an API version will be removed within 90 days", pages(standing, "APISunset{endpoint=list_pipeline_runs}"),
			healthy(orders, -3*hour), pipeline(-3*hour, hour, "")).ending(atlassim.OpListPipelineRuns, 89*day),
	}
}

// exporterIncidents affect everything that an exporter reads, or the exporter itself.
func exporterIncidents() []scenario {
	unreachable := func(name, story string, f atlassim.Fault) scenario {
		return incident(name, story, pages(soon, "Unreachable"), shop, fault(soon, 0, f)).alone()
	}
	return []scenario{
		incident("credentials-revoked", "the service account is deleted", pages(soon, "Unauthorized"),
			shop, at(soon, func(a *actor) { a.server.Deny(a.account.ClientID) })).alone(),
		unreachable("ip-access-list", "the exporter's address is removed from the access list", afterSignIn(http.StatusForbidden, "IP_ADDRESS_NOT_ON_ACCESS_LIST")),
		unreachable("api-down", "the whole API answers 503", atlassim.Fault{Status: http.StatusServiceUnavailable}),
		unreachable("api-slow", "the whole API answers after the request timeout", atlassim.Fault{Delay: minute}),
		unreachable("api-html", "a proxy answers every request with an HTML page", atlassim.Fault{
			Status: http.StatusOK, Body: "<html><body>Please sign in to the network.</body></html>", Header: http.Header{"Content-Type": {"text/html"}},
		}),
		unreachable("network-cut", "every connection is cut", atlassim.Fault{
			Handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		}),
		incident("rate-limited", "another tool uses up the rate limit: a 429 every 10 minutes", pages(soon, "RateLimited{endpoint=list_backup_exports}"),
			shop, func(a *actor) {
				for when := soon; when < 70*minute; when += 10 * minute {
					f := afterSignIn(http.StatusTooManyRequests, "RATE_LIMITED")
					f.Operation, f.Times = atlassim.OpListBackupExports, 1
					fault(when, 0, f)(a)
				}
			}).alone().slower(20).watched(70 * minute),
		incident("exporter-crashed", "the exporter is killed and not started again",
			slices.Concat(failingShopPages(), pages(soon, "ExporterDown{job=mongodbatlas}")),
			failingShop, do(soon, ended(0, syscall.SIGKILL))).alone(),
		incident("exporter-away", "the exporter is down for 20 minutes: earlier alerts keep firing",
			slices.Concat(failingShopPages(), resolved(pages(soon, "ExporterDown{job=mongodbatlas}"))),
			failingShop, restarted(0, 20*minute)).alone().slower(60),
		incident("reload-broken", "the configuration is invalid at a reload", pages(soon, "ExporterConfigReloadFailed"),
			shop, do(soon, func(a *actor) {
				a.writeFile("exporter.yml", "refresh: {min_interval: often}\n")
				if err := a.reload(); err == nil {
					a.t.Fatal("an invalid configuration was loaded")
				}
			})).alone(),
		// The alert about the list of clusters inhibits the others, unless they page first. This depends on the order of
		// reads.
		incident("named-project-gone", "a project that the configuration names is no longer visible",
			slices.Concat(unreadable("not_found", "clusters"), perhaps("TargetUnreadable{reason=not_found}")),
			shop, do(0, func(a *actor) {
				var all []string
				for _, p := range a.org.Projects() {
					all = append(all, "{id: "+p.ID+"}")
				}
				a.reconfigure("projects: []", "projects: ["+strings.Join(all, ", ")+"]")
			}),
			at(soon, func(a *actor) { a.project.Hide(atlassim.Refusal{Status: http.StatusNotFound, Code: "GROUP_NOT_FOUND"}) }),
		).alone(),
		incident("list-endless", "reading one list takes hours", pages(50*minute, "DataStale{collector=backup_exports}"),
			shop, do(0, func(a *actor) { a.reconfigure("request_timeout: 2s", "request_timeout: 10m") }),
			below("/"+orders+"/backup/exports", atlassim.Fault{Delay: 5 * minute})).alone().watched(2 * hour),
	}
}
