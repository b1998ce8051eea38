package collector

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// The names of the collectors that discovery runs, beside those of the jobs (package config has those).
const (
	CollectorProjects  = "projects"
	CollectorClusters  = "clusters"
	CollectorPipelines = "pipelines"
	CollectorSchedules = "backup_schedule"
)

// The reasons for which the API does not serve a target.
const (
	reasonFreeTier       = "free_tier"
	reasonFlex           = "flex"
	reasonBackupDisabled = "backup_disabled"
	reasonFeatureGone    = "feature_gone"
)

const (
	// retryInterval is the longest that a target whose reading failed waits for the next attempt of a scrape.
	retryInterval = 10 * time.Second
	// goneInterval is how often a feature that Atlas has ended is asked for again.
	goneInterval = time.Hour
)

// settings are what readings go by. A reload replaces them whole.
type settings struct {
	config config.Config
	client *atlasapi.Client
}

// reader brings what is known of one target up to date. On an error, what is known stays.
type reader interface {
	read(ctx context.Context, s *settings) error
}

// unsupportedError says that the API does not serve a target: it is neither up nor down.
type unsupportedError struct {
	reason string
	cause  error
}

func (e *unsupportedError) Error() string { return e.reason + ": " + e.cause.Error() }
func (e *unsupportedError) Unwrap() error { return e.cause }

// condition is what a target is known to be.
type condition uint8

const (
	pending condition = iota // not read yet
	up
	down
	unsupported

	conditions = int(iota)
)

func conditionNames() []string { return []string{"pending", "up", "down", "unsupported"} }

// target is one thing that is read from Atlas: a list of jobs, or a part of what discovery looks at.
type target struct {
	collector string
	groupID   string // "" for the list of all projects
	cluster   string
	pipeline  string
	parent    *target // the discovery that found it, nil for a root
	reader    reader
	busy      func() bool // whether something is about to change; nil is never

	mu     sync.Mutex
	status status

	// The refresher's own, under its lock.
	queued, running, delayed bool
	waiting                  []*batch
	rank                     time.Time
}

// status is how the readings of a target went.
type status struct {
	attempted time.Time // when the last attempt began, zero before the first
	ended     bool      // an attempt has ended
	refreshed time.Time // when the last reading that succeeded began: the values are as of then, or newer
	failure   error     // of the last attempt, nil where it succeeded
	excluded  string    // the reason for which discovery knows that there is nothing to read
}

func (t *target) snapshot() status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// condition judges a status.
func (s *status) condition() condition {
	switch {
	case s.unsupportedReason() != "":
		return unsupported
	case !s.ended:
		return pending
	case s.failure != nil:
		return down
	}
	return up
}

// unsupportedReason returns why the API does not serve the target, or "".
func (s *status) unsupportedReason() string {
	if s.excluded != "" {
		return s.excluded
	}
	if gone, ok := errors.AsType[*unsupportedError](s.failure); ok {
		return gone.reason
	}
	return ""
}

// reason returns why the last attempt failed, in the words of the metrics.
func (s *status) reason() string { return Reason(s.failure) }

// Reason returns why a reading failed, in the words of the metrics. What Unsupported has a word for is no failure.
func Reason(err error) string {
	kind, ok := atlasapi.KindOf(err)
	switch {
	case !ok && errors.Is(err, context.DeadlineExceeded):
		return atlasapi.KindTimeout.String()
	case !ok:
		return atlasapi.KindNetwork.String()
	case kind == atlasapi.KindFlex || kind == atlasapi.KindBackupDisabled: // where such an answer makes no sense
		return atlasapi.KindBadResponse.String()
	}
	return kind.String()
}

// dueAt returns when the target is to be read again, and false where it never is.
func (s *status) dueAt(collector string, refresh config.Refresh) (time.Time, bool) {
	interval := refresh.MinInterval
	if isDiscovery(collector) {
		interval = refresh.DiscoveryInterval
	}
	switch {
	case s.excluded != "":
		return time.Time{}, false
	case s.attempted.IsZero():
		return time.Time{}, true
	case s.failure == nil:
		return s.attempted.Add(interval), true
	case s.unsupportedReason() == reasonFeatureGone:
		return s.attempted.Add(goneInterval), true
	case s.unsupportedReason() != "":
		return s.attempted.Add(refresh.DiscoveryInterval), true
	}
	due := s.attempted.Add(min(interval, retryInterval))
	if failure, ok := errors.AsType[*atlasapi.Error](s.failure); ok {
		if failure.RetryAt.After(due) {
			due = failure.RetryAt
		}
	}
	return due, true
}

func isDiscovery(collector string) bool {
	switch collector {
	case CollectorProjects, CollectorClusters, CollectorPipelines, CollectorSchedules:
		return true
	}
	return false
}

// refresh reads the target once and notes how it went. It returns the status before and after.
func (t *target) refresh(ctx context.Context, s *settings) (before, after status) {
	start := time.Now()
	t.mu.Lock()
	before = t.status
	t.status.attempted = start
	t.mu.Unlock()

	err := t.reader.read(ctx, s)

	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, context.Canceled) { // we are shutting down: that says nothing of the target
		t.status = before
		return before, before
	}
	t.status.ended = true
	if t.status.failure = err; err == nil {
		t.status.refreshed = start
	}
	return before, t.status
}

// exclude notes why discovery knows that there is nothing to read, or with "" that there is.
func (t *target) exclude(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.excluded != "" && reason == "" {
		t.status.attempted = time.Time{} // it is served again: read it now
		t.status.ended = false
		t.status.failure = nil
	}
	t.status.excluded = reason
}

// expire has the target read again by the next scrape.
func (t *target) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.failure == nil {
		t.status.attempted = time.Time{}
	}
}

// labels are the values of the labels that every metric of targets has.
func (t *target) labels(groupName string) []string {
	return []string{t.collector, t.groupID, groupName, t.cluster, t.pipeline}
}
