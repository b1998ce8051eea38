package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestPageText checks every word of the page about clusters and pipelines of every kind.
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
	behind := running // the job that is stuck is not the newest
	behind.State, behind.Created, behind.OldestUnfinished, behind.Progress = "Queued", ago(8*time.Hour), ago(20*time.Hour), ""
	pending := behind
	pending.Group = "automated"
	download, automated := ok, failed
	download.Group = "download"
	automated.Group, automated.FailureCode = "automated", ""
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
		target("backup_exports", "d stuck behind", behind), target("backup_restores", "d stuck behind", pending, download),
		unreadable, second,
		target("pipeline_runs", "orders", ok), target("pipeline_runs", "refunds", failed),
		target("flex_snapshots", "flex", ok), target("flex_restores", "flex", automated),
	}}}}
	body, err := New(Options{}).Render(now, &State{Overview: o})
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(regexp.MustCompile(`(?s)<script.*?</script>|<style.*?</style>`).ReplaceAllString(string(body), ""), "<body")
	harness.Golden(t, "testdata/page.html", text)
}

// largest is the overview of an organization of the largest size that Atlas allows: 250 projects of 25 clusters each.
func largest(now time.Time) collector.Overview {
	o := collector.Overview{Up: true}
	declarations := map[string]*collector.Declaration{}
	for _, d := range collector.All() {
		declarations[d.Name] = d
	}
	for i := range 250 {
		p := collector.ProjectView{ID: fmt.Sprintf("%024x", i), Name: fmt.Sprintf("project-%03d", i)}
		for j := range 25 {
			for _, name := range []string{"backup_exports", "backup_restores", "backup_schedule", "backup_snapshots"} {
				created := now.Add(-time.Duration(j) * time.Hour)
				v := collector.TargetView{Declaration: declarations[name], Project: p.ID, Entry: fmt.Sprintf("cluster-%02d", j), Condition: collector.Up, Refreshed: now}
				if v.Configurable {
					v.Jobs = 100
					v.Latest = collector.Latest{
						State: "Successful", Outcome: collector.OutcomeSucceeded, Created: created, Ended: created, LastSuccess: created, First: created,
					}
					for range 12 {
						v.Recent = append(v.Recent, collector.RecentJob{State: "Successful", Outcome: collector.OutcomeSucceeded, Created: created})
					}
				}
				p.Targets = append(p.Targets, v)
			}
		}
		o.Projects = append(o.Projects, p)
	}
	return o
}

// TestLargestPage checks that a row takes little more than the text that it shows.
func TestLargestPage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := New(Options{})
	body, err := p.Render(now, &State{Overview: largest(now)})
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Count(string(body), "\n<tr")
	if rows != (1+3)*6250+250 {
		t.Errorf("the page has %d rows, want one for each project, and for each cluster one and one for each kind of job", rows)
	}
	if most := 350 * rows; len(body) > most {
		t.Errorf("%d rows take %d bytes, want at most %d", rows, len(body), most)
	}
}

func BenchmarkLargestPage(b *testing.B) {
	now := time.Now()
	o := &State{Overview: largest(now)}
	p := New(Options{})
	for b.Loop() {
		body, err := p.Render(now, o)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
	}
}
