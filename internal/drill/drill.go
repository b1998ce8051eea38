// Package drill acts out incidents and benign days in shortened time, and reports which of them paged whom.
//
// A simulated Atlas plays each scenario; the real exporter reads it, a real Prometheus evaluates the shipped alerting rules,
// and a real Alertmanager pages. Every duration, of jobs and of rules alike, is divided by one factor. An incident must page
// what it is expected to, once, and nothing else; a benign day must not page at all. The package is a test and has a long
// form:
//
//	go test ./internal/drill                                                    two selections, a minute
//	go test ./internal/drill -run Scenarios -long -write -timeout 30m           everything, and writes docs/drill.md
//	go test ./internal/drill -run Scenarios -long -only '^restore'              some of it
//	go test ./internal/drill -run Scenarios -long -break MongoDBAtlasRateLimited       with an alert that never fires
package drill

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
)

// drill is a whole drill.
type drill struct {
	factor                float64
	parallel              int
	rulesFile             string
	only                  *regexp.Regexp // nil plays everything
	breakAlert, breakExpr string
	grace                 time.Duration
}

// plans puts the scenarios on stacks: those that concern a single project together, each of the others alone. The longest
// stacks come first.
func (d *drill) plans() []plan {
	wanted := func(all []scenario) []scenario {
		return slices.DeleteFunc(all, func(s scenario) bool { return d.only != nil && !d.only.MatchString(s.name) })
	}
	var plans []plan
	if together := wanted(append(incidents(), benignDays()...)); len(together) > 0 {
		plans = append(plans, plan{name: "together", scenarios: together})
	}
	for _, s := range wanted(append(lonelyIncidents(), lonelyDays()...)) {
		plans = append(plans, plan{name: s.name, scenarios: []scenario{s}, alone: true})
	}
	length := func(p plan) time.Duration {
		var longest time.Duration
		for _, s := range p.scenarios {
			longest = max(longest, d.clock(p).scaled(s.lasts))
		}
		return longest
	}
	slices.SortStableFunc(plans, func(a, b plan) int { return int(length(b) - length(a)) })
	return plans
}

// clock is the time that a plan goes by.
func (d *drill) clock(p plan) clock {
	factor := d.factor
	for _, s := range p.scenarios {
		if s.slower > 0 {
			factor = min(factor, s.slower)
		}
	}
	return clock{factor}
}

// settings are what a stack is told.
func (d *drill) settings(p plan) (settings, error) {
	rules, err := os.ReadFile(d.rulesFile)
	if err != nil {
		return settings{}, err
	}
	if d.breakAlert != "" {
		if rules, err = replaceExpr(rules, d.breakAlert, d.breakExpr); err != nil {
			return settings{}, err
		}
	}
	c := d.clock(p)
	if rules, err = scale.Rules(rules, c.factor); err != nil {
		return settings{}, fmt.Errorf("%s: %w", d.rulesFile, err)
	}
	return settings{clock: c, rules: rules, grace: d.grace}, nil
}

// run plays all plans, some at the same time, and reports in the order of their listing.
func (d *drill) run(t *testing.T) *report {
	t.Helper()
	started := time.Now()
	plans := d.plans()
	if len(plans) == 0 {
		t.Fatal("no scenario has such a name")
	}
	outcomes := make([]outcome, len(plans))
	free := make(chan struct{}, max(d.parallel, 1))
	var wg sync.WaitGroup
	for i, p := range plans {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			t.Run(p.name, func(t *testing.T) {
				s, err := d.settings(p)
				if err != nil {
					t.Fatal(err)
				}
				outcomes[i] = runPlan(t, s, p)
			})
		})
	}
	wg.Wait()
	r := &report{factor: d.factor, took: time.Since(started)}
	for i, o := range outcomes {
		r.add(d.clock(plans[i]), o)
	}
	return r
}

// replaceExpr replaces the expression of an alert, by one that is never true unless one is given.
func replaceExpr(rules []byte, alert, expr string) ([]byte, error) {
	if expr == "" {
		expr = "vector(0) == 1"
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
	found := false
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule["alert"] == alert {
				rule["expr"], found = expr, true
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("there is no alert %s", alert)
	}
	return yaml.Marshal(&file)
}
