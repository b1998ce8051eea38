package collector

import (
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// runStates are the states of a pipeline run, in Atlas's spelling.
var runStates = statesOf(
	jobState{"PENDING", unfinished},
	jobState{"IN_PROGRESS", unfinished},
	jobState{runDone, succeeded},
	jobState{"FAILED", failed},
	jobState{"DATASET_DELETED", succeeded}, // its dataset has expired since
)

const runDone = "DONE"

// runPhases are the phases of a pipeline run. Atlas does not say so of one that has ended, but it seems to keep the last.
var runPhases = statesOf(jobState{name: "SNAPSHOT"}, jobState{name: "EXPORT"}, jobState{name: "INGESTION"})

var runMetrics = struct {
	runs, lastState, lastPhase, lastBytes, lastDocuments, lastSuccessBytes, lastSuccessDocuments, lastCreated,
	lastUpdated, lastSuccess, lastFailure, oldestUnfinished, datasetsBytes, datasetsDocuments, nextDeletion *metric
}{
	runs: gauge("mongodbatlas_pipeline_runs",
		"Data Lake pipeline runs that Atlas lists, by state.",
		"results[].state", with(pipelineLabels, "state")...),
	lastState: gauge("mongodbatlas_pipeline_last_run_state",
		"State of the newest run: 1 for the current state, 0 for the others.",
		"results[].state", with(pipelineLabels, "state")...),
	lastPhase: gauge("mongodbatlas_pipeline_last_run_phase",
		"Phase of the newest run: 1 for the current phase, 0 for the others.",
		"results[].phase", with(pipelineLabels, "phase")...),
	lastBytes: gauge("mongodbatlas_pipeline_last_run_exported_bytes",
		"Bytes that the newest run has exported so far.",
		"results[].stats.bytesExported", pipelineLabels...),
	lastDocuments: gauge("mongodbatlas_pipeline_last_run_documents",
		"Documents that the newest run has ingested so far.",
		"results[].stats.numDocs", pipelineLabels...),
	lastSuccessBytes: gauge("mongodbatlas_pipeline_last_success_exported_bytes",
		"Bytes that the newest run in state DONE has exported.",
		"results[].stats.bytesExported", pipelineLabels...),
	lastSuccessDocuments: gauge("mongodbatlas_pipeline_last_success_documents",
		"Documents that the newest run in state DONE has ingested.",
		"results[].stats.numDocs", pipelineLabels...),
	lastCreated: gauge("mongodbatlas_pipeline_last_run_created_timestamp_seconds",
		"When the newest run was created.",
		"results[].createdDate", pipelineLabels...),
	lastUpdated: gauge("mongodbatlas_pipeline_last_run_updated_timestamp_seconds",
		"When the newest run last changed.",
		"results[].lastUpdatedDate", pipelineLabels...),
	lastSuccess: gauge("mongodbatlas_pipeline_last_success_timestamp_seconds",
		"When the last successful run was created, 0 if none was. A run whose dataset has been deleted did succeed.",
		"results[].createdDate", pipelineLabels...),
	lastFailure: gauge("mongodbatlas_pipeline_last_failure_timestamp_seconds",
		"When the last failed run was created, 0 if none was.",
		"results[].createdDate", pipelineLabels...),
	oldestUnfinished: gauge("mongodbatlas_pipeline_oldest_unfinished_run_created_timestamp_seconds",
		"When the oldest pending or running run was created; absent when there is none.",
		"results[].createdDate", pipelineLabels...),
	datasetsBytes: gauge("mongodbatlas_pipeline_datasets_bytes",
		"Bytes exported by all runs in state DONE: what is kept now.",
		"results[].stats.bytesExported", pipelineLabels...),
	datasetsDocuments: gauge("mongodbatlas_pipeline_datasets_documents",
		"Documents ingested by all runs in state DONE: what is kept now.",
		"results[].stats.numDocs", pipelineLabels...),
	nextDeletion: gauge("mongodbatlas_pipeline_next_dataset_deletion_timestamp_seconds",
		"When the next dataset of a run in state DONE will be deleted; absent when none will.",
		"results[].scheduledDeletionDate", pipelineLabels...),
}

// runExtra is what is kept of a run beside what every job has.
type runExtra struct {
	phase     uint8 // index into runPhases
	updated   instant
	deletion  instant
	bytes     atlasapi.Optional[int64]
	documents atlasapi.Optional[int64]
}

// runKind is the collector pipeline_runs.
var runKind = kind[atlasapi.PipelineRun, runExtra]{
	list: func(c *atlasapi.Client, t *target) atlasapi.List[atlasapi.PipelineRun] {
		return c.PipelineRuns(t.groupID, t.pipeline)
	},
	keep: func(r *atlasapi.PipelineRun, _ *names) job[runExtra] {
		return job[runExtra]{
			id:      r.ID,
			created: firstOf(r.CreatedDate, r.ID.Time()),
			state:   runStates.index(r.State),
			extra: runExtra{
				phase:     runPhases.index(r.Phase),
				updated:   instantOf(r.LastUpdatedDate),
				deletion:  instantOf(r.ScheduledDeletionDate),
				bytes:     r.Stats.BytesExported,
				documents: r.Stats.NumDocs,
			},
		}
	},
	open: func(r *job[runExtra], now instant) bool {
		switch runStates.outcome(r.state) {
		case unfinished, unknown:
			return true
		default: // a dataset is deleted some time after its date
			return r.state == runStates.index(runDone) && !r.extra.deletion.isZero() && now.compare(r.extra.deletion.add(-clockSkew)) >= 0
		}
	},
	judge: func(runs []job[runExtra], _ names) judgement { return judgeRuns(runs) },
}

type runJudgement struct {
	*summary[runExtra]
	newestDone               job[runExtra]
	keptBytes, keptDocuments total // of all runs in state DONE
	nextDeletion             instant
}

// total is a sum over jobs of a number that Atlas may leave out.
type total struct {
	sum   float64
	jobs  int
	known int // jobs that had the number
}

func (t *total) add(n atlasapi.Optional[int64]) {
	t.jobs++
	if n.Set {
		t.known++
		t.sum += float64(n.Value)
	}
}

// write sends the sum, unless there are jobs and Atlas tells the number of none: that is no zero.
func (t *total) write(w *writer, m *metric, labels []string) {
	if t.jobs == 0 || t.known > 0 {
		w.gauge(m, t.sum, labels...)
	}
}

func judgeRuns(runs []job[runExtra]) *runJudgement {
	s := &runJudgement{summary: summarize(runStates, runs)}
	done := runStates.index(runDone)
	for i := range runs {
		r := &runs[i]
		if r.state != done {
			continue
		}
		if s.newestDone.id.IsZero() || r.compare(&s.newestDone) > 0 {
			s.newestDone = *r
		}
		s.keptBytes.add(r.extra.bytes)
		s.keptDocuments.add(r.extra.documents)
		if d := r.extra.deletion; !d.isZero() && (s.nextDeletion.isZero() || d.compare(s.nextDeletion) < 0) {
			s.nextDeletion = d
		}
	}
	return s
}

func (s *runJudgement) write(w *writer, labels []string) {
	m := &runMetrics
	s.writeCounts(w, m.runs, labels...)
	s.keptBytes.write(w, m.datasetsBytes, labels)
	s.keptDocuments.write(w, m.datasetsDocuments, labels)
	w.time(m.nextDeletion, s.nextDeletion, labels...)
	if s.total == 0 {
		return
	}
	newest := &s.newest
	writeStateSet(w, m.lastState, runStates.names(), int(newest.state), labels...)
	writeStateSet(w, m.lastPhase, runPhases.names(), int(newest.extra.phase), labels...)
	writeOptional(w, m.lastBytes, newest.extra.bytes, labels)
	writeOptional(w, m.lastDocuments, newest.extra.documents, labels)
	writeOptional(w, m.lastSuccessBytes, s.newestDone.extra.bytes, labels)
	writeOptional(w, m.lastSuccessDocuments, s.newestDone.extra.documents, labels)
	w.time(m.lastCreated, newest.created, labels...)
	w.time(m.lastUpdated, newest.extra.updated, labels...)
	s.writeDates(w, m.lastSuccess, m.lastFailure, labels...)
	w.time(m.oldestUnfinished, s.oldestUnfinished, labels...)
}

func writeOptional(w *writer, m *metric, value atlasapi.Optional[int64], labels []string) {
	if value.Set {
		w.gauge(m, float64(value.Value), labels...)
	}
}
