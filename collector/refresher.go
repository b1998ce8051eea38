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

// refresher reads targets: each at most once at a time, a bounded number at a time, the most urgent first. It reads nothing
// that no scrape asked for.
//
// Readings share the bound by lanes, one for each collector of a project, so that what hangs does not hold up the rest:
// every lane may have one reading under way, and a larger share only while there are fewer lanes.
type refresher struct {
	policy policy

	ctx    context.Context //nolint:containedctx // the life of the exporter: readings outlive the scrape that began them
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	lanes   map[laneKey]*lane // those with something queued or under way
	turns   turns             // the lanes with something queued
	running int
	limit   int
}

type laneKey struct{ groupID, collector string }

// lane is the readings of one collector in one project.
type lane struct {
	queue   urgency
	running int
	turn    int // index in the turns, while something is queued
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
	r := &refresher{policy: p, lanes: map[laneKey]*lane{}}
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

// schedule puts a target into its lane, and starts what may be read. The lock is held.
func (r *refresher) schedule(t *target) {
	l := r.lanes[t.lane()]
	if l == nil {
		l = &lane{}
		r.lanes[t.lane()] = l
	}
	t.queued, t.rank = true, t.urgencyRank()
	heap.Push(&l.queue, t)
	if len(l.queue) == 1 {
		heap.Push(&r.turns, l)
	} else {
		heap.Fix(&r.turns, l.turn)
	}
	r.start()
}

func (t *target) lane() laneKey { return laneKey{t.groupID, t.Name} }

// start begins the readings that the bounds allow. The lock is held.
func (r *refresher) start() {
	for r.ctx.Err() == nil && len(r.turns) > 0 && r.running < max(r.limit, len(r.lanes)) {
		l := r.turns[0]
		if l.running >= max(1, r.limit/len(r.lanes)) {
			return // every lane with something queued has its share
		}
		t := heap.Pop(&l.queue).(*target)
		t.queued, t.running = false, true
		l.running++
		r.running++
		if len(l.queue) == 0 {
			heap.Pop(&r.turns)
		} else {
			heap.Fix(&r.turns, 0)
		}
		r.wg.Add(1)
		go r.read(t, l)
	}
}

// read reads a target, and queues what that discovers for the scrapes that wait for it.
func (r *refresher) read(t *target, l *lane) {
	defer r.wg.Done()
	ctx, cancel := context.WithTimeout(r.ctx, readingTimeout)
	r.policy.read(ctx, t)
	cancel()
	found := r.policy.children(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.running = false
	r.running--
	l.running--
	switch {
	case len(l.queue) > 0:
		heap.Fix(&r.turns, l.turn)
	case l.running == 0:
		delete(r.lanes, t.lane())
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

// turns is a heap of the lanes with something queued: on top the one with the fewest readings under way, and of those the
// one with the most urgent target.
type turns []*lane

func (t turns) Len() int { return len(t) }
func (t turns) Less(i, j int) bool {
	if t[i].running != t[j].running {
		return t[i].running < t[j].running
	}
	return t[i].queue[0].rank.Before(t[j].queue[0].rank)
}

func (t turns) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].turn, t[j].turn = i, j
}

func (t *turns) Push(l any) {
	l.(*lane).turn = len(*t)
	*t = append(*t, l.(*lane))
}

func (t *turns) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	return last
}
