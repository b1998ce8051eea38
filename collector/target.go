package collector

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-kit/log"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

const (
	// retryInterval is the maximum delay before a failed target is read again by a scrape.
	retryInterval = 10 * time.Second
	// goneInterval is how often a feature that Atlas has ended is requested again.
	goneInterval = time.Hour
)

// settings are what readings depend on. A reload replaces them as a whole.
type settings struct {
	config config.Config
	client *atlasapi.Client
	logger log.Logger
}

// reader brings the values of one target up to date. On an error, they stay as they are.
type reader interface {
	read(ctx context.Context, s *settings) error
}

// shower is a reader that has values to show.
type shower interface {
	write(w *writer, labels []string)
}

// Condition is how a target was last read.
type Condition uint8

// The conditions of a target.
const (
	Pending Condition = iota // not read yet
	Up
	Down
	Unsupported // the API does not serve it

	conditions = int(iota)
)

// String returns the condition as the metrics spell it.
func (c Condition) String() string {
	return [conditions]string{"pending", "up", "down", "unsupported"}[c]
}

// target is one thing that is read from Atlas: a list of jobs, or a part of discovery.
type target struct {
	*Declaration
	groupID string // "" for the list of all projects
	entry   *entry // nil where the project or the list itself is read
	reader  reader
	busy    func() bool // whether something is under way or due; nil: never

	mu     sync.Mutex
	status status
	found  *target // the discovery that found it, nil for a root

	// The refresher's own, under its lock.
	queued, running, delayed bool
	waiting                  []*batch
	rank                     time.Time
}

// status is how the readings of a target went.
type status struct {
	found     time.Time // when discovery found it, or found that it is served again
	attempted time.Time // when the last attempt began, zero before the first
	ended     bool      // an attempt has ended
	refreshed time.Time // when the last successful reading began: the values are as of then, or newer
	failure   error     // of the last attempt, nil where it succeeded
	reason    Reason    // of that failure
	excluded  Reason    // why discovery knows that there is nothing to read
}

func (t *target) snapshot() status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// name returns the name of the target's entry, "" where it has none.
func (t *target) name() string {
	if t.entry == nil {
		return ""
	}
	return t.entry.info().Name
}

// condition judges a status.
func (s *status) condition() Condition {
	switch {
	case s.why().Unsupported():
		return Unsupported
	case !s.ended:
		return Pending
	case s.failure != nil:
		return Down
	}
	return Up
}

// why returns the reason for which the target is not up, None while it is up or pending.
func (s *status) why() Reason {
	if s.excluded != None {
		return s.excluded
	}
	return s.reason
}

// describe says why a target is not up, as the metrics and Atlas spell it.
func (s *status) describe() string {
	if code := errorCode(s.failure); code != "" && s.why() == s.reason {
		return s.reason.String() + " (" + code + ")"
	}
	return s.why().String()
}

// dueAt returns when a target that is read at an interval is to be read again, and false where it never is.
func (s *status) dueAt(interval, discovery time.Duration) (time.Time, bool) {
	switch {
	case s.excluded != None:
		return time.Time{}, false
	case s.attempted.IsZero():
		return time.Time{}, true
	case s.failure == nil:
		return s.attempted.Add(interval), true
	case s.reason == FeatureGone:
		return s.attempted.Add(goneInterval), true
	case s.reason.Unsupported():
		return s.attempted.Add(discovery), true
	}
	due := s.attempted.Add(min(interval, retryInterval))
	if failure, ok := errors.AsType[*atlasapi.Error](s.failure); ok {
		if failure.RetryAt.After(due) {
			due = failure.RetryAt
		}
	}
	return due, true
}

// refresh reads the target once and records how it went. It returns the status before and after.
func (t *target) refresh(ctx context.Context, s *settings) (before, after status) {
	start := time.Now()
	t.mu.Lock()
	before = t.status
	t.status.attempted = start
	t.mu.Unlock()

	err := t.reader.read(ctx, s)

	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, context.Canceled) { // the exporter shuts down: that says nothing about the target
		t.status = before
		return before, before
	}
	t.status.ended = true
	t.status.failure, t.status.reason = err, t.Judge(err)
	if err == nil {
		t.status.refreshed = start
	}
	return before, t.status
}

// exclude records why discovery knows that there is nothing to read, or with None that there is.
func (t *target) exclude(reason Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.found.IsZero() || t.status.excluded != None && reason == None {
		t.status.found = time.Now()
	}
	if t.status.excluded != None && reason == None {
		t.status.attempted = time.Time{} // it is served again: read it now
		t.status.ended = false
		t.status.failure, t.status.reason = nil, None
	}
	t.status.excluded = reason
}

// expire makes the target due now, unless its last reading failed.
func (t *target) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.failure == nil {
		t.status.attempted = time.Time{}
	}
}

// foundBy returns the discovery that found the target, nil for a root.
func (t *target) foundBy() *target {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.found
}

func (t *target) setFoundBy(parent *target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.found = parent
}

// labels are the values of the labels that every metric of targets has.
func (t *target) labels(groupName string) []string {
	cluster, pipeline := "", ""
	if t.entry != nil {
		cluster, pipeline = t.Labels(t.name())
	}
	return []string{t.Name, t.groupID, groupName, cluster, pipeline}
}
