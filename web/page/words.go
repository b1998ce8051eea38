package page

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// explain returns a clause about a finding, "" if the name of its kind is enough.
func explain(now time.Time, v *collector.TargetView, f *verdict.Finding) string {
	since := age(now, f.Since)
	other := "" // "restore (automated) ", if the row shows a job of another group
	if f.Group != v.Latest.Group {
		other = v.Noun + " (" + f.Group + ") "
	}
	switch f.Kind {
	case verdict.BackupDisabled:
		return "backup was on " + since
	case verdict.Overdue:
		if v.Latest.LastSuccess.IsZero() {
			return "no " + v.Noun + " has succeeded, one is expected every " + duration(v.Plan.Interval)
		}
		return "no success for " + duration(now.Sub(f.Since)) + ", one is expected every " + duration(v.Plan.Interval)
	case verdict.BucketMissing:
		return "the project no longer has the export bucket that the schedule names"
	case verdict.Failed:
		text := other + "failed " + since
		if v.Latest.FailureCode != "" {
			text += ": " + v.Latest.FailureCode
		}
		return text
	case verdict.Stuck:
		text := other + "unfinished for " + duration(now.Sub(f.Since))
		if !f.Since.Equal(v.Latest.Created) { // the row shows the newest job
			text = "an older " + cmp.Or(other, v.Noun+" ") + "has been unfinished for " + duration(now.Sub(f.Since))
		}
		if took := v.Latest.LastDuration; took > 0 {
			text += ", the last success took " + duration(took)
		}
		return text
	case verdict.AutoExportDisabled:
		return "auto export was switched off"
	case verdict.ExportMissing:
		return "the snapshot of " + since + " was not exported"
	case verdict.Fallback:
		return "the newest snapshot, of " + since + ", is a fallback and may be inconsistent"
	case verdict.NotScheduled:
		return "the backup policy has no items, so Atlas takes no scheduled snapshots"
	case verdict.ScheduleBehind:
		return "the next " + v.Noun + " was planned for " + since + " and has not come"
	case verdict.Stale:
		return "values of " + since
	case verdict.Unreadable:
		return strings.TrimSpace(v.Reason.String() + " " + v.Code)
	case verdict.Pending:
		return "not read for " + duration(now.Sub(f.Since))
	case verdict.UnknownState:
		return "Atlas reports a state that this version does not know"
	case verdict.UnknownFrequency:
		return "the frequency of the schedule is unknown: nothing is expected, so nothing is overdue"
	case verdict.FailedBefore:
		return "failed " + age(now, v.Latest.LastFailure)
	case verdict.NotReadYet, verdict.Running, verdict.Fine, verdict.NoJob, verdict.Off, verdict.Unsupported:
	}
	return ""
}

// stateWord returns the meaning of a state in one word. Atlas spells the same state in several ways.
func stateWord(state string, o collector.Outcome) string {
	switch o {
	case collector.OutcomeSucceeded:
		return "succeeded"
	case collector.OutcomeFailed:
		return "failed"
	case collector.OutcomeUnfinished:
		if strings.EqualFold(state, "queued") || strings.EqualFold(state, "pending") {
			return "queued"
		}
		return "running"
	case collector.OutcomeNeither:
		switch {
		case strings.EqualFold(state, "completed"):
			return "fallback"
		case strings.EqualFold(state, "expired"):
			return "expired"
		}
		return "cancelled"
	case collector.OutcomeUnknown:
	}
	return "unknown"
}

// moment is a time on the page: exact, and as an age.
type moment struct{ At, Age string }

func momentOf(now, at time.Time, none string) moment {
	if at.IsZero() {
		return moment{Age: none}
	}
	return moment{at.UTC().Format("2006-01-02T15:04:05Z"), age(now, at)}
}

// age returns how long ago a time was.
func age(now, at time.Time) string {
	if d := now.Sub(at); d >= time.Second {
		return duration(d) + " ago"
	}
	return "just now"
}

// duration writes a duration in the largest unit that fits, rounded.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d.Round(time.Hour)/time.Hour)
	}
	return fmt.Sprintf("%d days", d.Round(24*time.Hour)/(24*time.Hour))
}

// plural returns a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// listed joins words: "a, b and c".
func listed(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// things returns a plural for what targets read: "exports", "the list of clusters".
func things(v *collector.TargetView) string {
	switch {
	case v.IsRoot() && v.Project != "":
		return "the project"
	case v.IsRoot(), v.Parent == nil:
		return "the list of " + v.Noun + "s"
	}
	return v.Noun + "s"
}

// reasonWords returns in words why something cannot be read.
func reasonWords(r collector.Reason, code string) string {
	return strings.TrimSpace(strings.ReplaceAll(cmp.Or(r.String(), "unreadable"), "_", " ") + " " + code)
}
