package collector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Overview is everything that is known, for people.
type Overview struct {
	// Up is mongodbatlas_up: whether the list of projects could last be read and is not empty.
	Up bool
	// Roots are the readings of the projects themselves.
	Roots    []TargetView
	Projects []ProjectView
}

// ProjectView is a project with everything that is read in it.
type ProjectView struct {
	ID, Name string
	Lists    []ListView
	Targets  []TargetView
}

// ListView is a list of a project and how many of its entries pass the filters.
type ListView struct {
	*Declaration
	Entries int
}

// TargetView is how one target stands.
type TargetView struct {
	*Declaration
	Project   string // the id of the project, "" for the list of all
	Entry     string // name of the cluster or the pipeline
	Condition Condition
	Reason    Reason // why it is not up
	Code      string // Atlas's error code, "" where there is none
	Refreshed time.Time
	Jobs      int // how many are listed
	Latest    Latest
	Plan      Plan
	// Recent are the newest jobs, the newest last.
	Recent []RecentJob
}

// RecentJob is a job in a strip of the newest ones.
type RecentJob struct {
	State      string
	Failed     bool
	Succeeded  bool
	Unfinished bool
	Created    time.Time
}

// Latest is the newest job of a target, and when others ended.
type Latest struct {
	State      string
	Failed     bool
	Unfinished bool
	Created    time.Time
	Ended      time.Time // zero where Atlas tells no end
	Progress   string    // how far it is, in words; "" where Atlas does not say

	// Of any job, zero where there is none.
	LastSuccess, LastFailure, OldestUnfinished, First time.Time
	// LastDuration is from creation to end of the last success, zero where Atlas tells no end.
	LastDuration time.Duration
	// FailureCode is Atlas's error code of the newest failed job, "" where it has none.
	FailureCode string
}

// Plan is what is known of the jobs to come.
type Plan struct {
	// Since is when the cluster was created, zero for what is none.
	Since time.Time
	// Interval is how often a success is expected, 0 where none is.
	Interval time.Duration
	// Off is why Atlas begins no job by itself: "cluster paused", "auto export off", "pipeline paused", or "".
	Off string
	// Note is what else keeps a verdict from being given, "" where nothing does.
	Note string
}

// historian is a reader of jobs that can describe them for people.
type historian interface {
	// overview describes the newest job, and of all jobs when they ended; n is how many are listed.
	overview() (l Latest, n int)
	// recent lists the newest jobs, the newest last.
	recent() []RecentJob
}

// maxRecent is how many jobs the strip of the newest ones shows.
const maxRecent = 12

// recentJob is what a reader keeps of a job for the strip.
type recentJob struct {
	created seconds
	state   uint8
}

// newestJobs collects the newest jobs, the newest last.
type newestJobs []recentJob

func (n *newestJobs) add(created seconds, state uint8) {
	i := len(*n)
	for i > 0 && (*n)[i-1].created > created {
		i--
	}
	if i == 0 && len(*n) == maxRecent {
		return
	}
	*n = slices.Insert(*n, i, recentJob{created, state})
	if len(*n) > maxRecent {
		*n = slices.Delete(*n, 0, 1)
	}
}

func recentOf[Extra any](jobs []job[Extra]) newestJobs {
	var n newestJobs
	for i := range jobs {
		n.add(jobs[i].created, jobs[i].state)
	}
	return n
}

func (r *jobReader[Job, Extra, More]) recent() []RecentJob {
	summed := r.summary.Load()
	if summed == nil {
		return nil
	}
	newest := summed.recent
	if r.kind.open != nil {
		r.history.each(func(j *job[Extra]) bool {
			newest.add(j.created, j.state)
			return true
		})
	}
	var recent []RecentJob
	for _, j := range newest {
		o := r.kind.states.outcome(j.state)
		recent = append(recent, RecentJob{
			State: r.kind.states.names()[j.state], Failed: o == failed, Succeeded: o == succeeded, Unfinished: o == unfinished,
			Created: j.created.time(),
		})
	}
	return recent
}

func (r *jobReader[Job, Extra, More]) overview() (l Latest, n int) {
	summed := r.summary.Load()
	if summed == nil {
		return Latest{}, 0
	}
	var newest *summary[Extra, More]
	var success job[Extra]
	var first, lastFailure, oldestUnfinished seconds
	for _, g := range summed.groups {
		s := g.summary
		n += s.total
		if s.total > 0 && (newest == nil || s.newest.compare(&newest.newest) > 0) {
			newest = s
		}
		if !s.success.id.IsZero() && (success.id.IsZero() || s.date(&s.success) > s.date(&success)) {
			success = s.success
			l.LastSuccess = s.date(&success).time()
			took, _ := s.duration()
			l.LastDuration = time.Duration(took) * time.Second
		}
		lastFailure = max(lastFailure, s.date(&s.failure))
		oldestUnfinished = earliestOf(oldestUnfinished, s.oldestUnfinished)
		first = earliestOf(first, s.oldest)
	}
	if newest == nil {
		return Latest{}, n
	}
	o := newest.outcome(&newest.newest)
	l.State, l.Failed, l.Unfinished = newest.states.names()[newest.newest.state], o == failed, o == unfinished
	l.Created, l.Ended = newest.newest.created.time(), newest.newest.ended.time()
	l.LastFailure, l.OldestUnfinished, l.First = lastFailure.time(), oldestUnfinished.time(), first.time()
	if r.kind.progress != nil {
		l.Progress = r.kind.progress(newest, &newest.newest)
	}
	if r.kind.failureCode != nil {
		l.FailureCode = r.kind.failureCode(newest)
	}
	return l, n
}

// Overview returns everything that was read, the projects by name and their targets by name. It reads nothing.
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
	s := t.snapshot()
	v := TargetView{
		Declaration: t.Declaration,
		Project:     t.groupID,
		Entry:       t.name(),
		Condition:   s.condition(),
		Reason:      s.why(),
		Code:        errorCode(s.failure),
		Refreshed:   s.refreshed,
	}
	if h, ok := t.reader.(historian); ok {
		v.Latest, v.Jobs = h.overview()
		v.Recent = h.recent()
	}
	return v
}
