package atlasapi

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// turns shares the requests that may be in flight, so that endpoints which accept requests and never answer starve no
// other. A request that waits for its turn holds none.
//
// A line whose request timed out hangs until one is answered: it gets one turn at a time, and all such lines together a
// quarter of the turns. The other lines of its project are doubted until they are answered: they get one turn at a time,
// and half of the turns at most. So a hang costs the turns of a request timeout for each project, and nothing after.
// Among the others, the project with the fewest requests in flight comes first, then the request that waits longest.
type turns struct {
	mu       sync.Mutex
	limit    int // requests in flight
	inFlight [lineStates]int
	lines    map[lineKey]*line
	projects map[string]int // requests in flight by project
	waiting  []*turn        // the one that waits longest first
}

// lineKey names an endpoint of a project, "" where it belongs to none: what hangs together.
type lineKey struct{ endpoint, groupID string }

// line is what is known of an endpoint of a project.
type line struct {
	state     lineState
	suspected bool // the endpoint hung elsewhere, and this line was not answered since
	inFlight  int
	answered  time.Time // when a request was last answered
}

// lineState says how far a line is trusted to answer.
type lineState uint8

const (
	lineTrusted lineState = iota
	lineDoubted           // the project hung elsewhere, and this line was not answered since
	lineHangs             // the last request timed out
	lineStates
)

// turn is the right to have one request in flight.
type turn struct {
	key     lineKey
	line    *line
	state   lineState // of the line, when it got its turn
	taken   bool
	ready   chan struct{} // closed when taken, nil where there was no wait
	started time.Time
}

// outcome is what a request says about its line.
type outcome uint8

const (
	outcomeNone     outcome = iota // such as a refused connection
	outcomeAnswered                // whatever the answer
	outcomeHung
)

var errNoTurn = errors.New("not sent, because this endpoint of the project did not answer the last request, and others wait too")

func newTurns(limit int) *turns {
	return &turns{limit: limit, lines: map[lineKey]*line{}, projects: map[string]int{}}
}

// take waits for a turn. The caller ends it by done. The wait of a line that hangs is bounded.
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

// lineOf returns the line of a key. A new one is doubted where its project hangs elsewhere. The lock is held.
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

// leave takes a request out of the queue, and reports whether it did. Only a line that hangs is left for want of
// patience.
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

// doubt notes that the project of a line may hang, or its endpoint, where it was not answered since. The lock is held.
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

// forget drops what is known of the lines of a project.
func (t *turns) forget(groupID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.lines {
		if key.groupID == groupID {
			delete(t.lines, key) // a request in flight or waiting keeps its own
		}
	}
}

// grant gives away the turns that are free. The lock is held.
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

// next chooses the request whose turn it is, -1 where it is nobody's. The lock is held.
func (t *turns) next() int {
	chosen := -1
	for i, w := range t.waiting {
		if t.mayGo(w) && (chosen < 0 || t.compare(w, t.waiting[chosen]) < 0) {
			chosen = i
		}
	}
	return chosen
}

// mayGo reports whether a request may get one of the turns that are free.
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

// compare orders requests by their turn. Requests that are equal in this go in the order of their arrival.
func (t *turns) compare(a, b *turn) int {
	return cmp.Or(
		cmp.Compare(t.rank(a.line.state), t.rank(b.line.state)),
		compareBool(a.line.suspected, b.line.suspected),
		cmp.Compare(t.projects[a.key.groupID], t.projects[b.key.groupID]),
	)
}

// rank orders the states: trusted first, but one turn is for each other state, so that it is found out when they are
// answered again, however many requests wait.
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
