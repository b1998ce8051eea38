package collector

import (
	"encoding/binary"
	"math"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// exportStates are the states of an export job, in Atlas's spelling.
var exportStates = statesOf(
	jobState{"Queued", unfinished},
	jobState{"InProgress", unfinished},
	jobState{"Successful", succeeded},
	jobState{"Failed", failed},
	jobState{"Cancelled", cancelled},
)

var exportMetrics = struct {
	jobs, lastState, lastExported, lastCollections, lastCreated, lastFinished,
	lastSuccess, lastFailure, lastSuccessDuration, lastFailureInfo, oldestUnfinished, firstCreated *metric
}{
	jobs: gauge("mongodbatlas_backup_export_jobs",
		"Snapshot export jobs that Atlas lists, by state.",
		"results[].state", with(clusterLabels, "state")...),
	lastState: gauge("mongodbatlas_backup_export_last_job_state",
		"State of the newest export job: 1 for the current state, 0 for the others.",
		"results[].state", with(clusterLabels, "state")...),
	lastExported: gauge("mongodbatlas_backup_export_last_job_exported_collections",
		"Collections that the newest export job has exported so far. Atlas may report 0 in every state.",
		"results[].exportStatus.exportedCollections", clusterLabels...),
	lastCollections: gauge("mongodbatlas_backup_export_last_job_collections",
		"Collections that the newest export job is to export. Atlas may report 0 in every state.",
		"results[].exportStatus.totalCollections", clusterLabels...),
	lastCreated: gauge("mongodbatlas_backup_export_last_job_created_timestamp_seconds",
		"When the newest export job was created.",
		"results[].createdAt", clusterLabels...),
	lastFinished: gauge("mongodbatlas_backup_export_last_job_finished_timestamp_seconds",
		"When the newest export job ended; absent while it runs.",
		"results[].finishedAt", clusterLabels...),
	lastSuccess: gauge("mongodbatlas_backup_export_last_success_timestamp_seconds",
		"When the last successful export job ended, 0 if none did.",
		"results[].finishedAt, else createdAt", clusterLabels...),
	lastFailure: gauge("mongodbatlas_backup_export_last_failure_timestamp_seconds",
		"When the last failed export job ended, 0 if none did.",
		"results[].finishedAt, else createdAt", clusterLabels...),
	lastSuccessDuration: gauge("mongodbatlas_backup_export_last_success_duration_seconds",
		"Time from creation to end of the last successful export job.",
		"results[].createdAt and finishedAt", clusterLabels...),
	lastFailureInfo: gauge("mongodbatlas_backup_export_last_failure_info",
		"Atlas's error code of the newest failed export job; always 1.",
		"results[].stateReason.errorCode", with(clusterLabels, "error_code")...),
	oldestUnfinished: gauge("mongodbatlas_backup_export_oldest_unfinished_job_created_timestamp_seconds",
		"When the oldest queued or running export job was created; absent when there is none.",
		"results[].createdAt", clusterLabels...),
	firstCreated: gauge("mongodbatlas_backup_export_first_job_created_timestamp_seconds",
		"When the oldest export job that Atlas lists was created.",
		"results[].createdAt", clusterLabels...),
}

// exportExtra is what is kept of an export job beside what every job has. It is packed like the job itself.
type exportExtra struct {
	exported, collections packedCount
	errorCode             uint8 // index into the names of the target
}

// packedCount is an optional int32 without alignment.
type packedCount [4]byte

const noCount = math.MinInt32

func packCount(c atlasapi.Optional[int32]) packedCount {
	if !c.Set {
		c.Value = noCount
	}
	return packedCount(binary.BigEndian.AppendUint32(nil, uint32(c.Value)))
}

func (p packedCount) get() (n int32, ok bool) {
	n = int32(binary.BigEndian.Uint32(p[:]))
	return n, n != noCount
}

func (p packedCount) write(w *writer, m *metric, labels []string) {
	if n, ok := p.get(); ok {
		w.gauge(m, float64(n), labels...)
	}
}

// exportKind is the collector backup_exports.
var exportKind = kind[atlasapi.ExportJob, exportExtra]{
	list: func(c *atlasapi.Client, t *target) atlasapi.List[atlasapi.ExportJob] {
		return c.ExportJobs(t.groupID, t.cluster)
	},
	keep: func(j *atlasapi.ExportJob, names *names) job[exportExtra] {
		return job[exportExtra]{
			id:      j.ID,
			created: firstOf(j.CreatedAt, j.ID.Time()),
			ended:   instantOf(j.FinishedAt),
			state:   exportStates.index(j.State),
			extra: exportExtra{
				exported:    packCount(j.ExportStatus.Value.ExportedCollections),
				collections: packCount(j.ExportStatus.Value.TotalCollections),
				errorCode:   names.index(j.ErrorCode),
			},
		}
	},
	open: func(j *job[exportExtra], _ instant) bool {
		o := exportStates.outcome(j.state)
		return o == unfinished || o == unknown
	},
	judge: func(jobs []job[exportExtra], names names) judgement {
		return &exportJudgement{summarize(exportStates, jobs), names}
	},
}

type exportJudgement struct {
	*summary[exportExtra]
	codes names
}

func (s *exportJudgement) write(w *writer, labels []string) {
	m := &exportMetrics
	s.writeCounts(w, m.jobs, labels...)
	if s.total == 0 {
		return
	}
	newest := &s.newest
	writeStateSet(w, m.lastState, exportStates.names(), int(newest.state), labels...)
	newest.extra.exported.write(w, m.lastExported, labels)
	newest.extra.collections.write(w, m.lastCollections, labels)
	w.time(m.lastCreated, newest.created, labels...)
	if exportStates.outcome(newest.state) != unfinished {
		w.time(m.lastFinished, newest.ended, labels...)
	}
	s.writeDates(w, m.lastSuccess, m.lastFailure, labels...)
	if d, ok := s.duration(); ok {
		w.gauge(m.lastSuccessDuration, d, labels...)
	}
	if failed := &s.newestFailed; !failed.id.IsZero() {
		w.gauge(m.lastFailureInfo, 1, append(labels, s.codes.name(failed.extra.errorCode))...)
	}
	w.time(m.oldestUnfinished, s.oldestUnfinished, labels...)
	w.time(m.firstCreated, s.oldest, labels...)
}
