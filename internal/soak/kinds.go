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
	parent    string   // the collector that lists the owners of the jobs
	needs     []string // other discovery collectors; backup_schedule has a target for each cluster
	weight    int      // how often begin chooses the kind, in percent
	// family is the prefix of the metric names, item is "_job", "_run" or "", and counts is the metric with the number of
	// jobs by state.
	family, item, counts string
	grouped, onlyListed  bool              // series per delivery type; series only if there is a job
	failureInfo          bool              // a metric has the error code of the newest failed job
	states               map[string]string // outcome of each known state
	phases               []string
	metrics              map[string]aggregate // in addition to the metrics of all kinds
	list                 func(owner any) []job
	begin                func(a *atlas, owner any, at time.Time) // creates a job and plans its steps
}

// jobKinds is the only list of the job collectors.
func jobKinds() []jobKind {
	flexStates := map[string]string{
		"PENDING": unfinished, "QUEUED": unfinished, "RUNNING": unfinished, "FAILED": failed, "COMPLETED": succeeded,
	}
	return []jobKind{{
		collector: exports, parent: clusters, needs: []string{"backup_schedule", "export_buckets"}, weight: 35,
		family: "backup_export", item: "_job", counts: "backup_export_jobs", failureInfo: true,
		states: map[string]string{
			"Queued": unfinished, "InProgress": unfinished, "Successful": succeeded, "Failed": failed, "Cancelled": neither,
		},
		metrics: map[string]aggregate{
			"_last_job_exported_collections":       newest("exported", anyJob),
			"_last_job_collections":                newest("collections", anyJob),
			"_first_job_created_timestamp_seconds": least("created", anyJob),
		},
		list: listOf((*atlassim.Cluster).Exports, exportJob, (*atlassim.Cluster).RemoveExport), begin: on((*atlas).beginExport),
	}, {
		collector: "backup_restores", parent: clusters, weight: 20, grouped: true,
		family: "backup_restore", item: "_job", counts: "backup_restore_jobs",
		states: map[string]string{
			"cancelled": neither, "failed": failed, "completed": succeeded, "expired": neither, "ready": succeeded, "in_progress": unfinished,
		},
		list: listOf((*atlassim.Cluster).Restores, restoreJob, (*atlassim.Cluster).RemoveRestore), begin: on((*atlas).beginRestore),
	}, {
		collector: snapshots, parent: clusters, needs: []string{"backup_schedule", "export_buckets"}, weight: 10,
		family: "backup_snapshot", counts: "backup_snapshots",
		states: map[string]string{"queued": unfinished, "inProgress": unfinished, "completed": succeeded, "failed": failed},
		metrics: map[string]aggregate{
			"_last_fallback_timestamp_seconds":     most("fallback", anyJob),
			"_oldest_success_timestamp_seconds":    least("created", came(succeeded)),
			"_newest_expiration_timestamp_seconds": most("expires", in("completed")),
			"_last_success_size_bytes":             latest("size", succeeded),
			"_last_success_copy_regions":           latest("regions", succeeded),
		},
		list: listOf((*atlassim.Cluster).Snapshots, snapshotJob, (*atlassim.Cluster).RemoveSnapshot), begin: on((*atlas).beginSnapshot),
	}, {
		collector: "collection_restores", parent: clusters, weight: 6, onlyListed: true,
		family: "collection_restore", item: "_job", counts: "collection_restore_jobs",
		states: map[string]string{
			"INITIALIZING": unfinished, "IN_PROGRESS": unfinished, "FINALIZING": unfinished,
			"SUCCESSFUL": succeeded, "CANCELED": neither, "FAILED": failed,
		},
		metrics: map[string]aggregate{
			"_last_job_restored_documents":       newest("restored", anyJob),
			"_last_job_documents":                newest("documents", anyJob),
			"_last_job_failed_index_collections": newest("indexes", anyJob),
		},
		list:  listOf((*atlassim.Cluster).CollectionRestores, collectionRestoreJob, (*atlassim.Cluster).RemoveCollectionRestore),
		begin: on((*atlas).beginCollectionRestore),
	}, {
		collector: "flex_snapshots", parent: flexClusters, weight: 3, states: flexStates,
		family: "flex_snapshot", counts: "flex_snapshots",
		metrics: map[string]aggregate{"_newest_expiration_timestamp_seconds": most("expires", in("COMPLETED"))},
		list:    listOf((*atlassim.FlexCluster).Snapshots, flexSnapshotJob, (*atlassim.FlexCluster).RemoveSnapshot),
		begin:   on((*atlas).beginFlexSnapshot),
	}, {
		collector: "flex_restores", parent: flexClusters, weight: 6, states: flexStates,
		grouped: true, family: "flex_restore", item: "_job", counts: "flex_restore_jobs",
		list:  listOf((*atlassim.FlexCluster).Restores, flexRestoreJob, (*atlassim.FlexCluster).RemoveRestore),
		begin: on((*atlas).beginFlexRestore),
	}, {
		collector: "pipeline_runs", parent: pipelines, weight: 20,
		family: "pipeline", item: "_run", counts: "pipeline_runs", phases: []string{"SNAPSHOT", "EXPORT", "INGESTION"},
		states: map[string]string{
			"PENDING": unfinished, "IN_PROGRESS": unfinished, "DONE": succeeded, "FAILED": failed, "DATASET_DELETED": succeeded,
		},
		metrics: map[string]aggregate{
			"_datasets_bytes": sum("bytes", in("DONE")), "_datasets_documents": sum("documents", in("DONE")),
			"_next_dataset_deletion_timestamp_seconds": least("deletion", in("DONE")),
			"_last_run_exported_bytes":                 newest("bytes", anyJob),
			"_last_run_documents":                      newest("documents", anyJob),
			"_last_success_exported_bytes":             newest("bytes", in("DONE")),
			"_last_success_documents":                  newest("documents", in("DONE")),
			"_last_run_updated_timestamp_seconds":      newest("updated", anyJob),
		},
		list: listOf((*atlassim.Pipeline).Runs, runJob, (*atlassim.Pipeline).RemoveRun), begin: on((*atlas).beginRun),
	}}
}

// kindsOf returns the kinds of jobs that the entries of a discovery collector have.
func kindsOf(parent string) []jobKind {
	return slices.DeleteFunc(jobKinds(), func(k jobKind) bool { return k.parent != parent })
}

// kindOf returns the kind of jobs that a collector reads. If ok is false, it reads no jobs.
func kindOf(collector string) (k jobKind, ok bool) {
	kinds := slices.DeleteFunc(jobKinds(), func(k jobKind) bool { return k.collector != collector })
	if len(kinds) == 0 {
		return jobKind{}, false
	}
	return kinds[0], true
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

// listOf returns a list function that converts jobs of one type to the type job.
func listOf[Owner, Job any](list func(Owner) []Job, read func(Job) job, remove func(Owner, Job)) func(any) []job {
	return func(owner any) []job {
		var jobs []job
		for _, listed := range list(owner.(Owner)) { //nolint:forcetypeassert // parent determines the type
			j := read(listed)
			j.listed = listed
			j.remove = func() { remove(owner.(Owner), listed) } //nolint:forcetypeassert // as above
			jobs = append(jobs, j)
		}
		return jobs
	}
}

func on[Owner any](begin func(*atlas, Owner, time.Time)) func(*atlas, any, time.Time) {
	return func(a *atlas, owner any, at time.Time) { begin(a, owner.(Owner), at) } //nolint:forcetypeassert // as in listOf
}

// otherwise returns t, or second if t is zero.
func otherwise(t, second time.Time) time.Time {
	if t.IsZero() {
		return second
	}
	return t
}

func exportJob(e *atlassim.Export) job {
	j := newJob(e.ID, e.State, seconds(e.CreatedAt), e.FinishedAt)
	if j.word = unknown; e.Reason != nil && e.Reason.ErrorCode != "" {
		j.word = e.Reason.ErrorCode
	}
	if !e.OmitExportStatus && len(e.Components) == 0 {
		j.at["exported"], j.at["collections"] = float64(e.ExportedCollections), float64(e.TotalCollections)
	}
	return j
}

// restoreJob derives the state, which Atlas does not report.
func restoreJob(r *atlassim.Restore) job {
	j := newJob(r.ID, "in_progress", born(r.ID), r.FinishedAt)
	j.group = r.DeliveryType
	download := r.DeliveryType == atlassim.RestoreDownload
	url := len(r.DeliveryURLs) > 0
	for _, component := range r.Components {
		url = url || component.DownloadURL != nil
	}
	switch {
	case r.Cancelled:
		j.state = "cancelled"
	case r.Failed:
		j.state = "failed"
	case !r.FinishedAt.IsZero():
		j.state = "completed"
	case r.Expired:
		if j.state = "expired"; download {
			j.outcome = succeeded
		}
	case download && url:
		j.state = "ready"
	}
	return j
}

// snapshotJob uses the creation as the date of the outcome. A fallback is no success.
func snapshotJob(s *atlassim.Snapshot) job {
	created := born(s.ID)
	if !s.CreatedAt.IsZero() {
		created = seconds(s.CreatedAt)
	}
	j := newJob(s.ID, s.Status, created, time.Time{})
	j.word = s.Frequency
	j.at["expires"], j.at["size"], j.at["regions"] = seconds(s.ExpiresAt), float64(s.SizeBytes), float64(len(s.CopyRegions))
	if s.Status == "completed" && s.Type == atlassim.SnapshotFallback {
		j.outcome, j.at["fallback"] = neither, created
	}
	return j
}

func collectionRestoreJob(r *atlassim.CollectionRestore) job {
	j := newJob(r.ID, r.State, seconds(r.CreatedAt), r.FinishedAt)
	if r.TotalDocuments > 0 {
		j.at["restored"], j.at["documents"] = float64(r.RestoredDocuments), float64(r.TotalDocuments)
	}
	if r.IndexState != "" {
		j.at["indexes"] = float64(r.FailedIndexCollections)
	}
	return j
}

// flexSnapshotJob uses the creation as the date of the outcome, although a snapshot has an end.
func flexSnapshotJob(s *atlassim.FlexSnapshot) job {
	j := newJob(s.ID, s.Status, seconds(otherwise(s.StartTime, s.ScheduledTime)), s.FinishTime)
	j.at["date"], j.at["expires"] = j.at["created"], seconds(s.Expiration)
	return j
}

func flexRestoreJob(r *atlassim.FlexRestore) job {
	j := newJob(r.ID, r.Status, seconds(r.ScheduledDate), r.FinishedDate)
	if r.OmitScheduledDate {
		j = newJob(r.ID, r.Status, born(r.ID), r.FinishedDate)
	}
	j.group = r.DeliveryType
	return j
}

// runJob uses the creation as the date of the outcome, because a run has no end.
func runJob(r *atlassim.Run) job {
	j := newJob(r.ID, r.State, seconds(r.CreatedDate), time.Time{})
	j.word = r.Phase
	j.at["updated"], j.at["deletion"] = seconds(r.LastUpdatedDate), seconds(r.ScheduledDeletionDate)
	if r.Stats != nil {
		j.at["bytes"], j.at["documents"] = float64(r.Stats.BytesExported), float64(r.Stats.NumDocs)
	}
	return j
}
