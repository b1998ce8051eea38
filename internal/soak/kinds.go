package soak

import (
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// Names of the discovery collectors whose entries have jobs, as in the exporter's interface.
const (
	clusters     = "clusters"
	flexClusters = "flex_clusters"
	pipelines    = "pipelines"
)

const (
	exports   = "backup_exports"
	snapshots = "backup_snapshots"
)

// jobKind describes a collector of jobs. To add a collector, add an entry to jobKinds.
type jobKind struct {
	collector string
	parent    string            // the collector that lists the owners of the jobs
	needs     map[string]string // other discovery collectors, and what lists their targets
	// family is the prefix of the metric names, and item is "_job", "_run" or "".
	family, item string
	onlyListed   bool              // series only if there is a job
	failureInfo  bool              // a metric has the error code of the newest failed job
	states       map[string]string // outcome of each known state
	phases       []string
	metrics      map[string]aggregate // in addition to the metrics of all kinds
	// The functions that simulate sets.
	list  func(owner any) []job
	order func(owner any, order atlassim.Order)
	begin func(a *atlas, owner any, at time.Time) // creates a job and plans its steps
}

// jobKinds is the only list of the job collectors.
func jobKinds() []jobKind {
	schedule := map[string]string{"backup_schedule": clusters, "export_buckets": ""}
	flexStates := map[string]string{
		"PENDING": unfinished, "QUEUED": unfinished, "RUNNING": unfinished, "FAILED": failed, "COMPLETED": succeeded,
	}
	return []jobKind{
		simulate(jobKind{
			collector: exports, parent: clusters, needs: schedule, family: "backup_export", item: "_job", failureInfo: true,
			states: map[string]string{
				"Queued": unfinished, "InProgress": unfinished, "Successful": succeeded, "Failed": failed, "Cancelled": neither,
			},
			metrics: map[string]aggregate{
				"_last_job_exported_collections":       newest("exported", anyJob),
				"_last_job_collections":                newest("collections", anyJob),
				"_first_job_created_timestamp_seconds": least("created", anyJob),
			},
		}, beginExport, exportJob,
			(*atlassim.Cluster).Exports, (*atlassim.Cluster).RemoveExport, (*atlassim.Cluster).OrderExports),
		simulate(jobKind{
			collector: "backup_restores", parent: clusters, family: "backup_restore", item: "_job", onlyListed: true,
			states: map[string]string{
				"in_progress": unfinished, "ready": succeeded, "completed": succeeded, "failed": failed,
				"cancelled": neither, "expired": neither,
			},
		}, beginRestore, restoreJob,
			(*atlassim.Cluster).Restores, (*atlassim.Cluster).RemoveRestore, (*atlassim.Cluster).OrderRestores),
		simulate(jobKind{
			collector: snapshots, parent: clusters, needs: schedule, family: "backup_snapshot",
			states: map[string]string{"queued": unfinished, "inProgress": unfinished, "completed": succeeded, "failed": failed},
			metrics: map[string]aggregate{
				"_last_fallback_timestamp_seconds":     most("fallback", anyJob),
				"_oldest_success_timestamp_seconds":    least("created", came(succeeded)),
				"_newest_expiration_timestamp_seconds": most("expires", in("completed")),
				"_last_success_size_bytes":             latest("size", succeeded),
				"_last_success_copy_regions":           latest("regions", succeeded),
			},
		}, beginSnapshot, snapshotJob,
			(*atlassim.Cluster).Snapshots, (*atlassim.Cluster).RemoveSnapshot, (*atlassim.Cluster).OrderSnapshots),
		simulate(jobKind{
			collector: "collection_restores", parent: clusters, family: "collection_restore", item: "_job", onlyListed: true,
			states: map[string]string{
				"INITIALIZING": unfinished, "IN_PROGRESS": unfinished, "FINALIZING": unfinished,
				"SUCCESSFUL": succeeded, "CANCELED": neither, "FAILED": failed,
			},
			metrics: map[string]aggregate{
				"_last_job_restored_documents":       newest("restored", anyJob),
				"_last_job_documents":                newest("documents", anyJob),
				"_last_job_failed_index_collections": newest("indexes", anyJob),
			},
		}, beginCollectionRestore, collectionRestoreJob,
			(*atlassim.Cluster).CollectionRestores, (*atlassim.Cluster).RemoveCollectionRestore,
			(*atlassim.Cluster).OrderCollectionRestores),
		simulate(jobKind{
			collector: "flex_snapshots", parent: flexClusters, family: "flex_snapshot", states: flexStates,
			metrics: map[string]aggregate{"_newest_expiration_timestamp_seconds": most("expires", in("COMPLETED"))},
		}, beginFlexSnapshot, flexSnapshotJob,
			(*atlassim.FlexCluster).Snapshots, (*atlassim.FlexCluster).RemoveSnapshot, (*atlassim.FlexCluster).OrderSnapshots),
		simulate(jobKind{
			collector: "flex_restores", parent: flexClusters, family: "flex_restore", item: "_job", onlyListed: true,
			states: flexStates,
		}, beginFlexRestore, flexRestoreJob,
			(*atlassim.FlexCluster).Restores, (*atlassim.FlexCluster).RemoveRestore, (*atlassim.FlexCluster).OrderRestores),
		simulate(jobKind{
			collector: "pipeline_runs", parent: pipelines, family: "pipeline", item: "_run",
			states: map[string]string{
				"PENDING": unfinished, "IN_PROGRESS": unfinished, "DONE": succeeded, "FAILED": failed, "DATASET_DELETED": succeeded,
			},
			phases: []string{"SNAPSHOT", "EXPORT", "INGESTION"},
			metrics: map[string]aggregate{
				"_datasets_bytes": sum("bytes", in("DONE")), "_datasets_documents": sum("documents", in("DONE")),
				"_next_dataset_deletion_timestamp_seconds": least("deletion", in("DONE")),
				"_last_run_exported_bytes":                 newest("bytes", anyJob),
				"_last_run_documents":                      newest("documents", anyJob),
				"_last_success_exported_bytes":             newest("bytes", in("DONE")),
				"_last_success_documents":                  newest("documents", in("DONE")),
				"_last_run_updated_timestamp_seconds":      newest("updated", anyJob),
			},
		}, beginRun, runJob,
			(*atlassim.Pipeline).Runs, (*atlassim.Pipeline).RemoveRun, (*atlassim.Pipeline).OrderRuns),
	}
}

// simulate completes a kind of job with functions of the simulated Atlas, which have types of their own.
func simulate[Owner, Job any](
	k jobKind, begin func(*atlas, Owner, time.Time), read func(Job) job,
	list func(Owner) []Job, remove func(Owner, Job), order func(Owner, atlassim.Order),
) jobKind {
	typed := func(owner any) Owner { return owner.(Owner) } // the parent determines the type
	k.list = func(owner any) (jobs []job) {
		for _, listed := range list(typed(owner)) {
			j := read(listed)
			if j.outcome == "" {
				j.outcome = k.states[j.state]
			}
			j.listed, j.remove = listed, func() { remove(typed(owner), listed) }
			jobs = append(jobs, j)
		}
		return jobs
	}
	k.order = func(owner any, o atlassim.Order) { order(typed(owner), o) }
	k.begin = func(a *atlas, owner any, at time.Time) { begin(a, typed(owner), at) }
	return k
}

// kindsOf returns the kinds of jobs that the entries of a discovery collector have.
func kindsOf(parent string) []jobKind {
	return slices.DeleteFunc(jobKinds(), func(k jobKind) bool { return k.parent != parent })
}

// kindOf returns the kind of jobs that a collector reads.
func kindOf(collector string) jobKind {
	kinds := jobKinds()
	return kinds[slices.IndexFunc(kinds, func(k jobKind) bool { return k.collector == collector })]
}
