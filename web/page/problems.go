package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// problem is a line about the targets of a project that cannot be read for the same reason and have the same remedy.
type problem struct {
	Word, Project, What, Why string
	Remedy                   string
	Read                     moment
	Runbook                  string
}

// problems groups the targets that cannot be read.
type problems struct {
	groups map[problemKey]*problemGroup
	order  []problemKey
	up     int // targets that could be read
	hidden collector.Reason
}

type problemKey struct {
	project   string
	reason    collector.Reason
	code      string
	remedy    string // names the role that is missing
	condition collector.Condition
}

type problemGroup struct {
	project string // its name
	first   *collector.TargetView
	alert   string
	parts   []*problemPart
	n       int
	read    time.Time // when one of them was last read
	found   time.Time // when the first of them was found, if none was ever read
}

// problemPart is the targets of one collector.
type problemPart struct {
	first *collector.TargetView
	names []string
	n     int
}

func problemsOf(now time.Time, o *collector.Overview) *problems {
	p := &problems{groups: map[problemKey]*problemGroup{}}
	names := map[string]string{}
	for i := range o.Projects {
		names[o.Projects[i].ID] = o.Projects[i].Name
	}
	for i := range o.Roots {
		p.add(now, names[o.Roots[i].Project], &o.Roots[i])
	}
	for i := range o.Projects {
		for j := range o.Projects[i].Targets {
			p.add(now, o.Projects[i].Name, &o.Projects[i].Targets[j])
		}
	}
	return p
}

func (p *problems) add(now time.Time, project string, v *collector.TargetView) {
	judged := verdict.Of(now, v)
	i := slices.IndexFunc(judged.Findings, func(f verdict.Finding) bool {
		return f.Kind == verdict.Unreadable || f.Kind == verdict.Pending || f.Kind == verdict.Stale
	})
	if i < 0 {
		if v.Condition == collector.Up {
			p.up++
		}
		return
	}
	k := problemKey{v.Project, v.Reason, v.Code, v.Remedy, v.Condition}
	g := p.groups[k]
	if g == nil {
		g = &problemGroup{project: cmp.Or(project, v.Project), first: v, alert: judged.Findings[i].Alert, found: v.Found}
		p.groups[k] = g
		p.order = append(p.order, k)
	}
	g.n++
	g.part(v).add(v)
	if v.Refreshed.After(g.read) {
		g.read = v.Refreshed
	}
}

// outage returns why nothing can be read, "" if something can. lines then leaves out the targets with this reason.
func (p *problems) outage(now time.Time, o *collector.Overview) string {
	var cause *problemGroup
	var read time.Time
	for _, k := range p.order {
		g := p.groups[k]
		if g.read.After(read) {
			read = g.read
		}
		if k.reason.OfAll() && (cause == nil || g.n > cause.n) {
			cause = g
		}
	}
	rootsDown := len(o.Roots) > 0 && !slices.ContainsFunc(o.Roots, func(v collector.TargetView) bool { return v.Condition != collector.Down })
	if cause == nil || p.up > 0 && !rootsDown {
		return ""
	}
	v := cause.first
	p.hidden = v.Reason
	what := "Atlas cannot be read"
	if v.Reason == collector.Unauthorized {
		what = "Atlas rejects the credentials"
	}
	since := ", and nothing has been read yet"
	if !read.IsZero() {
		since = fmt.Sprintf(" since %s UTC (%s). What follows is as of then", read.UTC().Format("15:04"), age(now, read))
	}
	return fmt.Sprintf("%s (%s)%s. To do: %s.", what, reasonWords(v.Reason, v.Code), since, v.Remedy)
}

// lines returns the problems, without those that the outage explains.
func (p *problems) lines(now time.Time, runbooks string) []problem {
	var lines []problem
	for _, k := range p.order {
		g := p.groups[k]
		v := g.first
		if k.reason == p.hidden && p.hidden != collector.None {
			continue
		}
		line := problem{
			Word: verdict.Unreadable.String(), Project: g.project, What: g.what(), Why: reasonWords(k.reason, k.code), Remedy: v.Remedy,
			Read: momentOf(now, g.read, "never"), Runbook: runbook(runbooks, g.alert),
		}
		switch v.Condition {
		case collector.Pending:
			line.Word, line.Why = verdict.Pending.String(), "not read for "+duration(now.Sub(g.found))
			line.Remedy = "wait for Atlas, or see in the log which requests take long"
		case collector.Up:
			line.Word, line.Why = verdict.Stale.String(), "not read again, although the last reading succeeded"
			line.Remedy = "see whether Prometheus still scrapes the exporter, and in the log which requests take long"
		case collector.Down, collector.Unsupported:
		}
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b problem) int { return cmp.Compare(a.Project, b.Project) })
	return lines
}

// part returns the part for the collector of a target.
func (g *problemGroup) part(v *collector.TargetView) *problemPart {
	i := slices.IndexFunc(g.parts, func(p *problemPart) bool { return p.first.Declaration == v.Declaration })
	if i < 0 {
		i = len(g.parts)
		g.parts = append(g.parts, &problemPart{first: v})
	}
	return g.parts[i]
}

func (p *problemPart) add(v *collector.TargetView) {
	p.n++
	if v.Entry != "" && len(p.names) < 3 {
		p.names = append(p.names, v.Entry)
	}
}

// what returns the targets of a group in words: "exports and snapshots of 10 clusters".
func (g *problemGroup) what() string {
	var parts, nouns []string
	for i, p := range g.parts {
		nouns = append(nouns, things(p.first))
		if i+1 < len(g.parts) && g.parts[i+1].whose() == p.whose() {
			continue
		}
		parts = append(parts, listed(nouns)+p.whose())
		nouns = nil
	}
	return strings.Join(parts, "; ")
}

// whose returns the entries of a part in words: " of 10 clusters".
func (p *problemPart) whose() string {
	switch {
	case p.first.Parent == nil:
		return ""
	case p.n <= len(p.names):
		return " of " + strings.Join(p.names, ", ")
	}
	return " of " + plural(p.n, p.first.Parent.Noun)
}
