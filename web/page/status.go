package page

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// status is the content of a status cell.
type status struct {
	Words, Tone string
	Alarming    bool
	kinds       []verdict.Kind // the gravest first
	severity    verdict.Severity
}

// aboutBackups returns the findings about the backups themselves. The page lists the targets that cannot be read
// separately, and their rows keep the last status. A single finding is always returned.
func aboutBackups(v *verdict.Verdict) []verdict.Finding {
	if len(v.Findings) == 1 {
		return v.Findings
	}
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f verdict.Finding) bool {
		return f.Kind == verdict.Unreadable || f.Kind == verdict.Stale
	})
}

// statusOf returns the status for findings. It names all that need attention, or else the first one.
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

// isAlarming reports whether a finding makes its entry need attention. Targets that cannot be read do not: the page lists
// them separately.
func isAlarming(f *verdict.Finding) bool {
	return f.Severity < verdict.None && f.Kind != verdict.Unreadable && f.Kind != verdict.Pending
}

// toneOf returns the CSS class for the color of a finding.
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
