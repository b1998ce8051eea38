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

// scope is how much of Atlas a fault strikes.
type scope string

const (
	oneTarget   scope = ""
	oneProject  scope = "one project"
	oneEndpoint scope = "one endpoint"
	everything  scope = "everything"
)

// column is an endpoint with the credentials by which it is asked, or a larger part of Atlas. The larger ones are for faults that
// hold requests, which may starve others.
type column struct {
	title    string
	endpoint string
	scope    scope
	setup    setup
}

// columns are one for each endpoint, one for API keys and HTTP/2, and the wide ones.
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

// cell is one fault, at one endpoint, in one mode.
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

// makesSense reports whether the fault can strike the column in the mode. Larger parts are for faults that hang.
func (c cell) makesSense() bool {
	_, ok := c.fault.at(c.endpoint())
	wide := c.column.scope != oneTarget
	return ok && (c.mode == always || c.fault.points == nil && !wide) && (!wide || c.fault.hangs())
}

// setup is what the cell needs of an exporter. Each reload to another address asks for a token, of which there may be eight a minute.
func (c cell) setup() setup {
	s := c.column.setup
	s.hasty = c.fault.hangs()
	s.apiKey = s.apiKey || c.fault.points != nil
	return s
}

func (c cell) ofToken() bool { return c.column.endpoint == token }

// alone reports whether the cell gets an exporter of its own: because a feature that is gone is asked for again in an hour, or
// because the cell uses up the tokens that may be asked for in a minute.
func (c cell) alone() bool { return c.ofToken() || c.outcome().unsupported == featureGone }

// endures reports whether everything else is asked for while the fault lasts.
func (c cell) endures() bool {
	return c.column.scope != oneTarget || c.ofToken() && c.fault.hangs() && c.mode == always
}

// patience is how long the fault asks the exporter to wait. A token is asked for again after a minute where it was refused for the
// number of requests, or that was reached.
func (c cell) patience() time.Duration {
	if c.ofToken() && (c.endures() || slices.Contains(c.outcome().reasons, rateLimited)) {
		return time.Minute
	}
	return c.fault.retryAfter
}

// cells lists every cell in whose name a pattern matches.
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

// sample chooses one cell of each fault, any one; of the faults that hang, one strikes a larger part of Atlas, which takes longer.
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

// batches parts cells by what they need of an exporter, and so that each holds cells of many kinds. What lasts longest comes
// first: cells that have an exporter of their own.
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

// result is how a cell went.
type result struct {
	cell       cell
	scrapes    int
	violations int
	found      []string // the first of them
	recovery   time.Duration
}

// mostFound is how many violations of a cell are shown.
const mostFound = 8

func (r *result) complain(wrong ...string) {
	for _, w := range wrong {
		r.violations++
		if len(r.found) < mostFound {
			r.found = append(r.found, fmt.Sprintf("%s, scrape %d: %s", r.cell, r.scrapes, w))
		}
	}
}
