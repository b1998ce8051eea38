package atlasapi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// turns shares the requests that may be in flight, so that endpoints which accept requests and never answer starve no
// other. A request that waits for its turn holds none.
//
// Half of the turns, and at least one, are fair: they go to the project with the fewest requests in flight, then to the
// request that waits longest. The others go to the line that was answered last: whatever hangs is never that, so the
// lines that are answered always get on. A line whose request timed out gets fair turns alone, one at a time, until one
// is answered.
type turns struct {
	mu       sync.Mutex
	limit    int // requests in flight
	inFlight int
	fair     int // requests in flight on a fair turn
	lines    map[lineKey]*line
	projects map[string]int // requests in flight by project
	waiting  []*turn        // the one that waits longest first
}

// lineKey names an endpoint of a project, "" where it belongs to none: what hangs together.
type lineKey struct{ endpoint, groupID string }

// line is what is known of an endpoint of a project.
type line struct {
	inFlight int
	answered time.Time // when a request was last answered
	hung     bool      // the last request timed out
}

// turn is the right to have one request in flight.
type turn struct {
	key     lineKey
	line    *line
	fair    bool
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
	own.line = t.lines[key]
	if own.line == nil {
		own.line = &line{}
		t.lines[key] = own.line
	}
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

// leave takes a request out of the queue, and reports whether it did. Only a line that hangs is left for want of
// patience.
func (t *turns) leave(own *turn, ended bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.taken || !ended && !own.line.hung {
		return false
	}
	t.waiting = slices.DeleteFunc(t.waiting, func(w *turn) bool { return w == own })
	return true
}

// done ends a turn.
func (t *turns) done(own *turn, o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
	own.line.inFlight--
	if own.fair {
		t.fair--
	}
	if t.projects[own.key.groupID]--; t.projects[own.key.groupID] == 0 {
		delete(t.projects, own.key.groupID)
	}
	switch o {
	case outcomeAnswered:
		own.line.answered, own.line.hung = time.Now(), false
	case outcomeHung:
		// What was not answered since either may hang too: the project, or the endpoint alone.
		for key, sibling := range t.lines {
			if key.groupID == own.key.groupID && sibling.answered.Before(own.started) {
				sibling.hung = true
			}
		}
	case outcomeNone:
	}
	t.grant()
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
	for t.inFlight < t.limit {
		i, fair := t.next()
		if i < 0 {
			return
		}
		own := t.waiting[i]
		t.waiting = slices.Delete(t.waiting, i, i+1)
		own.taken, own.fair, own.started = true, fair, time.Now()
		t.inFlight++
		own.line.inFlight++
		t.projects[own.key.groupID]++
		if fair {
			t.fair++
		}
		if own.ready != nil {
			close(own.ready)
		}
	}
}

// next chooses the request whose turn it is, -1 where it is nobody's. The lock is held.
func (t *turns) next() (chosen int, fair bool) {
	chosen = -1
	if t.fair < max(1, t.limit/2) {
		for i, w := range t.waiting {
			if w.line.hung && w.line.inFlight > 0 {
				continue
			}
			if chosen < 0 || t.projects[w.key.groupID] < t.projects[t.waiting[chosen].key.groupID] {
				chosen = i
			}
		}
		if chosen >= 0 {
			return chosen, true
		}
	}
	for i, w := range t.waiting {
		if !w.line.hung && (chosen < 0 || w.line.answered.After(t.waiting[chosen].line.answered)) {
			chosen = i
		}
	}
	return chosen, false
}
