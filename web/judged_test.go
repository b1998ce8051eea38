package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// declarations are the collectors by name.
func declarations() map[string]*collector.Declaration {
	all := map[string]*collector.Declaration{}
	for _, d := range collector.All() {
		all[d.Name] = d
	}
	return all
}

// TestIsCode holds what counts as an error code: all else may be free text.
func TestIsCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"A", "Z", "a", "z", "0", "9", "_", "NOT_IN_GROUP", strings.Repeat("A", 100)} {
		if !isCode(code) {
			t.Errorf("%q is no code", code)
		}
	}
	for _, text := range []string{"", "@", "[", "`", "{", "/", ":", "A B", "192.0.2.1", strings.Repeat("A", 101)} {
		if isCode(text) {
			t.Errorf("%q is a code", text)
		}
	}
}

// TestScheduleBehind holds that a plan of the past reads as one.
func TestScheduleBehind(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	v := collector.TargetView{Declaration: declarations()["backup_snapshots"]}
	const want = "the next snapshot was planned for 46 h ago and has not come"
	if got := explain(now, &v, &verdict.Finding{Kind: verdict.ScheduleBehind, Since: now.Add(-46 * time.Hour)}); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestStrip holds the line of the newest jobs, in which equal neighbours are counted.
func TestStrip(t *testing.T) {
	t.Parallel()
	ok, failed := collector.RecentJob{State: "Successful", Outcome: collector.OutcomeSucceeded}, collector.RecentJob{State: "Failed", Outcome: collector.OutcomeFailed}
	for _, test := range []struct {
		jobs []collector.RecentJob
		want strip
	}{
		{nil, strip{}},
		{[]collector.RecentJob{ok}, strip{"✓", "oldest to newest: succeeded"}},
		{[]collector.RecentJob{ok, ok, failed}, strip{"✓✓✘", "oldest to newest: 2 succeeded, failed"}},
		{[]collector.RecentJob{failed, ok, failed, failed}, strip{"✘✓✘✘", "oldest to newest: failed, succeeded, 2 failed"}},
	} {
		if got := stripOf(test.jobs); got != test.want {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}

// TestOutageCause holds when the page says that nothing can be read, and that it names the commonest cause.
func TestOutageCause(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	read := now.Add(-time.Hour)
	declared := declarations()
	view := func(name, entry string, c collector.Condition, reason collector.Reason) collector.TargetView {
		v := collector.TargetView{Declaration: declared[name], Project: "p", Entry: entry, Condition: c, Reason: reason, Found: read}
		if c != collector.Pending {
			v.Refreshed = now.Add(-time.Minute)
		}
		return v
	}
	down := func(name, entry string, reason collector.Reason) collector.TargetView {
		return view(name, entry, collector.Down, reason)
	}
	up := view("backup_exports", "up", collector.Up, collector.None)
	pending := view("projects", "", collector.Pending, collector.None)
	root := view("projects", "", collector.Up, collector.None)
	for _, test := range []struct {
		name    string
		roots   []collector.TargetView
		targets []collector.TargetView
		want    string // "" for no outage
	}{
		{"all is well", []collector.TargetView{root}, []collector.TargetView{up}, ""},
		{"one of two is down", []collector.TargetView{root}, []collector.TargetView{up, down("backup_exports", "a", collector.Timeout)}, ""},
		{"the list is down, and the rest is not read again", []collector.TargetView{down("projects", "", collector.Timeout)}, []collector.TargetView{up}, "timeout"},
		{"all are down", []collector.TargetView{pending}, []collector.TargetView{down("backup_exports", "a", collector.Timeout)}, "timeout"},
		{"two causes, the first commoner", []collector.TargetView{pending}, []collector.TargetView{
			down("backup_exports", "a", collector.Timeout), down("backup_exports", "b", collector.Timeout), down("backup_exports", "c", collector.Network),
		}, "timeout"},
		{"two causes, the second commoner", []collector.TargetView{pending}, []collector.TargetView{
			down("backup_exports", "a", collector.Network), down("backup_exports", "b", collector.Timeout), down("backup_exports", "c", collector.Timeout),
		}, "timeout"},
		{"two causes, as common", []collector.TargetView{pending}, []collector.TargetView{
			down("backup_exports", "a", collector.Network), down("backup_exports", "b", collector.Timeout),
		}, "network"},
		{"one of two is down, and no list is known", nil, []collector.TargetView{up, down("backup_exports", "a", collector.Timeout)}, ""},
		{"a missing role is none", []collector.TargetView{pending}, []collector.TargetView{down("backup_exports", "a", collector.Forbidden)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := collector.Overview{Roots: test.roots, Projects: []collector.ProjectView{{ID: "p", Name: "payments", Targets: test.targets}}}
			got := problemsOf(now, &o).outage(now, &o)
			wants := map[string]string{"": "", "timeout": "Atlas cannot be read (" + reasonWords(collector.Timeout, ""), "network": "Atlas cannot be read (" + reasonWords(collector.Network, "")}[test.want]
			if (got == "") != (test.want == "") || !strings.Contains(got, wants) {
				t.Errorf("%q, want %q", got, wants)
			}
		})
	}
}

// TestManyUnreadable holds how many targets of one problem are named.
func TestManyUnreadable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	exports := declarations()["backup_exports"]
	var targets []collector.TargetView
	for i, want := range []string{"exports of a", "exports of a, b", "exports of a, b, c", "exports of 4 clusters"} {
		targets = append(targets, collector.TargetView{
			Declaration: exports, Project: "p", Entry: string(rune('a' + i)), Condition: collector.Down, Reason: collector.Forbidden, Found: now,
		})
		o := collector.Overview{Projects: []collector.ProjectView{{ID: "p", Name: "payments", Targets: targets}}}
		if lines := problemsOf(now, &o).lines(now, ""); len(lines) != 1 || lines[0].What != want {
			t.Errorf("%+v, want %s", lines, want)
		}
	}
}

// TestLongestAddress holds how long the host of a request may be.
func TestLongestAddress(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]bool{0: false, 1: true, 259: true, 260: false} {
		if got := isAddress(strings.Repeat("a", length)); got != want {
			t.Errorf("%d characters: %t", length, got)
		}
	}
}

// TestPageText holds what the page says, word for word, of clusters and pipelines of every kind.
func TestPageText(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	declared := declarations()
	ok := collector.Latest{
		State: "Successful", Outcome: collector.OutcomeSucceeded, Created: ago(5 * time.Hour), Ended: ago(4 * time.Hour),
		LastSuccess: ago(4 * time.Hour), LastDuration: time.Hour, First: ago(30 * day),
	}
	failed := ok
	failed.State, failed.Outcome, failed.LastFailure, failed.LastSuccess, failed.FailureCode = "Failed", collector.OutcomeFailed, ago(4*time.Hour), ago(28*time.Hour), "EXPORT_BUCKET_ACCESS_DENIED"
	running := ok
	running.State, running.Outcome, running.Ended, running.OldestUnfinished, running.Progress = "InProgress", collector.OutcomeUnfinished, time.Time{}, ago(5*time.Hour), "3 of 17 collections"
	stuck := running
	stuck.Created, stuck.OldestUnfinished, stuck.LastSuccess = ago(3*day), ago(3*day), ago(4*day)
	download, automated := ok, failed
	download.Group, download.Progress = "download", "download"
	automated.Group, automated.Progress, automated.FailureCode = "automated", "automated", ""
	target := func(name, entry string, l ...collector.Latest) collector.TargetView {
		v := collector.TargetView{Declaration: declared[name], Project: "p1", Entry: entry, Condition: collector.Up, Found: ago(30 * day), Refreshed: ago(time.Minute)}
		v.Plan.Interval, v.Plan.Since = day, ago(40*day)
		for _, latest := range l {
			v.Jobs += 3
			v.Recent = append(v.Recent, collector.RecentJob{State: latest.State, Outcome: latest.Outcome, Created: latest.Created})
		}
		if len(l) > 0 {
			v.Latest, v.Groups = l[len(l)-1], l
		}
		return v
	}
	unreadable := target("backup_exports", "e unreadable", failed)
	unreadable.Condition, unreadable.Reason, unreadable.Code, unreadable.Remedy = collector.Down, collector.Forbidden, "USER_UNAUTHORIZED", "give it a role"
	unreadable.Refreshed = ago(2 * time.Hour)
	second := unreadable
	second.Entry = "f unreadable"
	o := collector.Overview{Up: true, Projects: []collector.ProjectView{{ID: "p1", Name: "payments", Targets: []collector.TargetView{
		target("backup_snapshots", "a good", ok), target("backup_exports", "a good", ok), target("backup_restores", "a good", download),
		target("backup_exports", "b failed", failed), target("backup_restores", "b failed", automated, download),
		target("backup_exports", "c running", running), target("backup_exports", "d stuck", stuck), target("backup_exports", "d stuck too", stuck),
		unreadable, second,
		target("pipeline_runs", "orders", ok), target("pipeline_runs", "refunds", failed),
		target("flex_snapshots", "flex", ok), target("flex_restores", "flex", automated),
	}}}}
	body, err := newPage(&server{Options: Options{Logger: log.NewNopLogger()}}).render(now, &o, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(regexp.MustCompile(`(?s)<script.*?</script>|<style.*?</style>`).ReplaceAllString(string(body), ""), "<body")
	harness.Golden(t, "testdata/page.html", text)
}
