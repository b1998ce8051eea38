package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// row is a line of the page's table.
type row struct {
	standing            standing
	Standing, Tone      string
	Anchor              string // of the first row of its standing, "" of the others
	Project, Name, Kind string
	State, Details      string
	Created, Success    moment
	Read                moment
}

// count is how many rows stand in one way.
type count struct {
	Word, Tone, Anchor string
	N                  int
	Alarming           bool
}

// anchor is a word as a part of an address.
func anchor(word string) string { return strings.ReplaceAll(word, " ", "-") }

// moment is a time as it is shown: exactly, and as an age.
type moment struct{ At, Age string }

func momentOf(now, at time.Time, none string) moment {
	if at.IsZero() {
		return moment{Age: none}
	}
	return moment{at.UTC().Format("2006-01-02T15:04:05Z"), age(now, at)}
}

// rowsOf lists the rows of an overview, what needs attention first, and how many stand in each way.
func rowsOf(now time.Time, o *collector.Overview) (rows []row, counts []count) {
	all := words()
	add := func(project string, v *collector.TargetView) {
		r := rowOf(now, project, v)
		r.Standing, r.Tone = all[r.standing].word, all[r.standing].tone
		rows = append(rows, r)
	}
	names := map[string]string{}
	for i := range o.Projects {
		p := &o.Projects[i]
		names[p.ID] = p.Name
		for j := range p.Targets {
			if v := &p.Targets[j]; isShown(v, p.Targets) {
				add(p.Name, v)
			}
		}
	}
	for i := range o.Roots {
		if v := &o.Roots[i]; v.Condition != "up" {
			add(cmp.Or(names[v.Project], v.Project), v)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.standing, b.standing) })
	tally := [standings]int{}
	for i := range rows {
		s := rows[i].standing
		if tally[s]++; tally[s] == 1 {
			rows[i].Anchor = anchor(all[s].word)
		}
	}
	for s, n := range tally {
		if n > 0 {
			counts = append(counts, count{all[s].word, all[s].tone, anchor(all[s].word), n, standing(s).alarming()})
		}
	}
	return rows, counts
}

// isShown reports whether a target has a row of its own. A cluster's exports and a pipeline's runs always have. What
// discovery reads has one while it is not up, and a list of restores while it says more than the row of the cluster's exports.
func isShown(v *collector.TargetView, all []collector.TargetView) bool {
	switch v.Collector {
	case collector.BackupExports, collector.PipelineRuns:
		return true
	case collector.BackupRestores:
		if v.Jobs > 0 || v.Condition == "down" || v.Condition == "pending" {
			return true
		}
		exports, _ := slices.BinarySearchFunc(all, v, func(a collector.TargetView, b *collector.TargetView) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Collector, collector.BackupExports))
		})
		return exports == len(all) || all[exports].Name != v.Name || all[exports].Collector != collector.BackupExports
	case "backup_schedule":
		return v.Condition == "down"
	}
	return v.Condition != "up"
}

func rowOf(now time.Time, project string, v *collector.TargetView) row {
	l := &v.Latest
	r := row{
		standing: standingOf(now, v),
		Project:  project,
		Name:     v.Name,
		Kind:     kindOf(v),
		Details:  details(now, v),
		Read:     momentOf(now, v.Refreshed, "never"),
	}
	if v.Jobs > 0 || hasJobs(v) && !v.Refreshed.IsZero() {
		r.State = cmp.Or(l.State, "none")
		r.Created = momentOf(now, l.Created, "")
		r.Success = momentOf(now, l.LastSuccess, "never")
	}
	return r
}

// kindOf says in words what a target reads.
func kindOf(v *collector.TargetView) string {
	switch v.Collector {
	case collector.BackupExports:
		return "export"
	case collector.BackupRestores:
		return "restore"
	case collector.PipelineRuns:
		return "pipeline run"
	case "backup_schedule":
		return "backup schedule"
	case "projects":
		if v.Project != "" {
			return "project"
		}
	}
	return "list of " + v.Collector
}

// details says what cannot be read and why, how far the newest job is, and what is known of those to come.
func details(now time.Time, v *collector.TargetView) string {
	var parts []string
	add := func(part string) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	add(strings.TrimSpace(v.Reason + " " + v.Code))
	add(v.Latest.Progress)
	if v.Latest.LastFailure.After(v.Latest.LastSuccess) && isCode(v.Latest.FailureCode) {
		add(v.Latest.FailureCode)
	}
	if v.Condition == "up" && isOverdue(now, v) {
		add("expected every " + duration(v.Plan.Interval))
	}
	if v.Condition != "unsupported" {
		add(v.Plan.Off)
	}
	return strings.Join(parts, " · ")
}

// isCode reports whether a word has the form of Atlas's error codes. Anything else may be free text, with addresses.
func isCode(s string) bool {
	return len(s) <= 100 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_'
	})
}

// age says how long ago something was.
func age(now, at time.Time) string {
	if d := now.Sub(at); d >= time.Second {
		return duration(d) + " ago"
	}
	return "just now"
}

// duration writes a time span in the largest unit that fits.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
