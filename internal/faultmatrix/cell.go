package faultmatrix

import (
	"fmt"
	"time"
)

// column is an endpoint with the credentials by which it is asked, or a larger part of Atlas.
type column struct {
	title    string
	endpoint endpoint
	setup    setup
	// wide columns strike more than one target. They are for faults that hold requests, which may starve others.
	wide func(strike, asked target) bool
}

// columns are one for each endpoint, one for API keys and HTTP/2, and the wide ones.
func columns() []column {
	var all []column
	for _, r := range resources() {
		c := column{title: string(r.endpoint), endpoint: r.endpoint}
		switch r.endpoint {
		case token:
			c.setup.shortToken = true
		case project:
			c.setup.configured = true
		default:
		}
		all = append(all, c)
	}
	return append(all,
		column{title: "exports by API key, HTTP/2", endpoint: exports, setup: setup{apiKey: true, tls: true}},
		column{
			title: "one project", endpoint: exports, setup: setup{crowded: true},
			wide: func(strike, asked target) bool { return asked.group == strike.group },
		},
		column{
			title: "one endpoint", endpoint: exports, setup: setup{crowded: true},
			wide: func(strike, asked target) bool { return asked.collector == strike.collector },
		},
		column{
			title: "everything", endpoint: projects, setup: setup{crowded: true},
			wide: func(target, target) bool { return true },
		},
	)
}

// columnOf returns the column of a title.
func columnOf(title string) column {
	for _, c := range columns() {
		if c.title == title {
			return c
		}
	}
	return column{title: title}
}

// cell is one fault, at one endpoint, in one mode.
type cell struct {
	fault  *fault
	column column
	mode   mode
}

func (c cell) String() string { return c.fault.name + " / " + c.column.title + " / " + string(c.mode) }

// makesSense reports whether the fault can strike the column in the mode.
func (c cell) makesSense() bool {
	if c.column.wide != nil {
		return c.fault.slow && c.mode == always
	}
	_, ok := c.fault.expect(c.column.endpoint)
	return ok
}

// setup is what the cell needs of an exporter.
func (c cell) setup() setup {
	s := c.column.setup
	s.hasty = c.fault.slow
	s.tls = s.tls || c.fault.connection != ""
	return s
}

// lasting reports whether the exporter is given up after the cell.
func (c cell) lasting() bool { return c.fault.lasting != nil && c.fault.lasting(c.column.endpoint) }

// recovers reports whether the exporter must be itself again soon. A feature that is gone is asked for again in an hour.
func (c cell) recovers() bool {
	o, _ := c.fault.expect(c.column.endpoint)
	return o.unsupported != featureGone
}

// result is how a cell went.
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
