package collector

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// jobKind declares a kind of job: how to list jobs, what to keep of one, when one may still change, and the metrics.
// Extra has the fields that a job needs in addition to those of job, More those that a summary needs in addition to
// those of summary.
type jobKind[Job, Extra, More any] struct {
	states jobStates
	// statesOf returns the states of the jobs with an interned word, if the meaning of a state depends on the word. If
	// nil, all jobs have the states above.
	statesOf func(word string) jobStates
	list     func(c *atlasapi.Client, groupID, name string) atlasapi.List[Job]
	// instead returns another list to read, if Atlas refuses the first one. If nil, there is no other.
	instead func(c *atlasapi.Client, groupID, name string, refusal error) (l atlasapi.List[Job], ok bool)
	keep    func(*Job, *interner) job[Extra]
	// open reports whether a job may have changed since it was read. If nil, the list is always read in full.
	open func(j *job[Extra], now seconds) bool
	// newest takes from the newest job the fields that only the newest one shows, so that no other job takes memory for
	// them. It may be nil. Kinds that are summarized by group have none.
	newest func(*Job, *More)
	// more adds a job to the kind's own part of a summary. It may be nil.
	more func(more *More, s *summary[Extra, More], j *job[Extra])
	// outcome returns the outcome of a job. If nil, the state decides alone.
	outcome func(*job[Extra]) outcome
	// snapshot returns the snapshot of a job, for kinds that must know the snapshots of all jobs. It may be nil.
	snapshot func(*job[Extra]) snapshotHash
	// settle completes a summary with data about the target's entry. It may be nil.
	settle     func(e *entry, s *summary[Extra, More])
	byCreation bool // successes and failures are dated by their creation, although Atlas sends an end
	// groupedBy is the label by whose values jobs are summarized separately: the value is the job's word. If "", there
	// is one summary.
	groupedBy string
	// onlyListed kinds have no samples if no job is listed.
	onlyListed bool
	labels     []string // of a target
	families   []family[*summary[Extra, More]]
	// progress returns in words how far a job is, "" if Atlas does not say.
	progress func(s *summary[Extra, More], j *job[Extra]) string
	// describe completes the description of a summary for people. It may be nil.
	describe func(s *summary[Extra, More], l *Latest)
}

// declare completes the declaration of a collector that reads jobs of this kind.
func (k *jobKind[Job, Extra, More]) declare(d *Declaration) *Declaration {
	labels := k.labels
	if k.groupedBy != "" {
		labels = with(labels, k.groupedBy)
	}
	shown := bind(labels, k.families...)
	d.metrics = shown.metrics()
	d.Configurable = true
	d.attach = func(t *target) reader {
		r := &jobReader[Job, Extra, More]{kind: k, target: t, families: shown}
		t.busy = r.unfinished
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
type jobReader[Job, Extra, More any] struct {
	kind     *jobKind[Job, Extra, More]
	target   *target
	families families[*summary[Extra, More]]
	history  history[Job, Extra]
	trimmed  *jobSummary[Extra, More] // the summary of the listed jobs that the history does not keep; nil: there are none
	words    interner
	newest   newestJob[Extra, More]
	summary  atomic.Pointer[jobSummary[Extra, More]] // nil before the first successful reading
}

// newestJob is the newest job that was read, with the fields that only the newest one shows.
type newestJob[Extra, More any] struct {
	job[Extra]
	more More
}

// jobSummary sums up the jobs of a target, by group. It never changes once it is complete.
type jobSummary[Extra, More any] struct {
	groups    []jobGroup[Extra, More]
	recent    newestJobs
	snapshots []snapshotHash // sorted; the snapshots of all jobs, if the kind has the function snapshot
}

type jobGroup[Extra, More any] struct {
	word uint8 // its word is the value of the label groupedBy
	*summary[Extra, More]
}

func (g *jobGroup[Extra, More]) label() string { return g.words.word(g.word) }

func (r *jobReader[Job, Extra, More]) read(ctx context.Context, s *settings) error {
	name := r.target.name()
	list := r.kind.list(s.client, r.target.groupID, name)
	var newest newestJob[Extra, More]
	summed, err := r.readJobs(ctx, s, list, &newest)
	if err != nil && r.kind.instead != nil {
		if other, ok := r.kind.instead(s.client, r.target.groupID, name, err); ok {
			summed, err = r.readJobs(ctx, s, other, &newest)
		}
	}
	if err != nil {
		if r.target.Judge(err) == FeatureGone { // its jobs went with the feature
			r.history, r.trimmed = history[Job, Extra]{}, nil
			r.summary.Store(nil)
		}
		return err
	}
	r.complete(summed, newest)
	return nil
}

// complete adds the fields of the newest job and the data about the target's entry to a summary, and stores it.
func (r *jobReader[Job, Extra, More]) complete(summed *jobSummary[Extra, More], newest newestJob[Extra, More]) {
	for _, g := range summed.groups {
		if r.kind.newest != nil {
			if g.newest.id == newest.id {
				r.newest = newest
			}
			if g.newest.id == r.newest.id {
				g.more = r.newest.more
			}
		}
		if r.kind.settle != nil {
			r.kind.settle(r.target.entry, g.summary)
		}
	}
	r.summary.Store(summed)
}

// readJobs returns a summary of all jobs of the list, and sets newest to the newest job that it read.
func (r *jobReader[Job, Extra, More]) readJobs(
	ctx context.Context, s *settings, list atlasapi.List[Job], newest *newestJob[Extra, More],
) (*jobSummary[Extra, More], error) {
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
	whole, err := r.history.refresh(ctx, l)
	if err != nil {
		return nil, err
	}
	return r.sum(whole), nil
}

// keep returns what is kept of a job. If it is the newest so far, keep sets newest to it.
func (r *jobReader[Job, Extra, More]) keep(j *Job, newest *newestJob[Extra, More]) job[Extra] {
	kept := r.kind.keep(j, &r.words)
	if r.kind.newest != nil && kept.compare(&newest.job) >= 0 {
		newest.job = kept
		r.kind.newest(j, &newest.more)
	}
	return kept
}

// sum summarizes all jobs of the list after a refresh, and trims the history. whole reports whether the history has all
// of them.
func (r *jobReader[Job, Extra, More]) sum(whole bool) *jobSummary[Extra, More] {
	words := slices.Clip(r.words)
	var snapshots []snapshotHash
	if whole {
		r.trimmed = nil
	} else {
		snapshots = r.summary.Load().snapshots
	}
	if r.kind.snapshot != nil {
		snapshots = r.kind.withSnapshots(snapshots, r.history.jobs)
	}
	trimmed := r.history.trim(func(j *job[Extra]) bool { return r.kind.open(j, endOfTime) })
	summed := r.kind.summarize(r.trimmed, trimmed, words)
	if len(r.history.jobs) > 0 {
		r.trimmed = summed
		summed = r.kind.summarize(summed, r.history.jobs, words)
	}
	summed.snapshots = snapshots
	return summed
}

// withSnapshots adds the snapshots of jobs to a sorted list of snapshots.
func (k *jobKind[Job, Extra, More]) withSnapshots(snapshots []snapshotHash, jobs []job[Extra]) []snapshotHash {
	var more []snapshotHash
	for i := range jobs {
		s := k.snapshot(&jobs[i])
		if _, known := slices.BinarySearch(snapshots, s); !known && s != 0 {
			more = append(more, s)
		}
	}
	if more == nil {
		return snapshots
	}
	all := slices.Concat(snapshots, more)
	slices.Sort(all)
	return slices.Compact(all)
}

// summarize adds jobs to an earlier summary, or starts a new one if before is nil. Without a group label there is
// one group, even if no job is listed, except for onlyListed kinds.
func (k *jobKind[Job, Extra, More]) summarize(before *jobSummary[Extra, More], jobs []job[Extra], words interner) *jobSummary[Extra, More] {
	all := &jobSummary[Extra, More]{}
	byWord := map[uint8]*summary[Extra, More]{}
	if before != nil {
		all.recent = slices.Clone(before.recent)
		for _, g := range before.groups {
			s := *g.summary
			s.words, s.counts = words, slices.Clone(s.counts)
			byWord[g.word] = &s
		}
	} else if k.groupedBy == "" && !k.onlyListed {
		byWord[0] = k.newSummary(words, unknownState)
	}
	for i := range jobs {
		j := &jobs[i]
		key := uint8(0)
		if k.groupedBy != "" {
			key = j.word
		}
		s := byWord[key]
		if s == nil {
			s = k.newSummary(words, words.word(key))
			byWord[key] = s
		}
		s.add(j)
		if k.more != nil {
			k.more(&s.more, s, j)
		}
		all.recent.add(j.created, j.state, k.outcomeOf(j, words))
	}
	for key, s := range byWord {
		all.groups = append(all.groups, jobGroup[Extra, More]{key, s})
	}
	return all
}

// mayHaveJobOf reports whether a listed job has this snapshot, or whether the list was never read.
func (r *jobReader[Job, Extra, More]) mayHaveJobOf(snapshot snapshotHash) bool {
	summed := r.summary.Load()
	if summed == nil {
		return true
	}
	_, found := slices.BinarySearch(summed.snapshots, snapshot)
	return found
}

// outcomeOf returns the outcome of a job.
func (k *jobKind[Job, Extra, More]) outcomeOf(j *job[Extra], words interner) outcome {
	switch {
	case k.outcome != nil:
		return k.outcome(j)
	case k.statesOf != nil:
		return k.statesOf(words.word(j.word)).outcome(j.state)
	}
	return k.states.outcome(j.state)
}

func (k *jobKind[Job, Extra, More]) newSummary(words interner, word string) *summary[Extra, More] {
	states := k.states
	if k.statesOf != nil {
		states = k.statesOf(word)
	}
	return &summary[Extra, More]{
		states: states, words: words, counts: make([]int, len(states.names())), byCreation: k.byCreation, outcomeOf: k.outcome,
	}
}

// write sends the samples of the target's jobs.
func (r *jobReader[Job, Extra, More]) write(w *writer, labels []string) {
	summed := r.summary.Load()
	if summed == nil {
		return
	}
	for _, g := range summed.groups {
		at := labels
		if r.kind.groupedBy != "" {
			at = append(labels, g.label())
		}
		r.families.write(w, at, g.summary)
	}
}

// only returns the summary of a kind without groups, nil if the list was never read, or if it is empty and the kind is
// onlyListed.
func (r *jobReader[Job, Extra, More]) only() *summary[Extra, More] {
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
func (r *jobReader[Job, Extra, More]) unfinished() bool {
	summed := r.summary.Load()
	return summed != nil && slices.ContainsFunc(summed.groups, func(g jobGroup[Extra, More]) bool { return g.oldestUnfinished != 0 })
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
