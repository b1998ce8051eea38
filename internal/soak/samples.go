package soak

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// prefix begins the names of all metrics that the exporter promises.
const prefix = "mongodbatlas_"

// span is the values that a sample may have, the bounds included. Nearly all have but one.
type span struct{ low, high float64 }

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

// seconds is a time as Atlas answers it: in whole seconds.
func seconds(t time.Time) float64 { return float64(t.Unix()) }

// precise is a time as the exporter shows its own: in milliseconds.
func precise(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// samples are what is expected of a part of an answer, by series.
type samples map[string]span

// set expects one value of a series. The name is without the prefix.
func (s samples) set(value float64, name string, pairs ...string) {
	s.within(value, value, name, pairs...)
}

func (s samples) within(low, high float64, name string, pairs ...string) {
	s[harness.Series(prefix+name, pairs...)] = span{low, high}
}

// flag expects 1 or 0.
func (s samples) flag(on bool, name string, pairs ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.set(value, name, pairs...)
}

const unknown = "unknown"

// stateSet expects 1 of the current state, and 0 of the other known ones; "unknown" stands for all that are not known.
func (s samples) stateSet(current string, known []string, label, name string, pairs ...string) {
	if !slices.Contains(known, current) {
		current = unknown
	}
	for _, state := range append(slices.Clone(known), unknown) {
		s.flag(state == current, name, append(slices.Clone(pairs), label, state)...)
	}
}

// group is what is expected of series that belong together. Where the exporter has promised to notice a change later only,
// there is more than one thing that it may show, and it must show one of them whole.
type group struct {
	project      string   // the id of the project whose probe shows it, "" for none, anyProject for each
	collectors   []string // scrapes of one of these collectors show it
	alternatives []samples
}

const anyProject = "any"

// chosen reports whether a scrape of one project or one collector shows the group; "" chooses all.
func (g group) chosen(project, collector string) bool {
	return (project == "" || g.project == project || g.project == anyProject) && (collector == "" || slices.Contains(g.collectors, collector))
}

// promised reports whether the oracle knows what a series must be. It leaves out the counters of calls: see judgeCalls.
func promised(key string) bool {
	return strings.HasPrefix(key, prefix) && !strings.HasPrefix(key, prefix+"api_") && harness.Family(key) != prefix+"exporter_build_info"
}

// compare holds the promised series of an answer against what is expected of it, and returns how many there are, and which
// are not what they should be.
func compare(groups []group, got harness.Exposition) (compared int, found []string) {
	want := samples{}
	for _, g := range groups {
		maps.Copy(want, g.best(got))
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

// best is the alternative that an answer shows whole, else the first.
func (g group) best(got harness.Exposition) samples {
	for _, alternative := range g.alternatives[1:] {
		surplus := func(key string) bool {
			_, shown := got[key]
			_, expected := alternative[key]
			return shown && !expected
		}
		if len(missing(alternative, got)) == 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(g.alternatives[0])), surplus) {
			return alternative
		}
	}
	return g.alternatives[0]
}

// missing lists the expected samples that are not there, or have another value.
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
