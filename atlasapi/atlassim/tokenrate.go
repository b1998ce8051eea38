package atlassim

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// TokenRate limits how often a client id at an address may request an access token. Atlas allows ten requests a minute.
// It refuses more with 429, in its own form of errors and not in that of OAuth.
type TokenRate struct {
	// Requests is the maximum number of requests within Period, which is a minute by default.
	Requests int
	Period   time.Duration
	// RetryAfter sends the header Retry-After with a refusal.
	RetryAfter bool
	// CountRefused counts refused requests, too, so that a client that does not wait is refused for ever.
	CountRefused bool
}

// tokenRates remembers the requests for tokens.
type tokenRates struct {
	TokenRate
	mu       sync.Mutex
	requests map[string][]time.Time // by address and client id, the oldest first
}

// take counts a request for a token, and returns a refusal if there were too many.
func (t *tokenRates) take(r *http.Request, now time.Time) *reply {
	if t.Requests == 0 {
		return nil
	}
	period := t.Period
	if period == 0 {
		period = time.Minute
	}
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	id, _, _ := r.BasicAuth()
	key := address + " " + unescaped(id)

	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests == nil {
		t.requests = map[string][]time.Time{}
	}
	recent := slices.DeleteFunc(t.requests[key], func(at time.Time) bool { return now.Sub(at) >= period })
	refused := len(recent) >= t.Requests
	if !refused || t.CountRefused {
		recent = append(recent, now)
	}
	t.requests[key] = recent
	if !refused {
		return nil
	}
	answer := failure(http.StatusTooManyRequests, "RATE_LIMITED", r.URL.Path)
	if t.RetryAfter {
		wait := recent[len(recent)-t.Requests].Add(period).Sub(now)
		answer.header.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	return &answer
}
