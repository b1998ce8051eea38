package faultmatrix

import (
	"fmt"
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

// column is an endpoint with the credentials for it, or a larger part of Atlas. The larger parts are for faults that hang,
// which may starve other targets.
type column struct {
	title    string
	endpoint string
	scope    scope
	setup    setup
}

// columns returns a column for each endpoint, one for API keys and HTTP/2, and the wide ones.
func columns() []column {
	var all []column
	for _, e := range endpoints() {
		all = append(all, column{title: e.title(), endpoint: e.title(), setup: setup{configured: e.title() == project}})
	}
	all = append(all, column{title: "exports by API key, HTTP/2", endpoint: exports, setup: setup{apiKey: true, tls: true}})
	for _, s := range []scope{oneProject, oneEndpoint, everything} {
		all = append(all, column{title: string(s), endpoint: exports, scope: s, setup: setup{crowded: true}})
	}
	return all
}

// cell is one fault at one endpoint in one mode.
type cell struct {
	fault  *fault
	column column
	mode   mode
}

func (c cell) String() string { return c.fault.name + " / " + c.column.title + " / " + string(c.mode) }

func (c cell) endpoint() endpoint { return endpointOf(c.column.endpoint) }

func (c cell) outcome() outcome {
	o, _ := c.fault.at(c.endpoint())
	return o
}

// makesSense reports whether the fault can strike the column in the mode. The larger parts of Atlas are only for faults that
// hang.
func (c cell) makesSense() bool {
	_, ok := c.fault.at(c.endpoint())
	wide := c.column.scope != oneTarget
	return ok && (c.mode == always || c.fault.points == nil && !wide) && (!wide || c.fault.hangs())
}

// setup returns the exporter setup for the cell. An API key replaces the token where a reload changes the address, because
// each such reload would need a token and tokens are rate limited.
func (c cell) setup() setup {
	s := c.column.setup
	s.hasty = c.fault.hangs()
	s.apiKey = s.apiKey || c.fault.points != nil
	return s
}

func (c cell) ofToken() bool { return c.column.endpoint == token }

// alone reports whether the cell needs its own exporter: a feature that is gone is not read again for an hour, and token
// cells use up the tokens of a minute.
func (c cell) alone() bool { return c.ofToken() || c.outcome().unsupported == featureGone }

// endures reports whether the cell also tests the rest of the exporter while the fault lasts.
func (c cell) endures() bool {
	return c.column.scope != oneTarget || c.ofToken() && c.fault.hangs() && c.mode == always
}

// patience is the minimum wait that the fault causes. The exporter waits a minute before it requests a token again after the
// rate limit of tokens.
func (c cell) patience() time.Duration {
	if c.ofToken() && (c.endures() || slices.Contains(c.outcome().reasons, rateLimited)) {
		return time.Minute
	}
	return c.fault.retryAfter
}

// cells returns the cells whose name matches a pattern.
func cells(only *regexp.Regexp) []cell {
	var all []cell
	for _, f := range allFaults() {
		for _, c := range columns() {
			for _, m := range []mode{always, once, atRandom} {
				if one := (cell{&f, c, m}); one.makesSense() && only.MatchString(one.String()) {
					all = append(all, one)
				}
			}
		}
	}
	return all
}

// sample returns one random cell for each fault. One of the faults that hang strikes a larger part of Atlas, which takes
// longer.
func sample(all []cell, random *rand.Rand) []cell {
	var chosen []cell
	large := []string{"no answer", "headers and no body", "half a body", "one byte a second"}[random.IntN(4)]
	for _, f := range allFaults() {
		of := slices.DeleteFunc(slices.Clone(all), func(c cell) bool { return c.fault.name != f.name || c.endures() != (f.name == large) })
		if len(of) > 0 {
			chosen = append(chosen, of[random.IntN(len(of))])
		}
	}
	return chosen
}

// batches divides cells into batches with the same setup, each with cells of many kinds. Cells with their own exporter come
// first, because they take the longest.
func batches(all []cell, longest int, random *rand.Rand) [][]cell {
	var alone, parted [][]cell
	bySetup := map[setup][]cell{}
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	for _, c := range all {
		if c.alone() || c.endures() {
			alone = append(alone, []cell{c})
		} else {
			bySetup[c.setup()] = append(bySetup[c.setup()], c)
		}
	}
	for s, of := range bySetup {
		size := longest
		if s.hasty { // requests that hang take longer
			size = max(1, longest/4)
		}
		parted = slices.AppendSeq(parted, slices.Chunk(of, size))
	}
	return append(alone, parted...)
}

// result is the result of a cell.
type result struct {
	cell       cell
	scrapes    int
	violations int
	found      []string // the first mostFound violations
	recovery   time.Duration
}

// mostFound is the number of violations that are reported for a cell.
const mostFound = 8

func (r *result) complain(wrong ...string) {
	for _, w := range wrong {
		r.violations++
		if len(r.found) < mostFound {
			r.found = append(r.found, fmt.Sprintf("%s, scrape %d: %s", r.cell, r.scrapes, w))
		}
	}
}
