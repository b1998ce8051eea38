package soak

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// prefix is the prefix of the metrics that the exporter documents.
const prefix = "mongodbatlas_"

// span is the inclusive range of values that a sample may have. Most ranges have a single value.
type span struct{ low, high float64 }

func (s span) String() string {
	if s.low == s.high {
		return number(s.low)
	}
	return number(s.low) + " to " + number(s.high)
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// seconds returns a time in whole seconds, as in the answers of Atlas.
func seconds(t time.Time) float64 { return float64(t.Unix()) }

// precise returns a time in milliseconds, as in the metrics about the exporter itself.
func precise(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// samples are expected values by series.
type samples map[string]span

// set expects one value. The name has no prefix. labels and more are alternating names and values.
func (s samples) set(value float64, name string, labels []string, more ...string) {
	s.within(value, value, name, labels, more...)
}

func (s samples) within(low, high float64, name string, labels []string, more ...string) {
	s[harness.Series(prefix+name, slices.Concat(labels, more)...)] = span{low, high}
}

func (s samples) flag(on bool, name string, labels []string, more ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.set(value, name, labels, more...)
}

const unknown = "unknown"

// stateSet expects 1 for the current state and 0 for every other known state. The state "unknown" covers all other values.
func (s samples) stateSet(current string, known []string, name string, labels []string, label string) {
	if !slices.Contains(known, current) {
		current = unknown
	}
	for _, state := range append(slices.Clone(known), unknown) {
		s.flag(state == current, name, labels, label, state)
	}
}

// group is a set of expected series that belong together.
type group struct {
	project    string   // id of the project whose probe shows the group; "" for none, anyProject for all
	collectors []string // a scrape of any of these shows the group
	samples    samples
	// before, unless nil, are the samples before a change that the exporter may notice later. A scrape must have either
	// all of samples or all of before.
	before samples
}

const anyProject = "any"

// shownBy reports whether a scrape of the project and the collector shows the group; "" means all.
func (g group) shownBy(project, collector string) bool {
	return (project == "" || g.project == project || g.project == anyProject) &&
		(collector == "" || slices.Contains(g.collectors, collector))
}

// promised reports whether the oracle computes a series. It does not compute the counters of calls: see judgeCalls.
func promised(key string) bool {
	name, ours := strings.CutPrefix(harness.Family(key), prefix)
	return ours && !strings.HasPrefix(name, "api_") && name != "exporter_build_info"
}

// compare compares the promised series of a scrape with the expected ones. It returns their number and the differences.
func compare(groups []group, got harness.Exposition) (compared int, found []string) {
	want := samples{}
	for _, g := range groups {
		if g.showsBefore(got) {
			maps.Copy(want, g.before)
		} else {
			maps.Copy(want, g.samples)
		}
	}
	found = missing(want, got)
	for key, value := range got {
		if !promised(key) {
			continue
		}
		compared++
		if _, expected := want[key]; !expected {
			found = append(found, fmt.Sprintf("%s: want no such series, got %s", key, number(value)))
		}
	}
	slices.Sort(found)
	return compared, found
}

// showsBefore reports whether a scrape has all samples before the change, and no other series of the group.
func (g group) showsBefore(got harness.Exposition) bool {
	if g.before == nil || len(missing(g.before, got)) > 0 {
		return false
	}
	for key := range g.samples {
		_, shown := got[key]
		if _, expected := g.before[key]; shown && !expected {
			return false
		}
	}
	return true
}

// missing returns a message for each expected sample that is absent or has another value.
func missing(want samples, got harness.Exposition) []string {
	var found []string
	for key, allowed := range want {
		switch value, shown := got[key]; {
		case !shown:
			found = append(found, fmt.Sprintf("%s: want %s, got no such series", key, allowed))
		case value < allowed.low || value > allowed.high:
			found = append(found, fmt.Sprintf("%s: want %s, got %s", key, allowed, number(value)))
		}
	}
	return found
}
