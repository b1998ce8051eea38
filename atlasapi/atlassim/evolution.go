package atlassim

import (
	"container/heap"
	"time"
)

// event is a change at a moment.
type event struct {
	at     time.Time
	number uint64
	change func(at time.Time)
}

// eventQueue is a heap of events, the next one on top. Events of the same moment are carried out in the order in which
// they were planned.
type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	if order := q[i].at.Compare(q[j].at); order != 0 {
		return order < 0
	}
	return q[i].number < q[j].number
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) } //nolint:forcetypeassert // only At pushes
func (q *eventQueue) Pop() any {
	last := len(*q) - 1
	next := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return next
}

// Do carries out all planned events up to now, and then change, while nobody else reads or changes the organization. Do
// not call it from change, from an event or from a routine's Outcome.
func (o *Organization) Do(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.advance(o.clock.Now())
	change()
}

// view calls read with the organization as it is now.
func (o *Organization) view(read func(now time.Time)) {
	now := o.clock.Now()
	o.mu.RLock()
	for o.due(now) {
		o.mu.RUnlock()
		o.mu.Lock()
		o.advance(now)
		o.mu.Unlock()
		o.mu.RLock()
	}
	defer o.mu.RUnlock()
	read(now)
}

// At plans change for a moment. If the moment is in the past, change is carried out at the next reading, with that
// moment as its time. So the same routines make the history and the future. change may call every method of the
// organization except Do.
func (o *Organization) At(at time.Time, change func(at time.Time)) {
	o.planned++
	heap.Push(&o.events, event{at: at, number: o.planned, change: change})
}

// After plans change for d after now; d is divided by the organization's time scale. Within an event, now is the moment
// of that event.
func (o *Organization) After(d time.Duration, change func(at time.Time)) {
	o.At(o.current().Add(o.scaled(d)), change)
}

// current returns the moment of the event that is being carried out, else the clock's current time.
func (o *Organization) current() time.Time {
	if !o.happening.IsZero() {
		return o.happening
	}
	return o.clock.Now()
}

// scaled divides d by the organization's time scale.
func (o *Organization) scaled(d time.Duration) time.Duration {
	if o.scale == 1 {
		return d
	}
	return max(time.Duration(float64(d)/o.scale), time.Millisecond)
}

// due reports whether an event is due.
func (o *Organization) due(now time.Time) bool {
	return len(o.events) > 0 && !o.events[0].at.After(now)
}

// advance carries out every event up to now, in the order of time.
func (o *Organization) advance(now time.Time) {
	defer func() { o.happening = time.Time{} }()
	for o.due(now) {
		next := heap.Pop(&o.events).(event) //nolint:forcetypeassert // only At pushes
		o.happening = next.at
		next.change(next.at)
	}
}
