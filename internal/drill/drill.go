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
//	go test ./internal/drill -run 'Drill$' -long -break MongoDBAtlasRateLimited   with an alert that never fires
package drill

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// drill has the parameters of a drill.
type drill struct {
	factor float64
	rules  []byte
	// grace is the wall-clock time that the drill waits for an expected page after the end of a scenario.
	grace time.Duration
}

// run plays scenarios. Scenarios with their own programs run in parallel, limited by -parallel. The report has the order of
// the table.
func (d *drill) run(t *testing.T, all []scenario) *report {
	t.Helper()
	var together []scenario
	stacks := [][]scenario{nil}
	for _, s := range all {
		if s.alone == nil {
			together = append(together, s)
		} else {
			stacks = append(stacks, []scenario{s})
		}
	}
	if stacks[0] = together; together == nil {
		stacks = stacks[1:]
	}
	started := time.Now()
	verdicts, lost := make([][]verdict, len(stacks)), make([]float64, len(stacks))
	t.Run("stacks", func(t *testing.T) {
		for i, scenarios := range stacks {
			name := "together"
			if scenarios[0].alone != nil {
				name = scenarios[0].name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				verdicts[i], lost[i] = d.play(t, scenarios)
			})
		}
	})
	r := &report{Factor: d.factor, Took: time.Since(started).Round(time.Second), verdicts: slices.Concat(verdicts...)}
	if together != nil {
		r.Lost = 100 * lost[0] // scenarios with their own programs lose scrapes on purpose
	}
	place := map[string]int{}
	for i, s := range all {
		place[s.name] = i
	}
	slices.SortFunc(r.verdicts, func(a, b verdict) int { return place[a.scenario.name] - place[b.scenario.name] })
	return r
}

// shipped returns the shipped rules. It replaces the expressions of some alerts; an empty replacement is never true.
func shipped(replaced map[string]string) ([]byte, error) {
	rules, err := os.ReadFile("../../alerts/mongodbatlas.rules.yml")
	if err != nil || len(replaced) == 0 {
		return rules, err
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []map[string]any
		}
	}
	if err := yaml.Unmarshal(rules, &file); err != nil {
		return nil, err
	}
	missing := maps.Clone(replaced)
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			alert, _ := rule["alert"].(string)
			if expr, found := replaced[alert]; found {
				rule["expr"] = cmp.Or(expr, "vector(0) == 1")
				delete(missing, alert)
			}
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("unknown alerts: %v", missing)
	}
	return yaml.Marshal(&file)
}
