package collector

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// changeLog logs when targets become unreadable or readable again. It writes one line for each project, collector and
// reason, not one for each target or scrape.
type changeLog struct {
	logger log.Logger

	mu   sync.Mutex
	down map[downKey]map[*target]struct{}
}

type downKey struct {
	collector, groupID, code string
	reason                   Reason
}

func newChangeLog(logger log.Logger) *changeLog {
	return &changeLog{logger: logger, down: map[downKey]map[*target]struct{}{}}
}

// note logs a change of a target's condition.
func (l *changeLog) note(t *target, groupName string, before, after *status) {
	was, is := before.condition(), after.condition()
	wasKey, isKey := t.downKey(before), t.downKey(after)
	if was == is && wasKey == isKey {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := t.logKeys(groupName)
	readable := was == Down && l.remove(wasKey, t)
	switch is {
	case Up:
		if readable {
			_ = level.Info(l.logger).Log(append([]any{"msg", "targets are readable again"}, keys...)...)
			return
		}
		_ = level.Debug(l.logger).Log(append([]any{"msg", "target is readable"}, keys...)...)
	case Down:
		line := level.Debug(l.logger)
		if l.add(isKey, t) {
			line = level.Warn(l.logger)
		}
		msg := "target is not readable"
		if !after.refreshed.IsZero() {
			msg += ", its last values stay"
		}
		keys = append(keys, "reason", after.reason, "err", after.failure, "remedy", t.Remedy(after.reason, after.failure))
		_ = line.Log(append([]any{"msg", msg}, keys...)...)
	case Unsupported:
		_ = level.Info(l.logger).Log(append([]any{"msg", "target is not served by the API"}, append(keys, "reason", after.why())...)...)
	case Pending:
	}
}

// awaiting logs a discovery that Atlas does not answer, while it lasts: it fails only after minutes, when its retries have
// ended too. Other targets and later attempts are silent, because there may be thousands. The caller calls answered when the
// read has ended.
func (l *changeLog) awaiting(t *target, groupName string) (answered func()) {
	if !t.IsRoot() || t.currentStatus().failure != nil {
		return func() {}
	}
	slow := time.AfterFunc(slowDiscovery, func() {
		_ = level.Warn(l.logger).Log(append([]any{"msg", "still waiting for an answer of Atlas", "after", slowDiscovery}, t.logKeys(groupName)...)...)
	})
	return func() { slow.Stop() }
}

// add records that a target is down, and reports whether it is the first of its project, collector and reason.
func (l *changeLog) add(key downKey, t *target) (first bool) {
	if l.down[key] == nil {
		l.down[key] = map[*target]struct{}{}
	}
	l.down[key][t] = struct{}{}
	return len(l.down[key]) == 1
}

// remove records that a target is no longer down for a reason, and reports whether it was the last.
func (l *changeLog) remove(key downKey, t *target) (last bool) {
	delete(l.down[key], t)
	if len(l.down[key]) > 0 {
		return false
	}
	delete(l.down, key)
	return true
}

// drop removes a target that is no longer read.
func (l *changeLog) drop(t *target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.down {
		l.remove(key, t)
	}
}

// forget removes the targets of a project that is no longer read.
func (l *changeLog) forget(groupID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.down {
		if key.groupID == groupID {
			delete(l.down, key)
		}
	}
}

func (t *target) downKey(s *status) downKey {
	return downKey{t.Name, t.groupID, errorCode(s.failure), s.why()}
}

// logKeys returns the log keys of a target: the same names and values as its labels in the metrics.
func (t *target) logKeys(groupName string) []any {
	keys := []any{"collector", t.Name}
	labels := t.labels(groupName)
	for i, name := range []string{groupIDLabel, groupNameLabel, clusterLabel, pipelineLabel} {
		if value := labels[i+1]; value != "" {
			keys = append(keys, name, value)
		}
	}
	return keys
}
