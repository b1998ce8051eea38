package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// markdown is docs/soak.md.
func (r *report) markdown() string {
	var b strings.Builder
	line := func(format string, values ...any) { _, _ = fmt.Fprintf(&b, format+"\n", values...) }
	line("# The soak")
	line("")
	line("`go run ./internal/soak` runs the exporter for a while against a simulated Atlas in which much happens, with two Prometheus")
	line("servers scraping it: one `/metrics`, one `/probe` of every project that `/sd` lists, every two seconds. It fails unless every")
	line("sample is what Atlas held, and unless the exporter's memory, goroutines and open files stay flat. With `-write` it writes this")
	line("page. A short form is a test.")
	line("")
	line("How it compares:")
	line("")
	line("- An oracle of its own computes every promised sample from the simulated organisation's objects. It shares no code with the")
	line("  exporter, keeps no state, and looks at every job each time.")
	line("- A look: Atlas stands still, until every target tells that it was read since. Then `/metrics`, the probe of each project, the")
	line("  scrape of one collector and `/sd` must show exactly the series and values of the oracle: none missing, none more.")
	line("- In between, every sample that a Prometheus has stored must be one that Atlas held at some time since the oldest reading that")
	line("  the scrape shows, and no series of a thing that stayed may have a hole. State sets sum to 1 at all times, counters are never")
	line("  reset, no value is NaN.")
	line("- That Atlas dropped an old job, or that somebody deleted a dataset before its date, is noticed when a list is next read whole.")
	line("  Until `relist_interval` (10 s here) is over, a target may show the one or the other, whole.")
	line("- While the credentials are refused, all targets must be down for that reason, and all values stay.")
	line("- Of jobs made in the same second the one with the higher id is the newer; of those that ended in the same second, the newer.")
	line("- `mongodbatlas_api_*` is held against the number of calls that arrived, and must not tell of a project that is gone.")
	line("")
	line("How an organisation's life fits into minutes: one second stands for a minute. A download and an access token, good for an")
	line("hour, are good for a minute. Jobs are dated on the wall clock. The exporter reads at every scrape, or twice a second at most,")
	line("and looks for projects, clusters, schedules and pipelines every second.")
	line("")
	verdict := "Passed"
	if !r.passed() {
		verdict = "FAILED"
	}
	line("**%s: %d differences.**", verdict, len(r.differences))
	line("")
	line("| | |")
	line("|---|---|")
	for _, row := range r.rows {
		line("| %s | %s |", row[0], row[1])
	}
	line("")
	line("## What the exporter needed")
	line("")
	line("Sampled at each look; of every %d samples the least counts, since the heap in use grows until the next garbage collection. The", lowOf)
	line("columns are medians of these. The last quarter may be above the second by the larger of:")
	line("")
	line("| | share | amount |")
	line("|---|---|---|")
	for _, f := range r.flat {
		line("| %s | %.0f %% | %s |", f.name, 100*f.relative, f.show(f.absolute))
	}
	line("")
	line("Settings change with the reloads, and projects come and go with their connections: hence the amounts.")
	line("")
	line("| %s |", strings.Join(flatnessHeader(), " | "))
	line("|%s", strings.Repeat("---|", len(flatnessHeader())))
	for _, f := range r.flat {
		line("| %s |", strings.Join(f.cells(), " | "))
	}
	for _, kind := range r.kinds {
		line("")
		line("## %s", strings.ToUpper(kind.name[:1])+kind.name[1:])
		line("")
		line("| | |")
		line("|---|---|")
		for _, what := range slices.Sorted(maps.Keys(kind.counts)) {
			line("| %s | %d |", what, kind.counts[what])
		}
	}
	return b.String()
}
