package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
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

func (r *report) passed() bool {
	t := r.totals()
	return t.missed == 0 && t.wrong == 0 && r.lost <= mostLost
}

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

// print writes the table for a terminal.
func (r *report) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, benign := range []bool{false, true} {
		_, _ = fmt.Fprintf(table, "%s\texpected\tpaged\ttime to page\tother pages\n", kind(benign))
		for _, row := range r.sorted(benign) {
			expected, paged, after, others := row.cells()
			columns := [][]string{{row.scenario.name}}
			for _, cell := range []string{expected, paged, after, others} {
				columns = append(columns, strings.Split(cell, "\n"))
			}
			for line := range slices.MaxFunc(columns, func(a, b []string) int { return len(a) - len(b) }) {
				for i, column := range columns {
					if line < len(column) {
						_, _ = fmt.Fprint(table, column[line])
					}
					_, _ = fmt.Fprint(table, map[bool]string{true: "\n", false: "\t"}[i == len(columns)-1])
				}
			}
		}
		_, _ = fmt.Fprintln(table)
	}
	_ = table.Flush()
	for _, s := range r.stray {
		_, _ = fmt.Fprintln(w, "page that belongs to no scenario:", s)
	}
	if r.lost > mostLost {
		_, _ = fmt.Fprintf(w, "the machine lost %.1f %% of the scrapes, so this says little: try a smaller -factor or -parallel\n", 100*r.lost)
	}
	_, _ = fmt.Fprintf(w, "%s\nfactor %v, %s, at most %.1f %% of scrapes lost\n", r.summary(), r.factor, r.took.Round(time.Second), 100*r.lost)
}

func kind(benign bool) string {
	if benign {
		return "benign day"
	}
	return "incident"
}

// markdown writes the page for the documentation.
func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(preface, "FACTOR", fmt.Sprint(r.factor)))
	_, _ = fmt.Fprintf(&b, "**%s** The drill took %s at factor %v; at most %.1f %% of the scrapes were lost to the machine.\n",
		r.summary(), r.took.Round(time.Second), r.factor, 100*r.lost)
	for _, benign := range []bool{false, true} {
		if benign {
			b.WriteString("\n## Benign days\n\nWhere a page is expected, it stands before anything happens, and must not come again.\n\n")
		} else {
			b.WriteString("\n## Incidents\n\n")
		}
		_, _ = fmt.Fprintf(&b, "| %s | what happens | expected | paged | time to page, in the drill and real | other pages |\n|---|---|---|---|---|---|\n", kind(benign))
		for _, row := range r.sorted(benign) {
			expected, paged, after, others := row.cells()
			story := row.scenario.story
			if row.factor != r.factor {
				story += fmt.Sprintf(" (factor %v)", row.factor)
			}
			line := []string{row.scenario.name, story, expected, paged, after, cmp.Or(others, "none")}
			b.WriteString("| " + strings.ReplaceAll(strings.Join(line, " | "), "\n", "<br>") + " |\n")
		}
	}
	for _, s := range r.stray {
		_, _ = fmt.Fprintf(&b, "\nA page belongs to no scenario: %s\n", s)
	}
	return b.String()
}

const preface = `# The incident drill

` + "`go run ./internal/drill`" + ` acts out incidents and benign days against the programs as they are: a simulated Atlas, the exporter, a
Prometheus with the shipped alerting rules, and an Alertmanager that calls a webhook. It writes this page, and fails unless every
incident pages what it should, once, and nothing else pages. An alert counts once it has reached the webhook.

How a day fits into minutes:

- Every duration is divided by FACTOR: ages and lengths of jobs, ` + "`for`" + `, ` + "`keep_firing_for`" + `, ranges, offsets and seconds in
  expressions, the intervals of scrapes, evaluations, refreshes and discovery, Alertmanager's waits, the life of access tokens and
  the refill of rate limits. A test holds that the scaled rules differ from the shipped ones in nothing else.
- Jobs are dated on the wall clock and never ahead of it. What takes days before it matters is dated back, so that its time comes
  soon after the beginning.
- Scrapes and evaluations come every minute, discovery every five, and Alertmanager waits half a minute: a time to page holds all
  of that.
- A daily export policy is 86400 s in the exporter, which nothing divides. So the configuration says how often an export is
  expected of most clusters; those named "policy-" go by their policy, and cannot become overdue here.
- On the wall clock remain: the exporter's pause after a 429 (a second at least) and after a token was refused (5 s), its request
  timeout (2 s), and the start of a process. Retries within a reading are off, since their pauses are on the wall clock, too: what
  fails once has failed. Where that would matter more than the rules, the scenario goes by a smaller factor, which its row names.
- Time to page counts from the moment of the cause: a job's failure, a switch, or the end of the time that an alert's promise
  allows. A page that comes earlier is a false one, and so is a second page for what has been paged.

`
