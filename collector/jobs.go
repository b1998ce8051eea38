package collector

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

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

// jobReader keeps the summary of one target's jobs, and the jobs that are read again before the next full read.
type jobReader[Job, Extra, Details any] struct {
	kind       *jobKind[Job, Extra, Details]
	target     *target
	families   families[*summary[Extra, Details]]
	history    history[Job, Extra]
	trimmed    *jobSummary[Extra, Details] // the summary of the listed jobs that the history does not keep; nil: there are none
	words      interner
	lastNewest newestJob[Extra, Details]                  // as last read
	summary    atomic.Pointer[jobSummary[Extra, Details]] // nil before the first successful reading
}

// newestJob is the newest job that was read, with the fields that only the newest one shows.
type newestJob[Extra, Details any] struct {
	job[Extra]
	details Details
}

// jobSummary sums up the jobs of a target, by group. It never changes once it is complete.
type jobSummary[Extra, Details any] struct {
	groups    []jobGroup[Extra, Details]
	recent    recentJobs
	snapshots []snapshotHash // sorted; the snapshots of all jobs, if the kind has the function snapshot
}

type jobGroup[Extra, Details any] struct {
	label uint8 // index of the value of the label groupedBy
	*summary[Extra, Details]
}

func (g *jobGroup[Extra, Details]) labelValue() string { return g.words.word(g.label) }

func (r *jobReader[Job, Extra, Details]) read(ctx context.Context, s *settings) error {
	name := r.target.name()
	list := r.kind.list(s.client, r.target.groupID, name)
	var newest newestJob[Extra, Details]
	summed, err := r.readJobs(ctx, s, list, &newest)
	if err != nil && r.kind.instead != nil {
		if other, ok := r.kind.instead(s.client, r.target.groupID, name, err); ok {
			summed, err = r.readJobs(ctx, s, other, &newest)
		}
	}
	if err != nil {
		if r.target.ReasonFor(err) == FeatureGone { // its jobs went with the feature
			r.history, r.trimmed = history[Job, Extra]{}, nil
			r.summary.Store(nil)
		}
		return err
	}
	r.complete(summed, newest)
	return nil
}

// complete adds the fields of the newest job and the data about the target's entry to a summary, and stores it.
func (r *jobReader[Job, Extra, Details]) complete(summed *jobSummary[Extra, Details], newest newestJob[Extra, Details]) {
	for _, g := range summed.groups {
		if r.kind.takeNewest != nil {
			if g.newest.id == newest.id {
				r.lastNewest = newest
			}
			if g.newest.id == r.lastNewest.id {
				g.details = r.lastNewest.details
			}
		}
		if r.kind.settle != nil {
			r.kind.settle(r.target.entry, g.summary)
		}
	}
	r.summary.Store(summed)
}

// readJobs returns a summary of all jobs of the list, and sets newest to the newest job that it read.
func (r *jobReader[Job, Extra, Details]) readJobs(
	ctx context.Context, s *settings, list atlasapi.List[Job], newest *newestJob[Extra, Details],
) (*jobSummary[Extra, Details], error) {
	now := time.Now()
	l := lister[Job, Extra]{
		list:           list,
		keep:           func(j *Job) job[Extra] { return r.keep(j, newest) },
		relistInterval: s.config.Refresh.RelistInterval,
		now:            now,
	}
	if r.kind.open == nil {
		r.words = nil // no job that uses the old ones is kept
		jobs, err := l.readAll(ctx)
		if err != nil {
			return nil, err
		}
		return r.kind.summarize(nil, jobs, slices.Clip(r.words)), nil
	}
	l.open = func(j *job[Extra]) bool { return r.kind.open(j, secondsOf(now)) }
	full, err := r.history.refresh(ctx, l)
	if err != nil {
		return nil, err
	}
	return r.summarizeList(full), nil
}

// keep returns what is kept of a job. If it is the newest so far, keep sets newest to it.
func (r *jobReader[Job, Extra, Details]) keep(j *Job, newest *newestJob[Extra, Details]) job[Extra] {
	kept := r.kind.keep(j, &r.words)
	if r.kind.takeNewest != nil && kept.compare(&newest.job) >= 0 {
		newest.job = kept
		r.kind.takeNewest(j, &newest.details)
	}
	return kept
}

// summarizeList returns the summary of the whole list after a refresh. full reports whether the history has every job of
// it. Otherwise r.trimmed sums up the other jobs.
func (r *jobReader[Job, Extra, Details]) summarizeList(full bool) *jobSummary[Extra, Details] {
	words := slices.Clip(r.words)
	snapshots := r.snapshots(full)
	if full {
		r.trimmed = nil
	}
	summed := r.kind.summarize(r.trimmed, r.trim(), words)
	if len(r.history.jobs) > 0 {
		r.trimmed = summed
		summed = r.kind.summarize(summed, r.history.jobs, words)
	}
	summed.snapshots = snapshots
	return summed
}

// trim removes the jobs from the history that no refresh reads again, and returns them.
func (r *jobReader[Job, Extra, Details]) trim() []job[Extra] {
	return r.history.trim(func(j *job[Extra]) bool { return r.kind.open(j, endOfTime) })
}

// snapshots returns the sorted snapshots of all jobs of the list.
func (r *jobReader[Job, Extra, Details]) snapshots(full bool) []snapshotHash {
	if r.kind.snapshot == nil {
		return nil
	}
	var known []snapshotHash
	if !full {
		known = r.summary.Load().snapshots
	}
	return r.kind.withSnapshots(known, r.history.jobs)
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
func (k *jobKind[Job, Extra, Details]) summarize(before *jobSummary[Extra, Details], jobs []job[Extra], words interner) *jobSummary[Extra, Details] {
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

// mayHaveJobOf reports whether a listed job has this snapshot, or whether the list was never read.
func (r *jobReader[Job, Extra, Details]) mayHaveJobOf(snapshot snapshotHash) bool {
	summed := r.summary.Load()
	if summed == nil {
		return true
	}
	_, found := slices.BinarySearch(summed.snapshots, snapshot)
	return found
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

// write sends the samples of the target's jobs.
func (r *jobReader[Job, Extra, Details]) write(w *writer, labels []string) {
	summed := r.summary.Load()
	if summed == nil {
		return
	}
	for _, g := range summed.groups {
		at := labels
		if r.kind.groupedBy != "" {
			at = append(labels, g.labelValue())
		}
		r.families.write(w, at, g.summary)
	}
}

// only returns the summary of a kind without groups, nil if the list was never read, or if it is empty and the kind is
// onlyListed.
func (r *jobReader[Job, Extra, Details]) only() *summary[Extra, Details] {
	if r == nil {
		return nil
	}
	summed := r.summary.Load()
	if summed == nil || len(summed.groups) != 1 {
		return nil
	}
	return summed.groups[0].summary
}

// unfinished reports whether a job is unfinished.
func (r *jobReader[Job, Extra, Details]) unfinished() bool {
	summed := r.summary.Load()
	return summed != nil && slices.ContainsFunc(summed.groups, func(g jobGroup[Extra, Details]) bool { return g.oldestUnfinished != 0 })
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
