package faultmatrix

import (
	"fmt"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// life is what became of one exporter.
type life struct {
	began, ended harness.Usage // when everything was well
	peak         harness.Usage
	wrong        []string
}

// The limits of an exporter's life. It keeps up to eight connections, each with two goroutines and a file; a scrape has some
// more.
const (
	moreGoroutines = 24
	moreFiles      = 12
	mostGoroutines = 400
	mostFiles      = 64
	mostResident   = 512 << 20
)

// violations tells what grew more than it may, or was more than it may ever be.
func (l *life) violations() []string {
	var wrong []string
	if l.ended.Goroutines > l.began.Goroutines+moreGoroutines || l.ended.Files > l.began.Files+moreFiles {
		wrong = append(wrong, fmt.Sprintf("it grows: from %s to %s", l.began, l.ended))
	}
	if l.peak.Goroutines > mostGoroutines || l.peak.Resident > mostResident || l.peak.Files > mostFiles {
		wrong = append(wrong, fmt.Sprintf("too much at a time: %s", l.peak))
	}
	return wrong
}

// report is how a run went.
type report struct {
	seed uint64
	took time.Duration

	mu      sync.Mutex
	results []*result
	sums    sums
}

// sums are the figures of a run.
type sums struct {
	Scrapes, Violations, Exporters int
	Slowest                        time.Duration // recovery from a fault that does not ask to wait
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

// Row is what a fault came to.
type Row struct {
	Fault                      string
	Cells, Scrapes, Violations int
}

// rows sums up a part of the cells, a row for each fault.
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
