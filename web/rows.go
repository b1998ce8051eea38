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
			if v := &p.Targets[j]; isShown(v) {
				add(p.Name, v)
			}
		}
	}
	for i := range o.Roots {
		if v := &o.Roots[i]; isShown(v) {
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

// isShown reports whether a target has a row of its own.
func isShown(v *collector.TargetView) bool {
	switch v.Row {
	case collector.RowAlways:
		return true
	case collector.RowWithJobs:
		return v.Jobs > 0 || v.Condition == collector.Down || v.Condition == collector.Pending
	case collector.RowWhenDown:
		return v.Condition == collector.Down
	case collector.RowWhenNotUp:
	}
	return v.Condition != collector.Up
}

func rowOf(now time.Time, project string, v *collector.TargetView) row {
	l := &v.Latest
	r := row{
		standing: standingOf(now, v),
		Project:  project,
		Name:     v.Entry,
		Kind:     kindOf(v),
		Details:  details(now, v),
		Read:     momentOf(now, v.Refreshed, "never"),
	}
	if v.Jobs > 0 || v.Configurable && !v.Refreshed.IsZero() {
		r.State = cmp.Or(l.State, "none")
		r.Created = momentOf(now, l.Created, "")
		r.Success = momentOf(now, l.LastSuccess, "never")
	}
	return r
}

// kindOf says in words what a target reads.
func kindOf(v *collector.TargetView) string {
	if v.Configurable || v.Parent != nil || v.IsRoot() && v.Project != "" {
		return v.Noun
	}
	return "list of " + v.Noun + "s"
}

// details says what cannot be read and why, how far the newest job is, and what is known of those to come.
func details(now time.Time, v *collector.TargetView) string {
	var parts []string
	add := func(part string) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	add(strings.TrimSpace(v.Reason.String() + " " + v.Code))
	add(v.Latest.Progress)
	if v.Latest.LastFailure.After(v.Latest.LastSuccess) && isCode(v.Latest.FailureCode) {
		add(v.Latest.FailureCode)
	}
	if v.Condition == collector.Up && isOverdue(now, v) {
		add("expected every " + duration(v.Plan.Interval))
	}
	if v.Condition != collector.Unsupported {
		add(v.Plan.Off)
		add(v.Plan.Note)
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
