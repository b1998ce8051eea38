package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// life is what became of one exporter while it was played with.
type life struct {
	growth          growth
	setup           setup
	lasted          time.Duration
	cells, scrapes  int
	requests        int64
	connections     int
	mostConnections int
	logged          int64
	wrong           []string
}

// report is what a run came to.
type report struct {
	began   time.Time
	took    time.Duration
	seed    uint64
	results []*result
	lives   []life
}

func (r *report) add(results []*result, l life) {
	r.results = append(r.results, results...)
	r.lives = append(r.lives, l)
}

func (r *report) scrapes() (n int) {
	for _, one := range r.results {
		n += one.scrapes
	}
	return n
}

func (r *report) violations() (n int) {
	for _, one := range r.results {
		n += one.violations
	}
	for _, l := range r.lives {
		n += len(l.wrong)
	}
	return n
}

// table has a row for each fault and a column for each endpoint: scrapes and violations in all modes.
func (r *report) table() (head []string, rows [][]string) {
	head = []string{"fault"}
	type at struct{ fault, column string }
	scrapes, violations := map[at]int{}, map[at]int{}
	for _, one := range r.results {
		for _, where := range []at{
			{one.cell.fault.name, one.cell.column.title}, {one.cell.fault.name, all}, {all, one.cell.column.title}, {all, all},
		} {
			scrapes[where] += one.scrapes
			violations[where] += one.violations
		}
	}
	titles := make([]string, 0, len(columns())+1)
	for _, c := range columns() {
		titles = append(titles, c.title)
	}
	titles = append(titles, all)
	head = append(head, titles...)
	names := make([]string, 0, len(allFaults())+1)
	for _, f := range allFaults() {
		names = append(names, f.name)
	}
	for _, name := range append(names, all) {
		row := []string{name}
		for _, title := range titles {
			where := at{name, title}
			if scrapes[where] == 0 {
				row = append(row, "–")
				continue
			}
			row = append(row, fmt.Sprintf("%d/%d", scrapes[where], violations[where]))
		}
		if scrapes[at{name, all}] > 0 {
			rows = append(rows, row)
		}
	}
	return head, rows
}

// all is the row and the column of sums.
const all = "all"

// figures are the sums of a run.
func (r *report) figures() []string {
	var most life
	var goroutines, files, heap, resident float64
	var slowest time.Duration
	long := 0
	var wrong []string
	for _, l := range r.lives {
		most.growth.mostFlooded = max(most.growth.mostFlooded, l.growth.mostFlooded)
		p, q := &most.growth.peak, l.growth.peak
		p.goroutines, p.files, p.resident = max(p.goroutines, q.goroutines), max(p.files, q.files), max(p.resident, q.resident)
		p.heap, p.connections = max(p.heap, q.heap), max(p.connections, q.connections)
		most.requests += l.requests
		most.connections += l.connections
		most.logged += l.logged
		most.mostConnections = max(most.mostConnections, l.mostConnections)
		wrong = append(wrong, l.wrong...)
		if len(l.growth.quiet) >= enough {
			first, last := l.growth.ends()
			goroutines, files = max(goroutines, last.goroutines-first.goroutines), max(files, last.files-first.files)
			heap, resident = max(heap, last.heap-first.heap), max(resident, last.resident-first.resident)
			long++
		}
	}
	single, unnoticed := 0, 0
	for _, one := range r.results {
		slowest = max(slowest, one.recovery)
		if o, _ := one.cell.fault.expect(one.cell.column.endpoint); o.retried && one.cell.mode == once {
			single++
			if one.violations == 0 {
				unnoticed++
			}
		}
	}
	mib := func(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }
	return append([]string{
		fmt.Sprintf("%d scrapes of %d cells, %d violations; %s with seed %d", r.scrapes(), len(r.results), r.violations(), r.took.Round(time.Second), r.seed),
		fmt.Sprintf("%d exporters, %d requests to Atlas over %d connections, at most %d open at a time; %s of log",
			len(r.lives), most.requests, most.connections, most.mostConnections, mib(float64(most.logged))),
		fmt.Sprintf("%d of %d single faults that are retried did not show", unnoticed, single),
		fmt.Sprintf("slowest recovery: everything was as before %.1f s after a fault", slowest.Seconds()),
		fmt.Sprintf("most growth from the first to the last quiet moments of an exporter's life (%d exporters with %d cells or more): %+.0f goroutines, %+.0f open files, heap %s, resident memory %s",
			long, enough, goroutines, files, mib(heap), mib(resident)),
		fmt.Sprintf("peaks: %.0f goroutines, %.0f open files, heap %s, resident memory %s; of a body without end, at most %s went out for one request",
			most.growth.peak.goroutines, most.growth.peak.files, mib(most.growth.peak.heap), mib(most.growth.peak.resident), mib(float64(most.growth.mostFlooded))),
	}, wrong...)
}

// enough is how many cells an exporter must have lived through for its growth to say something.
const enough = 9

func (r *report) print(w io.Writer) {
	head, rows := r.table()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	_ = table.Flush()
	for _, figure := range r.figures() {
		_, _ = fmt.Fprintln(w, figure)
	}
	for _, one := range r.results {
		for _, found := range one.found {
			_, _ = fmt.Fprintln(w, "VIOLATION", found)
		}
	}
}

// markdown writes the page for the documentation.
func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	head, rows := r.table()
	b.WriteString("\n| " + strings.Join(head, " | ") + " |\n|---" + strings.Repeat("|---", len(head)-1) + "|\n")
	for _, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	b.WriteString("\n## Figures\n\n" + tolerances)
	for _, figure := range r.figures() {
		b.WriteString("- " + figure + "\n")
	}
	return b.String()
}

const preface = "# The fault matrix\n" + `
The real exporter runs as a process of its own. Between it and a simulated Atlas, whose truth does not change, stands a server
that lets a fault strike the answers about one target. A judge that shares no code with the exporter looks at every scrape from
outside. A cell of the table is one fault at one endpoint in three modes: at every request, at one, and at every second one by chance. It shows
scrapes/violations.

` + "```console\n$ go run ./internal/faultmatrix -write                # everything; writes this page\n" +
	"$ go run ./internal/faultmatrix -only 'gzip bomb / runs'   # some of it\n$ go run ./internal/faultmatrix -help\n```" + `

It fails on any violation. ` + "`go test ./internal/faultmatrix`" + ` plays every fault once, at an endpoint and in a mode that change with the date,
and proves that the judge notices what is wrong.

What is judged of every scrape:

- It is answered within the timeout that its header names, and the exposition is well formed: no series twice, no NaN, every state
  set sums to 1, and the counts of targets agree with ` + "`target_up`" + `.
- Every series of every other target is there, with the same value.
- The struck target keeps its values. It is down for the right reason, or unsupported where the answer says so; at every request
  it must be, and until the fault is over it must not look fresh.
- What is retried does not show when it happens once. These are failed connections and broken answers, timeouts, 429 and 5xx;
  each exporter has one retry.
- No secret of the credentials, no access token and no address of a download shows in a scrape, on a page, or in the log at level
  ` + "`debug`" + `. The answers with an error repeat the credentials.
- Nothing is sent to another host, and a new token is asked for twice a second at most.

After the fault, everything must be as it was within 10 s and what an attempt takes that was under way (6 s are allowed for it, and
a Retry-After comes on top).

Where several answers are honest:

- Connections fail for all endpoints at once, and so does the token: every target is then struck. The endpoint of such a cell is the one
  whose request sets the fault off.
- 429 stops a project's requests of the same kind. Its other targets may be rate limited with the struck one, and keep their values.
- Pipelines that answer 404, 405 or 410 are gone: their series go, and they are asked for again after an hour. Such a cell has an exporter
  of its own, and no recovery.
- Years 0001 and 9999, negative and huge counts and unknown states are legal. The target stays up; its number of jobs must be right, and each
  date must be one that can be.
- A body that one reader takes for good and another does not (duplicate members, 100,000 nested arrays, invalid UTF-8 in a text
  that is not shown) may be either, as long as no value is wrong.
- A list of which only the first page is read mostly, since the rest is known, may stay up where later pages go wrong.

A dash stands where a fault makes no sense: a token has no dates, and a list that is not paged no empty page.
`

var tolerances = fmt.Sprintf("An exporter may end with %d goroutines, %d open files and %d MiB of heap more than it began with, and may have at "+ //nolint:gochecknoglobals // a constant, but for the language
	"most %d goroutines, %d MiB of resident memory and %d connections at any time. Of a gigabyte, at most %d MiB may be read.\n\n",
	moreGoroutines, moreFiles, moreHeap>>20, mostGoroutines, mostResident>>20, mostConnections, mostFlood>>20)
