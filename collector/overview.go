package collector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
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
	Targets  []TargetView
}

// TargetView is how one target stands.
type TargetView struct {
	Collector string
	Project   string // the id of the project, "" for the list of all
	Name      string // of the cluster or the pipeline
	Condition string // up, down, unsupported or pending
	Reason    string // why it is not up
	Code      string // Atlas's error code, "" where there is none
	Refreshed time.Time
	Jobs      int // how many are listed
	Latest    Latest
}

// Latest is the newest job of a target.
type Latest struct {
	State       string
	Failed      bool
	Unfinished  bool
	Created     time.Time
	Ended       time.Time // zero where Atlas tells no end
	Progress    string    // how far it is, in words; "" where Atlas does not say
	LastSuccess time.Time // of any job, zero where none succeeded
}

// latest describes the newest job as far as every kind of job has it.
func (s *summary[Extra]) latest() (Latest, bool) {
	if s.total == 0 {
		return Latest{}, false
	}
	o := s.states.outcome(s.newest.state)
	l := Latest{
		State:      s.states.names()[s.newest.state],
		Failed:     o == failed,
		Unfinished: o == unfinished,
		Created:    s.newest.created.time(),
	}
	if !s.newest.ended.isZero() {
		l.Ended = s.newest.ended.time()
	}
	if !s.success.id.IsZero() {
		l.LastSuccess = s.success.date().time()
	}
	return l, true
}

func (s *summary[Extra]) unfinished() bool { return !s.oldestUnfinished.isZero() }
func (s *summary[Extra]) listed() int      { return s.total }

func (s *exportJudgement) latest() (Latest, bool) {
	l, ok := s.summary.latest()
	exported, knowsExported := s.newest.extra.exported.get()
	collections, knowsCollections := s.newest.extra.collections.get()
	if ok && knowsExported && knowsCollections && collections > 0 {
		l.Progress = fmt.Sprintf("%d of %d collections", exported, collections)
	}
	return l, ok
}

func (s *runJudgement) latest() (Latest, bool) {
	l, ok := s.summary.latest()
	if ok && l.Unfinished {
		l.Progress = runPhases.names()[s.newest.extra.phase]
	}
	return l, ok
}

func (r *restoreJudgement) latest() (Latest, bool) {
	var newest *summary[restoreExtra]
	var success time.Time
	for _, s := range r.byType {
		if newest == nil || s.newest.compare(&newest.newest) > 0 {
			newest = s
		}
		if l, _ := s.latest(); l.LastSuccess.After(success) {
			success = l.LastSuccess
		}
	}
	if newest == nil {
		return Latest{}, false
	}
	l, _ := newest.latest()
	l.Progress, l.LastSuccess = r.types.name(newest.newest.extra.deliveryType), success
	return l, true
}

func (r *restoreJudgement) unfinished() bool {
	for _, s := range r.byType {
		if s.unfinished() {
			return true
		}
	}
	return false
}

func (r *restoreJudgement) listed() int {
	n := 0
	for _, s := range r.byType {
		n += s.total
	}
	return n
}

// Overview returns everything that is known now. It reads nothing.
func (e *Exporter) Overview() Overview {
	inv := e.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	o := Overview{Up: inv.up()}
	for _, root := range inv.roots {
		o.Roots = append(o.Roots, viewOf(root))
	}
	for _, id := range slices.Sorted(maps.Keys(inv.projects)) {
		p := inv.projects[id]
		view := ProjectView{ID: id, Name: p.info.Name}
		for _, t := range p.appendTargets(nil) {
			view.Targets = append(view.Targets, viewOf(t))
		}
		slices.SortFunc(view.Targets, func(a, b TargetView) int {
			return cmp.Or(cmp.Compare(a.Collector, b.Collector), cmp.Compare(a.Name, b.Name))
		})
		o.Projects = append(o.Projects, view)
	}
	slices.SortStableFunc(o.Projects, func(a, b ProjectView) int { return cmp.Compare(a.Name, b.Name) })
	return o
}

func viewOf(t *target) TargetView {
	s := t.snapshot()
	v := TargetView{
		Collector: t.collector,
		Project:   t.groupID,
		Name:      t.cluster + t.pipeline,
		Condition: conditionNames()[s.condition()],
		Refreshed: s.refreshed,
	}
	switch s.condition() {
	case down:
		v.Reason, v.Code = s.reason(), errorCode(s.failure)
	case unsupported:
		v.Reason, v.Code = s.unsupportedReason(), errorCode(s.failure)
	case pending, up:
	}
	if j, ok := t.reader.(jobs); ok {
		if judged := j.judged(); judged != nil {
			v.Jobs = judged.listed()
			v.Latest, _ = judged.latest()
		}
	}
	return v
}
