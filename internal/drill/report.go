package drill

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"
)

// report is the result of a drill.
type report struct {
	Factor   float64
	Took     time.Duration
	verdicts []verdict
	Lost     float64 // the percentage of scrapes that failed although they should not
}

// mostLost is the maximum percentage of lost scrapes. Above it, a drill says more about the machine than about the
// rules.
const mostLost = 2

// Summary returns the result in a sentence.
func (r *report) Summary() string {
	var incidents, caught, days, quiet, expected, missed, wrong int
	count := func(n *int, when bool) {
		if when {
			*n++
		}
	}
	for i := range r.verdicts {
		v := &r.verdicts[i]
		count(&incidents, !v.scenario.benign)
		count(&caught, !v.scenario.benign && !v.missed())
		count(&days, v.scenario.benign)
		count(&quiet, v.scenario.benign && v.passed())
		for _, result := range v.results {
			count(&expected, !result.optional)
			count(&missed, result.missed())
		}
		wrong += len(v.others)
	}
	return fmt.Sprintf("%d of %d incidents paged as they should, %d of %d benign days were quiet: %d expected pages, %d missed, %d false.",
		caught, incidents, quiet, days, expected, missed, wrong)
}

// Row is a scenario's row in a table. A cell has a line for each expected page.
type Row struct{ Name, Story, Expected, Paged, After, Others string }

func (v *verdict) row(factor float64) Row {
	row := Row{Name: v.scenario.name, Story: v.scenario.story, Others: cmp.Or(strings.Join(v.others, "<br>"), "none")}
	if v.factor != factor {
		row.Story += fmt.Sprintf(" (factor %v)", v.factor)
	}
	var expected, paged, after []string
	for _, r := range v.results {
		if r.optional {
			continue
		}
		expected = append(expected, r.alert)
		word, took := "MISSED", ""
		if r.paged {
			word, took = "paged", fmt.Sprintf("%.1f s = %.0f min", r.after.Seconds(), v.factor*r.after.Minutes())
			switch {
			case r.wrongEnd && r.resolves:
				word = "NOT RESOLVED"
			case r.wrongEnd:
				word = "ENDED"
			case r.resolves:
				word = "paged, resolved"
			}
		}
		paged, after = append(paged, word), append(after, took)
	}
	row.Expected, row.Paged, row.After = strings.Join(expected, "<br>"), strings.Join(paged, "<br>"), strings.Join(after, "<br>")
	return row
}

func (r *report) rows(benign bool) (rows []Row) {
	for i := range r.verdicts {
		if v := &r.verdicts[i]; v.scenario.benign == benign {
			rows = append(rows, v.row(r.Factor))
		}
	}
	return rows
}

// Incidents and BenignDays return the rows of the tables.
func (r *report) Incidents() []Row  { return r.rows(false) }
func (r *report) BenignDays() []Row { return r.rows(true) }

// complain fails the test for everything that went wrong.
func (r *report) complain(t *testing.T) {
	t.Helper()
	for i := range r.verdicts {
		if v := &r.verdicts[i]; !v.passed() {
			row := v.row(r.Factor)
			t.Errorf("%s: expected %s: %s after %s; false pages: %s", row.Name, row.Expected, row.Paged, row.After, row.Others)
		}
	}
	if r.Lost > mostLost {
		t.Errorf("the machine lost %.1f %% of the scrapes, so this says little: try a smaller -factor or -parallel", r.Lost)
	}
	t.Logf("%s\nfactor %v, %s, at most %.1f %% of scrapes lost", r.Summary(), r.Factor, r.Took.Round(time.Second), r.Lost)
}
