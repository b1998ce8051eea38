// Package faultmatrix injects every fault into every endpoint of the Atlas API that a running exporter reads, and judges each
// scrape.
//
// The exporter is the real program in its own process. The data of the simulated Atlas does not change. Atlas spoils the answers
// about one target or about many: always, once, or at random. All other targets must not change. The struck target must keep its
// values and show the reason of the failure. After the fault, everything must soon be as before. The package is a test and has a
// long form:
//
//	go test ./internal/faultmatrix                                                  every fault once, half a minute
//	go test ./internal/faultmatrix -run Matrix -long -write -timeout 60m            everything, and writes docs/fault-matrix.md
//	go test ./internal/faultmatrix -run Matrix -only 'truncated JSON / pipelines'    by a pattern of "fault / endpoint / mode"
package faultmatrix

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"time"
)

// mode is how often a fault strikes.
type mode string

const (
	always   mode = "always"
	once     mode = "once"
	atRandom mode = "at random"
)

// scope is the part of Atlas that a fault strikes.
type scope string

const (
	oneTarget   scope = ""
	oneProject  scope = "one project"
	oneEndpoint scope = "one endpoint"
	everything  scope = "everything"
)

// column is an endpoint with the exporter to read it, or a larger part of Atlas. The larger parts are for faults that hang,
// which may starve other targets.
type column struct {
	title    string
	endpoint endpoint
	scope    scope
	setup    setup
}

// columns returns a column for each endpoint, one for API keys and HTTP/2, and the larger parts.
func columns() []column {
	var all []column
	for _, e := range endpoints() {
		all = append(all, column{title: e.name, endpoint: e, setup: setup{configured: e.name == project, apiKey: e.name == project}})
	}
	byKey := column{title: "exports by API key, HTTP/2", endpoint: endpointOf(exports), setup: setup{apiKey: true, tls: true}}
	all = append(all, byKey)
	for _, s := range []scope{oneProject, oneEndpoint, everything} {
		all = append(all, column{title: string(s), endpoint: endpointOf(exports), scope: s})
	}
	return all
}

// cell is one fault at one column in one mode.
type cell struct {
	fault   fault
	column  column
	mode    mode
	outcome outcome
}

// String returns the name of the cell.
func (c cell) String() string { return c.fault.Name + " / " + c.column.title + " / " + string(c.mode) }

// wide reports whether the fault strikes a larger part of Atlas.
func (c cell) wide() bool { return c.column.scope != oneTarget }

// makesSense reports whether the fault can strike the column in the mode. A wrong address affects every endpoint, so that one
// column is enough. That column uses an API key: each new address would need a new token, and tokens are rate limited.
func (c cell) makesSense() bool {
	possible := c.outcome.mayStayUp() || c.outcome.unsupported != "" || len(c.outcome.reasons) > 0
	switch {
	case c.fault.baseURL != nil:
		return possible && c.mode == always && c.column.title == project
	case c.wide():
		return possible && c.mode == always && c.hangs()
	}
	return possible
}

// hangs reports whether requests hang. Such a cell has a short request timeout.
func (c cell) hangs() bool { return c.fault.hang != 0 }

func (c cell) ofToken() bool { return c.column.endpoint.name == token }

// alone reports whether the cell needs its own exporter: a feature that is gone is not read again for an hour, and token
// cells use up the tokens of a minute.
func (c cell) alone() bool { return c.ofToken() || c.wide() || c.outcome.unsupported == featureGone }

// throttles reports whether the answers are 429.
func (c cell) throttles() bool { return slices.Contains(c.outcome.reasons, rateLimited) }

// patience is the minimum wait that the fault causes: its Retry-After, or the minute after which the exporter requests a token
// again.
func (c cell) patience() time.Duration {
	switch {
	case c.ofToken() && c.throttles():
		return time.Minute
	case c.throttles():
		return 2 * time.Second
	}
	return 0
}

// cells returns the cells whose name matches a pattern.
func cells(only *regexp.Regexp) []cell {
	var all []cell
	for _, f := range allFaults() {
		for _, column := range columns() {
			for _, m := range []mode{always, once, atRandom} {
				c := cell{fault: f, column: column, mode: m, outcome: f.at(column.endpoint)}
				c.column.setup.hasty = c.hangs()
				if c.makesSense() && only.MatchString(c.String()) {
					all = append(all, c)
				}
			}
		}
	}
	return all
}

// sample returns one random cell for each fault, and one wide one, which takes longer.
func sample(all []cell, random *rand.Rand) []cell {
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	drawn := map[string]bool{}
	return slices.DeleteFunc(all, func(c cell) bool {
		kind := c.fault.Name
		if c.wide() {
			kind = "wide"
		}
		again := drawn[kind]
		drawn[kind] = true
		return again
	})
}

// batches divides cells into batches for one exporter each, with cells of many kinds.
func batches(all []cell, longest int, random *rand.Rand) [][]cell {
	type group struct {
		setup setup
		alone int // the number of a cell that needs its own exporter
	}
	groups := map[group][]cell{}
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	for i, c := range all {
		g := group{setup: c.column.setup}
		if c.alone() {
			g.alone = i + 1
		}
		groups[g] = append(groups[g], c)
	}
	var batches [][]cell
	for g, cells := range groups {
		size := longest
		if g.setup.hasty { // requests that hang take longer
			size = max(1, longest/4)
		}
		batches = slices.AppendSeq(batches, slices.Chunk(cells, size))
	}
	return batches
}
