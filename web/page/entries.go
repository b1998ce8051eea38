package page

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// entry is a cluster or a pipeline on the page: a row about the backup chain, and below it a row for each kind of job.
type entry struct {
	Status                         status
	Anchors                        []string // targets of the summary's links in a browser without scripts
	Project, Name, Link            string
	Restorable, Exported, Restored moment
	Window                         string // in which any moment can be restored, "" if there is none
	Notes                          string
	Rows                           []row

	pipeline bool
	unknown  bool      // some restores were never read
	since    time.Time // when the gravest finding began
}

// row shows the jobs of one kind in a cluster or a pipeline.
type row struct {
	Status   status
	Noun     string
	Strip    strip
	Newest   string // state of the newest job, as a word for people
	Group    string // of the newest job, such as its delivery type; "" if the kind has no groups
	State    string // the state in Atlas's spelling, if that is another word
	Created  moment
	Progress string
	Success  moment
	Findings []sentence
	Old      string // age of the values, if they could not be read again
}

// sentence is a finding in words, with the URL of its runbook.
type sentence struct{ Text, Runbook string }

// entryOf returns the entry with these targets. ok is false if none of them is shown.
func (p *Page) entryOf(now time.Time, project string, targets []*collector.TargetView) (e entry, ok bool) {
	slices.SortStableFunc(targets, func(a, b *collector.TargetView) int { return cmp.Compare(stepRank(a), stepRank(b)) })
	first := targets[0]
	e = entry{Project: project, Name: first.Entry, Link: p.atlasLink(first)}
	_, pipeline := first.Labels(first.Entry)
	e.pipeline = pipeline != ""
	var findings []verdict.Finding
	var notes []string
	for _, v := range targets {
		e.addDates(now, v)
		if !isShown(v) {
			continue
		}
		judged := verdict.Of(now, v)
		findings = append(findings, aboutBackups(&judged)...)
		if !slices.ContainsFunc(judged.Findings, saysOff) {
			notes = add(notes, cmp.Or(v.Reason.Explanation(), v.Plan.Off.String()))
		}
		if v.Condition != collector.Unsupported || v.Jobs > 0 || judged.Alarming() {
			e.Rows = append(e.Rows, p.rowOf(now, v, &judged))
		}
	}
	if len(findings) == 0 {
		return e, false
	}
	e.Status = statusOf(findings)
	for _, f := range findings {
		if f.Kind == e.Status.kinds[0] && (e.since.IsZero() || f.Since.Before(e.since)) {
			e.since = f.Since
		}
	}
	if e.unknown && e.Restored.At == "" {
		e.Restored.Age = ""
	}
	e.Notes = strings.Join(notes, " · ")
	return e, true
}

// saysOff reports whether a finding says why Atlas starts no jobs by itself.
func saysOff(f verdict.Finding) bool {
	return f.Kind == verdict.BackupDisabled || f.Kind == verdict.AutoExportDisabled || f.Kind == verdict.NotScheduled
}

// stepRank returns the place of a target in the backup chain. Targets outside of the chain come last.
func stepRank(v *collector.TargetView) int {
	if v.Step == collector.StepNone {
		return int(collector.StepRestore) + 1
	}
	return int(v.Step)
}

// addDates sets the dates of the backup chain that a target knows.
func (e *entry) addDates(now time.Time, v *collector.TargetView) {
	if v.Refreshed.IsZero() {
		e.unknown = e.unknown || v.Step == collector.StepRestore && v.Condition != collector.Unsupported
		return
	}
	last := momentOf(now, v.Latest.LastSuccess, "never")
	switch v.Step {
	case collector.StepSnapshot:
		e.Restorable = last
		if v.Plan.RestoreWindow > 0 {
			e.Window = "any moment of " + duration(v.Plan.RestoreWindow)
		}
	case collector.StepExport:
		e.Exported = last
	case collector.StepRestore:
		if e.Restored.Age == "" || e.Restored.At < last.At {
			e.Restored = last
		}
	case collector.StepNone:
	}
}

// isShown reports whether a target has a row.
func isShown(v *collector.TargetView) bool {
	switch v.Row {
	case collector.RowAlways:
		return true
	case collector.RowWithJobs:
		return v.Jobs > 0
	case collector.RowWhenDown, collector.RowWhenNotUp:
	}
	return false
}

// rowOf returns the row of a target with its findings.
func (p *Page) rowOf(now time.Time, v *collector.TargetView, judged *verdict.Verdict) row {
	l := &v.Latest
	r := row{Status: statusOf(aboutBackups(judged)), Noun: v.Noun, Strip: stripOf(v.Recent)}
	if l.State != "" {
		r.Newest = stateWord(l.State, l.Outcome)
		if r.Newest != l.State {
			r.State = l.State
		}
		r.Group, r.Created = l.Group, momentOf(now, l.Created, "")
		r.Progress = l.Progress
	}
	if !v.Refreshed.IsZero() {
		if l.Outcome != collector.OutcomeSucceeded { // otherwise the newest job is the last success
			r.Success = momentOf(now, l.LastSuccess, "")
		}
	}
	for i := range judged.Findings {
		f := &judged.Findings[i]
		if f.Kind == verdict.Unreadable && r.Status.kinds[0] != f.Kind {
			continue // Old says it
		}
		if text := explain(now, v, f); text != "" {
			s := sentence{Text: text}
			if f.Alert != "" && isAlarming(f) {
				s.Runbook = runbook(p.RunbookURL, f.Alert)
			}
			r.Findings = append(r.Findings, s)
		}
	}
	if v.Condition == collector.Down && !v.Refreshed.IsZero() {
		r.Old = age(now, v.Refreshed)
	}
	return r
}

// atlasLink returns the URL of an entry in Atlas's own pages. Pipelines have none: it returns that of the project.
func (p *Page) atlasLink(v *collector.TargetView) string {
	link := p.AtlasURL + "/v2/" + v.Project
	if cluster, _ := v.Labels(v.Entry); cluster != "" {
		return link + "#/clusters/detail/" + url.PathEscape(cluster)
	}
	return link
}

// runbook returns the URL of an alert's section in the runbooks.
func runbook(prefix, alert string) string { return prefix + strings.ToLower(alert) }

// add appends a part, unless it is empty or already there.
func add(parts []string, part string) []string {
	if part == "" || slices.Contains(parts, part) {
		return parts
	}
	return append(parts, part)
}
