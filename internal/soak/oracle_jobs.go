package soak

import (
	"slices"
	"strconv"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// What follows computes the promised samples from the simulated Atlas's own objects. It shares no code with the exporter,
// keeps nothing from one time to the next, and looks at every job each time.

// The states and phases that the interface promises to show.
var (
	exportStates   = []string{"Queued", "InProgress", "Successful", "Failed", "Cancelled"}
	restoreStates  = []string{"cancelled", "failed", "completed", "expired", "ready", "in_progress"}
	runStates      = []string{"PENDING", "IN_PROGRESS", "DONE", "FAILED", "DATASET_DELETED"}
	runPhases      = []string{"SNAPSHOT", "EXPORT", "INGESTION"}
	pipelineStates = []string{"ACTIVE", "PAUSED"}
)

// seconds is a time as Atlas answers it: in whole seconds.
func seconds(t time.Time) float64 { return float64(t.Unix()) }

// born is the time in an ObjectId.
func born(id string) float64 {
	n, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		panic("an id of the simulated Atlas is no ObjectId: " + id)
	}
	return float64(n)
}

// later orders jobs by creation, and by id where that is the same second.
func later(created float64, id string, than float64, other string) bool {
	return created > than || created == than && id > other
}

// counts expects the number of jobs in each state.
func counts[Job any](s samples, jobs []Job, state func(Job) string, known []string, name string, pairs ...string) {
	n := map[string]int{unknown: 0}
	for _, k := range known {
		n[k] = 0
	}
	for _, j := range jobs {
		at := state(j)
		if _, ok := n[at]; !ok {
			at = unknown
		}
		n[at]++
	}
	for at, count := range n {
		s.set(float64(count), name, append(slices.Clip(pairs), "state", at)...)
	}
}

// dated is a job that ended well or badly, with the date that counts for that.
type dated struct {
	created, date float64
	id            string
	finished      bool
	took          float64 // from creation to end, where it finished
}

// last is the job with the latest date; of those of one second, the one that was made last.
func last(jobs []dated) (latest dated, ok bool) {
	for i, j := range jobs {
		if i == 0 || j.date > latest.date || j.date == latest.date && later(j.created, j.id, latest.created, latest.id) {
			latest = j
		}
	}
	return latest, len(jobs) > 0
}

// dates expects the last success and failure, and how long that success took.
func (s samples) dates(family string, succeeded, failed []dated, pairs ...string) {
	success, ok := last(succeeded)
	s.set(success.date, family+"_last_success_timestamp_seconds", pairs...)
	if ok && success.finished {
		s.set(success.took, family+"_last_success_duration_seconds", pairs...)
	}
	failure, _ := last(failed)
	s.set(failure.date, family+"_last_failure_timestamp_seconds", pairs...)
}

const exportFamily = prefix + "backup_export"

// exportSamples is what a cluster's export jobs come to.
func exportSamples(jobs []*atlassim.Export, pairs ...string) samples {
	s := samples{}
	counts(s, jobs, func(e *atlassim.Export) string { return e.State }, exportStates, exportFamily+"_jobs", pairs...)
	if len(jobs) == 0 {
		return s
	}
	newest, oldest := jobs[0], seconds(jobs[0].CreatedAt)
	var newestFailed *atlassim.Export
	var succeeded, failed []dated
	unfinished := 0.0
	for _, e := range jobs {
		created := seconds(e.CreatedAt)
		d := dated{created: created, date: created, id: e.ID, finished: !e.FinishedAt.IsZero()}
		if d.finished {
			d.date = seconds(e.FinishedAt)
			d.took = d.date - created
		}
		if later(created, e.ID, seconds(newest.CreatedAt), newest.ID) {
			newest = e
		}
		oldest = min(oldest, created)
		switch e.State {
		case "Queued", "InProgress":
			if unfinished == 0 || created < unfinished {
				unfinished = created
			}
		case "Successful":
			succeeded = append(succeeded, d)
		case "Failed":
			failed = append(failed, d)
			if newestFailed == nil || later(created, e.ID, seconds(newestFailed.CreatedAt), newestFailed.ID) {
				newestFailed = e
			}
		}
	}
	s.stateSet(newest.State, exportStates, "state", exportFamily+"_last_job_state", pairs...)
	if !newest.OmitExportStatus && len(newest.Components) == 0 {
		s.set(float64(newest.ExportedCollections), exportFamily+"_last_job_exported_collections", pairs...)
		s.set(float64(newest.TotalCollections), exportFamily+"_last_job_collections", pairs...)
	}
	s.set(seconds(newest.CreatedAt), exportFamily+"_last_job_created_timestamp_seconds", pairs...)
	if !newest.FinishedAt.IsZero() {
		s.set(seconds(newest.FinishedAt), exportFamily+"_last_job_finished_timestamp_seconds", pairs...)
	}
	s.dates(exportFamily, succeeded, failed, pairs...)
	if newestFailed != nil {
		code := unknown
		if newestFailed.Reason != nil && newestFailed.Reason.ErrorCode != "" {
			code = newestFailed.Reason.ErrorCode
		}
		s.set(1, exportFamily+"_last_failure_info", append(slices.Clip(pairs), "error_code", code)...)
	}
	if unfinished != 0 {
		s.set(unfinished, exportFamily+"_oldest_unfinished_job_created_timestamp_seconds", pairs...)
	}
	s.set(oldest, exportFamily+"_first_job_created_timestamp_seconds", pairs...)
	return s
}

const restoreFamily = prefix + "backup_restore"

// restoreState derives the state that Atlas does not tell.
func restoreState(r *atlassim.Restore) string {
	url := len(r.DeliveryURLs) > 0
	for _, component := range r.Components {
		url = url || component.DownloadURL != nil
	}
	switch {
	case r.Cancelled:
		return "cancelled"
	case r.Failed:
		return "failed"
	case !r.FinishedAt.IsZero():
		return "completed"
	case r.Expired:
		return "expired"
	case r.DeliveryType == atlassim.RestoreDownload && url:
		return "ready"
	}
	return "in_progress"
}

// restoreSamples is what a cluster's restore jobs come to, for each delivery type that is listed.
func restoreSamples(jobs []*atlassim.Restore, pairs ...string) samples {
	byType := map[string][]*atlassim.Restore{}
	for _, r := range jobs {
		byType[r.DeliveryType] = append(byType[r.DeliveryType], r)
	}
	s := samples{}
	for deliveryType, jobs := range byType {
		s.restores(jobs, append(slices.Clip(pairs), "delivery_type", deliveryType)...)
	}
	return s
}

func (s samples) restores(jobs []*atlassim.Restore, pairs ...string) {
	counts(s, jobs, restoreState, restoreStates, restoreFamily+"_jobs", pairs...)
	newest := jobs[0]
	var succeeded, failed []dated
	unfinished := 0.0
	for _, r := range jobs {
		created := born(r.ID)
		d := dated{created: created, date: created, id: r.ID, finished: !r.FinishedAt.IsZero()}
		if d.finished {
			d.date = seconds(r.FinishedAt)
			d.took = d.date - created
		}
		if later(created, r.ID, born(newest.ID), newest.ID) {
			newest = r
		}
		switch state := restoreState(r); {
		case state == "completed", state == "ready", state == "expired" && r.DeliveryType == atlassim.RestoreDownload:
			succeeded = append(succeeded, d)
		case state == "failed":
			failed = append(failed, d)
		case state == "in_progress" && (unfinished == 0 || created < unfinished):
			unfinished = created
		}
	}
	s.stateSet(restoreState(newest), restoreStates, "state", restoreFamily+"_last_job_state", pairs...)
	s.set(born(newest.ID), restoreFamily+"_last_job_created_timestamp_seconds", pairs...)
	if !newest.FinishedAt.IsZero() {
		s.set(seconds(newest.FinishedAt), restoreFamily+"_last_job_finished_timestamp_seconds", pairs...)
	}
	s.dates(restoreFamily, succeeded, failed, pairs...)
	if unfinished != 0 {
		s.set(unfinished, restoreFamily+"_oldest_unfinished_job_created_timestamp_seconds", pairs...)
	}
}

const runFamily = prefix + "pipeline"

// runSamples is what a pipeline's runs come to. Of DONE runs whose statistics Atlas does not tell at all no sum is
// expected: it would be a zero that nobody said.
func runSamples(runs []*atlassim.Run, pairs ...string) samples {
	s := samples{}
	counts(s, runs, func(r *atlassim.Run) string { return r.State }, runStates, runFamily+"_runs", pairs...)
	var newest, newestDone *atlassim.Run
	var success, failure, unfinished, deletion, bytes, documents float64
	done, told := 0, 0
	for _, r := range runs {
		created := seconds(r.CreatedDate)
		if newest == nil || later(created, r.ID, seconds(newest.CreatedDate), newest.ID) {
			newest = r
		}
		switch r.State {
		case "DONE":
			done++
			if r.Stats != nil {
				told++
				bytes += float64(r.Stats.BytesExported)
				documents += float64(r.Stats.NumDocs)
			}
			if newestDone == nil || later(created, r.ID, seconds(newestDone.CreatedDate), newestDone.ID) {
				newestDone = r
			}
			if at := seconds(r.ScheduledDeletionDate); deletion == 0 || at < deletion {
				deletion = at
			}
			success = max(success, created)
		case "DATASET_DELETED":
			success = max(success, created)
		case "FAILED":
			failure = max(failure, created)
		case "PENDING", "IN_PROGRESS":
			if unfinished == 0 || created < unfinished {
				unfinished = created
			}
		}
	}
	if done == 0 || told > 0 {
		s.set(bytes, runFamily+"_datasets_bytes", pairs...)
		s.set(documents, runFamily+"_datasets_documents", pairs...)
	}
	if deletion != 0 {
		s.set(deletion, runFamily+"_next_dataset_deletion_timestamp_seconds", pairs...)
	}
	if newest == nil {
		return s
	}
	s.stateSet(newest.State, runStates, "state", runFamily+"_last_run_state", pairs...)
	s.stateSet(newest.Phase, runPhases, "phase", runFamily+"_last_run_phase", pairs...)
	s.stats(newest, "last_run", pairs)
	s.stats(newestDone, "last_success", pairs)
	s.set(seconds(newest.CreatedDate), runFamily+"_last_run_created_timestamp_seconds", pairs...)
	s.set(seconds(newest.LastUpdatedDate), runFamily+"_last_run_updated_timestamp_seconds", pairs...)
	s.set(success, runFamily+"_last_success_timestamp_seconds", pairs...)
	s.set(failure, runFamily+"_last_failure_timestamp_seconds", pairs...)
	if unfinished != 0 {
		s.set(unfinished, runFamily+"_oldest_unfinished_run_created_timestamp_seconds", pairs...)
	}
	return s
}

// stats expects what a run has done so far, where there is a run and Atlas tells.
func (s samples) stats(r *atlassim.Run, which string, pairs []string) {
	if r != nil && r.Stats != nil {
		s.set(float64(r.Stats.BytesExported), runFamily+"_"+which+"_exported_bytes", pairs...)
		s.set(float64(r.Stats.NumDocs), runFamily+"_"+which+"_documents", pairs...)
	}
}
