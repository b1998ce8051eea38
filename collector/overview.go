package collector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Overview is everything that the exporter knows, for the page.
type Overview struct {
	// Up is the value of mongodbatlas_up.
	Up bool
	// Roots are the targets that find projects: the list of all, or each configured project.
	Roots    []TargetView
	Projects []ProjectView
}

// ProjectView is a project with its targets.
type ProjectView struct {
	ID, Name string
	Lists    []ListView
	Targets  []TargetView
}

// ListView is a list of a project, and the number of its entries that pass the filters.
type ListView struct {
	*Declaration
	Entries int
}

// TargetView is the state of one target.
type TargetView struct {
	*Declaration
	Project   string // the id of the project, "" for the list of all
	Entry     string // name of the cluster or the pipeline
	Condition Condition
	Reason    Reason // why it is not up
	Code      string // Atlas's error code, "" if there is none
	Remedy    string // what a person can do while it is down
	Found     time.Time
	Refreshed time.Time
	Jobs      int // number of listed jobs
	Latest    Latest
	// Groups are the same for each delivery type, if the collector judges delivery types separately.
	Groups []Latest
	Plan   Plan
	// Recent are the newest jobs, the newest last.
	Recent []RecentJob
}

// RecentJob is a job in the strip of the newest jobs.
type RecentJob struct {
	State   string
	Outcome Outcome
	Created time.Time
}

// Latest describes the newest job of a target, and when other jobs ended.
type Latest struct {
	Group    string // the delivery type of the newest job, "" if all jobs are judged together
	State    string // as Atlas spells it, "" if no job is listed
	Outcome  Outcome
	Created  time.Time
	Ended    time.Time // zero if Atlas sends no end
	Progress string    // how far the job is, in words; "" if Atlas does not say

	// Of any job, zero if there is none.
	LastSuccess, LastFailure, OldestUnfinished, First time.Time
	// LastFallback is when the newest fallback snapshot was created.
	LastFallback time.Time
	// LastDuration is the time from creation to end of the last success, zero if Atlas sends no end.
	LastDuration time.Duration
	// FailureCode is Atlas's error code of the newest failed job, "" if it has none.
	FailureCode string
}

// jobDescriber is a reader of jobs that can describe them for people.
type jobDescriber interface {
	// overview describes the newest job of each group, and when others ended; n is how many are listed.
	overview() (groups []Latest, n int)
	// recent lists the newest jobs, the newest last.
	recent() []RecentJob
}

// maxRecent is the number of jobs in the strip of the newest jobs.
const maxRecent = 12

// recentJob has the fields of a job that the strip shows.
type recentJob struct {
	created seconds
	state   uint8
	outcome Outcome
}

// recentJobs collects the newest jobs, the newest last.
type recentJobs []recentJob

func (r *recentJobs) add(created seconds, state uint8, o Outcome) {
	if len(*r) == maxRecent && created < (*r)[0].created {
		return
	}
	i := len(*r)
	for i > 0 && (*r)[i-1].created > created {
		i--
	}
	*r = slices.Insert(*r, i, recentJob{created, state, o})
	if len(*r) > maxRecent {
		*r = slices.Delete(*r, 0, 1)
	}
}

func (r *jobReader[Job, Extra, Details]) recent() []RecentJob {
	summed := r.summary.Load()
	if summed == nil {
		return nil
	}
	recent := make([]RecentJob, 0, len(summed.recent))
	for _, j := range summed.recent {
		recent = append(recent, RecentJob{r.kind.states.names()[j.state], j.outcome, j.created.time()})
	}
	return recent
}

func (r *jobReader[Job, Extra, Details]) overview() (groups []Latest, n int) {
	summed := r.summary.Load()
	if summed == nil {
		return nil, 0
	}
	for _, g := range summed.groups {
		if n += g.total; g.total > 0 {
			l := r.kind.latest(g.summary)
			if r.kind.groupedBy != "" {
				l.Group = g.labelValue()
			}
			groups = append(groups, l)
		}
	}
	slices.SortFunc(groups, func(a, b Latest) int { return cmp.Compare(a.Group, b.Group) })
	return groups, n
}

// latest describes a summary for people.
func (k *jobKind[Job, Extra, Details]) latest(s *summary[Extra, Details]) Latest {
	took, _ := s.duration()
	l := Latest{
		State: s.states.names()[s.newest.state], Outcome: s.outcome(&s.newest),
		Created: s.newest.created.time(), Ended: s.newest.ended.time(),
		LastSuccess: s.date(&s.success).time(), LastFailure: s.date(&s.failure).time(),
		OldestUnfinished: s.oldestUnfinished.time(), First: s.oldest.time(),
		LastDuration: time.Duration(took) * time.Second,
	}
	if k.progress != nil {
		l.Progress = k.progress(s)
	}
	if k.completeLatest != nil {
		k.completeLatest(s, &l)
	}
	return l
}

// merge describes groups together: the group is that of the newest job.
func merge(groups []Latest) Latest {
	var all Latest
	for i := range groups {
		g := &groups[i]
		before := all
		if i == 0 || g.Created.After(all.Created) {
			all = *g
		}
		all.LastSuccess, all.LastDuration = before.LastSuccess, before.LastDuration
		if g.LastSuccess.After(before.LastSuccess) {
			all.LastSuccess, all.LastDuration = g.LastSuccess, g.LastDuration
		}
		all.LastFailure, all.FailureCode = before.LastFailure, before.FailureCode
		if g.LastFailure.After(before.LastFailure) {
			all.LastFailure, all.FailureCode = g.LastFailure, g.FailureCode
		}
		all.LastFallback = later(before.LastFallback, g.LastFallback)
		all.OldestUnfinished = earlier(before.OldestUnfinished, g.OldestUnfinished)
		all.First = earlier(before.First, g.First)
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier returns the earlier of two times. Either may be zero for none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Overview returns everything that the exporter knows, sorted by the names of projects and targets. It reads nothing.
func (e *Exporter) Overview() Overview {
	inv := e.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	o := Overview{Up: inv.up()}
	for _, root := range inv.roots {
		o.Roots = append(o.Roots, viewOf(root))
	}
	for _, id := range slices.Sorted(maps.Keys(inv.projects)) {
		o.Projects = append(o.Projects, inv.projects[id].view(id, &inv.settings.config))
	}
	slices.SortStableFunc(o.Projects, func(a, b ProjectView) int { return cmp.Compare(a.Name, b.Name) })
	return o
}

func (p *project) view(id string, c *config.Config) ProjectView {
	view := ProjectView{ID: id, Name: p.info.Name}
	for _, t := range p.targets {
		view.Targets = append(view.Targets, viewOf(t))
		if t.IsParent() {
			view.Lists = append(view.Lists, ListView{t.Declaration, len(p.entries[t.Declaration])})
		}
	}
	for _, entries := range p.entries {
		for _, e := range entries {
			for _, t := range e.targets() {
				v := viewOf(t)
				if t.plan != nil {
					v.Plan = t.plan(&entryView{e, c, id, p})
				}
				view.Targets = append(view.Targets, v)
			}
		}
	}
	slices.SortFunc(view.Targets, func(a, b TargetView) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Name, b.Name))
	})
	return view
}

func viewOf(t *target) TargetView {
	s := t.currentStatus()
	v := TargetView{
		Declaration: t.Declaration,
		Project:     t.groupID,
		Entry:       t.name(),
		Condition:   s.condition(),
		Reason:      s.why(),
		Code:        errorCode(s.failure),
		Found:       s.found,
		Refreshed:   s.refreshed,
	}
	if v.Condition == Down {
		v.Remedy = t.Remedy(s.reason, s.failure)
	}
	if h, ok := t.reader.(jobDescriber); ok {
		v.Groups, v.Jobs = h.overview()
		v.Latest = merge(v.Groups)
		v.Recent = h.recent()
	}
	return v
}
