package collector

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// jobReader keeps the summary of one target's jobs, and the jobs that are read again before the next full read.
type jobReader[Job, Extra, Details any] struct {
	kind       *jobKind[Job, Extra, Details]
	target     *target
	families   families[*summary[Extra, Details]]
	history    history[Job, Extra]
	trimmed    *jobSummary[Extra, Details] // the summary of the listed jobs that the history does not keep; nil: there are none
	words      interner
	lastNewest newestJob[Extra, Details]                  // the newest job as it was last read
	summary    atomic.Pointer[jobSummary[Extra, Details]] // nil before the first successful read
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

// mayHaveJobOf reports whether a listed job has this snapshot, or whether the list was never read.
func (r *jobReader[Job, Extra, Details]) mayHaveJobOf(snapshot snapshotHash) bool {
	summed := r.summary.Load()
	if summed == nil {
		return true
	}
	_, found := slices.BinarySearch(summed.snapshots, snapshot)
	return found
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
	isUnfinished := func(g jobGroup[Extra, Details]) bool { return g.oldestUnfinished != 0 }
	return summed != nil && slices.ContainsFunc(summed.groups, isUnfinished)
}
