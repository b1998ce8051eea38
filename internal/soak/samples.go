package soak

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// prefix begins the names of all metrics that the exporter promises.
const prefix = "mongodbatlas_"

// span is the values that a sample may have, the bounds included. Nearly all have but one.
type span struct{ low, high float64 }

func exactly(value float64) span { return span{value, value} }

func (s span) has(value float64) bool { return s.low <= value && value <= s.high }

func (s span) String() string {
	switch {
	case s.low == s.high:
		return number(s.low)
	case math.IsInf(s.high, 1):
		return "at least " + number(s.low)
	}
	return number(s.low) + " to " + number(s.high)
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// samples are what is expected of a part of an answer, by series.
type samples map[string]span

// set expects one value of a series.
func (s samples) set(value float64, name string, pairs ...string) {
	s[harness.Series(name, pairs...)] = exactly(value)
}

// flag expects 1 or 0.
func (s samples) flag(on bool, name string, pairs ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.set(value, name, pairs...)
}

// stateSet expects 1 of the current state, and 0 of the other known ones and of "unknown", or the other way about where
// the current one is not known.
func (s samples) stateSet(current string, known []string, label, name string, pairs ...string) {
	if !slices.Contains(known, current) {
		current = unknown
	}
	for _, state := range append(slices.Clone(known), unknown) {
		s.flag(state == current, name, append(slices.Clone(pairs), label, state)...)
	}
}

const unknown = "unknown"

// add takes over the samples of another part.
func (s samples) add(others samples) { maps.Copy(s, others) }
