package faultmatrix

import (
	"fmt"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// life has the resource use of one exporter and the problems at its end.
type life struct {
	began, ended harness.Usage // without a fault
	peak         harness.Usage
	wrong        []string
}

// Limits of an exporter's resource use. It keeps up to eight connections, each with two goroutines and a file, and needs
// more during a scrape.
const (
	moreGoroutines = 24
	moreFiles      = 12
	mostGoroutines = 400
	mostFiles      = 64
	mostResident   = 512 << 20
)

// violations returns a message for each limit that the exporter exceeded.
func (l *life) violations() []string {
	var wrong []string
	if l.ended.Goroutines > l.began.Goroutines+moreGoroutines || l.ended.Files > l.began.Files+moreFiles {
		wrong = append(wrong, fmt.Sprintf("resource use grows from %s to %s", l.began, l.ended))
	}
	if l.peak.Goroutines > mostGoroutines || l.peak.Resident > mostResident || l.peak.Files > mostFiles {
		wrong = append(wrong, fmt.Sprintf("peak resource use is too high: %s", l.peak))
	}
	return wrong
}

// report has the results of a run.
type report struct {
	seed uint64
	took time.Duration

	mu      sync.Mutex
	results []*result
	sums    sums
}

// sums are the totals of a run.
type sums struct {
	Scrapes, Violations, Exporters int
	Slowest                        time.Duration // slowest recovery from a fault without a required wait
	Peak                           harness.Usage
}

func (r *report) add(one *result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, one)
	r.sums.Scrapes += one.scrapes
	r.sums.Violations += one.violations
	if one.cell.patience() == 0 {
		r.sums.Slowest = max(r.sums.Slowest, one.recovery)
	}
}

func (r *report) end(l life) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sums.Exporters++
	r.sums.Violations += len(l.wrong)
	r.sums.Peak = r.sums.Peak.Peak(l.peak)
}

// Row is the result of a fault: a row of the report.
type Row struct {
	Fault                      string
	Cells, Scrapes, Violations int
}

// rows returns a row for each fault, with the totals of the selected cells.
func (r *report) rows(part func(cell) bool) []Row {
	var rows []Row
	for _, f := range allFaults() {
		row := Row{Fault: f.name}
		for _, one := range r.results {
			if one.cell.fault.name == f.name && part(one.cell) {
				row.Cells++
				row.Scrapes += one.scrapes
				row.Violations += one.violations
			}
		}
		if row.Cells > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}
