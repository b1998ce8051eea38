package atlassim

import (
	"slices"
	"time"
)

// The states and phases of a pipeline run that the API documents, and the states of a pipeline.
const (
	RunPending        = "PENDING"
	RunInProgress     = "IN_PROGRESS"
	RunDone           = "DONE"
	RunFailed         = "FAILED"
	RunDatasetDeleted = "DATASET_DELETED"

	PhaseSnapshot  = "SNAPSHOT"
	PhaseExport    = "EXPORT"
	PhaseIngestion = "INGESTION"

	PipelineActive = "ACTIVE"
	PipelinePaused = "PAUSED"
)

// Retention is how long a dataset is kept.
type Retention struct {
	// Units is DAYS, WEEKS or MONTHS.
	Units string
	// Value is the number of them.
	Value int
}

// after returns when a dataset created at t is deleted.
func (r Retention) after(t time.Time) time.Time {
	switch r.Units {
	case "WEEKS":
		return t.AddDate(0, 0, 7*r.Value)
	case "MONTHS":
		return t.AddDate(0, r.Value, 0)
	}
	return t.AddDate(0, 0, r.Value)
}

// PipelineOptions are the options of AddPipeline.
type PipelineOptions struct {
	// State is ACTIVE by default.
	State string
	// Created is when the pipeline was created, half a year ago by default.
	Created time.Time
	// Cluster is the name of the cluster that the pipeline reads, Database and Collection those of the collection.
	Cluster, Database, Collection string
	// SourceType is PERIODIC_CPS by default.
	SourceType string
	// Retention is 14 days by default.
	Retention Retention
	// Frequency is the backupFrequencyType of the runs, DAILY by default.
	Frequency string
	// Snapshots are the ids of the snapshots that the pipeline can ingest; nil allows any.
	Snapshots []string
}

// Pipeline is a Data Lake pipeline of a project.
type Pipeline struct {
	// ID, Name, Created and the options describe the pipeline.
	ID, Name string
	PipelineOptions

	project *Project
	seed    uint64
	runs    list[*Run]
}

// AddPipeline adds a pipeline without runs. Its name may contain anything except a slash, a backslash, a space, a quote
// or a dollar sign.
func (p *Project) AddPipeline(name string, options PipelineOptions) *Pipeline {
	defaultText(&options.State, PipelineActive)
	defaultText(&options.SourceType, "PERIODIC_CPS")
	defaultText(&options.Frequency, "DAILY")
	defaultText(&options.Cluster, "cluster0")
	defaultText(&options.Database, "app")
	defaultText(&options.Collection, "events")
	if options.Created.IsZero() {
		options.Created = p.org.current().AddDate(0, -6, 0)
	}
	if options.Retention == (Retention{}) {
		options.Retention = Retention{Units: "DAYS", Value: 14}
	}
	options.Created = options.Created.Truncate(time.Second)
	pl := &Pipeline{Name: name, PipelineOptions: options, project: p, seed: mix(p.seed ^ seedOf("pipeline", name))}
	pl.ID = objectID(options.Created, pl.seed)
	p.pipelines = append(p.pipelines, pl)
	return pl
}

func defaultText(value *string, otherwise string) {
	if *value == "" {
		*value = otherwise
	}
}

// Project returns the pipeline's project.
func (pl *Pipeline) Project() *Project { return pl.project }

// OrderRuns sets the order of the pipeline's list of runs. At first it is NewestFirst.
func (pl *Pipeline) OrderRuns(order Order) { pl.runs.setOrder(order) }

// Run is one run of a pipeline. AddRun fills in empty fields.
type Run struct {
	// ID starts with the seconds of CreatedDate.
	ID string
	// State and Phase are PENDING and SNAPSHOT by default.
	State, Phase string
	// CreatedDate is now by default, LastUpdatedDate the CreatedDate.
	CreatedDate, LastUpdatedDate time.Time
	// ScheduledDeletionDate is computed from CreatedDate and Retention by default.
	ScheduledDeletionDate time.Time
	// Retention and Frequency are those of the pipeline by default.
	Retention Retention
	Frequency string
	// SnapshotID and DatasetName identify the snapshot and the dataset.
	SnapshotID, DatasetName string
	// Atlas leaves Stats out while there are none.
	Stats *RunStats

	pipeline *Pipeline
}

// RunStats count what a run has processed so far.
type RunStats struct {
	BytesExported int64 `json:"bytesExported"`
	NumDocs       int64 `json:"numDocs"`
}

// AddRun adds a run. The server uses the returned run: change it within Organization.Do.
func (pl *Pipeline) AddRun(r Run) *Run {
	if r.CreatedDate.IsZero() {
		r.CreatedDate = pl.project.org.current()
	}
	pl.complete(&r, pl.runs.nextNumber())
	pl.runs.add(&r)
	return &r
}

// RemoveRun removes an added run from the list.
func (pl *Pipeline) RemoveRun(r *Run) { pl.runs.remove(r.ID) }

// Runs returns the runs that were added by hand or by a routine, in that order.
func (pl *Pipeline) Runs() []*Run { return append([]*Run(nil), pl.runs.stored...) }

// GenerateRuns is GenerateExports for runs.
func (pl *Pipeline) GenerateRuns(n int, run func(n int) Run) {
	pl.runs.setGenerated(n, func(n int) *Run {
		r := run(n)
		pl.complete(&r, uint64(n))
		return &r
	})
}

// DeleteExpiredDatasets deletes the datasets of DONE runs when their ScheduledDeletionDate has passed. It applies to
// the added runs and to those of routines.
func (pl *Pipeline) DeleteExpiredDatasets() {
	for _, r := range pl.runs.stored {
		pl.deleteLater(r)
	}
}

// deleteLater plans the deletion of a run's dataset.
func (pl *Pipeline) deleteLater(r *Run) {
	pl.project.org.At(r.ScheduledDeletionDate, func(at time.Time) {
		if r.State == RunDone {
			r.State, r.LastUpdatedDate = RunDatasetDeleted, at
		}
	})
}

// complete fills in the empty fields of run number n.
func (pl *Pipeline) complete(r *Run, n uint64) {
	number := mix(pl.seed ^ n<<1)
	r.pipeline = pl
	defaultText(&r.State, RunPending)
	defaultText(&r.Phase, PhaseSnapshot)
	defaultText(&r.Frequency, pl.Frequency)
	if r.ID == "" {
		r.ID = objectID(r.CreatedDate, number)
	}
	if r.LastUpdatedDate.IsZero() {
		r.LastUpdatedDate = r.CreatedDate
	}
	if r.Retention == (Retention{}) {
		r.Retention = pl.Retention
	}
	if r.ScheduledDeletionDate.IsZero() {
		r.ScheduledDeletionDate = r.Retention.after(r.CreatedDate)
	}
	if r.SnapshotID == "" {
		r.SnapshotID = objectID(r.CreatedDate.Add(-5*time.Minute), number+1)
	}
	if r.DatasetName == "" {
		r.DatasetName = "v1$atlas$snapshot$" + pl.Cluster + "$" + pl.Database + "$" + pl.Collection + "$" +
			r.CreatedDate.UTC().Format("20060102T150405Z")
	}
}

// accepts reports whether the pipeline can ingest a snapshot.
func (pl *Pipeline) accepts(snapshotID string) bool {
	return pl.Snapshots == nil || slices.Contains(pl.Snapshots, snapshotID)
}

func (r *Run) identity() string   { return r.ID }
func (r *Run) created() time.Time { return r.CreatedDate }

func (r *Run) appendJSON(b []byte, _ string) []byte {
	b = append(b, '{')
	b = textMember(b, "_id", r.ID)
	b = textMember(b, "backupFrequencyType", r.Frequency)
	b = timeMember(b, "createdDate", r.CreatedDate)
	b = textMember(b, "datasetName", r.DatasetName)
	b = append(member(b, "datasetRetentionPolicy"), '{')
	b = timeMember(b, "lastModifiedDate", r.pipeline.Created)
	b = textMember(b, "units", r.Retention.Units)
	b = intMember(b, "value", int64(r.Retention.Value))
	b = append(b, '}')
	b = textMember(b, "groupId", r.pipeline.project.ID)
	b = timeMember(b, "lastUpdatedDate", r.LastUpdatedDate)
	b = textMember(b, "phase", r.Phase)
	b = textMember(b, "pipelineId", r.pipeline.ID)
	b = timeMember(b, "scheduledDeletionDate", r.ScheduledDeletionDate)
	b = textMember(b, "snapshotId", r.SnapshotID)
	b = textMember(b, "state", r.State)
	if r.Stats != nil {
		b = valueMember(b, "stats", r.Stats)
	}
	return append(b, '}')
}
