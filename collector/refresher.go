package collector

import (
	"container/heap"
	"context"
	"slices"
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

// policy decides what the refresher reads.
type policy interface {
	// due returns when a target is to be read again, and false where it never is.
	due(t *target) (at time.Time, ever bool)
	read(ctx context.Context, t *target)
	// children lists the targets that the reading of a target found.
	children(t *target) []*target
}

// refresher reads targets: each at most once at a time, a bounded number at a time, the most urgent first, and none of a
// project while another project has fewer readings under way. It reads nothing that no scrape asked for.
type refresher struct {
	policy policy

	ctx    context.Context //nolint:containedctx // the life of the exporter: readings outlive the scrape that began them
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	lanes   map[string]*lane // by group id
	queued  int
	running int
	limit   int
}

// lane is the readings of one project, so that a project whose readings hang does not hold up the others.
type lane struct {
	queue   urgency
	running int
}

// batch is what one scrape waits for.
type batch struct {
	key     string // identifies what the scrape selects
	wants   func(*target) bool
	started time.Time
	left    int
	done    chan struct{}
	over    bool                 // the scrape no longer waits
	ended   map[string]time.Time // by collector: when its last reading of this batch ended
}

func newRefresher(p policy) *refresher {
	r := &refresher{policy: p, lanes: map[string]*lane{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// setRequests sets how many requests may be in flight.
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

// begin queues every wanted target that is due, and the targets that reading them discovers. Key identifies what is
// wanted.
func (r *refresher) begin(targets []*target, key string, wants func(*target) bool) *batch {
	b := &batch{key: key, wants: wants, started: time.Now(), done: make(chan struct{}), ended: map[string]time.Time{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.left = 1 // this call itself
	for _, t := range targets {
		r.enqueue(b, t, r.policy.due)
	}
	r.release(b)
	return b
}

// enqueue queues a target for a batch, if it is wanted and due. The lock is held.
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

// join makes a batch wait for a target. A scrape that gave up keeps its batch only where no later scrape of the same
// selection waits: the batch queues what reading the target discovers, and a second one would queue the same. The lock is
// held.
func (r *refresher) join(b *batch, t *target) {
	t.waiting = slices.DeleteFunc(t.waiting, func(other *batch) bool { return other.over && other.key == b.key })
	t.waiting = append(t.waiting, b)
	b.left++
}

// delay queues a target whose reading failed a moment ago when its retry is due, so that no scrape leaves it for long. The
// lock is held.
func (r *refresher) delay(t *target, wait time.Duration) {
	if s := t.snapshot(); s.condition() != Down || wait > retryInterval || t.delayed {
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

// schedule puts a target into its project's queue, and sees that someone works on it. The lock is held.
func (r *refresher) schedule(t *target) {
	l := r.lanes[t.groupID]
	if l == nil {
		l = &lane{}
		r.lanes[t.groupID] = l
	}
	t.queued, t.rank = true, t.urgencyRank()
	heap.Push(&l.queue, t)
	r.queued++
	if r.running < r.limit {
		r.running++
		r.wg.Add(1)
		go r.work()
	}
}

// next takes the most urgent target of the project that has the fewest readings under way. The lock is held.
func (r *refresher) next() (*target, *lane) {
	var best *lane
	for _, l := range r.lanes {
		switch {
		case len(l.queue) == 0:
		case best == nil, l.running < best.running,
			l.running == best.running && l.queue[0].rank.Before(best.queue[0].rank):
			best = l
		}
	}
	t := heap.Pop(&best.queue).(*target)
	r.queued--
	best.running++
	return t, best
}

// work reads targets until the queues are empty.
func (r *refresher) work() {
	defer r.wg.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.queued > 0 && r.ctx.Err() == nil {
		t, l := r.next()
		t.queued, t.running = false, true
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(r.ctx, readingTimeout)
		r.policy.read(ctx, t)
		cancel()
		found := r.policy.children(t)
		r.mu.Lock()
		t.running = false
		if l.running--; l.running == 0 && len(l.queue) == 0 {
			delete(r.lanes, t.groupID)
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
	}
	r.running--
}

// dueIfNew makes newly discovered targets due now; known ones wait for the next scrape.
func dueIfNew(t *target) (time.Time, bool) {
	s := t.snapshot()
	return time.Time{}, s.attempted.IsZero() && s.excluded == None
}

// release records that a batch waits for one reading less. The lock is held.
func (r *refresher) release(b *batch) {
	if b.left--; b.left == 0 {
		close(b.done)
	}
}

// wait waits until everything that the batch asked for was read, or the context ends.
func (r *refresher) wait(ctx context.Context, b *batch) {
	select {
	case <-b.done:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.over = true
}

// durations returns how long each collector was read, until its last reading that ended.
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
