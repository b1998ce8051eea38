package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

func TestStanding(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	type latest = collector.Latest
	daily := collector.Plan{Interval: day, Since: ago(400 * day)}
	good := latest{State: "Successful", LastSuccess: ago(5 * time.Hour), LastDuration: time.Hour, First: ago(300 * day)}
	for _, test := range []struct {
		name, collector string
		condition       collector.Condition // Pending stands for Up
		reason          collector.Reason
		latest          latest
		plan            collector.Plan
		want            standing
	}{
		{name: "success", latest: good, plan: daily, want: standsFine},
		{name: "success that nothing is expected of", latest: good, want: standsFine},
		{name: "failure", latest: latest{LastSuccess: ago(30 * time.Hour), LastFailure: ago(6 * time.Hour)}, plan: daily, want: standsFailed},
		{name: "failure, and a job is running", latest: latest{LastFailure: ago(day), Unfinished: true, OldestUnfinished: ago(time.Minute)}, want: standsFailed},
		{name: "failure before a success", latest: latest{LastSuccess: ago(5 * time.Hour), LastFailure: ago(6 * time.Hour)}, want: standsFine},
		{name: "failure just within eight days", latest: latest{LastFailure: ago(8 * day)}, want: standsFailed},
		{name: "failure beyond eight days", latest: latest{LastFailure: ago(8*day + 1)}, want: standsFailedBefore},
		{name: "failure beyond eight days, and overdue", latest: latest{LastFailure: ago(9 * day)}, plan: daily, want: standsOverdue},
		{name: "restore failure within a day", collector: "backup_restores", latest: latest{LastFailure: ago(day)}, want: standsFailed},
		{name: "restore failure beyond a day", collector: "backup_restores", latest: latest{LastFailure: ago(day + 1)}, want: standsFailedBefore},
		{name: "run failure beyond a day", collector: "pipeline_runs", latest: latest{LastFailure: ago(day + 1)}, want: standsFailed},

		{name: "daily, two days ago", latest: latest{LastSuccess: ago(2 * day)}, plan: daily, want: standsFine},
		{name: "daily, longer ago", latest: latest{LastSuccess: ago(2*day + 1)}, plan: daily, want: standsOverdue},
		{name: "weekly, nine days ago", latest: latest{LastSuccess: ago(9 * day)}, plan: collector.Plan{Interval: 7 * day}, want: standsFine},
		{name: "weekly, longer ago", latest: latest{LastSuccess: ago(9*day + 1)}, plan: collector.Plan{Interval: 7 * day}, want: standsOverdue},
		{name: "daily, by a clock that is ahead", latest: latest{LastSuccess: ago(-day)}, plan: daily, want: standsFine},
		{name: "daily, dated years ahead", latest: latest{LastSuccess: ago(-900 * day)}, plan: daily, want: standsOverdue},
		{name: "never, young cluster", plan: collector.Plan{Interval: day, Since: ago(day)}, want: standsWithoutJob},
		{name: "never, old cluster", plan: daily, want: standsOverdue},
		{name: "never succeeded, young jobs", latest: latest{State: "Cancelled", First: ago(day)}, plan: daily, want: standsWithoutJob},
		{name: "expected by configuration though auto export is off", latest: latest{LastSuccess: ago(3 * day)}, plan: collector.Plan{Interval: day, Off: "auto export off"}, want: standsOverdue},

		{name: "running", latest: latest{Unfinished: true, OldestUnfinished: ago(time.Hour)}, want: standsRunning},
		{name: "running for four times the last", latest: latest{Unfinished: true, OldestUnfinished: ago(8 * time.Hour), LastDuration: 2 * time.Hour}, want: standsRunning},
		{name: "running longer", latest: latest{Unfinished: true, OldestUnfinished: ago(8*time.Hour + 1), LastDuration: 2 * time.Hour}, want: standsStuck},
		{name: "running for six hours after a fast one", latest: latest{Unfinished: true, OldestUnfinished: ago(6 * time.Hour), LastDuration: time.Minute}, want: standsRunning},
		{name: "running longer after a fast one", latest: latest{Unfinished: true, OldestUnfinished: ago(6*time.Hour + 1), LastDuration: time.Minute}, want: standsStuck},
		{name: "first, half a day", latest: latest{Unfinished: true, OldestUnfinished: ago(12 * time.Hour)}, want: standsRunning},
		{name: "first, longer", latest: latest{Unfinished: true, OldestUnfinished: ago(12*time.Hour + 1)}, want: standsStuck},
		{name: "a newer one succeeded, an old one is stuck", latest: latest{LastSuccess: ago(time.Hour), OldestUnfinished: ago(13 * time.Hour)}, want: standsStuck},
		{name: "restore, half a day", collector: "backup_restores", latest: latest{Unfinished: true, OldestUnfinished: ago(12 * time.Hour), LastDuration: time.Minute}, want: standsRunning},
		{name: "restore, longer", collector: "backup_restores", latest: latest{Unfinished: true, OldestUnfinished: ago(12*time.Hour + 1), LastDuration: time.Minute}, want: standsStuck},
		{name: "run, six hours", collector: "pipeline_runs", latest: latest{Unfinished: true, OldestUnfinished: ago(6 * time.Hour)}, want: standsRunning},
		{name: "run, longer", collector: "pipeline_runs", latest: latest{Unfinished: true, OldestUnfinished: ago(6*time.Hour + 1)}, want: standsStuck},

		{name: "unreadable", condition: collector.Down, reason: collector.Forbidden, latest: good, plan: daily, want: standsUnreadable},

		{name: "free tier", condition: collector.Unsupported, reason: collector.FreeTier, want: standsNotServed},
		{name: "backup is off", condition: collector.Unsupported, reason: collector.BackupDisabled, latest: good, want: standsOff},
		{name: "paused", latest: latest{LastSuccess: ago(20 * day)}, plan: collector.Plan{Off: "cluster paused"}, want: standsOff},
		{name: "a state that nobody knows", latest: latest{State: "unknown", LastSuccess: ago(day)}, want: standsUnknown},
		{name: "discovery", collector: "clusters", want: standsFine},
		{name: "discovery fails", collector: "clusters", condition: collector.Down, want: standsUnreadable},
	} {
		v := collector.TargetView{
			Declaration: declared(cmp.Or(test.collector, "backup_exports")), Condition: cmp.Or(test.condition, collector.Up),
			Reason: test.reason, Latest: test.latest, Plan: test.plan,
		}
		if got := standingOf(now, &v); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, words()[got].word, words()[test.want].word)
		}
	}
}

func TestPendingStandsUnread(t *testing.T) {
	if got := standingOf(time.Now(), &collector.TargetView{Declaration: declared("backup_exports")}); got != standsUnread {
		t.Errorf("a target that was not read yet is %s", words()[got].word)
	}
}

// declared returns the declaration of a collector.
func declared(name string) *collector.Declaration {
	table := collector.All()
	return table[slices.Index(table.Names(), name)]
}

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", time.Second: "1 s ago", time.Minute: "1 min ago", 119 * time.Minute: "1 h ago",
		47*time.Hour + 59*time.Minute: "47 h ago", 48 * time.Hour: "2 days ago", 400 * 24 * time.Hour: "400 days ago",
	} {
		if got := age(now, now.Add(-d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// largest is the overview of an organisation as large as Atlas allows: 250 projects of 25 clusters each.
func largest(now time.Time) *collector.Overview {
	o := &collector.Overview{Up: true}
	declarations := map[string]*collector.Declaration{}
	for _, d := range collector.All() {
		declarations[d.Name] = d
	}
	for i := range 250 {
		p := collector.ProjectView{ID: fmt.Sprintf("%024x", i), Name: fmt.Sprintf("project-%03d", i)}
		for j := range 25 {
			for _, name := range []string{"backup_exports", "backup_restores", "backup_schedule"} {
				created := now.Add(-time.Duration(j) * time.Hour)
				v := collector.TargetView{Declaration: declarations[name], Project: p.ID, Entry: fmt.Sprintf("cluster-%02d", j), Condition: collector.Up, Refreshed: now}
				if name != "backup_schedule" {
					v.Jobs = 100
					v.Latest = collector.Latest{State: "Successful", Created: created, Ended: created, LastSuccess: created, First: created}
				}
				p.Targets = append(p.Targets, v)
			}
		}
		o.Projects = append(o.Projects, p)
	}
	return o
}

// TestLargestPage holds that a row takes little more than what it shows.
func TestLargestPage(t *testing.T) {
	now := time.Now()
	p := newPage(&server{Options: Options{Logger: log.NewNopLogger()}})
	body, err := p.render(now, largest(now), nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Count(string(body), "\n<tr>") + strings.Count(string(body), "\n<tr id=")
	if rows != 2*6250+250 {
		t.Errorf("the page has %d rows, want one for the exports and one for the restores of each cluster, and one for each project", rows)
	}
	if most := 350 * rows; len(body) > most {
		t.Errorf("%d rows take %d bytes, want at most %d", rows, len(body), most)
	}
}

func BenchmarkLargestPage(b *testing.B) {
	now := time.Now()
	o := largest(now)
	p := newPage(&server{Options: Options{Logger: log.NewNopLogger()}})
	for b.Loop() {
		body, err := p.render(now, o, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
	}
}
