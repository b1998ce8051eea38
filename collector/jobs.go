package collector

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// kind declares a kind of job: how jobs are listed, what is kept of one, when it may still change, and how a history
// is judged. An endpoint that lists jobs is one such declaration, with its metrics.
type kind[Job, Extra any] struct {
	list  func(*atlasapi.Client, *target) atlasapi.List[Job]
	keep  func(*Job, *names) job[Extra]
	open  func(j *job[Extra], now instant) bool
	judge func([]job[Extra], names) judgement
}

// judgement is what a history comes to: what a scrape shows of it.
type judgement interface {
	// write sends the samples. The labels are those of the target.
	write(w *writer, labels []string)
	// unfinished reports whether a job is under way.
	unfinished() bool
	// listed is the number of jobs that Atlas lists.
	listed() int
	// latest describes the newest job, for people; ok is false where none is listed.
	latest() (l Latest, ok bool)
}

// target returns a target that reads jobs of this kind.
func (k *kind[Job, Extra]) target(collector, groupID, cluster, pipeline string, parent *target) *target {
	t := &target{collector: collector, groupID: groupID, cluster: cluster, pipeline: pipeline, parent: parent}
	r := &jobReader[Job, Extra]{kind: k, target: t}
	t.reader, t.busy = r, r.busy
	return t
}

// jobs is a reader with a judgement.
type jobs interface {
	reader
	// judged returns the judgement of the last reading that succeeded, nil before the first.
	judged() judgement
}

// jobReader keeps the history of one target.
type jobReader[Job, Extra any] struct {
	kind      *kind[Job, Extra]
	target    *target
	history   history[Job, Extra]
	names     names
	judgement atomic.Pointer[judgement]
}

func (r *jobReader[Job, Extra]) read(ctx context.Context, s *settings) error {
	now := time.Now()
	err := r.history.refresh(ctx, lister[Job, Extra]{
		list:           r.kind.list(s.client, r.target),
		keep:           func(j *Job) job[Extra] { return r.kind.keep(j, &r.names) },
		open:           func(j *job[Extra]) bool { return r.kind.open(j, instantOf(now)) },
		relistInterval: s.config.Refresh.RelistInterval,
		now:            now,
	})
	if err != nil {
		return unserved(r.target.collector, err)
	}
	judged := r.kind.judge(r.history.jobs, slices.Clip(r.names))
	r.judgement.Store(&judged)
	return nil
}

func (r *jobReader[Job, Extra]) judged() judgement {
	if j := r.judgement.Load(); j != nil {
		return *j
	}
	return nil
}

// busy reports whether a job is under way.
func (r *jobReader[Job, Extra]) busy() bool {
	judged := r.judged()
	return judged != nil && judged.unfinished()
}

// names are the few different strings that the jobs of a target have, such as delivery types, kept once.
type names []string

// index returns the place of a name. The place 0 stands for none, which is shown as unknown, for what is called so, and
// for all beyond the 255th.
func (n *names) index(name string) uint8 {
	if name == "" || name == unknownState {
		return 0
	}
	i := slices.Index(*n, name)
	if i < 0 {
		if len(*n) == 255 {
			return 0
		}
		i = len(*n)
		*n = append(*n, name)
	}
	return uint8(i + 1)
}

// name returns the name at a place, "unknown" where there is none.
func (n names) name(i uint8) string {
	if i == 0 {
		return unknownState
	}
	return n[i-1]
}
