package soak

import (
	"maps"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestCompareTakesOneAlternativeWhole has the exporter show a mixture of what it may know before and after.
func TestCompareTakesOneAlternativeWhole(t *testing.T) {
	t.Parallel()
	after, before := samples{}, samples{}
	for _, name := range []string{"a", "b"} {
		after.set(1, name)
		before.set(2, name)
	}
	before.set(2, "c")
	want := []group{{alternatives: []samples{after, before}}}
	for name, test := range map[string]struct {
		got         harness.Exposition
		differences int
	}{
		"after":         {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1}, 0},
		"before":        {harness.Exposition{`mongodbatlas_a{}`: 2, `mongodbatlas_b{}`: 2, `mongodbatlas_c{}`: 2}, 0},
		"a mixture":     {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 2}, 1},
		"one too many":  {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1, `mongodbatlas_c{}`: 2}, 1},
		"another":       {harness.Exposition{`mongodbatlas_a{}`: 1, `mongodbatlas_b{}`: 1, `mongodbatlas_d{}`: 2}, 1},
		"others' alone": {harness.Exposition{`go_goroutines{}`: 5}, 2},
	} {
		if _, found := compare(want, test.got); len(found) != test.differences {
			t.Errorf("%s: %v, want %d differences", name, found, test.differences)
		}
	}
}

// TestBetween notices what no change in Atlas excuses.
func TestBetween(t *testing.T) {
	t.Parallel()
	const state = prefix + `backup_export_last_job_state{cl_name="a",state="`
	whole := harness.Exposition{state + `Failed"}`: 0, state + `Queued"}`: 1, prefix + "api_requests_total{}": 5}
	for name, test := range map[string]struct {
		key    string
		value  float64
		wrong  int
		before float64
	}{
		"a true scrape":        {state + `Queued"}`, 1, 0, 5},
		"two states":           {state + `Failed"}`, 1, 1, 5},
		"no state":             {state + `Queued"}`, 0, 1, 5},
		"a counter that fell":  {prefix + "api_requests_total{}", 4, 1, 5},
		"a counter that began": {prefix + "api_retries_total{}", 0, 0, 5},
	} {
		s := &soak{counted: harness.Exposition{prefix + "api_requests_total{}": test.before}}
		got := maps.Clone(whole)
		got[test.key] = test.value
		if found := s.judgeBetween(got); len(found) != test.wrong {
			t.Errorf("%s: %v, want %d differences", name, found, test.wrong)
		}
	}
}
