package collector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	ID, Name            string
	Clusters, Pipelines int // how many pass the filters
	Targets             []TargetView
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
	Plan      Plan
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
}

// latest describes the newest job as far as every kind of job has it.
func (s *summary[Extra]) latest() (Latest, bool) {
	if s.total == 0 {
		return Latest{}, false
	}
	o := s.states.outcome(s.newest.state)
	l := Latest{
		State:            s.states.names()[s.newest.state],
		Failed:           o == failed,
		Unfinished:       o == unfinished,
		Created:          s.newest.created.time(),
		Ended:            s.newest.ended.time(),
		LastSuccess:      s.success.date().time(),
		LastFailure:      s.failure.date().time(),
		OldestUnfinished: s.oldestUnfinished.time(),
		First:            s.oldest.time(),
	}
	if seconds, ok := s.duration(); ok {
		l.LastDuration = time.Duration(seconds * float64(time.Second))
	}
	return l, true
}

func (s *summary[Extra]) unfinished() bool { return !s.oldestUnfinished.isZero() }
func (s *summary[Extra]) listed() int      { return s.total }

func (s *exportJudgement) latest() (Latest, bool) {
	l, ok := s.summary.latest()
	if !ok {
		return l, false
	}
	exported, knowsExported := s.newest.extra.exported.get()
	collections, knowsCollections := s.newest.extra.collections.get()
	if knowsExported && knowsCollections && collections > 0 {
		l.Progress = fmt.Sprintf("%d of %d collections", exported, collections)
	}
	if failed := &s.newestFailed; !failed.id.IsZero() && failed.extra.errorCode > 0 {
		l.FailureCode = s.codes.name(failed.extra.errorCode)
	}
	return l, true
}

func (s *runJudgement) latest() (Latest, bool) {
	l, ok := s.summary.latest()
	if !ok {
		return l, false
	}
	run := &s.newest.extra
	var parts []string
	if l.Unfinished || l.Failed {
		parts = append(parts, runPhases.names()[run.phase])
	}
	if run.bytes.Set {
		parts = append(parts, scaled(run.bytes.Value, 1024, "Ki", "Mi", "Gi", "Ti", "Pi")+"B")
	}
	if run.documents.Set {
		parts = append(parts, scaled(run.documents.Value, 1000, "thousand ", "million ", "billion ")+"documents")
	}
	l.Progress = strings.Join(parts, ", ")
	return l, true
}

// scaled writes a number with the prefix of the largest unit that fits.
func scaled(n int64, step float64, prefixes ...string) string {
	value, prefix := float64(n), ""
	for _, larger := range prefixes {
		if value < step {
			break
		}
		value, prefix = value/step, larger
	}
	if prefix == "" {
		return fmt.Sprintf("%d ", n)
	}
	return fmt.Sprintf("%.1f %s", value, prefix)
}

// latest describes the newest restore, and of all restores when they ended, whatever their delivery type.
func (r *restoreJudgement) latest() (Latest, bool) {
	var newest *summary[restoreExtra]
	var all Latest
	for _, s := range r.byType {
		if newest == nil || s.newest.compare(&newest.newest) > 0 {
			newest = s
		}
		l, _ := s.latest()
		if l.LastSuccess.After(all.LastSuccess) {
			all.LastSuccess, all.LastDuration = l.LastSuccess, l.LastDuration
		}
		if l.LastFailure.After(all.LastFailure) {
			all.LastFailure = l.LastFailure
		}
		all.OldestUnfinished = earlier(all.OldestUnfinished, l.OldestUnfinished)
		all.First = earlier(all.First, l.First)
	}
	if newest == nil {
		return Latest{}, false
	}
	l, _ := newest.latest()
	l.Progress = r.types.name(newest.newest.extra.deliveryType)
	l.LastSuccess, l.LastFailure, l.LastDuration = all.LastSuccess, all.LastFailure, all.LastDuration
	l.OldestUnfinished, l.First = all.OldestUnfinished, all.First
	return l, true
}

// earlier returns the earlier of two times, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
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

// Overview returns everything that is known now, the projects by name and their targets by name. It reads nothing.
func (e *Exporter) Overview() Overview {
	inv := e.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	o := Overview{Up: inv.up()}
	for _, root := range inv.roots {
		o.Roots = append(o.Roots, viewOf(root))
	}
	exports := &inv.settings.config.Collectors
	for _, id := range slices.Sorted(maps.Keys(inv.projects)) {
		o.Projects = append(o.Projects, inv.projects[id].view(id, exports))
	}
	slices.SortStableFunc(o.Projects, func(a, b ProjectView) int { return cmp.Compare(a.Name, b.Name) })
	return o
}

func (p *project) view(id string, exports *config.Collectors) ProjectView {
	view := ProjectView{ID: id, Name: p.info.Name, Clusters: len(p.clusterByName), Pipelines: len(p.pipelineByName)}
	for _, t := range p.appendTargets(nil) {
		v := viewOf(t)
		switch t.collector {
		case BackupExports:
			v.Plan = p.clusterByName[t.cluster].plan(exports, id)
		case PipelineRuns:
			if p.pipelineByName[t.pipeline].info.State == "PAUSED" {
				v.Plan.Off = "pipeline paused"
			}
		}
		view.Targets = append(view.Targets, v)
	}
	slices.SortFunc(view.Targets, func(a, b TargetView) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Collector, b.Collector))
	})
	return view
}

// plan returns what is known of the exports of a cluster to come.
func (cl *cluster) plan(c *config.Collectors, groupID string) Plan {
	exports := cl.expect(c, groupID)
	p := Plan{Since: firstOf(cl.info.CreateDate, cl.info.ID.Time()).time(), Interval: exports.interval}
	switch {
	case cl.info.Paused.Value:
		p.Off = "cluster paused"
	case exports.auto.Set && !exports.auto.Value:
		p.Off = "auto export off"
	}
	return p
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
