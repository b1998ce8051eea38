package faultmatrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// phase is what a scrape may show of the targets that are struck.
type phase int

const (
	// calm is a time without a fault: everything must be as it was.
	calm phase = iota
	// faulty is a time at which each struck target may show its true state or what the fault makes of it.
	faulty
	// settled is a time at which it must show what the fault makes of it.
	settled
)

// judge knows what a scrape may show. It knows nothing of how the exporter works.
type judge struct {
	// targets are everything that is read, with the reason of what is never supported.
	targets  map[target]string
	baseline *snapshot
	last     *snapshot

	outcome outcome
	// wide has many targets struck at once: whether one of them has been asked for again is a matter of turns.
	wide bool
	// struck are the targets that the fault strikes.
	struck map[target]bool
	// sharing are targets that wait for the same rate limit, and so may be rate limited with the struck one.
	sharing map[target]bool
	// unnoticed has the fault be over before it can show.
	unnoticed bool

	at    phase
	wrong []string // with the scrape that is judged
}

func (j *judge) complain(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// judge returns what is wrong with a scrape.
func (j *judge) judge(s *snapshot, at phase) []string {
	var before harness.Exposition
	if j.last != nil {
		before = j.last.all
	}
	j.at, j.wrong = at, s.all.Contradictions(before)
	j.judgeTargets(s)
	j.judgeValues(s)
	j.judgeHealth(s)
	if j.last != nil {
		j.judgeChange(s)
	}
	slices.Sort(j.wrong)
	return j.wrong
}

func (j *judge) strikes(t target) bool { return j.at != calm && j.struck[t] }

// isStruck tells whether a target shows what the fault makes of it in the end.
func (j *judge) isStruck(s *snapshot, t target) bool {
	_, failed := s.failed[t]
	_, unsupported := s.unsupported[t]
	return failed || unsupported
}

// judgeTargets holds every target against what may have become of it.
func (j *judge) judgeTargets(s *snapshot) {
	for t, unsupported := range j.targets {
		switch {
		case unsupported == "":
			j.judgeTarget(s, t)
		case s.unsupported[t] != unsupported:
			j.complain("target %s is unsupported for %q, not %q", t, s.unsupported[t], unsupported)
		}
	}
	for t := range s.up {
		if _, expected := j.targets[t]; !expected {
			j.complain("there is no target %s", t)
		}
	}
}

func (j *judge) judgeTarget(s *snapshot, t target) {
	up, shown := s.up[t]
	reason, failed := s.failed[t]
	unsupported, isUnsupported := s.unsupported[t]
	struck := j.strikes(t)
	switch {
	case isUnsupported:
		if !struck || j.outcome.unsupported != unsupported {
			j.complain("target %s is unsupported: %s", t, unsupported)
		}
		return
	case !shown:
		if !j.gone(s, t) { // what it belongs to may have gone with the feature
			j.complain("target %s has no target_up", t)
		}
		return
	case up && failed:
		j.complain("target %s is up with the reason %s", t, reason)
	case up:
		if struck && j.at == settled && !j.outcome.mayStayUp() {
			j.complain("target %s is up, and cannot be read", t)
		}
	case !failed:
		j.complain("target %s is down without a reason", t)
	case struck && !j.unnoticed && slices.Contains(j.outcome.reasons, reason):
	case j.at != calm && j.sharing[t] && reason == rateLimited:
	default:
		j.complain("target %s is down: %s", t, reason)
	}
	if _, ok := s.refreshed[t]; !ok {
		j.complain("target %s does not tell when it was read", t)
	}
}

// gone reports whether a target, or the list that it is an entry of, is gone with the feature.
func (j *judge) gone(s *snapshot, t target) bool {
	parent := target{collector: t.endpoint().parent, group: t.group}
	return j.at != calm && j.outcome.unsupported == featureGone && (s.unsupported[t] == featureGone || s.unsupported[parent] == featureGone)
}

// derived reports whether a series is made of several answers, one of which is struck by something that may change its
// value.
func (j *judge) derived(one series) bool {
	isDerived := one.name == "mongodbatlas_backup_export_missing_snapshot_created_timestamp_seconds" || one.name == "mongodbatlas_backup_export_bucket_found"
	if !isDerived || j.at == calm || !j.outcome.lies && j.outcome.unsupported == "" {
		return false
	}
	for t := range j.struck {
		sources := []string{"clusters", "backup_schedule", "backup_snapshots", "backup_exports", "export_buckets"}
		if t.group == one.labels["group_id"] && slices.Contains(sources, t.collector) {
			return true
		}
	}
	return false
}

// judgeValues holds every value against the last good ones.
func (j *judge) judgeValues(s *snapshot) {
	doubted := map[target]bool{}
	for key, was := range j.baseline.values {
		is, there := s.values[key]
		switch t := was.owner; {
		case j.strikes(t) && j.outcome.lies:
			doubted[t] = true
		case j.derived(was):
		case !there && j.gone(s, t):
		case j.strikes(t) && t.collector == "backup_schedule" && s.unsupported[t] == "backup_disabled":
			// Without backup there are no automatic exports, and none are expected.
			if strings.HasSuffix(was.name, "_auto_enabled") != there || there && is.value != 0 {
				j.complain("%s is %v, though backup is off", key, is.value)
			}
		case !there:
			j.complain("%s is missing", key)
		case is.value != was.value:
			j.complain("%s is %v, not %v", key, is.value, was.value)
		}
	}
	for key, is := range s.values {
		if _, there := j.baseline.values[key]; !there && !doubted[is.owner] && !j.derived(is) {
			j.complain("%s was not there before", key)
		}
	}
	for t := range doubted {
		j.judgePlausible(s, t)
	}
}

// jobsOf counts the jobs that a scrape shows of a target.
func jobsOf(s *snapshot, t target) (sum float64) {
	counts := "mongodbatlas_" + t.endpoint().jobs
	for _, one := range s.values {
		if one.owner == t && one.name == counts {
			sum += one.value
		}
	}
	return sum
}

// judgePlausible judges the values of a target whose answer is legal and untrue: no date that cannot be, no job that is
// lost.
func (j *judge) judgePlausible(s *snapshot, t target) {
	const year2000, year2100 = 946684800, 4102444800
	if is, was := jobsOf(s, t), jobsOf(j.baseline, t); is != was {
		j.complain("%s counts %v jobs, not %v", t, is, was)
	}
	for key, one := range s.values {
		never := one.value == 0 && (strings.HasSuffix(one.name, "_last_success_timestamp_seconds") || strings.HasSuffix(one.name, "_last_failure_timestamp_seconds"))
		isDate := strings.HasSuffix(one.name, "_timestamp_seconds") && !never
		if one.owner == t && (isDate && (one.value < year2000 || one.value > year2100) || strings.HasSuffix(one.name, "_duration_seconds") && one.value < 0) {
			j.complain("%s is %v, which cannot be", key, one.value)
		}
	}
}

// judgeHealth holds what is told of the exporter's own reading against itself.
func (j *judge) judgeHealth(s *snapshot) {
	type place struct{ collector, group, state string }
	counted, bad, up := map[place]float64{}, map[string]bool{}, 0.0
	for t, isUp := range s.up {
		counted[place{t.collector, t.group, map[bool]string{true: "up", false: "down"}[isUp]}]++
		bad[t.collector] = bad[t.collector] || !isUp
		if isUp && t.collector == projects {
			up = 1
		}
	}
	for t := range s.unsupported {
		counted[place{t.collector, t.group, "unsupported"}]++
	}
	for key, one := range s.others {
		if one.name != "mongodbatlas_targets" {
			continue
		}
		at := place{one.labels["collector"], one.labels["group_id"], one.labels["state"]}
		if at.state == "pending" {
			bad[at.collector] = bad[at.collector] || one.value > 0
		} else if one.value != counted[at] {
			j.complain("%s is %v, and target_up says %v", key, one.value, counted[at])
		}
		delete(counted, at)
	}
	for at, n := range counted {
		j.complain("%v targets are not in mongodbatlas_targets: %v", n, at)
	}
	for key, one := range s.others {
		if one.name == "mongodbatlas_scrape_collector_success" && (one.value == 1) == bad[one.labels["collector"]] {
			j.complain("%s is %v, and target_up says otherwise", key, one.value)
		}
	}
	if is := s.all["mongodbatlas_up{}"]; is != up {
		j.complain("mongodbatlas_up is %v, and target_up of the projects says %v", is, up)
	}
}

const (
	// oldest is how long ago, in seconds, a target that is up may have been read: everything is due with every scrape, or a
	// second later, and scrapes come one after the other.
	oldest = slowness * 30.0
	// freshest is oldest for targets beside others that hang.
	freshest = slowness * 8.0
)

// judgeChange holds a scrape against the one before: only what was read is fresh.
func (j *judge) judgeChange(s *snapshot) {
	for t, at := range s.refreshed {
		was, known := j.last.refreshed[t]
		age := float64(s.at.UnixMilli())/1000 - at
		switch {
		case !known:
		case at < was:
			j.complain("target %s was read at %v, and later at %v", t, was, at)
		case j.at == settled && j.struck[t] && !j.outcome.mayStayUp() && j.isStruck(j.last, t) && at != was:
			j.complain("target %s is down and looks fresh", t)
		case j.wide && j.strikes(t):
		case j.wide && s.up[t] && age > freshest:
			j.complain("target %s, which nothing strikes, was read %.1f s ago: the others starve it", t, age)
		case s.up[t] && age > oldest:
			j.complain("target %s is up and was read %.1f s ago", t, age)
		}
	}
}
