package drill

import (
	"cmp"
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"
)

//go:embed drill.md.tmpl
var pageTemplate string

// report is the result of a drill.
type report struct {
	Factor   float64
	Took     time.Duration
	Lost     float64 // the percentage of scrapes that failed although they should not
	verdicts []verdict
}

// mostLost is the maximum percentage of lost scrapes. Above it, a drill says more about the machine than about the
// rules.
const mostLost = 2

// Summary returns the result in a sentence.
func (r *report) Summary() string {
	all, passed := map[bool]int{}, map[bool]int{}
	var expected, missed, others int
	for i := range r.verdicts {
		v := &r.verdicts[i]
		all[v.scenario.benign]++
		if v.passed() {
			passed[v.scenario.benign]++
		}
		for _, e := range v.results {
			if !e.optional {
				expected++
			}
			if e.missed() {
				missed++
			}
		}
		others += len(v.others)
	}
	return fmt.Sprintf("%d of %d incidents paged as they should, %d of %d benign days were quiet: %d expected pages, %d missed, %d false.",
		passed[false], all[false], passed[true], all[true], expected, missed, others)
}

// Rows returns the rows of the table of benign days or of incidents.
func (r *report) Rows(benign bool) (rows []string) {
	for i := range r.verdicts {
		if v := &r.verdicts[i]; v.scenario.benign == benign {
			rows = append(rows, v.row(r.Factor))
		}
	}
	return rows
}

// row returns a row of a table. A cell has a line for each page.
func (v *verdict) row(factor float64) string {
	story := v.scenario.story
	if v.factor != factor {
		story += fmt.Sprintf(" (factor %v)", v.factor)
	}
	var pages []string
	for _, e := range v.results {
		if !e.optional {
			pages = append(pages, e.alert+": "+e.result(v.factor))
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", v.scenario.name, story,
		strings.Join(pages, "<br>"), cmp.Or(strings.Join(v.others, "<br>"), "none"))
}

func (e *expectation) result(factor float64) string {
	took := fmt.Sprintf("%.1f s = %.0f min", e.after.Seconds(), factor*e.after.Minutes())
	if e.due == standing {
		took = "from the start"
	}
	switch {
	case !e.paged:
		return "MISSED"
	case e.wrongEnd && e.resolves:
		return took + ", NOT RESOLVED"
	case e.wrongEnd:
		return took + ", ENDED"
	case e.resolves:
		return took + ", resolved"
	}
	return took
}

// complain fails the test for everything that went wrong.
func (r *report) complain(t *testing.T) {
	t.Helper()
	for i := range r.verdicts {
		if v := &r.verdicts[i]; !v.passed() {
			t.Errorf("scenario, story, expected pages, false pages: %s", v.row(r.Factor))
		}
	}
	if r.Lost > mostLost {
		t.Errorf("the machine lost %.1f %% of the scrapes, so this says little: try a smaller -factor or -parallel", r.Lost)
	}
	t.Logf("%s\nfactor %v, %s, at most %.1f %% of scrapes lost", r.Summary(), r.Factor, r.Took.Round(time.Second), r.Lost)
}
