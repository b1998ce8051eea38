package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// refillSeconds is how long an empty bucket is taken to need to be full again. Atlas tells a bucket's capacity and
	// what is left of it, never its refill; of the published defaults the slowest fills in 180 s.
	refillSeconds = 180
	// reserve is the part of a bucket that is left to the project's other users: below it, requests are spaced by the
	// refill instead of sent at once.
	reserve = 0.1
	// longestGuess bounds a wait that rests on the guessed refill alone.
	longestGuess = 10 * time.Second
	// shortestWait is the least wait for what is missing of a token, since 0 would mean that it was taken.
	shortestWait = time.Millisecond
	// longestWait is how long a request waits for its turn; what would take longer fails at once, and is asked again
	// by a later scrape.
	longestWait = 30 * time.Second
	// retryAfterFloor is the least wait after a 429: a recorded Retry-After said 0.
	retryAfterFloor = time.Second
	// retryAfterCeiling keeps one absurd header from silencing a project for good.
	retryAfterCeiling = time.Hour
)

// Limits is what is known of Atlas's rate limits: one token bucket for each set of endpoints and each project, and what
// was asked of the token endpoint. It holds requests back that Atlas would refuse. It outlives a client, so that a
// reload does not forget it.
type Limits struct {
	mu      sync.Mutex
	buckets map[bucketKey]*bucket
	mints   map[string]*mints // by client id
}

type bucketKey struct {
	set     endpointSet
	groupID string
}

type bucket struct {
	answered  chan struct{} // closed once the first request is over: until then, it is the only one
	known     bool
	limit     float64
	tokens    float64 // at `at`, less what was sent since
	at        time.Time
	inFlight  int
	overtaken int // requests that were under way when the bucket was last told: their answers may be older
	nextPaced time.Time
	blocked   time.Time // no request before, as a 429 said
}

// NewLimits returns limits of which nothing is known yet.
func NewLimits() *Limits {
	return &Limits{buckets: map[bucketKey]*bucket{}, mints: map[string]*mints{}}
}

// Forget drops the buckets of a project that is gone.
func (l *Limits) Forget(groupID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, b := range l.buckets {
		if key.groupID == groupID && b.inFlight == 0 {
			delete(l.buckets, key)
		}
	}
}

// wait blocks until a request of the bucket may be sent, and returns how long that took. The caller calls sent when
// the request is over.
func (l *Limits) wait(ctx context.Context, key bucketKey) (waited time.Duration, err error) {
	first, answered := l.open(key)
	if first {
		return 0, nil
	}
	select {
	case <-answered:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for {
		now := time.Now()
		delay := l.take(key, now)
		if delay == 0 {
			return waited, nil
		}
		deadline, hasDeadline := ctx.Deadline()
		if waited+delay > longestWait || hasDeadline && now.Add(delay).After(deadline) {
			return waited, &Error{
				Kind: KindRateLimited, RetryAt: now.Add(delay), sentNothing: true,
				Err: fmt.Errorf("not sent, because the rate limit of the project is used up for another %s", delay.Round(time.Second)),
			}
		}
		err := sleep(ctx, delay)
		waited += time.Since(now)
		if err != nil {
			return waited, err
		}
	}
}

// open lets the first request of a bucket through, and has the others wait for its answer: of a bucket of which nothing
// is known, a burst could be refused.
func (l *Limits) open(key bucketKey) (first bool, answered <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[key]; b != nil {
		return false, b.answered
	}
	l.bucket(key).inFlight = 1
	return true, nil
}

// bucket returns the bucket of a key. The lock is held.
func (l *Limits) bucket(key bucketKey) *bucket {
	b := l.buckets[key]
	if b == nil {
		b = &bucket{answered: make(chan struct{})}
		l.buckets[key] = b
	}
	return b
}

// take takes a token and returns 0, or returns how long to wait before asking again.
func (l *Limits) take(key bucketKey, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	if wait := b.blocked.Sub(now); wait > 0 {
		return wait
	}
	if b.known {
		rate := b.limit / refillSeconds
		b.tokens = min(b.limit, b.tokens+now.Sub(b.at).Seconds()*rate)
		b.at = now
		if b.tokens < 1 {
			return min(max(seconds((1-b.tokens)/rate), shortestWait), longestGuess)
		}
		if b.tokens < reserve*b.limit {
			if wait := b.nextPaced.Sub(now); wait > 0 {
				return wait
			}
			b.nextPaced = now.Add(min(seconds(1/rate), longestGuess))
		}
		b.tokens--
	}
	b.inFlight++
	return 0
}

// sent tells that a request of the bucket is over, and what its answer said of the limit.
func (l *Limits) sent(key bucketKey, told Optional[RateLimit]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	b.inFlight--
	select {
	case <-b.answered:
	default:
		close(b.answered)
	}
	if !told.Set {
		return
	}
	left := told.Value.Remaining - float64(b.inFlight) // requests on their way may not be counted in it yet
	if b.overtaken > 0 {
		b.overtaken--
		left = min(left, b.tokens)
	} else {
		b.overtaken = b.inFlight
	}
	b.known = told.Value.Limit > 0
	b.limit, b.tokens, b.at = told.Value.Limit, left, time.Now()
}

// block keeps every request of the bucket back until then, and for the least wait after a 429.
func (l *Limits) block(key bucketKey, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	for _, at := range []time.Time{until, time.Now().Add(retryAfterFloor)} {
		if at.After(b.blocked) {
			b.blocked = at
		}
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

var errHeader = errors.New("unusable header")

// parseRateLimit reads RateLimit-Limit and RateLimit-Remaining; either may be missing.
func parseRateLimit(h http.Header) Optional[RateLimit] {
	limit, err := parseCount(h.Get("RateLimit-Limit"))
	if err != nil {
		return Optional[RateLimit]{}
	}
	remaining, err := parseCount(h.Get("RateLimit-Remaining"))
	if err != nil {
		return Optional[RateLimit]{}
	}
	return Optional[RateLimit]{Value: RateLimit{Limit: limit, Remaining: remaining}, Set: true}
}

func parseCount(s string) (float64, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, errHeader
	}
	return float64(n), nil
}

// retryAt returns when Retry-After has passed, zero where no wait is asked for. A date in it is of the clock of the one
// who answers, and so is Date.
func retryAt(h http.Header) time.Time {
	now := time.Now()
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		theirs = now
	}
	if wait := parseRetryAfter(h.Get("Retry-After"), theirs); wait > 0 {
		return now.Add(wait)
	}
	return time.Time{}
}

// parseRetryAfter reads whole seconds, as Atlas sends them, or an HTTP date, as a proxy may. 0 means that nothing
// usable was said.
func parseRetryAfter(s string, now time.Time) time.Duration {
	n, err := strconv.ParseUint(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) && strings.Trim(s, "0123456789") == "", err == nil && n > uint64(retryAfterCeiling/time.Second):
		return retryAfterCeiling
	case err == nil:
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(at.Sub(now), 0), retryAfterCeiling)
	}
	return 0
}
