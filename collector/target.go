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
	// goneInterval is how often the exporter tries again whether Atlas serves a feature that it has ended.
	goneInterval = time.Hour
)

// settings are the configuration and the client that a read uses. A reload replaces them as a whole.
type settings struct {
	config config.Config
	client *atlasapi.Client
	logger log.Logger
	source *source
}

// source is an account of an Atlas. Its context ends when reads use another one.
type source struct {
	ctx  context.Context //nolint:containedctx // it ends the reads in progress
	stop context.CancelFunc
}

func newSource() *source {
	ctx, stop := context.WithCancel(context.Background())
	return &source{ctx, stop}
}

// reader brings the values of one target up to date. On an error, the values do not change.
type reader interface {
	read(ctx context.Context, s *settings) error
}

// sampleWriter is a reader that writes samples.
type sampleWriter interface {
	write(w *writer, labels []string)
}

// Condition is the result of a target's last read.
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

// target is something that is read from Atlas as a whole: a list of jobs, or a part of discovery.
type target struct {
	*Declaration
	groupID string // "" for the list of all projects
	entry   *entry // nil for a target of a project, and for a root
	reader  reader
	busy    func() bool // whether a job is running or due; nil: never

	mu     sync.Mutex
	status status
	finder *target // the discovery that found it, nil for a root

	// The state of the target in the refresher, under the refresher's lock.
	queued, running, delayed bool
	waiting                  []*batch
	rank                     time.Time
}

// status is the result of a target's reads.
type status struct {
	found       time.Time // when discovery found it, or found that it is served again
	attempted   time.Time // when the last attempt began, zero before the first
	ended       bool      // an attempt has ended
	refreshed   time.Time // when the last successful read began: no value is older
	failure     error     // error of the last attempt, nil if it succeeded
	reason      Reason    // reason for that failure
	unsupported Reason    // why Atlas does not serve the target, as discovery found
}

func (t *target) currentStatus() status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// name returns the name of the target's entry, "" without one.
func (t *target) name() string {
	if t.entry == nil {
		return ""
	}
	return t.entry.info().Name
}

// condition returns the condition of a target with this status.
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

// why returns the reason why the target is not up, None if it is up or pending.
func (s *status) why() Reason {
	if s.unsupported != None {
		return s.unsupported
	}
	return s.reason
}

// describe returns the reason and Atlas's error code as text.
func (s *status) describe() string {
	if code := errorCode(s.failure); code != "" && s.why() == s.reason {
		return s.reason.String() + " (" + code + ")"
	}
	return s.why().String()
}

// dueAt returns when to read a target with this interval again, and false if never.
func (s *status) dueAt(interval, discovery time.Duration) (time.Time, bool) {
	switch {
	case s.unsupported != None:
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

// refresh reads the target once and records the result. It returns the status before and after.
func (t *target) refresh(ctx context.Context, s *settings) (before, after status) {
	start := time.Now()
	t.mu.Lock()
	before = t.status
	t.status.attempted = start
	t.mu.Unlock()

	err := t.reader.read(ctx, s)

	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, context.Canceled) { // a shutdown or another source, which says nothing about the target
		t.status = before
		return before, before
	}
	t.status.ended = true
	t.status.failure, t.status.reason = err, t.ReasonFor(err)
	if err == nil {
		t.status.refreshed = start
	}
	return before, t.status
}

// setUnsupported records why Atlas does not serve the target, or with None that it does.
func (t *target) setUnsupported(reason Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.found.IsZero() || t.status.unsupported != None && reason == None {
		t.status.found = time.Now()
	}
	if t.status.unsupported != None && reason == None {
		t.status.attempted = time.Time{} // served again: read it now
		t.status.ended = false
		t.status.failure, t.status.reason = nil, None
	}
	t.status.unsupported = reason
}

// expire makes the target due now, unless its last read failed.
func (t *target) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.failure == nil {
		t.status.attempted = time.Time{}
	}
}

// renew makes the target due now if it is part of the discovery, or if its last read failed. It returns whether the target
// was read before, or is being read.
func (t *target) renew() (attempted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	attempted = !t.status.attempted.IsZero()
	if !t.Configurable || t.status.failure != nil {
		t.status.attempted = time.Time{}
	}
	return attempted
}

// foundBy returns the discovery target that found this one, nil for a root.
func (t *target) foundBy() *target {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.finder
}

func (t *target) setFoundBy(parent *target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finder = parent
}

// labels returns the values of the labels that every metric about targets has.
func (t *target) labels(groupName string) []string {
	cluster, pipeline := "", ""
	if t.entry != nil {
		cluster, pipeline = t.Labels(t.name())
	}
	return []string{t.Name, t.groupID, groupName, cluster, pipeline}
}
