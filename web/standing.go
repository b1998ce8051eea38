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

// mostSkew is how far ahead a date may be that counts as evidence, as in the rule MongoDBAtlasBackupExportOverdue.
const mostSkew = 24 * time.Hour

// standingOf judges a target as of now.
func standingOf(now time.Time, v *collector.TargetView) standing {
	switch v.Condition {
	case collector.Down:
		return standsUnreadable
	case collector.Pending:
		return standsUnread
	case collector.Unsupported:
		if v.Reason == collector.BackupDisabled {
			return standsOff
		}
		return standsNotServed
	case collector.Up:
	}
	if !v.Configurable {
		return standsFine
	}
	l := &v.Latest
	failedLast := l.LastFailure.After(l.LastSuccess)
	switch {
	case failedLast && now.Sub(l.LastFailure) <= v.Patience.News:
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
	return now.Sub(since) > interval+min(interval, v.Patience.Grace)
}

// stuckAfter is how long a job may be unfinished.
func stuckAfter(v *collector.TargetView) time.Duration {
	if p := &v.Patience; p.StuckFactor == 0 || v.Latest.LastDuration <= 0 {
		return p.Stuck
	}
	return max(time.Duration(v.Patience.StuckFactor)*v.Latest.LastDuration, v.Patience.StuckLeast)
}
