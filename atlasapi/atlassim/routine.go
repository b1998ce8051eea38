package atlassim

import "time"

// Routines make the organization change: they add jobs at regular intervals, and change their states. If a routine
// starts in the past, the first reading makes its history.

// The duration of a job, if the routine does not say otherwise.
const (
	defaultShortest = time.Minute
	defaultLongest  = 3 * time.Minute
)

// every plans do for first, and then once each period, divided by the time scale. n counts from 0.
func (o *Organization) every(first time.Time, period time.Duration, do func(n int, at time.Time)) {
	if period <= 0 {
		panic("atlassim: a routine needs a period")
	}
	if first.IsZero() {
		first = o.current().Add(o.scaled(period))
	}
	n := 0
	var turn func(at time.Time)
	turn = func(at time.Time) {
		do(n, at)
		n++
		o.After(period, turn)
	}
	o.At(first, turn)
}

// length returns a job's duration in whole seconds, between shortest and longest. Both have defaults.
func length(shortest, longest time.Duration, seed uint64) time.Duration {
	if shortest == 0 {
		shortest = defaultShortest
	}
	if longest == 0 {
		longest = max(shortest, defaultLongest)
	}
	span := uint64((longest - shortest) / time.Second)
	return shortest + time.Duration(mix(seed)%(span+1))*time.Second
}

// ExportRoutine makes export jobs with the states Queued, InProgress, and then that of Outcome. A job exports the
// newest snapshot of the cluster that can be exported, if one is listed. Use AutoExport instead to let jobs follow the
// snapshots.
type ExportRoutine struct {
	// Period is the time from one job to the next.
	Period time.Duration
	// First is when the first job is created; one Period from now by default.
	First time.Time
	// Until is when the routine ends; zero: never.
	Until time.Time
	// OnDemand creates jobs even while the cluster's auto export is off. No jobs are created while the cluster is
	// paused or its backup is off.
	OnDemand bool
	// Shortest and Longest bound the time from a job's creation to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Outcome returns the outcome of job number n; nil lets all succeed.
	Outcome func(n int, created time.Time) ExportOutcome
}

// ExportOutcome is the outcome of an export job.
type ExportOutcome struct {
	// State is the final state of the job: Successful by default. A job with the final state Queued or InProgress is
	// stuck.
	State string
	// Reason is the reason of a failed job.
	Reason *StateReason
	// Collections is the number of collections in exportStatus. In recorded answers it is always 0.
	Collections int
}

// AddExportRoutine creates export jobs of the cluster by a routine.
func (c *Cluster) AddExportRoutine(routine ExportRoutine) {
	org := c.project.org
	org.every(routine.First, routine.Period, func(n int, at time.Time) {
		if !routine.Until.IsZero() && !at.Before(routine.Until) {
			return
		}
		if c.Paused || !c.BackupEnabled || !routine.OnDemand && !c.Schedule.AutoExportEnabled {
			return
		}
		outcome := ExportOutcome{}
		if routine.Outcome != nil {
			outcome = routine.Outcome(n, at)
		}
		job := c.AddExport(Export{
			CreatedAt: at, State: ExportQueued, SnapshotID: c.exportable(routine.OnDemand), TotalCollections: outcome.Collections,
		})
		c.carryOut(job, outcome, length(routine.Shortest, routine.Longest, c.seed+uint64(n)))
	})
}

// carryOut plans the states of a queued job.
func (c *Cluster) carryOut(job *Export, outcome ExportOutcome, takes time.Duration) {
	defaultText(&outcome.State, ExportSuccessful)
	if outcome.State == ExportQueued {
		return
	}
	org := c.project.org
	org.After(takes/6, func(time.Time) { job.State = ExportInProgress })
	if outcome.State == ExportInProgress {
		return
	}
	org.After(takes, func(at time.Time) {
		job.State, job.FinishedAt, job.Reason = outcome.State, at, outcome.Reason
		if outcome.State == ExportSuccessful {
			job.ExportedCollections = job.TotalCollections
		}
	})
}

// RestoreRoutine makes restore jobs.
type RestoreRoutine struct {
	// Period is the time from one job to the next.
	Period time.Duration
	// First is when the first job is created; one Period from now by default.
	First time.Time
	// DeliveryType is automated by default. A download becomes ready, and expires an hour later.
	DeliveryType string
	// Shortest and Longest bound the time from a job's creation until it has ended or is ready: one and three minutes
	// by default.
	Shortest, Longest time.Duration
	// Outcome returns the outcome of job number n; nil lets all complete.
	Outcome func(n int, created time.Time) RestoreOutcome
}

// RestoreOutcome is the outcome of a restore job.
type RestoreOutcome int

// The outcomes of a restore job.
const (
	// RestoreCompletes finishes the job, or makes the download ready.
	RestoreCompletes RestoreOutcome = iota
	// RestoreFails sets failed and finishedAt.
	RestoreFails
	// RestoreIsCancelled sets cancelled, failed and finishedAt, as recorded.
	RestoreIsCancelled
	// RestoreHangs leaves the job in progress.
	RestoreHangs
)

// AddRestoreRoutine creates restore jobs of the cluster's snapshots by a routine, while backup is on.
func (c *Cluster) AddRestoreRoutine(routine RestoreRoutine) {
	org := c.project.org
	org.every(routine.First, routine.Period, func(n int, at time.Time) {
		if !c.BackupEnabled {
			return
		}
		outcome := RestoreCompletes
		if routine.Outcome != nil {
			outcome = routine.Outcome(n, at)
		}
		job := c.AddRestore(Restore{CreatedAt: at, DeliveryType: routine.DeliveryType})
		takes := length(routine.Shortest, routine.Longest, c.seed+uint64(n)+1)
		if outcome != RestoreHangs {
			org.After(takes, func(at time.Time) { job.end(outcome, at) })
		}
	})
}

// end ends a job that is in progress.
func (r *Restore) end(outcome RestoreOutcome, at time.Time) {
	switch {
	case outcome == RestoreFails:
		r.Failed, r.FinishedAt = true, at
	case outcome == RestoreIsCancelled:
		r.Cancelled, r.Failed, r.FinishedAt = true, true, at
	case r.DeliveryType == RestoreDownload:
		r.MakeReady(at)
	default:
		r.FinishedAt = at
	}
}

// MakeReady sets the URLs of a download at a moment, and plans their removal an hour later.
func (r *Restore) MakeReady(at time.Time) {
	org := r.cluster.project.org
	r.makeReady(at, org.scaled(time.Hour))
	org.At(r.ExpiresAt, func(time.Time) { r.expire() })
}

// RunRoutine makes runs of a pipeline with the states PENDING, IN_PROGRESS (in the phases SNAPSHOT, EXPORT and
// INGESTION), DONE, and DATASET_DELETED after the dataset has expired.
type RunRoutine struct {
	// Period is the time from one run to the next.
	Period time.Duration
	// First is when the first run is created; one Period from now by default.
	First time.Time
	// Shortest and Longest bound the time from a run's creation to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Bytes and Docs are the exported bytes and the ingested documents of a run, plus or minus a tenth; a gigabyte and
	// a million by default.
	Bytes, Docs int64
	// Outcome returns the outcome of run number n; nil lets all succeed.
	Outcome func(n int, created time.Time) RunOutcome
}

// RunOutcome is the outcome of a run.
type RunOutcome struct {
	// State is DONE by default. FAILED ends the run in Phase; PENDING and IN_PROGRESS leave it stuck there.
	State string
	// Phase is the phase in which a run that is not DONE ends.
	Phase string
}

// AddRunRoutine creates runs of the pipeline by a routine, while the pipeline is not paused.
func (pl *Pipeline) AddRunRoutine(routine RunRoutine) {
	pl.project.org.every(routine.First, routine.Period, func(n int, at time.Time) {
		if pl.State == PipelinePaused {
			return
		}
		outcome := RunOutcome{}
		if routine.Outcome != nil {
			outcome = routine.Outcome(n, at)
		}
		pl.start(Run{CreatedDate: at}, routine, outcome)
	})
}

// A run takes twelve steps, so that it changes at least every quarter of a minute.
const (
	runSteps      = 12
	stepSnapshot  = 1
	stepExport    = 3
	stepIngestion = 7
)

// start adds a run, and plans its states.
func (pl *Pipeline) start(r Run, routine RunRoutine, outcome RunOutcome) *Run {
	org := pl.project.org
	run := pl.AddRun(r)
	defaultText(&outcome.State, RunDone)
	if outcome.State == RunPending {
		return run
	}
	seed := mix(seedOf(run.ID))
	takes := length(routine.Shortest, routine.Longest, seed)
	bytes, docs := around(routine.Bytes, 1<<30, seed), around(routine.Docs, 1_000_000, seed+1)
	step := 0
	var turn func(at time.Time)
	turn = func(at time.Time) {
		step++
		run.LastUpdatedDate = at
		if run.advance(step, bytes, docs); run.Phase == outcome.Phase && outcome.State != RunDone && run.inMidPhase(step) {
			run.State = outcome.State
			return
		}
		if step < runSteps {
			org.After(takes/runSteps, turn)
			return
		}
		pl.deleteLater(run)
	}
	org.After(takes/runSteps, turn)
	return run
}

// around returns a number within a tenth of n, or of otherwise if n is 0.
func around(n, otherwise int64, seed uint64) int64 {
	if n == 0 {
		n = otherwise
	}
	return n - n/10 + int64(mix(seed)%uint64(n/5+1))
}

// advance sets the state of a run at a step.
func (r *Run) advance(step int, bytes, docs int64) {
	switch {
	case step >= runSteps:
		r.State, r.Stats = RunDone, &RunStats{BytesExported: bytes, NumDocs: docs}
	case step >= stepIngestion:
		r.Phase = PhaseIngestion
		r.Stats = &RunStats{BytesExported: bytes, NumDocs: docs * int64(step-stepIngestion) / (runSteps - stepIngestion)}
	case step >= stepExport:
		r.Phase = PhaseExport
		r.Stats = &RunStats{BytesExported: bytes * int64(step-stepExport) / (stepIngestion - stepExport)}
	case step >= stepSnapshot:
		r.State = RunInProgress
	}
}

// inMidPhase reports whether a step is the one within a phase at which a run fails or gets stuck.
func (r *Run) inMidPhase(step int) bool {
	return step == stepSnapshot+1 || step == stepExport+2 || step == stepIngestion+2
}
