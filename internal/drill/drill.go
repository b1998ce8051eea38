// Package drill plays incidents and benign days in scaled time, and reports which alerts paged.
//
// A simulated Atlas plays each scenario. The real exporter reads it, a real Prometheus evaluates the shipped alerting rules, and a
// real Alertmanager with the shipped inhibition rules sends the pages. One factor divides every duration of jobs and of rules. An
// incident must cause each expected page once, and no other pages. A benign day must not page. The scenarios are the tables in
// incidents.go and days.go. The package is a test and has a long form:
//
//	go test ./internal/drill                                                      a selection, a minute
//	go test ./internal/drill -run 'Drill$' -long -write -parallel 4 -timeout 60m  everything, and writes docs/drill.md
//	go test ./internal/drill -run 'Drill$' -long -only '^restore'                 some of it
package drill

import (
	"slices"
	"testing"
	"time"
)

// drill has the parameters of a drill.
type drill struct {
	factor float64
	rules  []byte
	// grace is the wall-clock time that the drill waits for an expected page after the end of a scenario.
	grace time.Duration
}

// run plays scenarios. Scenarios with their own programs run in parallel with the others, limited by -parallel.
func (d *drill) run(t *testing.T, all []scenario) *report {
	t.Helper()
	var together []scenario
	var stacks [][]scenario
	for _, s := range all {
		if s.own {
			stacks = append(stacks, []scenario{s})
		} else {
			together = append(together, s)
		}
	}
	if together != nil {
		stacks = slices.Insert(stacks, 0, together)
	}
	began := time.Now()
	verdicts, lost := make([][]verdict, len(stacks)), make([]float64, len(stacks))
	t.Run("stacks", func(t *testing.T) {
		for i, scenarios := range stacks {
			name := "together"
			if scenarios[0].own {
				name = scenarios[0].name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				verdicts[i], lost[i] = d.play(t, scenarios)
			})
		}
	})
	r := &report{Factor: d.factor, Took: time.Since(began).Round(time.Second), verdicts: slices.Concat(verdicts...)}
	if together != nil {
		r.Lost = 100 * lost[0] // scenarios with their own programs lose scrapes on purpose
	}
	return r
}
