package soak

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// This file computes the expected samples of jobs. It shares no code with the exporter, keeps no state, and looks at every
// job each time.

// job is a job of any kind as the oracle sees it.
type job struct {
	id, state string
	outcome   string // succeeded, failed, unfinished or neither; jobKind.states has the default
	delivery  string // delivery type of a restore
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

// A filter selects jobs.
type filter func(job) bool

func anyJob(job) bool { return true }

func in(state string) filter { return func(j job) bool { return j.state == state } }

func came(outcome string) filter { return func(j job) bool { return j.outcome == outcome } }

func has(field string, keep filter) filter {
	return func(j job) bool { _, ok := j.at[field]; return ok && keep(j) }
}

func pickJobs(jobs []job, keep filter) []job {
	return slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return !keep(j) })
}

// byCreation compares jobs by creation. In the same second, the higher id is newer.
func byCreation(a, b job) int {
	return cmp.Or(cmp.Compare(a.at["created"], b.at["created"]), cmp.Compare(a.id, b.id))
}

// byDate compares jobs by the date of their outcome, then by creation.
func byDate(a, b job) int {
	return cmp.Or(cmp.Compare(a.at["date"], b.at["date"]), byCreation(a, b))
}

// An aggregate computes the value of a metric. If ok is false, the metric has no value.
type aggregate func(jobs []job) (value float64, ok bool)

// newest returns a field of the newest job.
func newest(field string, keep filter) aggregate { return last(field, keep, byCreation) }

// latest returns a field of the job with the latest date.
func latest(field, outcome string) aggregate { return last(field, came(outcome), byDate) }

// last returns a field of the job that comes last in an order.
func last(field string, keep filter, order func(a, b job) int) aggregate {
	return func(jobs []job) (float64, bool) {
		kept := pickJobs(jobs, keep)
		if len(kept) == 0 {
			return 0, false
		}
		value, ok := slices.MaxFunc(kept, order).at[field]
		return value, ok
	}
}

// least and most return the minimum and the maximum of a field.
func least(field string, keep filter) aggregate {
	return last(field, has(field, keep), func(a, b job) int { return cmp.Compare(b.at[field], a.at[field]) })
}

func most(field string, keep filter) aggregate {
	return last(field, has(field, keep), func(a, b job) int { return cmp.Compare(a.at[field], b.at[field]) })
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

// samples returns the expected samples of jobs of one kind, separately for each delivery type.
func (k *jobKind) samples(jobs []job, labels []string) samples {
	s := samples{}
	deliveries := map[string][]job{}
	if !k.onlyListed {
		deliveries[""] = nil
	}
	for _, j := range jobs {
		deliveries[j.delivery] = append(deliveries[j.delivery], j)
	}
	for delivery, jobs := range deliveries {
		k.expect(s, jobs, slices.Concat(labels, []string{"delivery_type", delivery}))
	}
	return s
}

func (k *jobKind) expect(s samples, jobs []job, labels []string) {
	states := slices.Sorted(maps.Keys(k.states))
	for _, state := range states {
		s.set(float64(len(pickJobs(jobs, in(state)))), k.family+k.item+"s", labels, "state", state)
	}
	others := pickJobs(jobs, func(j job) bool { return !slices.Contains(states, j.state) })
	s.set(float64(len(others)), k.family+k.item+"s", labels, "state", unknown)
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
			s.set(v, k.family+name, labels)
		}
	}
	if len(jobs) == 0 {
		return
	}
	newest := slices.MaxFunc(jobs, byCreation)
	s.stateSet(newest.state, states, k.family+"_last"+k.item+"_state", labels, "state")
	if k.phases != nil {
		s.stateSet(newest.word, k.phases, k.family+"_last"+k.item+"_phase", labels, "phase")
	}
	if ended := pickJobs(jobs, came(failed)); k.failureInfo && len(ended) > 0 {
		s.set(1, k.family+"_last_failure_info", labels, "error_code", slices.MaxFunc(ended, byCreation).word)
	}
}
