package verdict_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

const day = 24 * time.Hour

// TestThresholds checks to the second when each finding begins and ends.
func TestThresholds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	type (
		latest = collector.Latest
		plan   = collector.Plan
		kinds  = []verdict.Kind
	)
	const reading = verdict.ReadingTime
	daily := plan{Interval: day, Since: ago(400 * day)}
	good := latest{State: "Successful", Outcome: collector.OutcomeSucceeded, LastSuccess: ago(5 * time.Hour), LastDuration: time.Hour, First: ago(300 * day)}
	running := func(age, last time.Duration) latest {
		return latest{State: "InProgress", Outcome: collector.OutcomeUnfinished, OldestUnfinished: ago(age), LastDuration: last}
	}
	restarted := func(at, after time.Duration, pause bool) plan {
		return plan{Interval: day, Since: ago(400 * day), Restarts: []collector.Restart{{At: ago(at), After: after, Pause: pause}}}
	}
	for _, test := range []struct {
		name, collector string
		condition       collector.Condition // Pending means Up
		reason          collector.Reason
		jobs            int
		latest          latest
		groups          []latest
		plan            plan
		read            time.Time // zero means now
		want            kinds
	}{
		{name: "success", latest: good, plan: daily, want: kinds{verdict.Fine}},
		{name: "success that nothing is expected of", latest: good, want: kinds{verdict.Fine}},
		{name: "failure", latest: latest{LastSuccess: ago(30 * time.Hour), LastFailure: ago(6 * time.Hour)}, plan: daily, want: kinds{verdict.Failed}},
		{name: "failure, and overdue", latest: latest{LastSuccess: ago(3 * day), LastFailure: ago(6 * time.Hour)}, plan: daily, want: kinds{verdict.Overdue, verdict.Failed}},
		{name: "failure, and a job is stuck", latest: latest{LastFailure: ago(day), OldestUnfinished: ago(2 * day)}, want: kinds{verdict.Failed, verdict.Stuck}},
		{name: "failure before a success", latest: latest{LastSuccess: ago(5 * time.Hour), LastFailure: ago(6 * time.Hour)}, want: kinds{verdict.Fine}},
		{name: "failure just within eight days", latest: latest{LastFailure: ago(8 * day)}, want: kinds{verdict.Failed}},
		{name: "failure beyond eight days", latest: latest{LastFailure: ago(8*day + 1)}, want: kinds{verdict.FailedBefore}},
		{name: "failure beyond eight days, and overdue", latest: latest{LastFailure: ago(9 * day)}, plan: daily, want: kinds{verdict.Overdue}},
		{name: "monthly failure until a day past the next turn", latest: latest{LastSuccess: ago(32*day + 1), LastFailure: ago(32 * day)}, plan: plan{Interval: 31 * day}, want: kinds{verdict.Failed}},
		{name: "monthly failure beyond", latest: latest{LastSuccess: ago(33 * day), LastFailure: ago(32*day + 1)}, plan: plan{Interval: 31 * day}, want: kinds{verdict.FailedBefore}},
		{name: "monthly snapshot failure until a day past the next turn", collector: "backup_snapshots", latest: latest{LastSuccess: ago(32*day + 1), LastFailure: ago(32 * day)}, plan: plan{Interval: 31 * day}, want: kinds{verdict.Overdue, verdict.Failed}},
		{name: "restore failure within a day", collector: "backup_restores", latest: latest{LastFailure: ago(day)}, want: kinds{verdict.Failed}},
		{name: "restore failure beyond a day", collector: "backup_restores", latest: latest{LastFailure: ago(day + 1)}, want: kinds{verdict.FailedBefore}},
		{name: "run failure beyond a day", collector: "pipeline_runs", latest: latest{LastFailure: ago(day + 1)}, want: kinds{verdict.Failed}},
		{
			name: "a download does not hide a failed restore", collector: "backup_restores", latest: latest{LastSuccess: ago(time.Hour), LastFailure: ago(2 * time.Hour)},
			groups: []latest{{Group: "automated", LastFailure: ago(2 * time.Hour)}, {Group: "download", LastSuccess: ago(time.Hour)}}, want: kinds{verdict.Failed},
		},

		{name: "daily, two days ago", latest: latest{LastSuccess: ago(2*day + reading)}, plan: daily, want: kinds{verdict.Fine}},
		{name: "daily, longer ago", latest: latest{LastSuccess: ago(2*day + reading + 1)}, plan: daily, want: kinds{verdict.Overdue}},
		{name: "weekly, nine days ago", latest: latest{LastSuccess: ago(9*day + reading)}, plan: plan{Interval: 7 * day}, want: kinds{verdict.Fine}},
		{name: "weekly, longer ago", latest: latest{LastSuccess: ago(9*day + reading + 1)}, plan: plan{Interval: 7 * day}, want: kinds{verdict.Overdue}},
		{name: "daily snapshot, 30 hours ago", collector: "backup_snapshots", latest: latest{LastSuccess: ago(30*time.Hour + reading)}, plan: daily, want: kinds{verdict.Fine}},
		{name: "daily snapshot, longer ago", collector: "backup_snapshots", latest: latest{LastSuccess: ago(30*time.Hour + reading + 1)}, plan: daily, want: kinds{verdict.Overdue}},
		{name: "first snapshots failed", collector: "backup_snapshots", latest: latest{First: ago(time.Hour)}, plan: daily, want: kinds{verdict.Overdue}},
		{name: "daily, by a clock that is ahead", latest: latest{LastSuccess: ago(-day)}, plan: daily, want: kinds{verdict.Fine}},
		{name: "daily, dated years ahead", latest: latest{LastSuccess: ago(-900 * day)}, plan: daily, want: kinds{verdict.Overdue}},
		{name: "never, young cluster", plan: plan{Interval: day, Since: ago(day)}, want: kinds{verdict.NoJob}},
		{name: "never, old cluster", plan: daily, want: kinds{verdict.Overdue}},
		{name: "never succeeded, young jobs", latest: latest{State: "Cancelled", Outcome: collector.OutcomeNeither, First: ago(day)}, plan: daily, want: kinds{verdict.NoJob}},
		{name: "expected by configuration though auto export is off", latest: latest{LastSuccess: ago(3 * day)}, plan: plan{Interval: day, Off: collector.AutoExportOff}, want: kinds{verdict.Overdue}},

		{name: "resumed after a month", latest: latest{LastSuccess: ago(30 * day)}, plan: restarted(time.Hour, 29*day, true), want: kinds{verdict.Fine}},
		{name: "resumed long enough ago", latest: latest{LastSuccess: ago(30 * day)}, plan: restarted(2*day+1, 29*day, true), want: kinds{verdict.Overdue}},
		{name: "paused for an hour", latest: latest{LastSuccess: ago(3 * day)}, plan: restarted(time.Hour, time.Hour, true), want: kinds{verdict.Overdue}},
		{name: "paused before anything was due", latest: latest{LastSuccess: ago(51 * time.Hour)}, plan: restarted(47*time.Hour, 13*time.Hour, true), want: kinds{verdict.Overdue}},
		{name: "paused every night", latest: latest{LastSuccess: ago(5 * day)}, plan: restarted(time.Hour, 12*time.Hour, true), want: kinds{verdict.Overdue}},
		{name: "auto export switched on after a month", latest: latest{LastSuccess: ago(30 * day)}, plan: restarted(time.Hour, 29*day, false), want: kinds{verdict.Fine}},
		{name: "auto export off and on every night", latest: latest{LastSuccess: ago(5 * day)}, plan: restarted(time.Hour, 8*time.Hour, false), want: kinds{verdict.Overdue}},

		{name: "running", latest: running(time.Hour, 0), want: kinds{verdict.Running}},
		{name: "running for four times the last", latest: running(8*time.Hour, 2*time.Hour), want: kinds{verdict.Running}},
		{name: "running longer", latest: running(8*time.Hour+1, 2*time.Hour), want: kinds{verdict.Stuck}},
		{name: "running for six hours after a fast one", latest: running(6*time.Hour, time.Minute), want: kinds{verdict.Running}},
		{name: "running longer after a fast one", latest: running(6*time.Hour+1, time.Minute), want: kinds{verdict.Stuck}},
		{name: "first, half a day", latest: running(12*time.Hour, 0), want: kinds{verdict.Running}},
		{name: "first, longer", latest: running(12*time.Hour+1, 0), want: kinds{verdict.Stuck}},
		{name: "a newer one succeeded, an old one is stuck", latest: latest{LastSuccess: ago(time.Hour), OldestUnfinished: ago(13 * time.Hour)}, want: kinds{verdict.Stuck}},
		{name: "a newer one succeeded, an old one died last week", latest: latest{LastSuccess: ago(time.Hour), OldestUnfinished: ago(8*day + 1)}, want: kinds{verdict.Fine}},
		{name: "none succeeded, an old one died last week", latest: latest{LastSuccess: ago(10 * day), OldestUnfinished: ago(8*day + 1)}, want: kinds{verdict.Stuck}},
		{name: "restore, half a day", collector: "backup_restores", latest: running(12*time.Hour, time.Minute), want: kinds{verdict.Running}},
		{name: "restore, longer", collector: "backup_restores", latest: running(12*time.Hour+1, time.Minute), want: kinds{verdict.Stuck}},
		{name: "restore that died two days ago, before one that succeeded", collector: "backup_restores", latest: latest{LastSuccess: ago(time.Hour), OldestUnfinished: ago(2 * day)}, want: kinds{verdict.Stuck}},
		{name: "run, six hours", collector: "pipeline_runs", latest: running(6*time.Hour, 0), want: kinds{verdict.Running}},
		{name: "run, longer", collector: "pipeline_runs", latest: running(6*time.Hour+1, 0), want: kinds{verdict.Stuck}},
		{name: "flex snapshot has no bound", collector: "flex_snapshots", latest: running(20*time.Hour, 0), want: kinds{verdict.Running}},
		{name: "in a list that cannot be read", condition: collector.Down, reason: collector.Forbidden, latest: running(13*time.Hour, 0), want: kinds{verdict.Unreadable, verdict.Running}},

		{name: "export missing for half a day", latest: good, plan: plan{Missing: ago(12 * time.Hour)}, want: kinds{verdict.Fine}},
		{name: "export missing for longer", latest: good, plan: plan{Missing: ago(12*time.Hour + 1)}, want: kinds{verdict.ExportMissing}},
		{name: "export missing of a snapshot from before auto export", latest: good, plan: plan{Missing: ago(13 * time.Hour), Restarts: []collector.Restart{{At: ago(time.Hour)}}}, want: kinds{verdict.Fine}},
		{name: "bucket missing", latest: good, plan: plan{BucketMissing: true}, want: kinds{verdict.BucketMissing}},
		{name: "nothing scheduled", collector: "backup_snapshots", latest: good, plan: plan{Off: collector.NothingScheduled}, want: kinds{verdict.NotScheduled}},
		{name: "next snapshot three hours ago", collector: "backup_snapshots", latest: good, plan: plan{Next: ago(3 * time.Hour)}, want: kinds{verdict.Fine}},
		{name: "next snapshot longer ago", collector: "backup_snapshots", latest: good, plan: plan{Next: ago(3*time.Hour + 1)}, want: kinds{verdict.ScheduleBehind}},
		{name: "next snapshot of a paused cluster", collector: "backup_snapshots", latest: good, plan: plan{Next: ago(9 * day), Off: collector.ClusterPaused}, want: kinds{verdict.Off}},
		{name: "next snapshot of a cluster just resumed", collector: "backup_snapshots", latest: good, plan: plan{Next: ago(9 * day), Restarts: []collector.Restart{{At: ago(time.Hour), Pause: true}}}, want: kinds{verdict.Fine}},
		{name: "a fallback is the newest snapshot", collector: "backup_snapshots", latest: latest{LastSuccess: ago(10 * time.Hour), LastFallback: ago(4 * time.Hour)}, want: kinds{verdict.Fallback}},
		{name: "a newer snapshot than the fallback", collector: "backup_snapshots", latest: latest{LastSuccess: ago(2 * time.Hour), LastFallback: ago(4 * time.Hour)}, want: kinds{verdict.Fine}},
		{name: "auto export was on", latest: latest{LastSuccess: ago(60 * day)}, plan: plan{Off: collector.AutoExportOff, AutoExportWasOn: ago(59 * day)}, want: kinds{verdict.AutoExportDisabled}},
		{name: "auto export was on by the exports", latest: good, plan: plan{Off: collector.AutoExportOff}, want: kinds{verdict.AutoExportDisabled}},
		{name: "auto export off for long", latest: latest{LastSuccess: ago(60 * day)}, plan: plan{Off: collector.AutoExportOff}, want: kinds{verdict.Off}},
		{name: "exports by something else", latest: good, plan: plan{Off: collector.AutoExportOff, Interval: day}, want: kinds{verdict.Fine}},
		{name: "unknown frequency", latest: good, plan: plan{UnknownFrequency: true}, want: kinds{verdict.UnknownFrequency, verdict.Fine}},

		{name: "unreadable", condition: collector.Down, reason: collector.Forbidden, latest: good, plan: daily, want: kinds{verdict.Unreadable, verdict.Fine}},
		{name: "unreadable, and failed before", condition: collector.Down, reason: collector.ServerError, latest: latest{LastFailure: ago(time.Hour)}, want: kinds{verdict.Failed, verdict.Unreadable}},
		{name: "values of half an hour ago", latest: good, read: ago(verdict.StaleAfter), want: kinds{verdict.Fine}},
		{name: "older values", latest: good, read: ago(verdict.StaleAfter + 1), want: kinds{verdict.Stale, verdict.Fine}},

		{name: "free tier", condition: collector.Unsupported, reason: collector.FreeTier, want: kinds{verdict.Unsupported}},
		{name: "backup was never on", condition: collector.Unsupported, reason: collector.BackupDisabled, want: kinds{verdict.Off}},
		{name: "backup was on by its jobs", condition: collector.Unsupported, reason: collector.BackupDisabled, jobs: 3, latest: good, want: kinds{verdict.BackupDisabled}},
		{name: "backup was on", condition: collector.Unsupported, reason: collector.BackupDisabled, plan: plan{BackupWasOn: ago(time.Hour)}, want: kinds{verdict.BackupDisabled}},
		{name: "restores of a backup that was on", collector: "backup_restores", condition: collector.Unsupported, reason: collector.BackupDisabled, jobs: 3, want: kinds{verdict.Off}},
		{name: "paused", latest: latest{LastSuccess: ago(20 * day)}, plan: plan{Off: collector.ClusterPaused}, want: kinds{verdict.Off}},
		{name: "a state that nobody knows", latest: latest{State: "unknown", LastSuccess: ago(day)}, want: kinds{verdict.UnknownState}},
		{name: "discovery", collector: "clusters", want: kinds{verdict.Fine}},
		{name: "discovery fails", collector: "clusters", condition: collector.Down, want: kinds{verdict.Unreadable}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := collector.TargetView{
				Declaration: declared(cmp.Or(test.collector, "backup_exports")), Condition: cmp.Or(test.condition, collector.Up),
				Reason: test.reason, Jobs: test.jobs, Latest: test.latest, Groups: test.groups, Plan: test.plan, Refreshed: test.read,
			}
			if test.read.IsZero() {
				v.Refreshed = now
			}
			got := verdict.Of(now, &v)
			var found kinds
			for _, f := range got.Findings {
				found = append(found, f.Kind)
			}
			if !slices.Equal(found, test.want) {
				t.Errorf("the verdict is %v, want %v", found, test.want)
			}
		})
	}
}

// TestPending checks that a target may wait for its first reading, but not for long.
func TestPending(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for age, want := range map[time.Duration]verdict.Kind{verdict.PendingAfter: verdict.NotReadYet, verdict.PendingAfter + 1: verdict.Pending} {
		v := collector.TargetView{Declaration: declared("backup_exports"), Found: now.Add(-age)}
		judged := verdict.Of(now, &v)
		if got := judged.Gravest().Kind; got != want {
			t.Errorf("a target that has waited for %v is %v, want %v", age, got, want)
		}
	}
}

// TestSince checks that a finding says since when it has lasted, not when the newest job began.
func TestSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	stuck, newest := now.Add(-20*time.Hour), now.Add(-8*time.Hour)
	v := collector.TargetView{
		Declaration: declared("backup_exports"), Condition: collector.Up, Refreshed: now,
		Latest: collector.Latest{State: "Queued", Outcome: collector.OutcomeUnfinished, Created: newest, OldestUnfinished: stuck},
	}
	judged := verdict.Of(now, &v)
	if got := judged.Gravest(); got.Kind != verdict.Stuck || !got.Since.Equal(stuck) {
		t.Errorf("the verdict is %v since %v, want stuck since %v", got.Kind, got.Since, stuck)
	}
}

// declared returns the declaration of a collector.
func declared(name string) *collector.Declaration {
	table := collector.All()
	return table[slices.Index(table.Names(), name)]
}
