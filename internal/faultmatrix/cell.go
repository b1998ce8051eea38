package faultmatrix

import (
	"cmp"
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

// makesSense reports whether the fault can strike the column in the mode.
func (c cell) makesSense() bool {
	_, ok := c.fault.at(c.endpoint())
	return ok && (c.column.scope == oneTarget || c.fault.hangs() && c.mode == always)
}

// setup is what the cell needs of an exporter. Without DNS each reload would ask for a token, of which there may be eight a minute.
func (c cell) setup() setup {
	s := c.column.setup
	s.hasty = c.fault.hangs()
	s.tls = s.tls || c.fault.breaks != ""
	s.apiKey = s.apiKey || c.fault.breaks == noName
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

// recovery is how long after the fault a target must be read again: the 10 s of the interface, and what an attempt takes that XX
func (c cell) recovery() time.Duration {
	limit := slowness*16*time.Second + c.fault.retryAfter
	if c.ofToken() && (c.endures() || slices.Contains(c.outcome().reasons, rateLimited)) {
		limit += time.Minute
	}
	return limit
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

// sample chooses one cell of each fault, any one; of those that hang, one of a larger part of Atlas.
func sample(all []cell, random *rand.Rand) []cell {
	var chosen []cell
	for _, f := range allFaults() {
		of := slices.DeleteFunc(slices.Clone(all), func(c cell) bool { return c.fault.name != f.name || f.hangs() && !c.endures() })
		if len(of) > 0 {
			chosen = append(chosen, of[random.IntN(len(of))])
		}
	}
	return chosen
}

// batch is the cells that one exporter is played with.
type batch struct {
	setup setup
	cells []cell
}

// batches parts cells by what they need of an exporter. The longest come first, and each holds cells of many kinds.
func batches(all []cell, longest int, random *rand.Rand) []batch {
	var parted []batch
	bySetup := map[setup][]cell{}
	for _, c := range all {
		if c.alone() || c.endures() {
			parted = append(parted, batch{c.setup(), []cell{c}})
		} else {
			bySetup[c.setup()] = append(bySetup[c.setup()], c)
		}
	}
	for s, of := range bySetup {
		random.Shuffle(len(of), func(i, k int) { of[i], of[k] = of[k], of[i] })
		for chunk := range slices.Chunk(of, max(1, longest/s.weight())) {
			parted = append(parted, batch{s, chunk})
		}
	}
	slices.SortStableFunc(parted, func(a, b batch) int { return cmp.Compare(b.weight(), a.weight()) })
	return parted
}

func (b batch) weight() int {
	if b.cells[0].endures() {
		return 1000
	}
	return b.setup.weight() * len(b.cells)
}

// weight is about how long a cell takes.
func (s setup) weight() int {
	if s.hasty {
		return 4
	}
	return 1
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
