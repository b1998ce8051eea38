package faultmatrix

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// life is what became of one exporter.
type life struct {
	began, ended    harness.Usage // when everything was well
	peak            harness.Usage
	flooded         int64 // bytes that one request could get of a body without end
	requests        int
	connections     int
	mostConnections int
	wrong           []string
}

// The limits of an exporter's life. It keeps up to eight connections, each with two goroutines and a file; a scrape has some
// more.
const (
	moreGoroutines  = 24
	moreFiles       = 12
	mostGoroutines  = 400
	mostResident    = 512 << 20
	mostConnections = 32
	// mostFlood is what a server may get rid of before nobody listens: the 16 MiB that an answer may have, for each request
	// that reads it at the same time, and what the kernel holds.
	mostFlood = 64 << 20
)

// violations tells what grew more than it may, or was more than it may ever be.
func (l *life) violations() []string {
	var wrong []string
	if l.ended.Goroutines > l.began.Goroutines+moreGoroutines || l.ended.Files > l.began.Files+moreFiles {
		wrong = append(wrong, fmt.Sprintf("it grows: from %s to %s", l.began, l.ended))
	}
	if l.peak.Goroutines > mostGoroutines || l.peak.Resident > mostResident || l.mostConnections > mostConnections {
		wrong = append(wrong, fmt.Sprintf("too much at a time: %s, %d connections", l.peak, l.mostConnections))
	}
	return wrong
}

// report is how a run went.
type report struct {
	began   time.Time
	took    time.Duration
	Seed    uint64
	results []*result
	lives   []life
}

// all is the row and the column of sums.
const all = "all"

// Table has a row for each fault and a column for each endpoint: scrapes and violations in all modes. The first row is the
// head.
func (r *report) Table() [][]string {
	return r.table(func(c cell) bool { return c.column.scope == oneTarget })
}

// Hangs has the same for the cells in which everything else is asked for while requests hang.
func (r *report) Hangs() [][]string { return r.table(cell.endures) }

func (r *report) table(part func(cell) bool) [][]string {
	type at struct{ fault, column string }
	scrapes, violations := map[at]int{}, map[at]int{}
	rows, head := []string{}, []string{"fault"}
	for _, c := range cells(regexp.MustCompile("")) {
		if !part(c) {
			continue
		}
		if !slices.Contains(rows, c.fault.name) {
			rows = append(rows, c.fault.name)
		}
		if !slices.Contains(head, c.column.title) {
			head = append(head, c.column.title)
		}
	}
	for _, one := range r.results {
		fault, column := one.cell.fault.name, one.cell.column.title
		if !part(one.cell) {
			continue
		}
		for _, where := range []at{{fault, column}, {fault, all}, {all, column}, {all, all}} {
			scrapes[where] += one.scrapes
			violations[where] += one.violations
		}
	}
	head = append(head, all)
	table := [][]string{head}
	for _, name := range append(rows, all) {
		row := []string{name}
		for _, title := range head[1:] {
			text := "–"
			if where := (at{name, title}); scrapes[where] > 0 {
				text = fmt.Sprintf("%d/%d", scrapes[where], violations[where])
			}
			row = append(row, text)
		}
		table = append(table, row)
	}
	return table
}

// Figures are the sums of a run, a sentence each.
func (r *report) Figures() []string {
	var most life
	var slowest time.Duration
	scrapes, violations, single, unnoticed := 0, 0, 0, 0
	for _, l := range r.lives {
		most.peak = most.peak.Peak(l.peak)
		most.flooded = max(most.flooded, l.flooded)
		most.requests += l.requests
		most.connections += l.connections
		most.mostConnections = max(most.mostConnections, l.mostConnections)
		violations += len(l.wrong)
	}
	for _, one := range r.results {
		scrapes += one.scrapes
		violations += one.violations
		if one.cell.patience() == 0 {
			slowest = max(slowest, one.recovery)
		}
		if one.cell.outcome().retried && one.cell.mode == once {
			single++
			if one.violations == 0 {
				unnoticed++
			}
		}
	}
	return []string{
		fmt.Sprintf("%d scrapes of %d cells, %d violations; %s with seed %d", scrapes, len(r.results), violations, r.took.Round(time.Second), r.Seed),
		fmt.Sprintf("%d exporters, %d requests to Atlas over %d connections, at most %d open at a time",
			len(r.lives), most.requests, most.connections, most.mostConnections),
		fmt.Sprintf("%d of %d single faults that are retried did not show", unnoticed, single),
		fmt.Sprintf("slowest recovery from a fault that does not ask to wait: %.1f s", slowest.Seconds()),
		fmt.Sprintf("peaks: %s; of a body without end, at most %s went out for one request", most.peak, harness.MiB(float64(most.flooded))),
	}
}
