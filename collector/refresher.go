package collector

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

const (
	// readingTimeout bounds the reading of one target, however long its list is.
	readingTimeout = 10 * time.Minute
	// readingsPerRequest is how many readings may be under way for each request that may be in flight: a reading that
	// waits for a rate limit or for a retry keeps no other from going on, and when many long lists are read, their last
	// pages still keep all requests busy.
	readingsPerRequest = 16
)

// refresher reads targets: each at most once at a time, some at a time, the most urgent first. It reads nothing that
// no scrape asked for.
type refresher struct {
	read     func(context.Context, *target)
	children func(parent *target) []*target

	ctx    context.Context //nolint:containedctx // the life of the exporter: readings outlive the scrape that began them
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	queue   urgency
	running int
	limit   int
}

// batch is what one scrape waits for.
type batch struct {
	wants   func(*target) bool
	started time.Time
	left    int
	done    chan struct{}
	ended   map[string]time.Time // by collector: when its last reading of this batch ended
}

func newRefresher(read func(context.Context, *target), children func(*target) []*target) *refresher {
	r := &refresher{read: read, children: children}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// setRequests tells how many requests may be in flight.
func (r *refresher) setRequests(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = n * readingsPerRequest
}

// stop ends all readings and waits for them.
func (r *refresher) stop() {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.wg.Wait()
}

// begin has those of the targets read that are due and wanted, and what is found by reading them.
func (r *refresher) begin(targets []*target, due func(*target) (time.Time, bool), wants func(*target) bool) *batch {
	b := &batch{wants: wants, started: time.Now(), done: make(chan struct{}), ended: map[string]time.Time{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.left = 1 // this call itself
	for _, t := range targets {
		r.ask(b, t, due)
	}
	r.release(b)
	return b
}

// ask queues a target for a batch. The lock is held.
func (r *refresher) ask(b *batch, t *target, due func(*target) (time.Time, bool)) {
	if !b.wants(t) || r.ctx.Err() != nil {
		return
	}
	if t.queued || t.running {
		t.waiting = append(t.waiting, b)
		b.left++
		return
	}
	at, ever := due(t)
	if !ever {
		return
	}
	if wait := time.Until(at); wait > 0 {
		// A target whose reading failed a moment ago is not asked for at once, but no scrape leaves it for long.
		if s := t.snapshot(); s.condition() == down && wait <= retryInterval && !t.delayed {
			t.delayed = true
			time.AfterFunc(wait, func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				t.delayed = false
				if !t.queued && !t.running && r.ctx.Err() == nil {
					r.push(t)
				}
			})
		}
		return
	}
	t.waiting = append(t.waiting, b)
	b.left++
	r.push(t)
}

// push queues a target and sees that someone works on the queue. The lock is held.
func (r *refresher) push(t *target) {
	t.queued, t.rank = true, t.urgencyRank()
	heap.Push(&r.queue, t)
	if r.running < r.limit {
		r.running++
		r.wg.Add(1)
		go r.work()
	}
}

// work reads targets until the queue is empty.
func (r *refresher) work() {
	defer r.wg.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 && r.ctx.Err() == nil {
		t := heap.Pop(&r.queue).(*target)
		t.queued, t.running = false, true
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(r.ctx, readingTimeout)
		r.read(ctx, t)
		cancel()
		found := r.children(t)
		r.mu.Lock()
		t.running = false
		waiting := t.waiting
		t.waiting = nil
		for _, b := range waiting {
			for _, child := range found {
				r.ask(b, child, alwaysDueIfNew)
			}
			b.ended[t.collector] = time.Now()
			r.release(b)
		}
	}
	r.running--
}

// alwaysDueIfNew has what was just found read at once, and leaves the rest to the next scrape.
func alwaysDueIfNew(t *target) (time.Time, bool) {
	s := t.snapshot()
	return time.Time{}, s.attempted.IsZero() && s.excluded == ""
}

// release notes that a batch waits for one thing less. The lock is held.
func (r *refresher) release(b *batch) {
	if b.left--; b.left == 0 {
		close(b.done)
	}
}

// wait waits until all that the batch asked for was read, or the context ends.
func (b *batch) wait(ctx context.Context) {
	select {
	case <-b.done:
	case <-ctx.Done():
	}
}

// durations returns for how long each collector was read until its last reading that is over.
func (r *refresher) durations(b *batch) map[string]time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := make(map[string]time.Duration, len(b.ended))
	for collector, at := range b.ended {
		d[collector] = at.Sub(b.started)
	}
	return d
}

// urgencyRank is the time by which a target takes its turn: the one that was read longest ago first. A target where
// something is about to change ages twice as fast, so that it is read more often and yet none waits for ever. Discovery
// goes before jobs: what it finds is read behind it, and it is due too rarely to keep them waiting.
func (t *target) urgencyRank() time.Time {
	attempted := t.snapshot().attempted
	switch {
	case isDiscovery(t.collector):
		return attempted.Add(-most)
	case !attempted.IsZero() && t.busy != nil && t.busy():
		return attempted.Add(-time.Since(attempted))
	}
	return attempted
}

// most is longer than anything is left unread that scrapes ask for.
const most = 24 * time.Hour

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
