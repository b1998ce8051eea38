package page

import (
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// declarations are the collectors by name.
func declarations() map[string]*collector.Declaration {
	all := map[string]*collector.Declaration{}
	for _, d := range collector.All() {
		all[d.Name] = d
	}
	return all
}

// TestOutageCause checks when the page says that nothing can be read, and that it names the most common cause.
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

// TestManyUnreadable checks how many targets of one problem are named.
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
