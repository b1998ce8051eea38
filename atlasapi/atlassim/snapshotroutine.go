package atlassim

import (
	"slices"
	"time"
)

// SnapshotRoutine makes snapshots of a cluster. At each turn of its policy it adds a queued snapshot, which then runs
// and ends as Outcome says. The snapshot is deleted after its retention. No snapshots are made while the cluster is
// paused or its backup is off.
type SnapshotRoutine struct {
	// From is when the routine starts; now by default. The first snapshot is at the first turn after it.
	From time.Time
	// Until is when the routine ends; zero: never.
	Until time.Time
	// Period, if set, replaces the policy's turns: there is a snapshot at From and then once each Period, divided by
	// the time scale. It belongs to the policy's first item, or is daily if there is none.
	Period time.Duration
	// Keep, if set, replaces the retention of the policy's items, divided by the time scale.
	Keep time.Duration
	// Shortest and Longest bound the time from a snapshot's request to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Bytes is the size of a snapshot, plus or minus a tenth; six gigabytes by default.
	Bytes int64
	// Outcome returns the outcome of the snapshot of a turn; nil lets all complete.
	Outcome func(requested time.Time) SnapshotOutcome
}

// SnapshotOutcome is the outcome of a snapshot.
type SnapshotOutcome struct {
	// Status is completed by default. A snapshot that ends queued or inProgress hangs.
	Status string
	// Fallback adds a fallback snapshot, which another process of Atlas takes after the first one failed.
	Fallback bool
	// Skip makes no snapshot at all.
	Skip bool
}

// ends reports whether the snapshot ends. Only then does its retention end, too.
func (o SnapshotOutcome) ends() bool {
	return o.Status != SnapshotQueued && o.Status != SnapshotInProgress
}

// TakeSnapshots makes snapshots of the cluster by a routine. A cluster has one routine: a second call replaces the
// first.
func (c *Cluster) TakeSnapshots(routine SnapshotRoutine) {
	if routine.From.IsZero() {
		routine.From = c.project.org.current()
	}
	c.routine = &routine
	c.policy++
	if routine.Period == 0 {
		c.planTurn(routine.From)
		return
	}
	policy := c.policy
	c.project.org.every(routine.From, routine.Period, func(_ int, at time.Time) {
		if policy == c.policy {
			c.takeTurn(turn{at: at})
		}
	})
}

// SetPolicy changes the items of the snapshot policy, even while a routine runs.
func (c *Cluster) SetPolicy(items []PolicyItem) {
	c.Schedule.Items = items
	if c.routine != nil && c.routine.Period == 0 {
		c.policy++
		c.planTurn(c.project.org.current())
	}
}

// planTurn plans the policy's first turn after a moment.
func (c *Cluster) planTurn(after time.Time) {
	next, ok := c.nextTurn(after)
	if !ok {
		return
	}
	policy := c.policy
	c.project.org.At(next.at, func(at time.Time) {
		if policy == c.policy {
			c.takeTurn(next)
			c.planTurn(at)
		}
	})
}

// takeTurn makes the snapshot of a turn. It gets the frequency of the item with the longest retention.
func (c *Cluster) takeTurn(at turn) {
	routine := c.routine
	if c.Paused || !c.BackupEnabled || !routine.Until.IsZero() && !at.at.Before(routine.Until) {
		return
	}
	outcome := SnapshotOutcome{}
	if routine.Outcome != nil {
		outcome = routine.Outcome(at.at)
	}
	if outcome.Skip {
		return
	}
	items := c.Schedule.items()
	if at.items == nil && len(items) > 0 {
		at.items = []int{0}
	}
	item := PolicyItem{Frequency: Daily, Interval: 1, RetentionUnit: Days, RetentionValue: 7}
	s := Snapshot{RequestedAt: at.at}
	if len(at.items) > 0 {
		item = items[at.items[0]]
	}
	for _, place := range at.items {
		s.PolicyItems = append(s.PolicyItems, c.policyItemID(place))
	}
	s.Frequency = item.Frequency
	keep := c.kept(item)
	if over := keep(at.at).Add(day).Before(c.project.org.clock.Now()); over && outcome.ends() && (c.exporting == nil || !c.covers(&s)) {
		return // history that has expired
	}
	c.take(s, outcome, keep)
}

// kept returns when a snapshot of the item, taken at a moment, expires.
func (c *Cluster) kept(item PolicyItem) func(time.Time) time.Time {
	if keep := c.routine.Keep; keep != 0 {
		return func(taken time.Time) time.Time { return taken.Add(c.project.org.scaled(keep)) }
	}
	return item.expiry
}

// TakeSnapshot requests an on-demand snapshot that is kept for a number of days, and plans its states.
func (c *Cluster) TakeSnapshot(description string, days int, outcome SnapshotOutcome) *Snapshot {
	return c.take(
		Snapshot{RequestedAt: c.project.org.current(), Type: SnapshotOnDemand, Description: description}, outcome,
		PolicyItem{RetentionUnit: Days, RetentionValue: days}.expiry,
	)
}

// take adds a queued snapshot, and plans its states. They follow recorded snapshots: CreatedAt is set late, SizeBytes
// later, and ExpiresAt is computed again when the snapshot completes.
func (c *Cluster) take(s Snapshot, outcome SnapshotOutcome, expiry func(time.Time) time.Time) *Snapshot {
	routine := SnapshotRoutine{}
	if c.routine != nil {
		routine = *c.routine
	}
	org := c.project.org
	s.Status, s.ExpiresAt = SnapshotQueued, expiry(s.RequestedAt)
	added := c.AddSnapshot(s)
	seed := mix(seedOf(added.ID))
	takes := length(routine.Shortest, routine.Longest, seed)
	defaultText(&outcome.Status, SnapshotCompleted)
	c.expireLater(added)
	if outcome.Status == SnapshotQueued {
		return added
	}
	org.After(takes/6, func(time.Time) { added.Status = SnapshotInProgress })
	if outcome.Status == SnapshotInProgress {
		return added
	}
	if outcome.Status == SnapshotCompleted || seed%2 == 0 { // some snapshots fail before CreatedAt is set
		org.After(takes*5/6, func(at time.Time) { added.CreatedAt = at })
	}
	org.After(takes, func(at time.Time) {
		added.Status = outcome.Status
		if outcome.Status == SnapshotCompleted {
			added.SizeBytes = around(routine.Bytes, 6<<30, seed)
			added.ExpiresAt = expiry(at)
			added.CopyRegions = slices.Clone(c.Schedule.CopyRegions)
			if c.exporting != nil {
				c.exporting.snapshotCompleted(c, added)
			}
		}
		if outcome.Fallback && c.BackupEnabled {
			c.take(
				Snapshot{RequestedAt: at, Type: SnapshotFallback, Frequency: s.Frequency, PolicyItems: s.PolicyItems},
				SnapshotOutcome{}, expiry,
			)
		}
	})
	return added
}

// expireLater deletes the snapshot when it expires. A snapshot that hangs stays.
func (c *Cluster) expireLater(s *Snapshot) {
	planned := s.ExpiresAt
	c.project.org.At(planned, func(time.Time) {
		switch {
		case s.ExpiresAt.After(planned):
			c.expireLater(s)
		case s.Status == SnapshotCompleted || s.Status == SnapshotFailed:
			c.snapshots.remove(s.ID)
		}
	})
}

// AutoExport exports the scheduled snapshots that the cluster's export policy covers when they complete, while auto
// export is on.
type AutoExport struct {
	// After is the time from a snapshot's completion to its export job; a minute by default.
	After time.Duration
	// Shortest and Longest bound the time from a job's creation to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Skip reports whether Atlas makes no job for a snapshot; nil skips none.
	Skip func(taken time.Time) bool
	// Outcome returns the outcome of a job; nil lets all succeed.
	Outcome func(created time.Time) ExportOutcome
}

// ExportSnapshots exports the cluster's snapshots from now on. It needs a routine of TakeSnapshots.
func (c *Cluster) ExportSnapshots(export AutoExport) {
	if export.After == 0 {
		export.After = time.Minute
	}
	c.exporting = &export
}

// snapshotCompleted plans the export job of a snapshot, if the export policy covers it.
func (e *AutoExport) snapshotCompleted(c *Cluster, s *Snapshot) {
	if !c.covers(s) || e.Skip != nil && e.Skip(s.CreatedAt) {
		return
	}
	org := c.project.org
	org.After(e.After, func(at time.Time) {
		if c.Paused || !c.BackupEnabled || !c.Schedule.AutoExportEnabled {
			return
		}
		outcome := ExportOutcome{}
		if e.Outcome != nil {
			outcome = e.Outcome(at)
		}
		job := c.AddExport(Export{CreatedAt: at, State: ExportQueued, SnapshotID: s.ID, TotalCollections: outcome.Collections})
		c.carryOut(job, outcome, length(e.Shortest, e.Longest, mix(seedOf(job.ID))))
	})
}

// covers reports whether the cluster's export policy covers a snapshot: it has the frequency of the export policy, or
// was also taken for a policy item of that frequency.
func (c *Cluster) covers(s *Snapshot) bool {
	frequency := c.Schedule.ExportFrequency
	if frequency == "" || s.Type == SnapshotFallback || s.Type == SnapshotOnDemand {
		return false
	}
	if s.Frequency == frequency {
		return true
	}
	for place, item := range c.Schedule.items() {
		if item.Frequency == frequency && slices.Contains(s.PolicyItems, c.policyItemID(place)) {
			return true
		}
	}
	return false
}

// exportable returns the id of the snapshot that a new export job exports, "" if there is none. A job of the export
// policy does not export a snapshot again.
func (c *Cluster) exportable(onDemand bool) string {
	for _, s := range slices.Backward(c.snapshots.stored) {
		if onDemand && s.Status == SnapshotCompleted && s.Type != SnapshotFallback {
			return s.ID
		}
		if !onDemand && s.Status == SnapshotCompleted && c.covers(s) {
			if slices.ContainsFunc(c.exports.stored, func(e *Export) bool { return e.SnapshotID == s.ID }) {
				return ""
			}
			return s.ID
		}
	}
	return ""
}
