package web

import (
	"cmp"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// board is everything that the page shows of an overview.
type board struct {
	Outage   string // why nothing can be read, "" while something can
	Problems []problem
	Stories  []story
	Counts   []count
	Alarming int // stories and problems that somebody should look at
}

// count is how many stories have a finding.
type count struct {
	Word, Tone, Anchor string
	N                  int
}

// boardOf arranges an overview, what needs attention first.
func (p *page) boardOf(now time.Time, o *collector.Overview) *board {
	b := &board{}
	unread := problemsOf(now, o)
	b.Outage = unread.outage(now, o)
	b.Problems = unread.lines(now, p.RunbookURL)
	for i := range o.Projects {
		project := &o.Projects[i]
		for targets := range byEntry(project.Targets) {
			if s, ok := p.storyOf(now, project.Name, targets); ok {
				b.Stories = append(b.Stories, s)
			}
		}
	}
	slices.SortStableFunc(b.Stories, func(x, y story) int {
		return cmp.Or(
			cmp.Compare(x.Status.severity, y.Status.severity),
			cmp.Compare(pipelineRank(&x), pipelineRank(&y)),
			cmp.Compare(x.Status.kinds[0], y.Status.kinds[0]),
			x.since.Compare(y.since),
		)
	})
	b.count()
	return b
}

// pipelineRank puts pipelines that need no attention behind the clusters.
func pipelineRank(s *story) int {
	if s.pipeline && !s.Status.Alarming {
		return 1
	}
	return 0
}

// count counts the stories by their findings, and gives the first of each an anchor.
func (b *board) count() {
	n := map[verdict.Kind]int{}
	for i := range b.Stories {
		s := &b.Stories[i]
		if s.Status.Alarming {
			if b.Alarming++; b.Alarming == 1 {
				s.Anchors = append(s.Anchors, attention)
			}
		}
		for _, k := range s.Status.kinds {
			if n[k]++; n[k] == 1 {
				s.Anchors = append(s.Anchors, k.Anchor())
			}
		}
	}
	for k := range verdict.Kind(verdict.Kinds) {
		if n[k] > 0 {
			b.Counts = append(b.Counts, count{k.String(), toneOf(k), k.Anchor(), n[k]})
		}
	}
	b.Alarming += len(b.Problems)
	if b.Outage != "" {
		b.Alarming++
	}
}

// attention is the anchor of the first story that needs attention, and the filter for all of them.
const attention = "attention"

// byEntry ranges over the targets of each entry of a project.
func byEntry(targets []collector.TargetView) func(yield func([]*collector.TargetView) bool) {
	type key struct {
		parent *collector.Declaration
		entry  string
	}
	groups := map[key][]*collector.TargetView{}
	var order []key
	for i := range targets {
		v := &targets[i]
		if v.Parent == nil {
			continue
		}
		k := key{v.Parent, v.Entry}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], v)
	}
	return func(yield func([]*collector.TargetView) bool) {
		for _, k := range order {
			if !yield(groups[k]) {
				return
			}
		}
	}
}
