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
	simulated
}

// simulated is how a kind of job is in the simulated Atlas.
type simulated struct {
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
	return []jobKind{{
		collector: exports, parent: clusters, needs: schedule, family: "backup_export", item: "_job", failureInfo: true,
		states: map[string]string{
			"Queued": unfinished, "InProgress": unfinished, "Successful": succeeded, "Failed": failed, "Cancelled": neither,
		},
		metrics: map[string]aggregate{
			"_last_job_exported_collections":       newest("exported", anyJob),
			"_last_job_collections":                newest("collections", anyJob),
			"_first_job_created_timestamp_seconds": least("created", anyJob),
		},
		simulated: simulate(
			(*atlassim.Cluster).Exports, exportJob, (*atlassim.Cluster).RemoveExport, (*atlassim.Cluster).OrderExports, beginExport,
		),
	}, {
		collector: "backup_restores", parent: clusters, family: "backup_restore", item: "_job", onlyListed: true,
		states: map[string]string{
			"in_progress": unfinished, "ready": succeeded, "completed": succeeded, "failed": failed,
			"cancelled": neither, "expired": neither,
		},
		simulated: simulate(
			(*atlassim.Cluster).Restores, restoreJob, (*atlassim.Cluster).RemoveRestore, (*atlassim.Cluster).OrderRestores, beginRestore,
		),
	}, {
		collector: snapshots, parent: clusters, needs: schedule, family: "backup_snapshot",
		states: map[string]string{"queued": unfinished, "inProgress": unfinished, "completed": succeeded, "failed": failed},
		metrics: map[string]aggregate{
			"_last_fallback_timestamp_seconds":     most("fallback", anyJob),
			"_oldest_success_timestamp_seconds":    least("created", came(succeeded)),
			"_newest_expiration_timestamp_seconds": most("expires", in("completed")),
			"_last_success_size_bytes":             latest("size", succeeded),
			"_last_success_copy_regions":           latest("regions", succeeded),
		},
		simulated: simulate(
			(*atlassim.Cluster).Snapshots, snapshotJob, (*atlassim.Cluster).RemoveSnapshot, (*atlassim.Cluster).OrderSnapshots, beginSnapshot,
		),
	}, {
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
		simulated: simulate(
			(*atlassim.Cluster).CollectionRestores, collectionRestoreJob, (*atlassim.Cluster).RemoveCollectionRestore,
			(*atlassim.Cluster).OrderCollectionRestores, beginCollectionRestore,
		),
	}, {
		collector: "flex_snapshots", parent: flexClusters, family: "flex_snapshot", states: flexStates,
		metrics: map[string]aggregate{"_newest_expiration_timestamp_seconds": most("expires", in("COMPLETED"))},
		simulated: simulate(
			(*atlassim.FlexCluster).Snapshots, flexSnapshotJob, (*atlassim.FlexCluster).RemoveSnapshot,
			(*atlassim.FlexCluster).OrderSnapshots, beginFlexSnapshot,
		),
	}, {
		collector: "flex_restores", parent: flexClusters, family: "flex_restore", item: "_job", states: flexStates, onlyListed: true,
		simulated: simulate(
			(*atlassim.FlexCluster).Restores, flexRestoreJob, (*atlassim.FlexCluster).RemoveRestore,
			(*atlassim.FlexCluster).OrderRestores, beginFlexRestore,
		),
	}, {
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
		simulated: simulate(
			(*atlassim.Pipeline).Runs, runJob, (*atlassim.Pipeline).RemoveRun, (*atlassim.Pipeline).OrderRuns, beginRun,
		),
	}}
}

// simulate lets callers use an owner and jobs of any type.
func simulate[Owner, Job any](
	list func(Owner) []Job, read func(Job) job, remove func(Owner, Job), order func(Owner, atlassim.Order),
	begin func(*atlas, Owner, time.Time),
) simulated {
	typed := func(owner any) Owner { return owner.(Owner) } // jobKind.parent determines the type
	return simulated{
		list: func(owner any) (jobs []job) {
			for _, listed := range list(typed(owner)) {
				j := read(listed)
				j.listed, j.remove = listed, func() { remove(typed(owner), listed) }
				jobs = append(jobs, j)
			}
			return jobs
		},
		order: func(owner any, o atlassim.Order) { order(typed(owner), o) },
		begin: func(a *atlas, owner any, at time.Time) { begin(a, typed(owner), at) },
	}
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

// jobs lists the jobs of an owner.
func (k *jobKind) jobs(owner any) []job {
	jobs := k.list(owner)
	for i, j := range jobs {
		if j.outcome == "" {
			jobs[i].outcome = k.states[j.state]
		}
	}
	return jobs
}
