package page

import (
	"cmp"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// content is the part of the page that is made from an overview.
type content struct {
	Outage   string // why nothing can be read, "" if something can
	Problems []problem
	Entries  []entry
	Counts   []count
	Alarming int // number of entries and problems that need attention
}

// count is the number of entries with a kind of finding.
type count struct {
	Word, Tone, Anchor string
	N                  int
}

// contentOf returns the content for an overview. Entries that need attention come first.
func (p *Page) contentOf(now time.Time, o *collector.Overview) *content {
	c := &content{}
	unread := problemsOf(now, o)
	c.Outage = unread.outage(now, o)
	c.Problems = unread.lines(now, p.RunbookURL)
	for i := range o.Projects {
		project := &o.Projects[i]
		for targets := range byEntry(project.Targets) {
			if e, ok := p.entryOf(now, project.Name, targets); ok {
				c.Entries = append(c.Entries, e)
			}
		}
	}
	slices.SortStableFunc(c.Entries, func(x, y entry) int {
		return cmp.Or(
			cmp.Compare(x.Status.severity, y.Status.severity),
			cmp.Compare(pipelineRank(&x), pipelineRank(&y)),
			cmp.Compare(x.Status.kinds[0], y.Status.kinds[0]),
			x.since.Compare(y.since),
		)
	})
	c.count()
	return c
}

// pipelineRank sorts pipelines that need no attention behind the clusters.
func pipelineRank(e *entry) int {
	if e.pipeline && !e.Status.Alarming {
		return 1
	}
	return 0
}

// count counts the entries by kind of finding. The first entry of each kind gets an anchor for the links of the summary.
func (c *content) count() {
	n := map[verdict.Kind]int{}
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.Status.Alarming {
			if c.Alarming++; c.Alarming == 1 {
				e.Anchors = append(e.Anchors, attention)
			}
		}
		for _, k := range e.Status.kinds {
			if n[k]++; n[k] == 1 {
				e.Anchors = append(e.Anchors, k.Anchor())
			}
		}
	}
	for k := range verdict.Kind(verdict.Kinds) {
		if n[k] > 0 {
			c.Counts = append(c.Counts, count{k.String(), toneOf(k), k.Anchor(), n[k]})
		}
	}
	c.Alarming += len(c.Problems)
	if c.Outage != "" {
		c.Alarming++
	}
}

// attention is the anchor of the first entry that needs attention. For the script, it selects all of them.
const attention = "attention"

// byEntry yields the targets of each entry of a project.
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
