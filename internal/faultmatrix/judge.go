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
	baseline *scrape // has all targets, and their values
	last     *scrape

	outcome outcome
	// wide is true if the fault strikes many targets. Then the order of requests decides when each target is read again.
	wide bool
	// struck are the targets that the fault strikes.
	struck map[target]bool
	// limited are the targets that share a rate limit with the struck one. They may be rate limited, too.
	limited map[target]bool
	// uncertain is the project whose derived series may change: those that follow from several lists.
	uncertain string

	at    phase
	wrong []string // problems of the current scrape
}

func (j *judge) complain(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// judge returns the problems of a scrape.
func (j *judge) judge(s *scrape, at phase) []string {
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

// shown returns the number of struck targets that show the fault.
func (j *judge) shown(s *scrape) (n int) {
	for t := range j.struck {
		if s.states[t] != "up" {
			n++
		}
	}
	return n
}

// judgeTargets checks the state of every target.
func (j *judge) judgeTargets(s *scrape) {
	for t := range j.baseline.states {
		is, allowed := s.states[t], j.allowed(s, t)
		if !slices.Contains(allowed, is) {
			j.complain("target %s is %q, want one of %q", t, is, allowed)
		}
		if _, ok := s.refreshed[t]; !ok && (is == "up" || strings.HasPrefix(is, "down")) {
			j.complain("target %s has no time of its last refresh", t)
		}
	}
	for t := range s.states {
		if _, expected := j.baseline.states[t]; !expected {
			j.complain("unexpected target %s", t)
		}
	}
}

// allowed returns the states that a target may have. The state of a missing target is "".
func (j *judge) allowed(s *scrape, t target) []string {
	if state := j.baseline.states[t]; state != "up" { // Atlas never supports it
		return []string{state}
	}
	var states []string
	if !j.strikes(t) || j.at != settled || j.outcome.mayStayUp() {
		states = append(states, "up")
	}
	if j.strikes(t) {
		for _, reason := range j.outcome.reasons {
			states = append(states, "down: "+reason)
		}
		if reason := j.outcome.unsupported; reason != "" {
			states = append(states, "unsupported: "+reason)
		}
	}
	if j.at != calm && j.limited[t] {
		states = append(states, "down: "+rateLimited)
	}
	if j.gone(s, t) {
		states = append(states, "")
	}
	return states
}

// gone reports whether the feature of a target, or of the list that names it, is gone.
func (j *judge) gone(s *scrape, t target) bool {
	const gone = "unsupported: " + featureGone
	parent := target{collector: t.endpoint().parent, group: t.group}
	return j.at != calm && j.outcome.unsupported == featureGone && (s.states[t] == gone || s.states[parent] == gone)
}

// derived reports whether the exporter computes a series from several answers, and the fault may change one of them.
func (j *judge) derived(series string) bool {
	switch harness.Family(series) {
	case "mongodbatlas_backup_export_missing_snapshot_created_timestamp_seconds", "mongodbatlas_backup_export_bucket_found":
		return j.at != calm && harness.Labels(series)["group_id"] == j.uncertain
	}
	return false
}

// judgeValues compares every value with the baseline.
func (j *judge) judgeValues(s *scrape) {
	doubted := map[target]bool{}
	for series, t := range j.baseline.owners {
		is, there := s.all[series]
		was := j.baseline.all[series]
		switch {
		case j.strikes(t) && j.outcome.lies:
			doubted[t] = true
		case j.derived(series):
		case !there && j.gone(s, t):
		case j.strikes(t) && t.collector == "backup_schedule" && s.states[t] == "unsupported: backup_disabled":
			// While backup is disabled, auto export is off and no export is expected.
			if strings.HasSuffix(harness.Family(series), "_auto_enabled") != there || is != 0 {
				j.complain("%s is %v although backup is disabled", series, is)
			}
		case !there:
			j.complain("%s is missing", series)
		case is != was:
			j.complain("%s is %v, not %v", series, is, was)
		}
	}
	for series, t := range s.owners {
		if _, known := j.baseline.owners[series]; !known && !doubted[t] && !j.derived(series) {
			j.complain("%s is not in the baseline", series)
		}
	}
	for t := range doubted {
		j.judgePlausible(s, t)
	}
}

// judgePlausible checks the values of a target whose answer is valid but untrue: every date must be possible, and no job may
// be lost.
func (j *judge) judgePlausible(s *scrape, t target) {
	const year2000, year2100 = 946684800, 4102444800
	if is, was := s.jobs(t), j.baseline.jobs(t); is != was {
		j.complain("%s counts %v jobs, not %v", t, is, was)
	}
	for series, owner := range s.owners {
		if owner != t {
			continue
		}
		name, value := harness.Family(series), s.all[series]
		date, isDate := strings.CutSuffix(name, "_timestamp_seconds")
		never := value == 0 && (strings.HasSuffix(date, "_last_success") || strings.HasSuffix(date, "_last_failure"))
		wrongDate := isDate && !never && (value < year2000 || value > year2100)
		if wrongDate || strings.HasSuffix(name, "_duration_seconds") && value < 0 {
			j.complain("%s is %v, which is impossible", series, value)
		}
	}
}

// judgeHealth checks that the exporter's own health metrics agree with the states of the targets.
func (j *judge) judgeHealth(s *scrape) {
	type place struct{ collector, group, state string }
	uncounted, bad, up := map[place]float64{}, map[string]bool{}, 0.0
	for t, state := range s.states {
		state, _, _ = strings.Cut(state, ":")
		uncounted[place{t.collector, t.group, state}]++
		bad[t.collector] = bad[t.collector] || state == "down"
		if t.collector == projects && state == "up" {
			up = 1
		}
	}
	for series, n := range s.family("mongodbatlas_targets") {
		labels := harness.Labels(series)
		at := place{labels["collector"], labels["group_id"], labels["state"]}
		if at.state == "pending" {
			bad[at.collector] = bad[at.collector] || n > 0
		} else {
			uncounted[at] -= n
		}
	}
	for at, n := range uncounted {
		if n != 0 {
			j.complain("mongodbatlas_targets counts %v targets less than target_up: %v", n, at)
		}
	}
	for series, success := range s.family("mongodbatlas_scrape_collector_success") {
		if (success == 1) == bad[harness.Labels(series)["collector"]] {
			j.complain("%s is %v, but target_up says otherwise", series, success)
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
func (j *judge) judgeChange(s *scrape) {
	for t, at := range s.refreshed {
		was, known := j.last.refreshed[t]
		age, up := float64(s.at.UnixMilli())/1000-at, s.states[t] == "up"
		switch {
		case !known:
		case at < was:
			j.complain("the last refresh of target %s went back from %v to %v", t, was, at)
		case j.at == settled && j.struck[t] && !j.outcome.mayStayUp() && j.last.states[t] != "up" && at != was:
			j.complain("target %s is down but looks fresh", t)
		case j.wide && j.strikes(t):
		case j.wide && up && age > freshest:
			j.complain("target %s is not struck but was read %.1f s ago: other targets starve it", t, age)
		case up && age > oldest:
			j.complain("target %s is up but was read %.1f s ago", t, age)
		}
	}
}
