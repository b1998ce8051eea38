package atlassim

import (
	"container/heap"
	"time"
)

// event is a change that happens at a moment.
type event struct {
	at     time.Time
	number uint64
	change func(at time.Time)
}

// eventQueue is a heap of events, the next one first. Events of the same moment happen in the order in which they were
// planned.
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

// Do carries out change while nobody else reads or changes the organization, after everything that the rules had due
// by now. It must not be called from within change, from an event or from a routine's Outcome.
func (o *Organization) Do(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.advance(o.clock.Now())
	change()
}

// view lets read look at the organization as it is now.
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

// At plans change for a moment. A moment in the past comes due at once, dated as planned, so that history can be made
// by the same rules as the future. change may use every method of the organization but Do.
func (o *Organization) At(at time.Time, change func(at time.Time)) {
	o.planned++
	heap.Push(&o.events, event{at: at, number: o.planned, change: change})
}

// After plans change for d from now, d being divided by the organization's time scale. Within an event, now is the
// moment of that event.
func (o *Organization) After(d time.Duration, change func(at time.Time)) {
	o.At(o.current().Add(o.scaled(d)), change)
}

// current is the moment of the event that is being carried out, else the clock's now.
func (o *Organization) current() time.Time {
	if !o.happening.IsZero() {
		return o.happening
	}
	return o.clock.Now()
}

// scaled is d in the organization's time.
func (o *Organization) scaled(d time.Duration) time.Duration {
	if o.scale == 1 {
		return d
	}
	return max(time.Duration(float64(d)/o.scale), time.Millisecond)
}

// due reports whether an event waits to be carried out.
func (o *Organization) due(now time.Time) bool {
	return len(o.events) > 0 && !o.events[0].at.After(now)
}

// advance carries out every event up to now, in order of time.
func (o *Organization) advance(now time.Time) {
	defer func() { o.happening = time.Time{} }()
	for o.due(now) {
		next := heap.Pop(&o.events).(event) //nolint:forcetypeassert // only At pushes
		o.happening = next.at
		next.change(next.at)
	}
}
