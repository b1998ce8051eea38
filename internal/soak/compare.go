package soak

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// group is what is expected of one target's series. Where the exporter has promised to notice a change later only, there
// is more than one thing that it may show, and it must show one of them whole.
type group struct {
	alternatives []samples
}

// difference is a sample that is not what it should be.
type difference struct {
	series    string
	want, got string
}

func (d difference) String() string {
	return fmt.Sprintf("%s: want %s, got %s", d.series, d.want, d.got)
}

const nothing = "no such series"

// comparison is the outcome of one comparison.
type comparison struct {
	compared    int // samples
	differences []difference
	matched     samples // what was expected, with the alternative that held
}

// compare holds an answer against what is expected of it. Only those series of the answer count that belongs accepts.
func compare(groups []group, got harness.Exposition, belongs func(key string) bool) comparison {
	c := comparison{matched: samples{}}
	for _, g := range groups {
		best := g.alternatives[0]
		for _, alternative := range g.alternatives {
			if len(missing(alternative, got)) == 0 && !hasMore(best, alternative, got) {
				best = alternative
				break
			}
		}
		c.matched.add(best)
	}
	c.differences = missing(c.matched, got)
	for key, value := range got {
		if !belongs(key) {
			continue
		}
		c.compared++
		if _, expected := c.matched[key]; !expected {
			c.differences = append(c.differences, difference{key, nothing, number(value)})
		}
	}
	slices.SortFunc(c.differences, func(a, b difference) int { return strings.Compare(a.series, b.series) })
	return c
}

// missing lists the expected samples that are not there, or have another value.
func missing(want samples, got harness.Exposition) []difference {
	var differences []difference
	for key, allowed := range want {
		switch value, there := got[key]; {
		case !there:
			differences = append(differences, difference{key, allowed.String(), nothing})
		case !allowed.has(value):
			differences = append(differences, difference{key, allowed.String(), number(value)})
		}
	}
	return differences
}

// hasMore reports whether an answer has a series of the first alternative that this one does not expect.
func hasMore(first, this samples, got harness.Exposition) bool {
	for key := range first {
		_, there := got[key]
		_, expected := this[key]
		if there && !expected {
			return true
		}
	}
	return false
}
