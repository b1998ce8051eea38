package faultmatrix

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
	org        *organization
	configured bool
	baseline   *snapshot
	last       *snapshot

	outcome outcome
	// wide has many targets struck at once: whether one of them has been asked for again is a matter of turns.
	wide bool
	// struck are the targets that the fault strikes.
	struck map[target]bool
	// sharing are targets that wait for the same rate limit, and so may be rate limited with the struck one.
	sharing map[target]bool
	// renamed is the project of which nothing but the form is judged; "" is none.
	renamed string
	// unnoticed has the fault be over before it can show.
	unnoticed bool
}

// isStruck tells whether a target shows what the fault makes of it in the end.
func (j *judge) isStruck(s *snapshot, t target) bool {
	reason, failed := s.failed[t]
	_, unsupported := s.unsupported[t]
	return failed && !slices.Contains(j.outcome.first, reason) || unsupported
}

// judge returns what is wrong with a scrape.
func (j *judge) judge(s *snapshot, p phase) []string {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	exempt := func(group string) bool { return p != calm && j.renamed != "" && group == j.renamed }
	j.judgeTargets(s, p, exempt, complain)
	j.judgeValues(s, p, exempt, complain)
	judgeStateSets(s, complain)
	j.judgeHealth(s, complain)
	if j.last != nil {
		j.judgeChange(s, p, complain)
	}
	slices.Sort(wrong)
	return wrong
}

// judgeTargets holds every target against what may have become of it.
func (j *judge) judgeTargets(s *snapshot, p phase, exempt func(string) bool, complain func(string, ...any)) {
	expected := map[target]bool{}
	for _, t := range j.org.all(j.configured) {
		expected[t] = true
		if exempt(t.group) {
			continue
		}
		up, shown := s.up[t]
		reason, failed := s.failed[t]
		unsupported, isUnsupported := s.unsupported[t]
		struck := j.struck[t] && p != calm
		switch {
		case isUnsupported:
			if !struck || j.outcome.unsupported != unsupported {
				complain("target %s is unsupported: %s", t, unsupported)
			}
		case !shown && t.endpoint().resource().parent != "" && j.gone(s, t, p):
			// what it belongs to went with the feature
		case !shown:
			complain("target %s has no target_up", t)
		case up && failed:
			complain("target %s is up with the reason %s", t, reason)
		case up:
			if struck && p == settled && !j.outcome.mayStayUp() {
				complain("target %s is up, and cannot be read", t)
			}
		case !failed:
			complain("target %s is down without a reason", t)
		case struck && !j.unnoticed && (slices.Contains(j.outcome.reasons, reason) || p != settled && slices.Contains(j.outcome.first, reason)):
		case p != calm && j.sharing[t] && reason == rateLimited:
		default:
			complain("target %s is down: %s", t, reason)
		}
		if _, ok := s.refreshed[t]; !ok && !isUnsupported && shown {
			complain("target %s does not tell when it was read", t)
		}
	}
	for t, reason := range j.org.excluded {
		expected[t] = true
		if got := s.unsupported[t]; got != reason && !exempt(t.group) {
			complain("target %s is unsupported for %q, not %q", t, got, reason)
		}
	}
	for t := range s.up {
		if !expected[t] && !exempt(t.group) {
			complain("there is no target %s", t)
		}
	}
}

// gone reports whether a target, or the list that it is an entry of, is gone with the feature.
func (j *judge) gone(s *snapshot, t target, p phase) bool {
	if p == calm || j.outcome.unsupported != featureGone {
		return false
	}
	parent := target{collector: t.endpoint().resource().parent, group: t.group}
	return s.unsupported[t] == featureGone || s.unsupported[parent] == featureGone
}

// derived reports whether a series is made of several answers, one of which is struck by something that may change its
// value.
func (j *judge) derived(one series, p phase) bool {
	switch one.name {
	case "mongodbatlas_backup_export_missing_snapshot_created_timestamp_seconds", "mongodbatlas_backup_export_bucket_found":
	default:
		return false
	}
	if p == calm || !j.outcome.lies && j.outcome.unsupported == "" {
		return false
	}
	for t := range j.struck {
		if t.group == one.labels["group_id"] && slices.Contains([]endpoint{clusters, schedule, snapshots, exports, buckets}, t.endpoint()) {
			return true
		}
	}
	return false
}

// judgeValues holds every value against the last good ones.
func (j *judge) judgeValues(s *snapshot, p phase, exempt func(string) bool, complain func(string, ...any)) {
	doubted := map[target]bool{}
	for key, was := range j.baseline.values {
		owner, group := was.owner(j.configured), was.labels["group_id"]
		is, there := s.values[key]
		switch {
		case exempt(group):
		case j.struck[owner] && p != calm && j.outcome.lies:
			doubted[owner] = true
		case j.derived(was, p):
		case !there && j.gone(s, owner, p):
		case owner.collector == schedule.collector() && s.unsupported[owner] == "backup_disabled" && j.struck[owner] && p != calm:
			// Without backup there are no automatic exports, and none are expected.
			if strings.HasSuffix(was.name, "_auto_enabled") != there || there && is.value != 0 {
				complain("%s is %v, though backup is off", key, is.value)
			}
		case !there:
			complain("%s is missing", key)
		case is.value != was.value:
			complain("%s is %v, not %v", key, is.value, was.value)
		}
	}
	for key, is := range s.values {
		owner := is.owner(j.configured)
		if _, there := j.baseline.values[key]; !there && !doubted[owner] && !exempt(is.labels["group_id"]) && !j.derived(is, p) {
			complain("%s was not there before", key)
		}
	}
	for owner := range doubted {
		j.judgePlausible(s, owner, complain)
	}
}

// judgePlausible judges the values of a target whose answer is legal and untrue: no date that cannot be, no job that is
// lost.
func (j *judge) judgePlausible(s *snapshot, owner target, complain func(string, ...any)) {
	const year2000, year2200 = 946684800, 7258118400
	jobs := func(s *snapshot) (sum float64) {
		for _, one := range s.values {
			if one.owner(j.configured) == owner && one.name == "mongodbatlas_"+owner.endpoint().resource().jobs {
				sum += one.value
			}
		}
		return sum
	}
	if is, was := jobs(s), jobs(j.baseline); is != was {
		complain("%s counts %v jobs, not %v", owner, is, was)
	}
	for key, one := range s.values {
		if one.owner(j.configured) != owner {
			continue
		}
		never := strings.HasSuffix(one.name, "_last_success_timestamp_seconds") || strings.HasSuffix(one.name, "_last_failure_timestamp_seconds")
		switch {
		case strings.HasSuffix(one.name, "_timestamp_seconds") && (one.value < year2000 || one.value > year2200) && (one.value != 0 || !never):
			complain("%s is %v, which is no date", key, one.value)
		case strings.HasSuffix(one.name, "_duration_seconds") && one.value < 0:
			complain("%s is %v", key, one.value)
		}
	}
}

// judgeStateSets holds that each state set sums to 1.
func judgeStateSets(s *snapshot, complain func(string, ...any)) {
	sums := map[string]float64{}
	for _, one := range s.values {
		var label string
		switch {
		case strings.HasSuffix(one.name, "_state"):
			label = "state"
		case strings.HasSuffix(one.name, "_phase"):
			label = "phase"
		default:
			continue
		}
		rest := maps.Clone(one.labels)
		delete(rest, label)
		sums[fmt.Sprint(one.name, rest)] += one.value
	}
	for key, sum := range sums {
		if sum != 1 {
			complain("the state set %s sums to %v", key, sum)
		}
	}
}

// judgeHealth holds what is told of the exporter's own reading against itself.
func (j *judge) judgeHealth(s *snapshot, complain func(string, ...any)) {
	type place struct{ collector, group, state string }
	counted, bad := map[place]float64{}, map[string]bool{}
	anyProject := false
	for t, up := range s.up {
		state := "down"
		if up {
			state = "up"
		}
		counted[place{t.collector, t.group, state}]++
		bad[t.collector] = bad[t.collector] || !up
		anyProject = anyProject || up && t.collector == projects.collector()
	}
	for t := range s.unsupported {
		counted[place{t.collector, t.group, "unsupported"}]++
	}
	for key, one := range s.others {
		switch one.name {
		case "mongodbatlas_targets":
			at := place{one.labels["collector"], one.labels["group_id"], one.labels["state"]}
			if at.state == "pending" {
				bad[at.collector] = bad[at.collector] || one.value > 0
			} else if one.value != counted[at] {
				complain("%s is %v, and target_up says %v", key, one.value, counted[at])
			}
			delete(counted, at)
		}
	}
	for at, n := range counted {
		complain("%v targets are not in mongodbatlas_targets: %v", n, at)
	}
	for key, one := range s.others {
		if one.name == "mongodbatlas_scrape_collector_success" && (one.value == 1) == bad[one.labels["collector"]] {
			complain("%s is %v, and target_up says otherwise", key, one.value)
		}
	}
	if up := s.number("mongodbatlas_up") == 1; up != anyProject {
		complain("mongodbatlas_up is %v, and target_up of the projects says %v", up, anyProject)
	}
}

// judgeChange holds a scrape against the one before: what counts never falls, and only what was read is fresh.
func (j *judge) judgeChange(s *snapshot, p phase, complain func(string, ...any)) {
	for t, at := range s.refreshed {
		was, known := j.last.refreshed[t]
		age := float64(s.at.UnixMilli())/1000 - at
		switch {
		case !known:
		case at < was:
			complain("target %s was read at %v, and later at %v", t, was, at)
		case p == settled && j.struck[t] && !j.outcome.mayStayUp() && j.isStruck(j.last, t) && at != was:
			complain("target %s is down and looks fresh", t)
		case j.wide && j.struck[t] && p != calm:
		case j.wide && s.up[t] && age > freshest:
			complain("target %s, which nothing strikes, was read %.1f s ago: the others starve it", t, age)
		case s.up[t] && age > oldest:
			complain("target %s is up and was read %.1f s ago", t, age)
		}
	}
	for key, one := range s.others {
		if was, ok := j.last.others[key]; ok && strings.HasSuffix(one.name, "_total") && one.value < was.value {
			complain("%s fell from %v to %v", key, was.value, one.value)
		}
	}
}

// oldest is how long ago, in seconds, a target that is up may have been read: everything is due with every scrape, or a
// second later, and scrapes come one after the other.
const oldest = slowness * 30.0

// freshest is oldest for targets beside others that hang.
const freshest = slowness * 8.0
