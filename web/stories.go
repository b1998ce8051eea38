package web

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// story is a cluster or a pipeline on the page: what can be restored, and a row for each kind of job.
type story struct {
	Status                         status
	Anchors                        []string // where links of the summary lead without a script
	Project, Name, Link            string
	Restorable, Exported, Restored moment
	Window                         string // in which any moment can be restored, "" where none is
	Notes                          string
	Rows                           []row

	pipeline bool
	unknown  bool      // whether there are restores that could not be read
	since    time.Time // the gravest finding began
}

// row is the jobs of one kind of a cluster or a pipeline.
type row struct {
	Status   status
	Noun     string
	Strip    strip
	Newest   string // what the state of the newest job means
	State    string // the state as Atlas spells it, where that is another word
	Created  moment
	Progress string
	Success  moment
	Findings []sentence
	Old      string // how old the values are, where they could not be read again
}

// status is the words of a status cell and how grave they are.
type status struct {
	Words, Tone string
	Alarming    bool
	kinds       []verdict.Kind // the gravest first
	severity    verdict.Severity
}

// sentence is a finding in words, with the page that says what to do.
type sentence struct{ Text, Runbook string }

// storyOf tells the story of one entry, false where no target of it has anything to tell.
func (p *page) storyOf(now time.Time, project string, targets []*collector.TargetView) (s story, ok bool) {
	slices.SortStableFunc(targets, func(a, b *collector.TargetView) int { return cmp.Compare(stepRank(a), stepRank(b)) })
	first := targets[0]
	s = story{Project: project, Name: first.Entry, Link: p.atlasLink(first)}
	_, pipeline := first.Labels(first.Entry)
	s.pipeline = pipeline != ""
	var findings []verdict.Finding
	var notes []string
	for _, v := range targets {
		s.tell(now, v)
		if !isShown(v) {
			continue
		}
		judged := verdict.Of(now, v)
		findings = append(findings, standing(&judged)...)
		if !slices.ContainsFunc(judged.Findings, saysOff) {
			notes = add(notes, cmp.Or(v.Reason.Explanation(), v.Plan.Off.String()))
		}
		if v.Condition != collector.Unsupported || v.Jobs > 0 || judged.Alarming() {
			s.Rows = append(s.Rows, p.rowOf(now, v, &judged))
		}
	}
	if len(findings) == 0 {
		return s, false
	}
	s.Status = statusOf(findings)
	for _, f := range findings {
		if f.Kind == s.Status.kinds[0] && (s.since.IsZero() || f.Since.Before(s.since)) {
			s.since = f.Since
		}
	}
	if s.unknown && s.Restored.At == "" {
		s.Restored.Age = ""
	}
	s.Notes = strings.Join(notes, " · ")
	return s, true
}

// saysOff reports whether a finding says why Atlas begins no job by itself.
func saysOff(f verdict.Finding) bool {
	return f.Kind == verdict.BackupDisabled || f.Kind == verdict.AutoExportDisabled || f.Kind == verdict.NotScheduled
}

// stepRank orders the targets of an entry as the backup chain is.
func stepRank(v *collector.TargetView) int {
	if v.Step == collector.StepNone {
		return int(collector.StepRestore) + 1
	}
	return int(v.Step)
}

// tell takes over what a target says of the backup chain.
func (s *story) tell(now time.Time, v *collector.TargetView) {
	if v.Refreshed.IsZero() {
		s.unknown = s.unknown || v.Step == collector.StepRestore && v.Condition != collector.Unsupported
		return
	}
	last := momentOf(now, v.Latest.LastSuccess, "never")
	switch v.Step {
	case collector.StepSnapshot:
		s.Restorable = last
		if v.Plan.RestoreWindow > 0 {
			s.Window = "any moment of " + duration(v.Plan.RestoreWindow)
		}
	case collector.StepExport:
		s.Exported = last
	case collector.StepRestore:
		if s.Restored.Age == "" || s.Restored.At < last.At {
			s.Restored = last
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

// standing are the findings that say how a target stands. That it cannot be read is said once for all of its kind, and its
// last standing stays.
func standing(v *verdict.Verdict) []verdict.Finding {
	if len(v.Findings) == 1 {
		return v.Findings
	}
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f verdict.Finding) bool {
		return f.Kind == verdict.Unreadable || f.Kind == verdict.Stale
	})
}

// statusOf puts findings into words: all that need attention, else the first.
func statusOf(findings []verdict.Finding) status {
	slices.SortStableFunc(findings, func(a, b verdict.Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Kind, b.Kind))
	})
	s := status{severity: verdict.None}
	var words []string
	for _, f := range findings {
		needed := isAlarming(&f)
		if slices.Contains(s.kinds, f.Kind) || len(s.kinds) > 0 && !needed {
			continue
		}
		if needed && !s.Alarming {
			s.Alarming, s.severity = true, f.Severity
		}
		s.kinds = append(s.kinds, f.Kind)
		words = append(words, f.Kind.String())
	}
	s.Words, s.Tone = strings.Join(words, ", "), toneOf(s.kinds[0])
	return s
}

// isAlarming reports whether the story of a finding needs attention. What cannot be read is a problem with a line of its
// own.
func isAlarming(f *verdict.Finding) bool {
	return f.Severity < verdict.None && f.Kind != verdict.Unreadable && f.Kind != verdict.Pending
}

// toneOf names the colour of a finding.
func toneOf(k verdict.Kind) string {
	switch k {
	case verdict.BackupDisabled, verdict.Overdue, verdict.BucketMissing, verdict.Failed:
		return "bad"
	case verdict.Running:
		return "busy"
	case verdict.Fine:
		return "good"
	case verdict.NotReadYet, verdict.NoJob, verdict.FailedBefore, verdict.Off, verdict.Unsupported:
		return "dim"
	case verdict.Stuck, verdict.AutoExportDisabled, verdict.ExportMissing, verdict.Fallback, verdict.NotScheduled, verdict.ScheduleBehind,
		verdict.Unreadable, verdict.Stale, verdict.Pending, verdict.UnknownState, verdict.UnknownFrequency:
	}
	return "warn"
}

func (p *page) rowOf(now time.Time, v *collector.TargetView, judged *verdict.Verdict) row {
	l := &v.Latest
	r := row{Status: statusOf(standing(judged)), Noun: v.Noun, Strip: stripOf(v.Recent)}
	if l.State != "" {
		r.Newest = stateWord(l.State, l.Outcome)
		if r.Newest != l.State {
			r.State = l.State
		}
		r.Created = momentOf(now, l.Created, "")
		r.Progress = l.Progress
	}
	if !v.Refreshed.IsZero() {
		if l.Outcome != collector.OutcomeSucceeded { // else the newest is the last success
			r.Success = momentOf(now, l.LastSuccess, "")
		}
	}
	for i := range judged.Findings {
		f := &judged.Findings[i]
		if f.Kind == verdict.Unreadable && r.Status.kinds[0] != f.Kind {
			continue // its age says it
		}
		if f.Group != "" && f.Group == r.Progress {
			r.Progress = "" // the finding says it
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

// atlasLink is the address of an entry in Atlas.
func (p *page) atlasLink(v *collector.TargetView) string {
	link := p.AtlasURL + "/v2/" + v.Project
	if cluster, _ := v.Labels(v.Entry); cluster != "" {
		return link + "#/clusters/detail/" + url.PathEscape(cluster)
	}
	return link
}

// runbook is the address of an alert's section in the runbooks.
func runbook(base, alert string) string { return base + "#" + strings.ToLower(alert) }

func add(parts []string, part string) []string {
	if part == "" || slices.Contains(parts, part) {
		return parts
	}
	return append(parts, part)
}
