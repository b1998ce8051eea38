package main

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// journal is what Atlas held and when, sample by sample: what every stored sample is judged by.
type journal struct {
	series map[string]*history
	// of is what was last noted: by thing, number of the group and number of the alternative.
	of map[notedPart]samples
}

type notedPart struct {
	thing              any
	group, alternative int
}

// history is the values of a series, in order of time.
type history struct {
	periods []period
	// steady are the times in which the series must be there in every scrape.
	steady []span
}

// period is a value and the time in which it held, in seconds since 1970. The end is infinite while it holds.
type period struct {
	value    span
	from, to float64
}

func newJournal() *journal {
	return &journal{series: map[string]*history{}, of: map[notedPart]samples{}}
}

func (j *journal) history(key string) *history {
	h := j.series[key]
	if h == nil {
		h = &history{}
		j.series[key] = h
	}
	return h
}

// note takes down that a thing comes to these samples from now on. Where it has alternatives, each may show.
func (j *journal) note(at time.Time, thing any, groups []group) {
	now := math64(at)
	for i, g := range groups {
		for n, alternative := range g.alternatives {
			j.replace(now, notedPart{thing, i, n}, alternative)
		}
		if len(g.alternatives) == 1 {
			j.replace(now, notedPart{thing, i, 1}, nil)
		}
	}
	for i := len(groups); ; i++ {
		if _, there := j.of[notedPart{thing, i, 0}]; !there {
			return
		}
		j.replace(now, notedPart{thing, i, 0}, nil)
		j.replace(now, notedPart{thing, i, 1}, nil)
	}
}

// things are those of which something is noted.
func (j *journal) things() map[any]bool {
	noted := map[any]bool{}
	for part := range j.of {
		noted[part.thing] = true
	}
	return noted
}

// replace ends the periods of values that changed and begins others.
func (j *journal) replace(now float64, part notedPart, fresh samples) {
	before := j.of[part]
	for key, value := range before {
		if is, there := fresh[key]; !there || is != value {
			j.end(key, value, now)
		}
	}
	for key, value := range fresh {
		if was, there := before[key]; !there || was != value {
			h := j.history(key)
			h.periods = append(h.periods, period{value: value, from: now, to: math.Inf(1)})
		}
	}
	if fresh == nil {
		delete(j.of, part)
		return
	}
	j.of[part] = fresh
}

// end ends the last period of a value that still holds.
func (j *journal) end(key string, value span, now float64) {
	held := j.history(key).periods
	for i := len(held) - 1; i >= 0; i-- {
		if held[i].value == value && math.IsInf(held[i].to, 1) {
			held[i].to = now
			return
		}
	}
}

// seen takes down that a series was there at two looks, one after the other, and in between nothing was done that could
// have made it go: it must be there in every scrape since the first of them, up to the second one's beginning. previous is
// when the first one began.
func (j *journal) seen(key string, previous, since, to float64) {
	h := j.history(key)
	if n := len(h.steady); n > 0 && h.steady[n-1].high == previous {
		h.steady[n-1].high = to
		return
	}
	h.steady = append(h.steady, span{since, to})
}

// held reports whether Atlas held a value at some time from one to another.
func (h *history) held(value, from, to float64) bool {
	begun := sort.Search(len(h.periods), func(i int) bool { return h.periods[i].from > to })
	for _, p := range slices.Backward(h.periods[:begun]) {
		if p.value.has(value) && p.to >= from {
			return true
		}
	}
	return false
}

// around tells what Atlas held in the minute around a time.
func (h *history) around(at float64) string {
	const near = 30
	var held []string
	for _, p := range h.periods {
		if p.from <= at+near && at-near <= p.to {
			held = append(held, fmt.Sprintf("%s from %s to %s", p.value, clockTime(p.from), clockTime(p.to)))
		}
	}
	if len(held) == 0 {
		return nothing
	}
	return strings.Join(held, ", ")
}

// demands reports whether the series must be there in a scrape that began at a time.
func (h *history) demands(at float64) bool {
	return slices.ContainsFunc(h.steady, func(s span) bool { return s.has(at) })
}

// volatile reports whether a series comes and goes with what a job does.
func volatile(key string) bool {
	switch familyOf(key) {
	case exportFamily + "_last_job_exported_collections", exportFamily + "_last_job_collections",
		exportFamily + "_last_job_finished_timestamp_seconds", exportFamily + "_last_success_duration_seconds",
		exportFamily + "_last_failure_info", exportFamily + "_oldest_unfinished_job_created_timestamp_seconds",
		restoreFamily + "_last_job_finished_timestamp_seconds", restoreFamily + "_last_success_duration_seconds",
		restoreFamily + "_oldest_unfinished_job_created_timestamp_seconds",
		runFamily + "_last_run_exported_bytes", runFamily + "_last_run_documents",
		runFamily + "_last_success_exported_bytes", runFamily + "_last_success_documents",
		runFamily + "_oldest_unfinished_run_created_timestamp_seconds",
		runFamily + "_next_dataset_deletion_timestamp_seconds":
		return true
	}
	return false
}
