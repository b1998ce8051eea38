// Package verdict judges targets as a person on call would: it finds what has failed, is overdue or is stuck. The page
// shows these findings. The alerting rules compute the same from the metrics. Of is a pure function of the view of a
// target, the Patience that its collector declares, and the time.
package verdict

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// Kind is the kind of a finding. Lower kinds are graver.
type Kind uint8

// The kinds of findings, the gravest first.
const (
	BackupDisabled Kind = iota
	Overdue
	BucketMissing
	Failed
	Stuck
	AutoExportDisabled
	ExportMissing
	Fallback
	NotScheduled
	ScheduleBehind
	Unreadable
	Stale
	Pending

	UnknownState
	UnknownFrequency
	NotReadYet
	Running
	Fine
	NoJob
	FailedBefore
	Off
	Unsupported

	// Kinds is the number of kinds.
	Kinds = int(iota)
)

// Severity is how urgent a finding is.
type Severity uint8

// The severities, the gravest first.
const (
	Critical Severity = iota
	Warning
	None
)

// Finding is one fact about a target.
type Finding struct {
	Kind     Kind
	Severity Severity
	// Since is when it began, zero if unknown.
	Since time.Time
	// Group is the delivery type of the jobs concerned, "" if all jobs are judged together.
	Group string
	// Alert is the name of the alert for the same fact, "" if there is none.
	Alert string
}

// Verdict is the result for a target: its findings, the gravest first. There is always at least one.
type Verdict struct {
	Findings []Finding
	// Old reports that the findings are based on old values, because the target could not be read again.
	Old bool
}

// The limits that do not depend on the collector.
const (
	// MaxSkew is how far in the future a date may be. Dates further ahead are ignored.
	MaxSkew = 24 * time.Hour
	// StaleAfter is how old the values of a target that is up may be.
	StaleAfter = 30 * time.Minute
	// PendingAfter is how long a target may wait for its first reading.
	PendingAfter = 30 * time.Minute
	// ReadingTime is how long it may take until a new success is read.
	ReadingTime = 15 * time.Minute
	// Turn is how long a failure is still reported after its next scheduled job.
	Turn = 24 * time.Hour
	// DeadAfter is how long an unfinished job is reported if newer ones have succeeded: Atlas never ends some jobs.
	DeadAfter = 8 * 24 * time.Hour
	// shortPause is the longest pause that does not excuse a missing success, whatever the interval.
	shortPause = 12 * time.Hour
)

// Gravest returns the gravest finding.
func (v *Verdict) Gravest() *Finding { return &v.Findings[0] }

// Alarming reports whether somebody should look.
func (v *Verdict) Alarming() bool { return v.Gravest().Severity < None }

// Alerts returns the names of the alerts for the findings, in order.
func (v *Verdict) Alerts() []string {
	var names []string
	for i := range v.Findings {
		if f := &v.Findings[i]; f.Alert != "" {
			names = append(names, f.Alert)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Of judges a target at the time now.
func Of(now time.Time, v *collector.TargetView) Verdict {
	j := judge{now: now, view: v}
	switch v.Condition {
	case collector.Pending:
		if !v.Found.IsZero() && now.Sub(v.Found) > PendingAfter {
			j.find(Pending, Warning, v.Found, "TargetsPending")
		} else {
			j.note(NotReadYet)
		}
	case collector.Unsupported:
		j.unsupported()
	case collector.Down:
		j.find(Unreadable, Warning, v.Refreshed, "TargetUnreadable")
		if v.Configurable && !v.Refreshed.IsZero() {
			j.jobs()
		}
	case collector.Up:
		if v.Refreshed.Before(now.Add(-StaleAfter)) && !v.Refreshed.IsZero() {
			j.find(Stale, Warning, v.Refreshed, "DataStale")
		}
		if v.Configurable {
			j.jobs()
		}
	}
	if len(j.Findings) == 0 {
		j.note(Fine)
	}
	slices.SortStableFunc(j.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Kind, b.Kind))
	})
	j.Old = v.Condition == collector.Down || slices.ContainsFunc(j.Findings, func(f Finding) bool { return f.Kind == Stale })
	return j.Verdict
}

// judge collects the findings about one target.
type judge struct {
	Verdict
	now  time.Time
	view *collector.TargetView
}

// find adds a finding that needs attention.
func (j *judge) find(k Kind, s Severity, since time.Time, alert string) {
	j.Findings = append(j.Findings, Finding{Kind: k, Severity: s, Since: since, Alert: "MongoDBAtlas" + alert})
}

// note adds a finding that needs no attention.
func (j *judge) note(k Kind) { j.Findings = append(j.Findings, Finding{Kind: k, Severity: None}) }

// frozen reports that the values no longer follow Atlas. A job that was running has most likely ended since.
func (j *judge) frozen() bool { return j.view.Condition != collector.Up }

// unsupported judges a target that Atlas does not serve. If that is because backup was switched off, it needs
// attention.
func (j *judge) unsupported() {
	v := j.view
	if v.Reason != collector.BackupDisabled {
		j.note(Unsupported)
		return
	}
	// Jobs or a schedule prove that backup was on before.
	if v.Step == collector.StepRestore || v.Jobs == 0 && v.Plan.BackupWasOn.IsZero() {
		j.note(Off)
		return
	}
	j.find(BackupDisabled, Critical, later(v.Plan.BackupWasOn, v.Refreshed), "BackupDisabled")
	if at := v.Plan.AutoExportWasOn; !at.IsZero() {
		j.find(AutoExportDisabled, Warning, at, "BackupAutoExportDisabled")
	}
}

// jobs judges the jobs of a target.
func (j *judge) jobs() {
	v := j.view
	before := len(j.Findings)
	groups := v.Groups
	if len(groups) == 0 {
		groups = []collector.Latest{v.Latest}
	}
	for i := range groups {
		j.group(&groups[i])
	}
	if since, late := j.overdue(); late {
		j.find(Overdue, Critical, since, v.Alert+"Overdue")
	}
	j.schedule()
	if l := &v.Latest; l.LastFallback.After(l.LastSuccess) {
		j.find(Fallback, Warning, l.LastFallback, v.Alert+"Fallback")
	}
	if !slices.ContainsFunc(j.Findings[before:], func(f Finding) bool { return f.Severity < None }) {
		j.noteNormal()
	}
}

// group judges the jobs of one delivery type, or all jobs of a target without delivery types.
func (j *judge) group(l *collector.Latest) {
	v := j.view
	before := len(j.Findings)
	if l.LastFailure.After(l.LastSuccess) && j.now.Sub(l.LastFailure) <= j.news() {
		severity := Warning
		if v.Step == collector.StepRestore {
			severity = Critical // somebody is waiting for the restore
		}
		j.find(Failed, severity, l.LastFailure, v.Alert+"Failed")
	}
	if age := j.now.Sub(l.OldestUnfinished); !l.OldestUnfinished.IsZero() && !j.frozen() && j.isStuck(l, age) {
		j.find(Stuck, Warning, l.OldestUnfinished, v.Alert+"Stuck")
	}
	for i := before; i < len(j.Findings); i++ {
		j.Findings[i].Group = l.Group
	}
}

// news is how long a failure is reported: at least until the next turn.
func (j *judge) news() time.Duration {
	if interval := j.view.Plan.Interval; interval > 0 {
		return max(j.view.Patience.News, interval+Turn)
	}
	return j.view.Patience.News
}

// isStuck reports whether a job has been unfinished for too long.
func (j *judge) isStuck(l *collector.Latest, age time.Duration) bool {
	p := &j.view.Patience
	after := p.Stuck
	if p.StuckFactor > 0 && l.LastDuration > 0 {
		after = max(time.Duration(p.StuckFactor)*l.LastDuration, p.StuckLeast)
	}
	return after > 0 && age > after && (age <= DeadAfter || !l.LastSuccess.After(l.OldestUnfinished))
}

// overdue reports whether a success is missing, and since when. It is missing if more than the interval and a grace
// have passed since the latest of the last success, the first export and the cluster's creation.
func (j *judge) overdue() (since time.Time, late bool) {
	v := j.view
	interval := v.Plan.Interval
	if interval == 0 {
		return since, false
	}
	counted := []time.Time{v.Plan.Since, v.Latest.LastSuccess}
	if v.Step == collector.StepExport { // not for snapshots: a failed first one does not change when a success is due
		counted = append(counted, v.Latest.First)
	}
	for _, at := range counted {
		if at.Sub(j.now) <= MaxSkew {
			since = later(since, at)
		}
	}
	patience := interval + min(interval, v.Patience.Grace)
	age := j.now.Sub(since)
	if age <= patience+ReadingTime {
		return since, false
	}
	for _, r := range v.Plan.Restarts {
		if j.now.Sub(r.At) <= patience && j.settles(r, since, age, patience) {
			return since, false
		}
	}
	return since, true
}

// settles reports whether a cluster gets the full time again after a restart, that is, after a pause or a switch. It
// does not after a short pause, after a pause that ended before a job was due, or if a switch goes off and on
// repeatedly.
func (j *judge) settles(r collector.Restart, since time.Time, age, patience time.Duration) bool {
	interval := j.view.Plan.Interval
	if r.Pause && (r.After < min(interval, shortPause) || !r.At.After(since.Add(interval))) {
		return false
	}
	return r.After >= interval || age <= 2*patience
}

// schedule judges the scheduled jobs.
func (j *judge) schedule() {
	v := j.view
	plan := &v.Plan
	if at := plan.Missing; !at.IsZero() && !j.frozen() && j.now.Sub(at) > v.Patience.Missing && j.sinceAutoExport(at) {
		j.find(ExportMissing, Warning, at, v.Alert+"Missing")
	}
	if plan.BucketMissing {
		j.find(BucketMissing, Critical, time.Time{}, v.Alert+"BucketMissing")
	}
	if plan.Off == collector.NothingScheduled {
		j.find(NotScheduled, Warning, time.Time{}, v.Alert+"NotScheduled")
	}
	if at := plan.Next; !at.IsZero() && !j.frozen() && plan.Off == collector.NotOff && j.now.Sub(at) > v.Patience.Behind && !j.restarted(v.Patience.Behind) {
		j.find(ScheduleBehind, Warning, at, v.Alert+"ScheduleBehind")
	}
	if plan.Off == collector.AutoExportOff && j.autoExportWasOn() {
		j.find(AutoExportDisabled, Warning, later(plan.AutoExportWasOn, v.Latest.LastSuccess), "BackupAutoExportDisabled")
	}
}

// sinceAutoExport reports whether a snapshot was taken after auto export was last switched on, as far as the exporter
// saw it.
func (j *judge) sinceAutoExport(snapshot time.Time) bool {
	return !slices.ContainsFunc(j.view.Plan.Restarts, func(r collector.Restart) bool { return !r.Pause && !snapshot.After(r.At) })
}

func (j *judge) restarted(within time.Duration) bool {
	return slices.ContainsFunc(j.view.Plan.Restarts, func(r collector.Restart) bool { return j.now.Sub(r.At) <= within })
}

// autoExportWasOn reports whether auto export was on before. Either the exporter saw it, or the last export is so
// recent that auto export most likely made it, and the configuration does not expect exports of another origin.
func (j *judge) autoExportWasOn() bool {
	v := j.view
	return !v.Plan.AutoExportWasOn.IsZero() ||
		v.Plan.Interval == 0 && !v.Latest.LastSuccess.IsZero() && j.now.Sub(v.Latest.LastSuccess) <= v.Patience.News
}

// noteNormal adds the finding about a target that needs no attention.
func (j *judge) noteNormal() {
	v := j.view
	l := &v.Latest
	if v.Plan.UnknownFrequency {
		j.note(UnknownFrequency)
	}
	switch {
	case l.Outcome == collector.OutcomeUnfinished && (!j.frozen() || l.LastSuccess.IsZero()): // the only job, if it still runs
		j.note(Running)
	case l.Outcome == collector.OutcomeUnknown && l.State != "":
		j.note(UnknownState)
	case l.LastFailure.After(l.LastSuccess):
		j.note(FailedBefore)
	case v.Plan.Off != collector.NotOff && v.Plan.Interval == 0:
		j.note(Off)
	case l.LastSuccess.IsZero():
		j.note(NoJob)
	default:
		j.note(Fine)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// String returns the name of the kind, for people.
func (k Kind) String() string {
	return [Kinds]string{
		BackupDisabled: "backup off", Overdue: "overdue", BucketMissing: "bucket missing", Failed: "failed", Stuck: "stuck",
		AutoExportDisabled: "auto export off", ExportMissing: "export missing", Fallback: "fallback", NotScheduled: "not scheduled",
		ScheduleBehind: "schedule behind", Unreadable: "unreadable", Stale: "stale", Pending: "pending",
		UnknownState: "unknown", UnknownFrequency: "unknown frequency", Running: "running", Fine: "fine", NotReadYet: "not read yet",
		NoJob: "no job yet", FailedBefore: "failed long ago", Off: "off", Unsupported: "unsupported",
	}[k]
}

// Anchor returns the kind as the fragment of a URL.
func (k Kind) Anchor() string { return strings.ReplaceAll(k.String(), " ", "-") }
