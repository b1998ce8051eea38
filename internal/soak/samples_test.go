package soak

import (
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestCompareTakesBeforeOrAfter also compares a mixture of the samples before and after a change.
func TestCompareTakesBeforeOrAfter(t *testing.T) {
	t.Parallel()
	after, before := samples{}, samples{}
	for _, name := range []string{"a", "b"} {
		after.set(1, name, nil)
		before.set(2, name, nil)
	}
	before.set(2, "c", nil)
	want := []group{{samples: after, before: before}}
	for name, test := range map[string]struct {
		got         harness.Exposition
		differences int
	}{
		"after":              {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1}, 0},
		"before":             {harness.Exposition{`mongodbatlas_a{}`: 2, `mongodbatlas_b{}`: 2, `mongodbatlas_c{}`: 2}, 0},
		"a mixture":          {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 2}, 1},
		"one too many":       {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1, `mongodbatlas_c{}`: 2}, 1},
		"another":            {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1, `mongodbatlas_d{}`: 2}, 1},
		"only other metrics": {harness.Exposition{`go_goroutines{}`: 5}, 2},
	} {
		if _, found := compare(want, test.got); len(found) != test.differences {
			t.Errorf("%s: %v, want %d differences", name, found, test.differences)
		}
	}
}
