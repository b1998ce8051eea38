package collector

import (
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

const runDone = "DONE"

// runExtra has the fields of a run that a summary needs in addition to those of job.
type runExtra struct {
	phase     uint8 // index into the phases
	updated   seconds
	deletion  seconds // of the dataset
	bytes     atlasapi.Optional[int64]
	documents atlasapi.Optional[int64]
}

// runTotals sums up the runs in state DONE.
type runTotals struct {
	newestDone       job[runExtra]
	bytes, documents total
	nextDeletion     seconds
}

// total is a sum over jobs of a number that Atlas may leave out.
type total struct {
	sum   float64
	jobs  int
	known int // jobs that had the number
}

func (t *total) add(n atlasapi.Optional[int64]) {
	t.jobs++
	if value, ok := count(n); ok {
		t.known++
		t.sum += value
	}
}

// get returns the sum. ok is false if Atlas lists runs and sends the number for none of them: a sum of 0 would be a
// false claim.
func (t *total) get() (float64, bool) { return t.sum, t.jobs == 0 || t.known > 0 }

type runSummary = summary[runExtra, runTotals]

// pipelineRunJobs is the kind of job that ingests a snapshot into a Data Lake dataset. States are in Atlas's spelling.
func pipelineRunJobs() *jobKind[atlasapi.PipelineRun, runExtra, runTotals] {
	states := statesOf(
		jobState{"PENDING", OutcomeUnfinished},
		jobState{"IN_PROGRESS", OutcomeUnfinished},
		jobState{runDone, OutcomeSucceeded},
		jobState{"FAILED", OutcomeFailed},
		jobState{"DATASET_DELETED", OutcomeSucceeded}, // its dataset has expired since
	)
	// Atlas does not say which phase a run that has ended shows; it seems to keep the last.
	phases := statesOf(jobState{name: "SNAPSHOT"}, jobState{name: "EXPORT"}, jobState{name: "INGESTION"})
	done := states.index(runDone)
	return &jobKind[atlasapi.PipelineRun, runExtra, runTotals]{
		states: states,
		list: func(c *atlasapi.Client, groupID, pipeline string) atlasapi.List[atlasapi.PipelineRun] {
			return c.PipelineRuns(groupID, pipeline)
		},
		keep: func(r *atlasapi.PipelineRun, _ *interner) job[runExtra] {
			return job[runExtra]{
				id:      r.ID,
				created: firstValid(r.CreatedDate, r.ID.Time()),
				state:   states.index(r.State),
				extra: runExtra{
					phase:     phases.index(r.Phase),
					updated:   secondsOf(r.LastUpdatedDate),
					deletion:  secondsOf(r.ScheduledDeletionDate),
					bytes:     r.Stats.BytesExported,
					documents: r.Stats.NumDocs,
				},
			}
		},
		open: func(r *job[runExtra], now seconds) bool {
			if !states.isFinal(r.state) {
				return true
			}
			// A dataset is deleted some time after its date.
			return r.state == done && r.extra.deletion != 0 && now+clockSkew >= r.extra.deletion
		},
		addTotals: func(totals *runTotals, r *job[runExtra]) {
			if r.state != done {
				return
			}
			if totals.newestDone.id.IsZero() || r.compare(&totals.newestDone) > 0 {
				totals.newestDone = *r
			}
			totals.bytes.add(r.extra.bytes)
			totals.documents.add(r.extra.documents)
			totals.nextDeletion = earliestOf(totals.nextDeletion, r.extra.deletion)
		},
		common: commonFamilies{
			prefix: "mongodbatlas_pipeline", item: "run", noun: "run",
			counts:      "Data Lake pipeline runs that Atlas lists, by state.",
			stateSource: "results[].state", createdSource: "results[].createdDate",
			note: " A run whose dataset has been deleted did succeed.",
		},
		families: []family[*runSummary]{
			stateSet("mongodbatlas_pipeline_last_run_phase",
				"Phase of the newest run: 1 for the current phase, 0 for the others.",
				"results[].phase", "phase", phases,
				func(s *runSummary) (uint8, bool) { return s.newest.extra.phase, s.total > 0 }),
			number("mongodbatlas_pipeline_last_run_exported_bytes",
				"Bytes that the newest run has exported so far.",
				"results[].stats.bytesExported", func(s *runSummary) (float64, bool) { return count(s.newest.extra.bytes) }).
				query(`deriv(mongodbatlas_pipeline_last_run_exported_bytes[10m])`),
			number("mongodbatlas_pipeline_last_run_documents",
				"Documents that the newest run has ingested so far.",
				"results[].stats.numDocs", func(s *runSummary) (float64, bool) { return count(s.newest.extra.documents) }),
			number("mongodbatlas_pipeline_last_success_exported_bytes",
				"Bytes that the newest run in state DONE has exported.",
				"results[].stats.bytesExported",
				func(s *runSummary) (float64, bool) { return count(s.details.newestDone.extra.bytes) }),
			number("mongodbatlas_pipeline_last_success_documents",
				"Documents that the newest run in state DONE has ingested.",
				"results[].stats.numDocs",
				func(s *runSummary) (float64, bool) { return count(s.details.newestDone.extra.documents) }),
			timestamp("mongodbatlas_pipeline_last_run_updated_timestamp_seconds",
				"When the newest run last changed.",
				"results[].lastUpdatedDate", func(s *runSummary) seconds { return s.newest.extra.updated }),
			number("mongodbatlas_pipeline_datasets_bytes",
				"Bytes exported by all runs in state DONE: the datasets that exist.",
				"results[].stats.bytesExported", func(s *runSummary) (float64, bool) { return s.details.bytes.get() }),
			number("mongodbatlas_pipeline_datasets_documents",
				"Documents ingested by all runs in state DONE: the datasets that exist.",
				"results[].stats.numDocs", func(s *runSummary) (float64, bool) { return s.details.documents.get() }),
			timestamp("mongodbatlas_pipeline_next_dataset_deletion_timestamp_seconds",
				"When the next dataset of a run in state DONE will be deleted; absent when none will.",
				"results[].scheduledDeletionDate", func(s *runSummary) seconds { return s.details.nextDeletion }),
		},
		progress: func(s *runSummary) string {
			var parts []string
			newest := &s.newest
			if o := s.states.outcome(newest.state); o == OutcomeUnfinished || o == OutcomeFailed {
				parts = append(parts, "phase "+phases.names()[newest.extra.phase])
			}
			if n, ok := count(newest.extra.bytes); ok {
				parts = append(parts, bytesInWords(n))
			}
			if n, ok := count(newest.extra.documents); ok {
				parts = append(parts, inWords(n)+" documents")
			}
			return strings.Join(parts, ", ")
		},
	}
}

func pipelineRuns(pipelines *Declaration) *Declaration {
	d := pipelineRunJobs().declare(&Declaration{
		Name: "pipeline_runs", Title: "Pipeline runs", Noun: "pipeline run", Role: readOnly, Parent: pipelines, Row: RowAlways, showsParent: true,
		Alert:    "PipelineRun",
		Patience: Patience{News: 8 * 24 * time.Hour, Stuck: 6 * time.Hour},
	})
	d.plan = func(v *entryView) Plan {
		if pipelineOf(v).State == pipelinePaused {
			return Plan{Off: PipelinePaused}
		}
		return Plan{}
	}
	return d
}
