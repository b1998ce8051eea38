package main

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// TestCompareTakesOneAlternativeWhole has the exporter show a mixture of what it may know before and after.
func TestCompareTakesOneAlternativeWhole(t *testing.T) {
	t.Parallel()
	after := samples{`mongodbatlas_a{}`: exactly(1), `mongodbatlas_b{}`: exactly(1)}
	before := samples{`mongodbatlas_a{}`: exactly(2), `mongodbatlas_b{}`: exactly(2), `mongodbatlas_c{}`: exactly(2)}
	want := []group{{[]samples{after, before}}}
	for name, test := range map[string]struct {
		got         scraped
		differences int
	}{
		"after":         {scraped{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1}, 0},
		"before":        {scraped{`mongodbatlas_a{}`: 2, `mongodbatlas_b{}`: 2, `mongodbatlas_c{}`: 2}, 0},
		"a mixture":     {scraped{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 2}, 1},
		"one too many":  {scraped{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1, `mongodbatlas_c{}`: 2}, 1},
		"another":       {scraped{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1, `mongodbatlas_d{}`: 2}, 1},
		"others' alone": {scraped{`go_goroutines{}`: 5}, 2},
	} {
		if found := compare(want, test.got, promised); len(found.differences) != test.differences {
			t.Errorf("%s: %v, want %d differences", name, found.differences, test.differences)
		}
	}
}

// TestJournal has a stored sample judged by what was held and when.
func TestJournal(t *testing.T) {
	t.Parallel()
	const key = "mongodbatlas_a{}"
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	j := newJournal()
	j.note(at(100), "thing", []group{{[]samples{{key: exactly(1)}}}})
	j.note(at(110), "thing", []group{{[]samples{{key: exactly(2)}, {key: exactly(1)}}}}) // the exporter may know of 1 still
	j.note(at(120), "thing", []group{{[]samples{{key: exactly(2)}}}})
	j.note(at(130), "thing", nil)
	for _, test := range []struct {
		value, from, to float64
		want            bool
	}{
		{1, 90, 95, false},
		{1, 95, 100, true},
		{2, 100, 109, false},
		{1, 112, 115, true},
		{2, 112, 115, true},
		{1, 121, 125, false},
		{2, 121, math.Inf(1), true},
		{2, 131, 140, false},
		{3, 0, 200, false},
	} {
		if got := j.history(key).held(test.value, test.from, test.to); got != test.want {
			t.Errorf("%v between %v and %v: %t, want %t", test.value, test.from, test.to, got, test.want)
		}
	}
	if len(j.things()) != 0 {
		t.Errorf("%v are still noted", j.things())
	}
}

// TestHoles has a series be demanded from one look to the next only.
func TestHoles(t *testing.T) {
	t.Parallel()
	j := newJournal()
	j.seen("a", 10, 12, 20) // the first look was from 10 to 12, the second began at 20
	j.seen("a", 20, 22, 30)
	j.seen("a", 40, 42, 50) // it was not there at 30
	h := j.history("a")
	var demanded []float64
	for at := 9.5; at < 60; at += 3 {
		if h.demands(at) {
			demanded = append(demanded, at)
		}
	}
	want := []float64{12.5, 15.5, 18.5, 21.5, 24.5, 27.5, 42.5, 45.5, 48.5}
	if !slices.Equal(demanded, want) {
		t.Errorf("demanded at %v, want %v", demanded, want)
	}
}

// TestFlatness tells what grows from what only goes up and down.
func TestFlatness(t *testing.T) {
	t.Parallel()
	r := resources()[0]
	sawtooth := make([]usage, 320)
	growing := make([]usage, 320)
	for i := range sawtooth {
		sawtooth[i].heap = 20<<20 + float64(i%16)*(1<<20)
		growing[i].heap = sawtooth[i].heap + float64(i)*(1<<20)/20
	}
	if f := flatnessOf(r, sawtooth); !f.flat() {
		t.Errorf("a sawtooth is not flat: %v", f.cells())
	}
	if f := flatnessOf(r, growing); f.flat() {
		t.Errorf("a leak is flat: %v", f.cells())
	}
}

// TestOutageKeepsValues has everything but the state of targets stay in an outage.
func TestOutageKeepsValues(t *testing.T) {
	t.Parallel()
	target := []string{"collector", "backup_exports", "group_id", "a", "cl_name", "b"}
	before := samples{}
	before.set(1, prefix+"up")
	before.set(1, prefix+"target_up", target...)
	before.set(5, prefix+"backup_export_jobs", "cl_name", "b", "group_id", "a", "state", "Queued")
	after := outage(before)
	want := maps.Clone(before)
	want.set(0, prefix+"up")
	want.set(0, prefix+"target_up", target...)
	want.set(1, prefix+"target_last_error_info", append(target, "reason", "unauthorized")...)
	if !maps.Equal(after, want) {
		t.Errorf("got %v, want %v", after, want)
	}
}
