package atlassim

import "time"

// Routines make the organization live: they add jobs in regular intervals and see them through their states. A routine
// whose first time is in the past makes the history since then, the first time that anybody looks.

// The length of a job that no routine says otherwise about.
const (
	defaultShortest = time.Minute
	defaultLongest  = 3 * time.Minute
)

// every plans do for first and from then on each period, divided by the time scale. n counts from 0.
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

// length is a job's, between the shortest and the longest, each of which has a default; in whole seconds.
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

// ExportRoutine makes export jobs: Queued, InProgress, and then what Outcome says. A job is of the cluster's newest
// snapshot that can be exported, where any is listed. AutoExport makes the jobs follow the snapshots instead.
type ExportRoutine struct {
	// Period is the time from one job to the next.
	Period time.Duration
	// First is when the first job is made; one Period from now by default.
	First time.Time
	// Until, unless it is zero, is when the routine falls silent.
	Until time.Time
	// OnDemand makes jobs whatever the schedule says. Other jobs are made only while the cluster's auto export is on.
	// None is made while the cluster is paused or its backup is off.
	OnDemand bool
	// Shortest and Longest bound the time from a job's creation to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Outcome says how far the job of number n gets; nil lets all succeed.
	Outcome func(n int, created time.Time) ExportOutcome
}

// ExportOutcome is how far an export job gets.
type ExportOutcome struct {
	// State is the job's last: Successful by default. A job whose last state is Queued or InProgress is stuck in it.
	State string
	// Reason is the failed job's.
	Reason *StateReason
	// Collections are counted in exportStatus, which Atlas was never seen to do.
	Collections int
}

// AddExportRoutine makes export jobs of the cluster from now on.
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

// carryOut plans what becomes of a queued job.
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
	// First is when the first job is made; one Period from now by default.
	First time.Time
	// DeliveryType is automated by default. A download gets ready, and expires an hour later.
	DeliveryType string
	// Shortest and Longest bound the time from a job's creation to its end, or to its being ready: one and three minutes
	// by default.
	Shortest, Longest time.Duration
	// Outcome says how the job of number n ends; nil lets all complete.
	Outcome func(n int, created time.Time) RestoreOutcome
}

// RestoreOutcome is how a restore job ends.
type RestoreOutcome int

// The ends of a restore job.
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

// AddRestoreRoutine makes restore jobs of the cluster's snapshots from now on, while its backup is on.
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

// MakeReady gives a download its URLs at a moment, and plans their end an hour later.
func (r *Restore) MakeReady(at time.Time) {
	org := r.cluster.project.org
	r.makeReady(at, org.scaled(time.Hour))
	org.At(r.ExpiresAt, func(time.Time) { r.expire() })
}

// RunRoutine makes runs of a pipeline: PENDING, IN_PROGRESS through SNAPSHOT, EXPORT and INGESTION, DONE, and
// DATASET_DELETED once the dataset's time is up.
type RunRoutine struct {
	// Period is the time from one run to the next.
	Period time.Duration
	// First is when the first run is made; one Period from now by default.
	First time.Time
	// Shortest and Longest bound the time from a run's creation to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Bytes and Docs are what the runs export and ingest, give or take a tenth; a gigabyte and a million by default.
	Bytes, Docs int64
	// Outcome says how far the run of number n gets; nil lets all succeed.
	Outcome func(n int, created time.Time) RunOutcome
}

// RunOutcome is how far a run gets.
type RunOutcome struct {
	// State is DONE by default. FAILED ends the run in Phase, PENDING or IN_PROGRESS leaves it stuck there.
	State string
	// Phase is the one in which a run that is not DONE ends.
	Phase string
}

// AddRunRoutine makes runs of the pipeline from now on, while it is not paused.
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

// A run takes twelve steps, so that something of it changes every quarter of a minute at least.
const (
	runSteps      = 12
	stepSnapshot  = 1
	stepExport    = 3
	stepIngestion = 7
)

// start adds a run and plans what becomes of it.
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

// around is a number within a tenth of n, or of otherwise where n is 0.
func around(n, otherwise int64, seed uint64) int64 {
	if n == 0 {
		n = otherwise
	}
	return n - n/10 + int64(mix(seed)%uint64(n/5+1))
}

// advance brings a run to a step.
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

// inMidPhase reports whether a step is the one within a phase at which a run dies or gets stuck.
func (r *Run) inMidPhase(step int) bool {
	return step == stepSnapshot+1 || step == stepExport+2 || step == stepIngestion+2
}
