package collector

import (
	"maps"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// restoreStates are the states of a restore job. Atlas gives it none: they are derived, in the order of
// restoreState, which is why they are written in this project's spelling.
var restoreStates = restoreStatesWith(cancelled)

// downloadStates are those of a download: when it has expired, it was ready once.
var downloadStates = restoreStatesWith(succeeded)

const deliveryDownload = "download"

func restoreStatesWith(expired outcome) jobStates {
	return statesOf(
		jobState{"cancelled", cancelled},
		jobState{"failed", failed},
		jobState{"completed", succeeded},
		jobState{"expired", expired},
		jobState{"ready", succeeded},
		jobState{"in_progress", unfinished},
	)
}

var restoreLabels = with(clusterLabels, "delivery_type")

var restoreMetrics = struct {
	jobs, lastState, lastCreated, lastFinished, lastSuccess, lastFailure, lastSuccessDuration, oldestUnfinished *metric
}{
	jobs: gauge("mongodbatlas_backup_restore_jobs",
		"Restore jobs that Atlas lists for the snapshots of the cluster, by derived state.",
		"results[].cancelled, failed, finishedAt, expired, deliveryUrl", with(restoreLabels, "state")...),
	lastState: gauge("mongodbatlas_backup_restore_last_job_state",
		"Derived state of the newest restore job: 1 for the current state, 0 for the others.",
		"results[].cancelled, failed, finishedAt, expired, deliveryUrl", with(restoreLabels, "state")...),
	lastCreated: gauge("mongodbatlas_backup_restore_last_job_created_timestamp_seconds",
		"When the newest restore job was created.",
		"results[].id, the time in it", restoreLabels...),
	lastFinished: gauge("mongodbatlas_backup_restore_last_job_finished_timestamp_seconds",
		"When the newest restore job ended; absent while it runs, and on a download that never gets an end.",
		"results[].finishedAt", restoreLabels...),
	lastSuccess: gauge("mongodbatlas_backup_restore_last_success_timestamp_seconds",
		"When the last successful restore job ended, 0 if none did. A download that is ready or has expired is a success.",
		"results[].finishedAt, else the time in id", restoreLabels...),
	lastFailure: gauge("mongodbatlas_backup_restore_last_failure_timestamp_seconds",
		"When the last failed restore job ended, 0 if none did.",
		"results[].finishedAt, else the time in id", restoreLabels...),
	lastSuccessDuration: gauge("mongodbatlas_backup_restore_last_success_duration_seconds",
		"Time from creation to end of the last successful restore job.",
		"results[].id and finishedAt", restoreLabels...),
	oldestUnfinished: gauge("mongodbatlas_backup_restore_oldest_unfinished_job_created_timestamp_seconds",
		"When the oldest running restore job was created; absent when there is none.",
		"results[].id, the time in it", restoreLabels...),
}

// restoreExtra is what is kept of a restore job beside what every job has.
type restoreExtra struct {
	deliveryType uint8   // index into the names of the target
	expires      instant // when a download that is ready will be none
}

// restoreKind is the collector backup_restores.
var restoreKind = kind[atlasapi.RestoreJob, restoreExtra]{
	list: func(c *atlasapi.Client, t *target) atlasapi.List[atlasapi.RestoreJob] {
		return c.RestoreJobs(t.groupID, t.cluster)
	},
	keep: func(j *atlasapi.RestoreJob, names *names) job[restoreExtra] {
		return job[restoreExtra]{
			id:      j.ID,
			created: firstOf(j.ID.Time()),
			ended:   instantOf(j.FinishedAt),
			state:   restoreStates.index(restoreState(j)),
			extra:   restoreExtra{names.index(j.DeliveryType), instantOf(j.ExpiresAt)},
		}
	},
	open: func(j *job[restoreExtra], now instant) bool {
		switch restoreStates.names()[j.state] {
		case "in_progress":
			return true
		case "ready": // it becomes expired
			return j.extra.expires.isZero() || now.compare(j.extra.expires.add(-clockSkew)) >= 0
		}
		return false
	},
	judge: func(jobs []job[restoreExtra], names names) judgement {
		byType := map[uint8]*summary[restoreExtra]{}
		for i := range jobs {
			t := jobs[i].extra.deliveryType
			if byType[t] == nil {
				states := restoreStates
				if names.name(t) == deliveryDownload {
					states = downloadStates
				}
				byType[t] = newSummary[restoreExtra](states)
			}
			byType[t].add(&jobs[i])
		}
		return &restoreJudgement{byType, names}
	},
}

// restoreState derives the state of a restore job. Cancelled goes before failed, because the one cancelled job that
// was recorded was both.
func restoreState(j *atlasapi.RestoreJob) string {
	switch {
	case j.Cancelled:
		return "cancelled"
	case j.Failed:
		return "failed"
	case !instantOf(j.FinishedAt).isZero():
		return "completed"
	case j.Expired:
		return "expired"
	case j.DeliveryType == deliveryDownload && j.HasURL:
		return "ready"
	}
	return "in_progress"
}

type restoreJudgement struct {
	byType map[uint8]*summary[restoreExtra]
	types  names
}

func (r *restoreJudgement) write(w *writer, labels []string) {
	for _, t := range slices.Sorted(maps.Keys(r.byType)) {
		writeRestores(w, r.byType[t], append(labels, r.types.name(t)))
	}
}

func writeRestores(w *writer, s *summary[restoreExtra], labels []string) {
	m := &restoreMetrics
	s.writeCounts(w, m.jobs, labels...)
	writeStateSet(w, m.lastState, restoreStates.names(), int(s.newest.state), labels...)
	w.time(m.lastCreated, s.newest.created, labels...)
	if restoreStates.outcome(s.newest.state) != unfinished {
		w.time(m.lastFinished, s.newest.ended, labels...)
	}
	s.writeDates(w, m.lastSuccess, m.lastFailure, labels...)
	if d, ok := s.duration(); ok {
		w.gauge(m.lastSuccessDuration, d, labels...)
	}
	w.time(m.oldestUnfinished, s.oldestUnfinished, labels...)
}
