package atlassim

import (
	"slices"
	"time"
)

// SnapshotRoutine makes snapshots of a cluster: at each turn of its policy a queued one, which runs, and then ends as
// Outcome says. A snapshot goes once its retention is over. None is made while the cluster is paused or its backup is off.
type SnapshotRoutine struct {
	// From is when the routine begins: with the first turn after it; now by default.
	From time.Time
	// Until, unless it is zero, is when the routine falls silent.
	Until time.Time
	// Period, unless it is zero, replaces the policy's turns: a snapshot of the policy's first item, or a daily one, at
	// From and then each Period, divided by the time scale.
	Period time.Duration
	// Keep, unless it is zero, replaces the retention of the policy's items, divided by the time scale.
	Keep time.Duration
	// Shortest and Longest bound the time from a snapshot's request to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Bytes is the size of a snapshot, give or take a tenth; six gigabytes by default.
	Bytes int64
	// Outcome says what becomes of the snapshot of a turn; nil lets all complete.
	Outcome func(requested time.Time) SnapshotOutcome
}

// SnapshotOutcome is what becomes of a snapshot.
type SnapshotOutcome struct {
	// Status is completed by default. A snapshot that ends queued or inProgress hangs.
	Status string
	// Fallback lets another process repeat a snapshot that failed, which makes a fallback snapshot.
	Fallback bool
	// Skip makes no snapshot at all.
	Skip bool
}

// ends reports whether the snapshot ends, so that its retention does too.
func (o SnapshotOutcome) ends() bool {
	return o.Status != SnapshotQueued && o.Status != SnapshotInProgress
}

// TakeSnapshots makes snapshots of the cluster by a routine. A cluster has one at most: a second call replaces the first.
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

// SetPolicy changes the items of the snapshot policy, also in the middle of a routine.
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

// takeTurn makes the one snapshot of a turn. It bears the frequency of the item of the longest retention.
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
		return // history that nobody can see any more
	}
	c.take(s, outcome, keep)
}

// kept answers when a snapshot of the item goes that was taken at a moment.
func (c *Cluster) kept(item PolicyItem) func(time.Time) time.Time {
	if keep := c.routine.Keep; keep != 0 {
		return func(taken time.Time) time.Time { return taken.Add(c.project.org.scaled(keep)) }
	}
	return item.expiry
}

// TakeSnapshot asks for an on-demand snapshot that is kept for so many days, and sees it through.
func (c *Cluster) TakeSnapshot(description string, days int, outcome SnapshotOutcome) *Snapshot {
	return c.take(
		Snapshot{RequestedAt: c.project.org.current(), Type: SnapshotOnDemand, Description: description}, outcome,
		PolicyItem{RetentionUnit: Days, RetentionValue: days}.expiry,
	)
}

// take adds a queued snapshot and plans what becomes of it. The steps are those that were recorded: the moment that the
// snapshot holds is known late, its size later, and its expiration is counted again from its completion.
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
	if outcome.Status == SnapshotCompleted || seed%2 == 0 { // some snapshots fail before their moment is known
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

// expireLater deletes the snapshot once its time is over. A snapshot that hangs stays.
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

// AutoExport exports each scheduled snapshot that completed and that the cluster's export policy covers, while auto
// export is on.
type AutoExport struct {
	// After is the time from a snapshot's completion to its export job; a minute by default.
	After time.Duration
	// Shortest and Longest bound the time from a job's creation to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Skip says of which snapshots Atlas makes no job; nil skips none.
	Skip func(taken time.Time) bool
	// Outcome says how far a job gets; nil lets all succeed.
	Outcome func(created time.Time) ExportOutcome
}

// ExportSnapshots exports the cluster's snapshots from now on. The snapshots must come of TakeSnapshots.
func (c *Cluster) ExportSnapshots(export AutoExport) {
	if export.After == 0 {
		export.After = time.Minute
	}
	c.exporting = &export
}

// snapshotCompleted plans the export job of a snapshot, if there is to be one.
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

// covers reports whether the cluster's export policy has a snapshot exported once it is complete: its frequency is the
// policy's, or an item of that frequency shares it.
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

// exportable is the newest snapshot that an export job made now is of; empty when none is listed. A job of the export
// policy takes no snapshot twice.
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
