package faultmatrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// phase determines what a scrape may show of the struck targets.
type phase int

const (
	// calm: there is no fault, so every sample must be as in the baseline.
	calm phase = iota
	// faulty: each struck target may show its true state or the outcome of the fault.
	faulty
	// settled: each struck target must show the outcome of the fault.
	settled
)

// judge decides what a scrape may show. It does not depend on how the exporter works.
type judge struct {
	// targets are all targets. The value is the reason if Atlas never supports the target, else "".
	targets  map[target]string
	baseline *snapshot
	last     *snapshot

	outcome outcome
	// wide is true if the fault strikes many targets. Then the order of requests decides when each target is read again.
	wide bool
	// struck are the targets that the fault strikes.
	struck map[target]bool
	// sharing are the targets that share a rate limit with the struck one. They may be rate limited, too.
	sharing map[target]bool
	// unnoticed is true if the exporter retries before the fault can show.
	unnoticed bool

	at    phase
	wrong []string // problems of the current scrape
}

func (j *judge) complain(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// judge returns the problems of a scrape.
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

// isStruck reports whether a target shows a failure or is unsupported.
func (j *judge) isStruck(s *snapshot, t target) bool {
	_, failed := s.failed[t]
	_, unsupported := s.unsupported[t]
	return failed || unsupported
}

// judgeTargets checks the health of every target.
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
			j.complain("unexpected target %s", t)
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
		if !j.gone(s, t) { // the whole feature may be gone
			j.complain("target %s has no target_up", t)
		}
		return
	case up && failed:
		j.complain("target %s is up with the reason %s", t, reason)
	case up:
		if struck && j.at == settled && !j.outcome.mayStayUp() {
			j.complain("target %s is up although it cannot be read", t)
		}
	case !failed:
		j.complain("target %s is down without a reason", t)
	case struck && !j.unnoticed && slices.Contains(j.outcome.reasons, reason):
	case j.at != calm && j.sharing[t] && reason == rateLimited:
	default:
		j.complain("target %s is down: %s", t, reason)
	}
	if _, ok := s.refreshed[t]; !ok {
		j.complain("target %s has no time of its last refresh", t)
	}
}

// gone reports whether the feature of a target, or of the list that names it, is gone.
func (j *judge) gone(s *snapshot, t target) bool {
	parent := target{collector: t.endpoint().parent, group: t.group}
	return j.at != calm && j.outcome.unsupported == featureGone && (s.unsupported[t] == featureGone || s.unsupported[parent] == featureGone)
}

// derived reports whether the exporter computes a series from several answers, and the fault may change one of them.
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

// judgeValues compares every value with the baseline.
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
			// While backup is disabled, auto export is off and no export is expected.
			if strings.HasSuffix(was.name, "_auto_enabled") != there || there && is.value != 0 {
				j.complain("%s is %v although backup is disabled", key, is.value)
			}
		case !there:
			j.complain("%s is missing", key)
		case is.value != was.value:
			j.complain("%s is %v, not %v", key, is.value, was.value)
		}
	}
	for key, is := range s.values {
		if _, there := j.baseline.values[key]; !there && !doubted[is.owner] && !j.derived(is) {
			j.complain("%s is not in the baseline", key)
		}
	}
	for t := range doubted {
		j.judgePlausible(s, t)
	}
}

// jobsOf returns the number of jobs that a scrape shows for a target.
func jobsOf(s *snapshot, t target) (sum float64) {
	counts := "mongodbatlas_" + t.endpoint().jobs
	for _, one := range s.values {
		if one.owner == t && one.name == counts {
			sum += one.value
		}
	}
	return sum
}

// judgePlausible checks the values of a target whose answer is valid but untrue: every date must be possible, and no job may
// be lost.
func (j *judge) judgePlausible(s *snapshot, t target) {
	const year2000, year2100 = 946684800, 4102444800
	if is, was := jobsOf(s, t), jobsOf(j.baseline, t); is != was {
		j.complain("%s counts %v jobs, not %v", t, is, was)
	}
	for key, one := range s.values {
		never := one.value == 0 && (strings.HasSuffix(one.name, "_last_success_timestamp_seconds") || strings.HasSuffix(one.name, "_last_failure_timestamp_seconds"))
		isDate := strings.HasSuffix(one.name, "_timestamp_seconds") && !never
		if one.owner == t && (isDate && (one.value < year2000 || one.value > year2100) || strings.HasSuffix(one.name, "_duration_seconds") && one.value < 0) {
			j.complain("%s is %v, which is impossible", key, one.value)
		}
	}
}

// judgeHealth checks that the exporter's own health metrics agree with each other.
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
			j.complain("%s is %v, but target_up says %v", key, one.value, counted[at])
		}
		delete(counted, at)
	}
	for at, n := range counted {
		j.complain("mongodbatlas_targets lacks %v targets: %v", n, at)
	}
	for key, one := range s.others {
		if one.name == "mongodbatlas_scrape_collector_success" && (one.value == 1) == bad[one.labels["collector"]] {
			j.complain("%s is %v, but target_up says otherwise", key, one.value)
		}
	}
	if is := s.all["mongodbatlas_up{}"]; is != up {
		j.complain("mongodbatlas_up is %v, but target_up of the projects says %v", is, up)
	}
}

const (
	// oldest is the maximum age of a target that is up, in seconds. Every target is due at each scrape, or a second later,
	// and there is one scrape at a time.
	oldest = slowness * 30.0
	// freshest is the maximum age, in seconds, of a healthy target while others hang.
	freshest = slowness * 8.0
)

// judgeChange compares a scrape with the previous one: only a target that was read may look fresh.
func (j *judge) judgeChange(s *snapshot) {
	for t, at := range s.refreshed {
		was, known := j.last.refreshed[t]
		age := float64(s.at.UnixMilli())/1000 - at
		switch {
		case !known:
		case at < was:
			j.complain("the last refresh of target %s went back from %v to %v", t, was, at)
		case j.at == settled && j.struck[t] && !j.outcome.mayStayUp() && j.isStruck(j.last, t) && at != was:
			j.complain("target %s is down but looks fresh", t)
		case j.wide && j.strikes(t):
		case j.wide && s.up[t] && age > freshest:
			j.complain("target %s is not struck but was read %.1f s ago: other targets starve it", t, age)
		case s.up[t] && age > oldest:
			j.complain("target %s is up but was read %.1f s ago", t, age)
		}
	}
}
