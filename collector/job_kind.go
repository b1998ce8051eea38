package collector

import (
	"context"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// jobKind declares a kind of job: how to list jobs, what to keep of one, when one may still change, and the metrics.
// Extra has the fields that a job needs in addition to those of job. Details has the fields that a summary needs in
// addition to those of summary: totals over all jobs, which addTotals fills in, or values of the newest job alone, which
// takeNewest fills in.
type jobKind[Job, Extra, Details any] struct {
	states jobStates
	// statesFor returns the states of the jobs with a label value, if the meaning of a state depends on it. If nil, all
	// jobs have the states above.
	statesFor func(label string) jobStates
	list      func(c *atlasapi.Client, groupID, name string) atlasapi.List[Job]
	// instead returns another list to read, if Atlas refuses the first one. If nil, there is no other.
	instead func(c *atlasapi.Client, groupID, name string, refusal error) (l atlasapi.List[Job], ok bool)
	keep    func(*Job, *interner) job[Extra]
	// open reports whether a job may have changed since it was read. If nil, the list is always read in full.
	open func(j *job[Extra], now seconds) bool
	// takeNewest takes the values that the metrics show of the newest job alone, so that no other job takes memory for
	// them. It may be nil. Kinds that are summarized by group have none.
	takeNewest func(*Job, *Details)
	// addTotals adds a job to the totals over all jobs. It may be nil.
	addTotals func(totals *Details, j *job[Extra])
	// outcome returns the outcome of a job. If nil, the state decides alone.
	outcome func(*job[Extra]) Outcome
	// snapshot returns the snapshot of a job, for kinds that must know the snapshots of all jobs. It may be nil.
	snapshot func(*job[Extra]) snapshotHash
	// settle completes a summary with data about the target's entry. It may be nil.
	settle     func(e *entry, s *summary[Extra, Details])
	byCreation bool // successes and failures are dated by their creation, although Atlas sends an end
	// groupedBy is the name of the label by whose values jobs are summarized separately: the value is job.label. If "",
	// there is one summary.
	groupedBy string
	// onlyListed kinds have no samples if no job is listed.
	onlyListed bool
	common     commonFamilies
	families   []family[*summary[Extra, Details]] // besides the common ones
	// progress returns in words how far the newest job is, "" if Atlas does not say. It may be nil.
	progress func(s *summary[Extra, Details]) string
	// completeLatest adds what only this kind knows to the description of a summary for people. It may be nil.
	completeLatest func(s *summary[Extra, Details], l *Latest)
}

// declare completes the declaration of a collector that reads jobs of this kind.
func (k *jobKind[Job, Extra, Details]) declare(d *Declaration) *Declaration {
	labels := d.entryLabels()
	if k.groupedBy != "" {
		labels = with(labels, k.groupedBy)
	}
	shown := bind(labels, slices.Concat(commonOf(k), k.families)...)
	d.metrics = shown.metrics()
	d.Configurable = true
	d.attach = func(t *target) reader {
		r := &jobReader[Job, Extra, Details]{kind: k, target: t, families: shown}
		t.busy = func() bool { return r.unfinished() || d.due != nil && d.due(t.entry, r) }
		return r
	}
	d.probe = func(ctx context.Context, c *atlasapi.Client, groupID, name string) (string, error) {
		found, err := probeList(ctx, k.list(c, groupID, name))
		if k.instead != nil && err != nil {
			if other, ok := k.instead(c, groupID, name, err); ok {
				return probeList(ctx, other)
			}
		}
		return found, err
	}
	return d
}

// withSnapshots adds the snapshots of jobs to a sorted list of snapshots.
func (k *jobKind[Job, Extra, Details]) withSnapshots(snapshots []snapshotHash, jobs []job[Extra]) []snapshotHash {
	var added []snapshotHash
	for i := range jobs {
		s := k.snapshot(&jobs[i])
		if _, known := slices.BinarySearch(snapshots, s); !known && s != 0 {
			added = append(added, s)
		}
	}
	if added == nil {
		return snapshots
	}
	all := slices.Concat(snapshots, added)
	slices.Sort(all)
	return slices.Compact(all)
}

// summarize adds jobs to an earlier summary, or starts a new one if before is nil. Without a group label there is
// one group, even if no job is listed, except for onlyListed kinds.
func (k *jobKind[Job, Extra, Details]) summarize(
	before *jobSummary[Extra, Details], jobs []job[Extra], words interner,
) *jobSummary[Extra, Details] {
	all := &jobSummary[Extra, Details]{}
	byLabel := map[uint8]*summary[Extra, Details]{}
	if before != nil {
		all.recent = slices.Clone(before.recent)
		for _, g := range before.groups {
			s := *g.summary
			s.words, s.counts = words, slices.Clone(s.counts)
			byLabel[g.label] = &s
		}
	} else if k.groupedBy == "" && !k.onlyListed {
		byLabel[0] = k.newSummary(words, unknownState)
	}
	for i := range jobs {
		j := &jobs[i]
		key := uint8(0)
		if k.groupedBy != "" {
			key = j.label
		}
		s := byLabel[key]
		if s == nil {
			s = k.newSummary(words, words.word(key))
			byLabel[key] = s
		}
		s.add(j)
		if k.addTotals != nil {
			k.addTotals(&s.details, j)
		}
		all.recent.add(j.created, j.state, k.outcomeOf(j, words))
	}
	for key, s := range byLabel {
		all.groups = append(all.groups, jobGroup[Extra, Details]{key, s})
	}
	return all
}

// outcomeOf returns the outcome of a job.
func (k *jobKind[Job, Extra, Details]) outcomeOf(j *job[Extra], words interner) Outcome {
	switch {
	case k.outcome != nil:
		return k.outcome(j)
	case k.statesFor != nil:
		return k.statesFor(words.word(j.label)).outcome(j.state)
	}
	return k.states.outcome(j.state)
}

func (k *jobKind[Job, Extra, Details]) newSummary(words interner, label string) *summary[Extra, Details] {
	states := k.states
	if k.statesFor != nil {
		states = k.statesFor(label)
	}
	return &summary[Extra, Details]{
		states: states, words: words, counts: make([]int, len(states.names())), byCreation: k.byCreation, outcomeOf: k.outcome,
	}
}

// probeList reads one job of a list, which is enough to show that the list can be read. Atlas may hide the only job,
// and answer a page of one job badly for that reason. Then the page that the exporter itself reads decides.
func probeList[T any](ctx context.Context, list atlasapi.List[T]) (found string, err error) {
	page, err := list.Page(ctx, 1, 1)
	if kind, _ := atlasapi.KindOf(err); err != nil && kind == atlasapi.KindBadResponse && errorStatus(err) == 0 {
		page, err = list.Page(ctx, 1, atlasapi.MaxPageSize)
	}
	if err != nil || len(page.Items) > 0 {
		return "", err
	}
	return "none listed", nil
}
