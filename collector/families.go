package collector

import (
	"fmt"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// family declares a metric family: its name and help, where its values come from, a query to start with, and the
// function that takes its samples from a subject.
type family[S any] struct {
	name, help string
	source     string   // the field of the API, "" if the exporter computes the value
	example    string   // "" if the metric needs none
	labels     []string // in addition to those of the subject
	samples    func(S, *sampler)
}

// query returns the family with a query to start with.
func (f family[S]) query(example string) family[S] {
	f.example = example
	return f
}

// number declares a family with one sample, or none if ok is false.
func number[S any](name, help, source string, value func(S) (v float64, ok bool)) family[S] {
	return family[S]{name: name, help: help, source: source, samples: func(s S, to *sampler) {
		if v, ok := value(s); ok {
			to.gauge(v)
		}
	}}
}

// timestamp declares a family with one sample, or none if there is no time.
func timestamp[S any](name, help, source string, value func(S) seconds) family[S] {
	return number(name, help, source, func(s S) (float64, bool) {
		at := value(s)
		return float64(at), at != 0
	})
}

// interval declares a family with one sample, or none if there is no interval.
func interval[S any](name, help, source string, value func(S) time.Duration) family[S] {
	return number(name, help, source, func(s S) (float64, bool) {
		every := value(s)
		return every.Seconds(), every > 0
	})
}

// count returns the value of a number that Atlas may leave out, for the families that take it. ok is false if it did.
func count[N int32 | int64](n atlasapi.Optional[N]) (value float64, ok bool) {
	return float64(n.Value), n.Set
}

// flag declares a family with one sample of 1 or 0, or none if Atlas does not say.
func flag[S any](name, help, source string, value func(S) atlasapi.Optional[bool]) family[S] {
	return number(name, help, source, func(s S) (float64, bool) {
		on := value(s)
		return truth(on.Value), on.Set
	})
}

func truth(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// stateSet declares a family with one sample for each state: 1 for the current one and 0 for the others, so that it
// sums to 1. Without a current state (ok is false), it has no samples.
func stateSet[S any](name, help, source, label string, states jobStates, current func(S) (index uint8, ok bool)) family[S] {
	return family[S]{name: name, help: help, source: source, labels: []string{label}, samples: func(s S, to *sampler) {
		is, ok := current(s)
		if !ok {
			return
		}
		for i, state := range states.names() {
			to.gauge(truth(i == int(is)), state)
		}
	}}
}

// families are declared families with the labels of their subject.
type families[S any] []boundFamily[S]

type boundFamily[S any] struct {
	metric  *metric
	samples func(S, *sampler)
}

func bind[S any](labels []string, declared ...family[S]) families[S] {
	bound := make(families[S], 0, len(declared))
	for _, f := range declared {
		m := newMetric("gauge", f.name, f.help, with(labels, f.labels...)...)
		m.source, m.example = f.source, f.example
		bound = append(bound, boundFamily[S]{m, f.samples})
	}
	return bound
}

// write sends the samples of all families for a subject with these label values.
func (f families[S]) write(w *writer, labels []string, subject S) {
	for i := range f {
		w.sampler = sampler{w, f[i].metric, labels}
		f[i].samples(subject, &w.sampler)
	}
}

func (f families[S]) metrics() []*metric {
	var all []*metric
	for i := range f {
		all = append(all, f[i].metric)
	}
	return all
}

// commonFamilies has the names and words for the metrics that all kinds of jobs share.
type commonFamilies struct {
	prefix string // of all names
	item   string // in the names: "job", "run"; "" if the prefix names the item
	noun   string // for people: "export job"
	counts string // help text of the number of jobs
	// The fields of the API with state, creation and end. If endedSource is "", Atlas sends no end: there is no metric
	// of it, and successes and failures are dated by their creation.
	stateSource, createdSource, endedSource string
	note                                    string // a sentence about what counts as a success, "" if that is clear
}

func (c *commonFamilies) plural() string { return c.prefix + c.part(c.item) + "s" }
func (c *commonFamilies) part(s string) string {
	if s == "" {
		return ""
	}
	return "_" + s
}

// commonOf declares the metrics that a kind of job shares with all others.
func commonOf[Job, Extra, Details any](k *jobKind[Job, Extra, Details]) []family[*summary[Extra, Details]] {
	type S = *summary[Extra, Details]
	c, states := &k.common, k.states
	counts, last := c.plural(), c.prefix+"_last"+c.part(c.item)
	success, failure := c.prefix+"_last_success_timestamp_seconds", c.prefix+"_last_failure_timestamp_seconds"
	oldest := c.prefix + "_oldest_unfinished" + c.part(c.item) + "_created_timestamp_seconds"
	when, dates := "ended, 0 if none did.", c.endedSource+", else "+c.createdSource
	if c.endedSource == "" || k.byCreation {
		when, dates = "was created, 0 if none was.", c.createdSource
	}
	listed := func(s S) bool { return s.total > 0 }
	all := []family[S]{
		family[S]{
			name: counts, help: c.counts, source: c.stateSource, labels: []string{"state"},
			samples: func(s S, to *sampler) {
				for i, name := range s.states.names() {
					to.gauge(float64(s.counts[i]), name)
				}
			},
		}.query(fmt.Sprintf("sum by (state) (%s)", counts)),
		stateSet(last+"_state", "State of the newest "+c.noun+": 1 for the current state, 0 for the others.", c.stateSource,
			"state", states, func(s S) (uint8, bool) { return s.newest.state, listed(s) }).
			query(fmt.Sprintf("%s_state{state=%q} == 1", last, states.first(OutcomeFailed))),
		timestamp(last+"_created_timestamp_seconds", "When the newest "+c.noun+" was created.", c.createdSource,
			func(s S) seconds { return s.newest.created }),
		number(success, "When the last successful "+c.noun+" "+when+c.note, dates,
			func(s S) (float64, bool) { return float64(s.date(&s.success)), listed(s) }).
			query(fmt.Sprintf("sort_desc(time() - %s)", success)),
		number(failure, "When the last failed "+c.noun+" "+when, dates,
			func(s S) (float64, bool) { return float64(s.date(&s.failure)), listed(s) }).
			query(fmt.Sprintf("%s > %s", failure, success)),
		timestamp(oldest, "When the oldest unfinished "+c.noun+" was created; absent when there is none.", c.createdSource,
			func(s S) seconds { return s.oldestUnfinished }).
			query(fmt.Sprintf("time() - %s > 6 * 3600", oldest)),
	}
	if c.endedSource == "" {
		return all
	}
	return slices.Concat(all, []family[S]{
		timestamp(last+"_finished_timestamp_seconds", "When the newest "+c.noun+" ended; absent while it runs, and where Atlas sends no end.", c.endedSource,
			func(s S) seconds {
				if s.outcome(&s.newest) == OutcomeUnfinished {
					return 0
				}
				return s.newest.ended
			}),
		number(c.prefix+"_last_success_duration_seconds", "Time from creation to end of the last successful "+c.noun+"; absent where Atlas sends no end.",
			c.createdSource+" and "+c.endedSource, S.duration),
	})
}
