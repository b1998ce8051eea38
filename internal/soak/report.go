package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a soak found.
type report struct {
	took        time.Duration
	rows        [][2]string
	kinds       []kindOfChange
	flat        []flatness
	differences []difference
	tooSlow     bool
}

// kindOfChange is how often something was done.
type kindOfChange struct {
	name   string
	counts map[string]int
}

// mostLost is the share of scrapes that the machine may be too slow for before a soak says more of the machine than of the
// exporter.
const mostLost = 0.02

func (s *soak) report() *report {
	l := s.atlas.ledger
	r := &report{
		took: time.Since(s.began), differences: s.differences,
		kinds: []kindOfChange{
			{"job transitions", l.transitions},
			{"discovery changes", l.discovery},
			{"reloads", l.reloads},
			{"rotations of credentials", l.rotations},
		},
	}
	add := func(what, format string, values ...any) {
		r.rows = append(r.rows, [2]string{what, fmt.Sprintf(format, values...)})
	}
	add("simulated time", "%s, in %s", (r.took * timeScale).Round(time.Minute), r.took.Round(time.Second))
	add("organisation", "about %d projects, %d clusters, %d pipelines", s.plan.projects, s.plan.clusters, s.plan.pipelines)
	for _, kind := range r.kinds {
		add(kind.name, "%d", sum(kind.counts))
	}
	add("looks while Atlas stood still", "%d; it took the exporter %s on average to have read everything since",
		s.looks, (s.waited / time.Duration(max(1, s.looks))).Round(time.Millisecond))
	add("samples compared in these", "%d", s.compared)
	for _, st := range s.stored {
		add("scrapes of "+st.name+" by Prometheus", "%d of %d targets; %d were lost to the machine", st.scrapes, st.targets, st.lost)
		add("stored samples compared", "%d in %d series; %d had to be there", st.samples, st.series, st.demanded)
		r.tooSlow = r.tooSlow || float64(st.lost) > mostLost*float64(st.scrapes)
	}
	add("calls to Atlas", "%d, with %d access tokens", s.atlas.server.Count(""), s.atlas.server.Mints())
	add("differences", "%d", len(s.differences))
	for _, resource := range resources() {
		r.flat = append(r.flat, flatnessOf(resource, s.usage))
	}
	return r
}

// passed reports whether all was as it should be.
func (r *report) passed() bool {
	return len(r.differences) == 0 && !r.tooSlow && !slices.ContainsFunc(r.flat, func(f flatness) bool { return !f.flat() })
}

// cells are the columns of a resource.
func (f flatness) cells() []string {
	verdict := "flat"
	if !f.flat() {
		verdict = "GROWS"
	}
	cells := []string{f.name, f.show(f.first)}
	for _, q := range f.quarters {
		cells = append(cells, f.show(q))
	}
	return append(cells, f.show(f.last), f.show(f.allowed), verdict)
}

func flatnessHeader() []string {
	return []string{"", "first", "1st quarter", "2nd quarter", "3rd quarter", "last quarter", "last", "last quarter at most", ""}
}

func (r *report) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { _, _ = fmt.Fprintln(table, strings.Join(cells, "\t")) }
	for _, row := range r.rows {
		line(row[:]...)
	}
	for _, kind := range r.kinds {
		line("\n" + kind.name)
		for _, what := range slices.Sorted(maps.Keys(kind.counts)) {
			line("  "+what, fmt.Sprint(kind.counts[what]))
		}
	}
	_ = table.Flush()
	_, _ = fmt.Fprintln(w)
	line(flatnessHeader()...)
	for _, f := range r.flat {
		line(f.cells()...)
	}
	_ = table.Flush()
	const shown = 200
	for i, d := range r.differences {
		if i == shown {
			_, _ = fmt.Fprintf(w, "and %d more\n", len(r.differences)-shown)
			break
		}
		_, _ = fmt.Fprintln(w, d)
	}
	if r.tooSlow {
		_, _ = fmt.Fprintf(w, "more than %.0f %% of the scrapes were lost to the machine\n", 100*mostLost)
	}
}
