package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", time.Second: "1 s ago", time.Minute: "1 min ago", 119 * time.Minute: "2 h ago",
		47*time.Hour + 20*time.Minute: "47 h ago", 48 * time.Hour: "2 days ago", 400 * 24 * time.Hour: "400 days ago",
	} {
		t.Run(d.String(), func(t *testing.T) {
			if got := age(now, now.Add(-d)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// largest is the overview of an organization of the largest size that Atlas allows: 250 projects of 25 clusters each.
func largest(now time.Time) *collector.Overview {
	o := &collector.Overview{Up: true}
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
	p := newPage(&server{Options: Options{Logger: log.NewNopLogger()}})
	body, err := p.render(now, largest(now), nil)
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
