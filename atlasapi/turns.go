package atlasapi

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// turns limits the requests in flight, and shares them so that an endpoint that accepts requests and never answers
// cannot starve the others. To be sent, a request needs a turn: one of the slots in flight.
//
// The callers cannot share the slots, because a caller reads one list with many requests, and waits between them for a
// rate limit or a retry. The exporter starts many more reads than there are slots.
//
// A line is an endpoint of a project. If a request of a line times out, the line hangs until one of its requests is
// answered. It gets one turn at a time, and all hanging lines together get a quarter of the turns. The other lines of
// its project are doubted until they are answered: they get one turn at a time too, and half of the turns at most. A
// hang therefore costs each project one request timeout, and nothing after that.
//
// Among the other lines, the project with the fewest requests in flight comes first, then the request that has waited
// longest.
type turns struct {
	mu       sync.Mutex
	limit    int // requests in flight
	inFlight [lineStates]int
	lines    map[lineKey]*line
	projects map[string]int // requests in flight by project
	waiting  []*turn        // the one that waits longest first
}

// lineKey identifies a line: an endpoint and a project, "" for an endpoint without one.
type lineKey struct{ endpoint, groupID string }

// line is the state of an endpoint of a project.
type line struct {
	state     lineState
	suspected bool // the endpoint hung in another project, and this line has not been answered since
	inFlight  int
	answered  time.Time // when a request was last answered
}

// lineState says how likely a line is to answer.
type lineState uint8

const (
	lineTrusted lineState = iota
	lineDoubted           // another line of the project hung, and this one has not been answered since
	lineHangs             // the last request timed out
	lineStates
)

// turn is the right to have one request in flight.
type turn struct {
	key     lineKey
	line    *line
	state   lineState // of the line, when it got its turn
	taken   bool
	ready   chan struct{} // closed when the turn is granted, nil if it was granted at once
	started time.Time
}

// outcome is what a request says about its line.
type outcome uint8

const (
	outcomeNone     outcome = iota // such as a refused connection
	outcomeAnswered                // whatever the answer
	outcomeHung
)

var errNoTurn = errors.New("not sent: this endpoint of the project did not answer the last request, and other requests are waiting")

func newTurns(limit int) *turns {
	return &turns{limit: limit, lines: map[lineKey]*line{}, projects: map[string]int{}}
}

// take waits for a turn. The caller must end it with done. If the line hangs, the wait is bounded.
func (t *turns) take(ctx context.Context, key lineKey) (*turn, error) {
	own := &turn{key: key}
	t.mu.Lock()
	own.line = t.lineOf(key)
	t.waiting = append(t.waiting, own)
	t.grant()
	if own.taken {
		t.mu.Unlock()
		return own, nil
	}
	own.ready = make(chan struct{})
	t.mu.Unlock()
	patience := time.NewTicker(longestWait)
	defer patience.Stop()
	for {
		var err error
		select {
		case <-own.ready:
			return own, nil
		case <-ctx.Done():
			err = ctx.Err()
		case <-patience.C:
			err = &Error{Endpoint: key.endpoint, Kind: KindTimeout, sentNothing: true, Err: errNoTurn}
		}
		if t.leave(own, ctx.Err() != nil) {
			return nil, err
		}
	}
}

// lineOf returns the line of a key. A new line is doubted if another line of its project hangs. The lock is held.
func (t *turns) lineOf(key lineKey) *line {
	own := t.lines[key]
	if own != nil {
		return own
	}
	own = &line{}
	for other, l := range t.lines {
		if other.groupID == key.groupID && l.state == lineHangs {
			own.state = lineDoubted
		}
	}
	t.lines[key] = own
	return own
}

// leave removes a request from the queue, and reports whether it did. A request gives up waiting early only if its line
// hangs.
func (t *turns) leave(own *turn, ended bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.taken || !ended && own.line.state != lineHangs {
		return false
	}
	t.waiting = slices.DeleteFunc(t.waiting, func(w *turn) bool { return w == own })
	return true
}

// done ends a turn.
func (t *turns) done(own *turn, o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight[own.state]--
	own.line.inFlight--
	if t.projects[own.key.groupID]--; t.projects[own.key.groupID] == 0 {
		delete(t.projects, own.key.groupID)
	}
	switch o {
	case outcomeAnswered:
		own.line.answered, own.line.state, own.line.suspected = time.Now(), lineTrusted, false
	case outcomeHung:
		if own.line.state != lineHangs {
			t.doubt(own)
		}
		own.line.state = lineHangs
	case outcomeNone:
	}
	t.grant()
}

// doubt marks the other lines of the project as doubted, and those of the endpoint as suspected, unless they were
// answered after the hung request was sent. The lock is held.
func (t *turns) doubt(hung *turn) {
	for key, other := range t.lines {
		if other.answered.After(hung.started) {
			continue
		}
		if key.groupID == hung.key.groupID && other.state == lineTrusted {
			other.state = lineDoubted
		}
		if key.endpoint == hung.key.endpoint {
			other.suspected = true
		}
	}
}

// forget drops the lines of a project.
func (t *turns) forget(groupID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.lines {
		if key.groupID == groupID {
			delete(t.lines, key) // a request that is in flight or waiting keeps its line
		}
	}
}

// grant gives the free turns to waiting requests. The lock is held.
func (t *turns) grant() {
	for t.inFlight[lineTrusted]+t.inFlight[lineDoubted]+t.inFlight[lineHangs] < t.limit {
		i := t.next()
		if i < 0 {
			return
		}
		own := t.waiting[i]
		t.waiting = slices.Delete(t.waiting, i, i+1)
		own.taken, own.state, own.started = true, own.line.state, time.Now()
		t.inFlight[own.state]++
		own.line.inFlight++
		t.projects[own.key.groupID]++
		if own.ready != nil {
			close(own.ready)
		}
	}
}

// next returns the index of the waiting request that gets the next turn, -1 if none may have it. The lock is held.
func (t *turns) next() int {
	chosen := -1
	for i, w := range t.waiting {
		if t.mayGo(w) && (chosen < 0 || t.compare(w, t.waiting[chosen]) < 0) {
			chosen = i
		}
	}
	return chosen
}

// mayGo reports whether a request may get a free turn.
func (t *turns) mayGo(w *turn) bool {
	hang := t.inFlight[lineHangs]
	switch w.line.state {
	case lineHangs:
		return w.line.inFlight == 0 && hang < max(1, t.limit/4)
	case lineDoubted:
		return w.line.inFlight == 0 && hang+t.inFlight[lineDoubted] < max(1, t.limit/2)
	default:
		return true
	}
}

// compare orders waiting requests: the first gets the next turn. Equal ones keep the order of their arrival.
func (t *turns) compare(a, b *turn) int {
	return cmp.Or(
		cmp.Compare(t.rank(a.line.state), t.rank(b.line.state)),
		compareBool(a.line.suspected, b.line.suspected),
		cmp.Compare(t.projects[a.key.groupID], t.projects[b.key.groupID]),
	)
}

// rank orders the states: trusted lines first. But one turn is reserved for each of the other states, so that the
// client notices when such a line answers again, however many requests wait.
func (t *turns) rank(s lineState) int {
	if s != lineTrusted && t.inFlight[s] == 0 && t.limit >= 2*int(s) {
		return -int(s)
	}
	return int(s)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
