package drill

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// report is what a drill found.
type report struct {
	factor float64
	took   time.Duration
	rows   []row
	stray  []string
	lost   float64 // the share of scrapes that failed where none was meant to
}

// row is one scenario with the time that it went by.
type row struct {
	verdict
	clock
}

func (r *report) add(c clock, o outcome) {
	for _, v := range o.verdicts {
		r.rows = append(r.rows, row{v, c})
	}
	for _, p := range o.stray {
		r.stray = append(r.stray, p.String())
	}
	if len(o.verdicts) > 1 && !math.IsNaN(o.failed) {
		r.lost = max(r.lost, o.failed)
	}
}

// totals are the figures that matter.
type totals struct {
	incidents, caught       int // incidents; those whose every page came
	days, quiet             int // benign days; those without a false page
	expected, missed, wrong int // pages
}

func (r *report) totals() totals {
	t := totals{wrong: len(r.stray)}
	for _, row := range r.rows {
		t.expected += len(row.results)
		t.missed += row.missed()
		t.wrong += len(row.others)
		switch {
		case row.scenario.benign:
			t.days++
			if row.passed() {
				t.quiet++
			}
		default:
			t.incidents++
			if row.missed() == 0 {
				t.caught++
			}
		}
	}
	return t
}

// mostLost is the share of lost scrapes above which a drill tells more of the machine than of the rules.
const mostLost = 0.02

// sorted returns the rows of incidents, or of benign days, those that went wrong first.
func (r *report) sorted(benign bool) []row {
	rows := slices.DeleteFunc(slices.Clone(r.rows), func(row row) bool { return row.scenario.benign != benign })
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Compare(boolToInt(a.passed()), boolToInt(b.passed()))
	})
	return rows
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cells are a scenario's columns: for each expected page what was expected, whether it came and after how long.
func (r row) cells() (expected, paged, after, others string) {
	var e, p, a []string
	for _, result := range r.results {
		e = append(e, named(result.expectation.alert, result.expectation.labels))
		switch {
		case !result.paged:
			p, a = append(p, "MISSED"), append(a, "")
		case result.unresolved:
			p, a = append(p, "NOT RESOLVED"), append(a, times(r.clock, result.after))
		case result.expectation.resolves:
			p, a = append(p, "paged, resolved"), append(a, times(r.clock, result.after))
		default:
			p, a = append(p, "paged"), append(a, times(r.clock, result.after))
		}
	}
	return strings.Join(e, "\n"), strings.Join(p, "\n"), strings.Join(a, "\n"), strings.Join(r.others, "\n")
}

// times writes a time to page as it was in the drill, and what it stands for.
func times(c clock, d time.Duration) string {
	return fmt.Sprintf("%.1f s = %s", d.Seconds(), minutes(c.real(d)))
}

func minutes(d time.Duration) string {
	d = d.Round(time.Minute)
	if d >= time.Hour {
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}

func (r *report) summary() string {
	t := r.totals()
	return fmt.Sprintf("%d of %d incidents paged as they should, %d of %d benign days were quiet: %d expected pages, %d missed, %d false.",
		t.caught, t.incidents, t.quiet, t.days, t.expected, t.missed, t.wrong)
}

// lines are the rows of a page's table: incidents or benign days.
func (r *report) lines(benign bool) (lines [][]string) {
	for _, row := range r.sorted(benign) {
		expected, paged, after, others := row.cells()
		story := row.scenario.story
		if row.factor != r.factor {
			story += fmt.Sprintf(" (factor %v)", row.factor)
		}
		line := []string{row.scenario.name, story, expected, paged, after, cmp.Or(others, "none")}
		for i := range line {
			line[i] = strings.ReplaceAll(line[i], "\n", "<br>")
		}
		lines = append(lines, line)
	}
	return lines
}

// page is what the template drill.md.tmpl shows.
func (r *report) page() map[string]any {
	return map[string]any{
		"Factor": r.factor, "Summary": r.summary(), "Took": r.took.Round(time.Second), "Lost": 100 * r.lost,
		"Incidents": r.lines(false), "BenignDays": r.lines(true), "Stray": r.stray,
	}
}

// complain fails the test for what did not go as it should.
func (r *report) complain(t *testing.T) {
	t.Helper()
	for _, row := range r.rows {
		expected, paged, after, others := row.cells()
		if !row.passed() {
			t.Errorf("%s: expected %q: %q after %q; false pages: %q", row.scenario.name, expected, paged, after, others)
		}
	}
	for _, s := range r.stray {
		t.Errorf("page that belongs to no scenario: %s", s)
	}
	if r.lost > mostLost {
		t.Errorf("the machine lost %.1f %% of the scrapes, so this says little: try a smaller -factor or -stacks", 100*r.lost)
	}
	t.Logf("%s\nfactor %v, %s, at most %.1f %% of scrapes lost", r.summary(), r.factor, r.took.Round(time.Second), 100*r.lost)
}
