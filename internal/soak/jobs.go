package soak

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// This file computes the expected samples from the simulated Atlas's own objects. It shares no code with the exporter, keeps
// no state, and reads every job each time.

// job is a job of any kind as the oracle sees it.
type job struct {
	id, state string
	outcome   string // succeeded, failed, unfinished or neither; jobKind.states has the default
	group     string // delivery type
	word      string // phase of a run, error code of an export job, frequency of a snapshot
	// at has the dates and numbers of the job. "created" and "ended" are dates, "date" is the date of its success or
	// failure, and "took" is its duration; the rest depends on the kind. Values that Atlas does not report are missing.
	at     map[string]float64
	listed any    // as Atlas lists it
	remove func() // removes it from Atlas's list
}

const (
	succeeded  = "succeeded"
	failed     = "failed"
	unfinished = "unfinished"
	neither    = "neither"
)

// newJob returns a job. Its end, if it has one, is the date of its outcome.
func newJob(id, state string, created float64, ended time.Time) job {
	j := job{id: id, state: state, at: map[string]float64{"created": created, "date": created}}
	if !ended.IsZero() {
		j.at["ended"], j.at["date"] = seconds(ended), seconds(ended)
		j.at["took"] = j.at["ended"] - created
	}
	return j
}

// born returns the time in an ObjectId.
func born(id string) float64 {
	n, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		panic("id of the simulated Atlas is not an ObjectId: " + id)
	}
	return float64(n)
}

// newer compares jobs by creation. In the same second, the higher id is newer.
func (j job) newer(than job) bool {
	return j.at["created"] > than.at["created"] || j.at["created"] == than.at["created"] && j.id > than.id
}

// A filter selects jobs.
type filter func(job) bool

func anyJob(job) bool { return true }

func in(state string) filter { return func(j job) bool { return j.state == state } }

func came(outcome string) filter { return func(j job) bool { return j.outcome == outcome } }

func pickJobs(jobs []job, keep filter) []job {
	return slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return !keep(j) })
}

// An aggregate computes the value of a metric. If ok is false, the metric has no value.
type aggregate func(jobs []job) (value float64, ok bool)

// newest returns a field of the newest job.
func newest(field string, keep filter) aggregate {
	return first(field, keep, job.newer)
}

// latest returns a field of the job with the latest date. If several have the same date, it uses the newest.
func latest(field, outcome string) aggregate {
	return first(field, came(outcome), func(a, b job) bool {
		return a.at["date"] > b.at["date"] || a.at["date"] == b.at["date"] && a.newer(b)
	})
}

// first returns a field of the job that is before all others.
func first(field string, keep filter, before func(a, b job) bool) aggregate {
	return func(jobs []job) (float64, bool) {
		j, ok := firstJob(jobs, keep, before)
		if !ok {
			return 0, false
		}
		value, ok := j.at[field]
		return value, ok
	}
}

func firstJob(jobs []job, keep filter, before func(a, b job) bool) (found job, ok bool) {
	for _, j := range jobs {
		if keep(j) && (!ok || before(j, found)) {
			found, ok = j, true
		}
	}
	return found, ok
}

// least and most return the minimum and the maximum of a field.
func least(field string, keep filter) aggregate {
	return first(field, has(field, keep), func(a, b job) bool { return a.at[field] < b.at[field] })
}

func most(field string, keep filter) aggregate {
	return first(field, has(field, keep), func(a, b job) bool { return a.at[field] > b.at[field] })
}

func has(field string, keep filter) filter {
	return func(j job) bool { _, ok := j.at[field]; return ok && keep(j) }
}

// sum has no value if there are jobs but Atlas reports the field for none of them: the sum is unknown, not zero.
func sum(field string, keep filter) aggregate {
	return func(jobs []job) (float64, bool) {
		jobs, total := pickJobs(jobs, keep), 0.0
		for _, j := range jobs {
			total += j.at[field]
		}
		return total, len(jobs) == 0 || slices.ContainsFunc(jobs, has(field, anyJob))
	}
}

// orZero returns 0 if there are jobs but none that counts.
func orZero(a aggregate) aggregate {
	return func(jobs []job) (float64, bool) { value, _ := a(jobs); return value, len(jobs) > 0 }
}

// samples returns the expected samples of jobs of one kind, by delivery type if the kind has one.
func (k *jobKind) samples(jobs []job, labels []string) samples {
	s := samples{}
	if k.grouped {
		byGroup := map[string][]job{}
		for _, j := range jobs {
			byGroup[j.group] = append(byGroup[j.group], j)
		}
		for name, jobs := range byGroup {
			k.expect(s, jobs, append(slices.Clip(labels), "delivery_type", name))
		}
	} else if len(jobs) > 0 || !k.onlyListed {
		k.expect(s, jobs, labels)
	}
	return s
}

func (k *jobKind) expect(s samples, jobs []job, labels []string) {
	states := slices.Sorted(maps.Keys(k.states))
	for _, state := range states {
		s.set(float64(len(pickJobs(jobs, in(state)))), k.counts, append(slices.Clip(labels), "state", state)...)
	}
	others := pickJobs(jobs, func(j job) bool { return !slices.Contains(states, j.state) })
	s.set(float64(len(others)), k.counts, append(slices.Clip(labels), "state", unknown)...)
	metrics := map[string]aggregate{
		"_last" + k.item + "_created_timestamp_seconds":              newest("created", anyJob),
		"_last" + k.item + "_finished_timestamp_seconds":             newest("ended", anyJob),
		"_last_success_timestamp_seconds":                            orZero(latest("date", succeeded)),
		"_last_success_duration_seconds":                             latest("took", succeeded),
		"_last_failure_timestamp_seconds":                            orZero(latest("date", failed)),
		"_oldest_unfinished" + k.item + "_created_timestamp_seconds": least("created", came(unfinished)),
	}
	maps.Copy(metrics, k.metrics)
	for name, value := range metrics {
		if v, ok := value(jobs); ok {
			s.set(v, k.family+name, labels...)
		}
	}
	if j, ok := firstJob(jobs, anyJob, job.newer); ok {
		s.stateSet(j.state, states, "state", k.family+"_last"+k.item+"_state", labels...)
		if k.phases != nil {
			s.stateSet(j.word, k.phases, "phase", k.family+"_last"+k.item+"_phase", labels...)
		}
	}
	if j, ok := firstJob(jobs, came(failed), job.newer); ok && k.failureInfo {
		s.set(1, k.family+"_last_failure_info", append(slices.Clip(labels), "error_code", j.word)...)
	}
}
