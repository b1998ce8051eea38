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
	// refillSeconds is the assumed time for an empty bucket to refill. Atlas sends the capacity of a bucket and what is
	// left, but never the rate at which it refills. Of the published defaults, the slowest refills in 180 s.
	refillSeconds = 180
	// reserve is the share of a bucket that is left to the project's other users. Below it, requests are not sent at
	// once but spread at the refill rate.
	reserve = 0.1
	// longestGuess bounds a wait that is computed from the assumed refill rate.
	longestGuess = 10 * time.Second
	// shortestWait is the minimum wait for a token, because take returns 0 for a token that was taken.
	shortestWait = time.Millisecond
	// longestWait is the maximum time that a request waits for the rate limit. A request that would have to wait longer
	// fails at once, and a later scrape tries again.
	longestWait = 30 * time.Second
	// retryAfterFloor is the minimum wait after a 429: a recorded Retry-After was 0.
	retryAfterFloor = time.Second
	// retryAfterCeiling is the maximum wait, so that a single absurd header cannot block a project for ever.
	retryAfterCeiling = time.Hour
)

// Limits tracks Atlas's rate limits: a token bucket for each endpoint set and project, and the token requests of each
// client id. It delays requests that Atlas would refuse. It outlives a client, so that a reload does not lose it.
type Limits struct {
	mu            sync.Mutex
	buckets       map[bucketKey]*bucket
	tokenRequests map[string]*tokenRequests // by client id
}

type bucketKey struct {
	set     endpointSet
	groupID string
}

type bucket struct {
	answered  chan struct{} // closed after the first request, which is the only one until then
	known     bool
	limit     float64
	tokens    float64 // the tokens left at the time `at`, minus the requests sent since
	at        time.Time
	inFlight  int
	overtaken int // requests in flight when an answer last set tokens: their answers may be older; see sent
	nextPaced time.Time
	blocked   time.Time // no request before this time, after a 429
}

// NewLimits returns empty limits.
func NewLimits() *Limits {
	return &Limits{buckets: map[bucketKey]*bucket{}, tokenRequests: map[string]*tokenRequests{}}
}

// Forget drops the buckets of a project that no longer exists.
func (l *Limits) Forget(groupID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, b := range l.buckets {
		if key.groupID == groupID && b.inFlight == 0 {
			delete(l.buckets, key)
		}
	}
}

// wait blocks until a request of the bucket may be sent, and returns how long that took. If it returns no error, the
// caller must call sent after the request.
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
				Err: fmt.Errorf("not sent: the rate limit of the project is used up for another %s", delay.Round(time.Second)),
			}
		}
		err := sleep(ctx, delay)
		waited += time.Since(now)
		if err != nil {
			return waited, err
		}
	}
}

// open lets the first request of a bucket pass, and lets the others wait for its answer. As long as the state of the
// bucket is unknown, Atlas might refuse a burst.
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

// take takes a token and returns 0, or returns how long to wait before the next attempt.
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

// sent records that a request of the bucket is over, and the state of the bucket in its answer, if it had one.
//
// Answers of concurrent requests may arrive in another order than Atlas counted them. When an answer sets the bucket,
// the answers still in flight may be older than it. For as many answers (overtaken), an answer can therefore only lower
// the number of tokens, never raise it. The next one after those sets the bucket again.
func (l *Limits) sent(key bucketKey, reported Optional[RateLimit]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	b.inFlight--
	select {
	case <-b.answered:
	default:
		close(b.answered)
	}
	if !reported.Set {
		return
	}
	left := reported.Value.Remaining - float64(b.inFlight) // Atlas may not have counted the requests in flight yet
	if b.overtaken > 0 {
		b.overtaken--
		left = min(left, b.tokens)
	} else {
		b.overtaken = b.inFlight
	}
	b.known = reported.Value.Limit > 0
	b.limit, b.tokens, b.at = reported.Value.Limit, left, time.Now()
}

// block delays every request of the bucket until then, and at least for retryAfterFloor.
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

// parseRateLimit parses RateLimit-Limit and RateLimit-Remaining. It returns an unset value if either is missing or
// invalid.
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

// retryAt returns when Retry-After has passed, zero if no wait is demanded. If Retry-After is a date, it is compared
// with the answer's Date, because both come from the server's clock.
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

// parseRetryAfter parses whole seconds, as Atlas sends them, or an HTTP date, as a proxy may send it. It returns 0 if
// the value is unusable.
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
