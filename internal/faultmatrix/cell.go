package main

import (
	"fmt"
	"time"
)

// column is an endpoint with the credentials by which it is asked.
type column struct {
	title    string
	endpoint endpoint
	setup    setup
}

func columns() []column {
	return []column{
		{"token", token, setup{shortToken: true}},
		{"projects", projects, setup{}},
		{"project", project, setup{configured: true}},
		{"clusters", clusters, setup{}},
		{"schedule", schedule, setup{}},
		{"pipelines", pipelines, setup{}},
		{"exports", exports, setup{}},
		{"restores", restores, setup{}},
		{"runs", runs, setup{}},
		{"exports by API key, HTTP/2", exports, setup{apiKey: true, tls: true}},
	}
}

// cell is one fault, at one endpoint, in one mode.
type cell struct {
	fault  *fault
	column column
	mode   mode
}

func (c cell) String() string { return c.fault.name + " / " + c.column.title + " / " + string(c.mode) }

// setup is what the cell needs of an exporter.
func (c cell) setup() setup {
	s := c.column.setup
	s.hasty = c.fault.slow
	s.tls = s.tls || c.fault.connection != ""
	return s
}

// lasting tells whether the exporter is given up after the cell.
func (c cell) lasting() bool { return c.fault.lasting != nil && c.fault.lasting(c.column.endpoint) }

// recovers tells whether the exporter must be itself again soon. A feature that is gone is asked for again in an hour.
func (c cell) recovers() bool {
	o, _ := c.fault.expect(c.column.endpoint)
	return o.unsupported != featureGone
}

// result is what a cell came to.
type result struct {
	cell       cell
	scrapes    int
	violations int
	found      []string // the first of them
	recovery   time.Duration
}

func (r *result) complain(scrape int, wrong ...string) {
	for _, w := range wrong {
		r.violations++
		if len(r.found) < mostFound {
			r.found = append(r.found, fmt.Sprintf("%s, scrape %d: %s", r.cell, scrape, w))
		}
	}
}

const (
	// mostFound is how many violations of a cell are shown.
	mostFound = 8
	// settling bounds the time until a fault must have shown.
	settling = slowness * 25 * time.Second
	// recovery is how long after a fault a target must be read again: the 10 s of the interface, and what an attempt takes
	// that was under way.
	recovery = slowness * 16 * time.Second
	beat     = 80 * time.Millisecond
)
