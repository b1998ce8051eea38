package web

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// standing is how a row of the page stands, what needs attention first.
type standing uint8

const (
	standsFailed standing = iota
	standsOverdue
	standsStuck
	standsUnreadable
	standsUnknown
	standsUnread
	standsRunning
	standsFine
	standsWithoutJob
	standsFailedBefore
	standsOff
	standsNotServed

	standings = int(iota)
)

// words lists what the page calls each standing, and names the colour that goes with it.
func words() [standings]struct{ word, tone string } {
	return [standings]struct{ word, tone string }{
		standsFailed:       {"failed", "bad"},
		standsOverdue:      {"overdue", "bad"},
		standsStuck:        {"stuck", "warn"},
		standsUnreadable:   {"unreadable", "warn"},
		standsUnknown:      {"unknown", "warn"},
		standsUnread:       {"not read yet", "dim"},
		standsRunning:      {"running", "busy"},
		standsFine:         {"fine", "good"},
		standsWithoutJob:   {"no job yet", "dim"},
		standsFailedBefore: {"failed long ago", "dim"},
		standsOff:          {"off", "dim"},
		standsNotServed:    {"not served", "dim"},
	}
}

// alarming reports whether somebody should look.
func (s standing) alarming() bool { return s <= standsUnknown }

// How long the alerting rules are patient, which the page follows, so that both say the same. What rules remember of
// last week, such as a pause that has just ended, the exporter does not know: then the page speaks sooner.
const (
	failureIsNews        = 8 * 24 * time.Hour // BackupExportFailed, PipelineRunFailed
	restoreFailureIsNews = 24 * time.Hour     // BackupRestoreFailed
	mostPatience         = 48 * time.Hour     // BackupExportOverdue, beyond the interval
	mostSkew             = 24 * time.Hour     // BackupExportOverdue, what is dated further ahead
	leastExportTime      = 6 * time.Hour      // BackupExportStuck, however fast the last success was
	usualDurations       = 4                  // BackupExportStuck, times the last success
	longestJob           = 12 * time.Hour     // BackupExportStuck with nothing to compare with, BackupRestoreStuck
	longestRun           = 6 * time.Hour      // PipelineRunStuck
)

// standingOf judges a target as of now.
func standingOf(now time.Time, v *collector.TargetView) standing {
	switch v.Condition {
	case "down":
		return standsUnreadable
	case "pending":
		return standsUnread
	case "unsupported":
		if v.Reason == "backup_disabled" {
			return standsOff
		}
		return standsNotServed
	}
	if !hasJobs(v) {
		return standsFine
	}
	l := &v.Latest
	failedLast := l.LastFailure.After(l.LastSuccess)
	switch {
	case failedLast && now.Sub(l.LastFailure) <= newsFor(v):
		return standsFailed
	case isOverdue(now, v):
		return standsOverdue
	case !l.OldestUnfinished.IsZero() && now.Sub(l.OldestUnfinished) > stuckAfter(v):
		return standsStuck
	case l.Unfinished:
		return standsRunning
	case l.State == "unknown":
		return standsUnknown
	case failedLast:
		return standsFailedBefore
	case v.Plan.Off != "" && v.Plan.Interval == 0:
		return standsOff
	case l.LastSuccess.IsZero():
		return standsWithoutJob
	}
	return standsFine
}

// hasJobs tells a target that lists jobs from one of discovery.
func hasJobs(v *collector.TargetView) bool {
	switch v.Collector {
	case "backup_exports", "backup_restores", "pipeline_runs":
		return true
	}
	return false
}

// newsFor is for how long a failure is told.
func newsFor(v *collector.TargetView) time.Duration {
	if v.Collector == "backup_restores" {
		return restoreFailureIsNews
	}
	return failureIsNews
}

// isOverdue reports whether an export is missing: counted from the latest of last success, first job and the cluster's
// creation, more than the interval and the smaller of itself and two days have passed. What is dated more than a day
// ahead is no evidence.
func isOverdue(now time.Time, v *collector.TargetView) bool {
	interval := v.Plan.Interval
	if interval == 0 {
		return false
	}
	var since time.Time
	for _, at := range []time.Time{v.Plan.Since, v.Latest.LastSuccess, v.Latest.First} {
		if at.After(since) && at.Sub(now) <= mostSkew {
			since = at
		}
	}
	return now.Sub(since) > interval+min(interval, mostPatience)
}

// stuckAfter is for how long a job may be unfinished.
func stuckAfter(v *collector.TargetView) time.Duration {
	switch {
	case v.Collector == "pipeline_runs":
		return longestRun
	case v.Collector == "backup_exports" && v.Latest.LastDuration > 0:
		return max(usualDurations*v.Latest.LastDuration, leastExportTime)
	}
	return longestJob
}
