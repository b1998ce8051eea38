package collector

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// readTimeout bounds the read of one target, including all pages of its list.
	readTimeout = 10 * time.Minute
	// readsPerRequest is the maximum number of concurrent reads for each request that may be in flight. It is
	// much more than 1, so that reads that wait for a rate limit or a retry do not block others, and so that the
	// last pages of long lists still use all requests.
	readsPerRequest = 16
)

// policy decides what the refresher reads.
type policy interface {
	// due returns when to read a target again, and false if never.
	due(t *target) (at time.Time, ever bool)
	// read reads a target. The result is valid until the returned context ends; if it has ended already, the target is read
	// once more.
	read(ctx context.Context, t *target) (valid context.Context)
	// children lists the targets that a read of a target found.
	children(t *target) []*target
}

// refresher reads the targets that scrapes ask for, the most urgent first. The number of concurrent reads is
// bounded, and no target is read twice at the same time.
//
// Each collector of each project has a lane. The lanes share the bound, so that a project or endpoint that hangs does
// not block the others: every lane may have one running read, and more only while there are few lanes.
//
// The client shares its requests in flight in a similar way. It cannot do what the refresher does: bound the goroutines,
// and the memory of the lists that they read. The client sees what the refresher does not: which of many running reads
// has a request in flight.
type refresher struct {
	policy policy

	ctx    context.Context //nolint:containedctx // the life of the exporter: reads outlive the scrape that began them
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	lanes     map[laneKey]*lane // those with queued or running targets
	nextLanes laneHeap          // the lanes with queued targets
	running   int
	limit     int
}

type laneKey struct{ groupID, collector string }

// lane holds the queued targets and counts the running reads of one collector in one project.
type lane struct {
	queue   urgency
	running int
	index   int // in refresher.nextLanes, while the lane has queued targets
}

// batch counts the reads that one scrape waits for.
type batch struct {
	key     string // Selection.key of the scrape
	wants   func(*target) bool
	started time.Time
	left    int
	done    chan struct{}
	over    bool                 // the scrape no longer waits
	ended   map[string]time.Time // by collector: when its last read of this batch ended
}

func newRefresher(p policy) *refresher {
	r := &refresher{policy: p, lanes: map[laneKey]*lane{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// setRequests sets how many requests may be in flight.
func (r *refresher) setRequests(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = n * readsPerRequest
}

// stop ends all reads and waits for them.
func (r *refresher) stop() {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.wg.Wait()
}

// begin queues every wanted target that is due, and the targets that reading them discovers. It returns a batch that is
// done when all of them have been read. key identifies the selection of the scrape.
func (r *refresher) begin(targets []*target, key string, wants func(*target) bool) *batch {
	b := &batch{key: key, wants: wants, started: time.Now(), done: make(chan struct{}), ended: map[string]time.Time{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.left = 1 // for this call, so that the batch cannot be done before all targets are queued
	for _, t := range targets {
		r.enqueue(b, t, r.policy.due)
	}
	r.release(b)
	return b
}

// enqueue makes a batch wait for a target, if the batch wants it and it is due. There are four cases: the target is
// queued or being read already, then the batch only joins; it will never be read; it is due later, then the batch does
// not wait for it; it is due now, then it is queued. The lock is held.
func (r *refresher) enqueue(b *batch, t *target, due func(*target) (time.Time, bool)) {
	if !b.wants(t) || r.ctx.Err() != nil {
		return
	}
	if t.queued || t.running {
		r.join(b, t)
		return
	}
	at, ever := due(t)
	if !ever {
		return
	}
	if wait := time.Until(at); wait > 0 {
		r.delay(t, wait)
		return
	}
	r.join(b, t)
	r.schedule(t)
}

// join makes a batch wait for a target. It drops batches whose scrape has given up, if they have the same selection: an
// abandoned batch still queues the targets that reading this one discovers, but one batch for each selection is enough
// for that. The lock is held.
func (r *refresher) join(b *batch, t *target) {
	t.waiting = slices.DeleteFunc(t.waiting, func(other *batch) bool { return other.over && other.key == b.key })
	t.waiting = append(t.waiting, b)
	b.left++
}

// delay queues a target whose last read failed at the time of its retry, so that it does not have to wait for the
// next scrape. The lock is held.
func (r *refresher) delay(t *target, wait time.Duration) {
	if s := t.currentStatus(); s.condition() != Down || wait > retryInterval || t.delayed {
		return
	}
	t.delayed = true
	time.AfterFunc(wait, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		t.delayed = false
		if !t.queued && !t.running && r.ctx.Err() == nil {
			r.schedule(t)
		}
	})
}

// schedule queues a target in its lane, and starts reads if possible. The lock is held.
func (r *refresher) schedule(t *target) {
	l := r.lanes[t.lane()]
	if l == nil {
		l = &lane{}
		r.lanes[t.lane()] = l
	}
	t.queued, t.rank = true, t.urgencyRank()
	heap.Push(&l.queue, t)
	if len(l.queue) == 1 {
		heap.Push(&r.nextLanes, l)
	} else {
		heap.Fix(&r.nextLanes, l.index)
	}
	r.start()
}

func (t *target) lane() laneKey { return laneKey{t.groupID, t.Name} }

// start starts as many reads as the bounds allow. The lock is held.
func (r *refresher) start() {
	for r.ctx.Err() == nil && len(r.nextLanes) > 0 && r.running < max(r.limit, len(r.lanes)) {
		l := r.nextLanes[0]
		if l.running >= max(1, r.limit/len(r.lanes)) {
			return // the first lane has the fewest reads: if it has its share, all have
		}
		t := heap.Pop(&l.queue).(*target)
		t.queued, t.running = false, true
		l.running++
		r.running++
		if len(l.queue) == 0 {
			heap.Pop(&r.nextLanes)
		} else {
			heap.Fix(&r.nextLanes, 0)
		}
		r.wg.Add(1)
		go r.read(t, l)
	}
}

// read reads a target without the lock, then takes the lock and queues the targets that this discovered, for the
// batches that wait for it. A batch counts the discovered targets before it is released from this one, so it cannot be
// done too early.
func (r *refresher) read(t *target, l *lane) {
	defer r.wg.Done()
	ctx, cancel := context.WithTimeout(r.ctx, readTimeout)
	valid := r.policy.read(ctx, t)
	cancel()
	found := r.policy.children(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.running = false
	r.running--
	l.running--
	switch {
	case len(l.queue) > 0:
		heap.Fix(&r.nextLanes, l.index)
	case l.running == 0:
		delete(r.lanes, t.lane())
	}
	if valid.Err() != nil && r.ctx.Err() == nil { // checked under the lock: a later begin finds the target due
		r.schedule(t) // the batches go on waiting for it
		return
	}
	waiting := t.waiting
	t.waiting = nil
	for _, b := range waiting {
		for _, child := range found {
			r.enqueue(b, child, dueIfNew)
		}
		b.ended[t.Name] = time.Now()
		r.release(b)
	}
	r.start()
}

// dueIfNew makes newly discovered targets due now; known ones wait for the next scrape.
func dueIfNew(t *target) (time.Time, bool) {
	s := t.currentStatus()
	return time.Time{}, s.attempted.IsZero() && s.unsupported == None
}

// release tells a batch that one of its reads has ended. The last one closes done. The lock is held.
func (r *refresher) release(b *batch) {
	if b.left--; b.left == 0 {
		close(b.done)
	}
}

// wait waits until the batch is done or the context ends.
func (r *refresher) wait(ctx context.Context, b *batch) {
	select {
	case <-b.done:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.over = true
}

// durations returns for each collector the time from the start of the batch to the end of its last read.
func (r *refresher) durations(b *batch) map[string]time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := make(map[string]time.Duration, len(b.ended))
	for collector, at := range b.ended {
		d[collector] = at.Sub(b.started)
	}
	return d
}

// urgencyRank returns the time that orders the queue: the target that was read longest ago comes first. A busy target,
// which has a running or due job, counts as twice as old. It is read more often, but does not starve the others.
// Discovery comes before jobs, because jobs can only be read after it, and it is due too rarely to delay them.
func (t *target) urgencyRank() time.Time {
	attempted := t.currentStatus().attempted
	switch {
	case !t.Configurable:
		return attempted.Add(-discoveryHeadStart)
	case !attempted.IsZero() && t.busy != nil && t.busy():
		return attempted.Add(-time.Since(attempted))
	}
	return attempted
}

// discoveryHeadStart exceeds the age of any target that scrapes ask for, so that discovery always sorts first.
const discoveryHeadStart = 24 * time.Hour

// urgency is a heap of targets, the most urgent on top.
type urgency []*target

func (u urgency) Len() int           { return len(u) }
func (u urgency) Less(i, j int) bool { return u[i].rank.Before(u[j].rank) }
func (u urgency) Swap(i, j int)      { u[i], u[j] = u[j], u[i] }
func (u *urgency) Push(t any)        { *u = append(*u, t.(*target)) }
func (u *urgency) Pop() any {
	old := *u
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*u = old[:len(old)-1]
	return last
}

// laneHeap is a heap of the lanes with queued targets. On top is the lane with the fewest running reads, and among
// those the lane with the most urgent target.
type laneHeap []*lane

func (h laneHeap) Len() int { return len(h) }
func (h laneHeap) Less(i, j int) bool {
	if h[i].running != h[j].running {
		return h[i].running < h[j].running
	}
	return h[i].queue[0].rank.Before(h[j].queue[0].rank)
}

func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *laneHeap) Push(l any) {
	l.(*lane).index = len(*h)
	*h = append(*h, l.(*lane))
}

func (h *laneHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
