package atlassim

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// EndpointSet names the resources that share a token bucket.
type EndpointSet string

// The endpoint sets of the served resources. Atlas documents no bucket for pipelines.
const (
	SetCloudBackups EndpointSet = "cloud_backups"
	SetClusters     EndpointSet = "clusters"
	SetProjects     EndpointSet = "projects"
	SetListProjects EndpointSet = "list_projects"
	SetPipelines    EndpointSet = "pipelines"

	SetFlexClusters  EndpointSet = "flex_clusters"
	SetFlexSnapshots EndpointSet = "flex_snapshots"
	SetFlexRestores  EndpointSet = "flex_restores"
)

// RateLimit is a token bucket: each request takes a token. Capacity 0 sets no limit.
type RateLimit struct {
	// Capacity is the number of tokens in a full bucket.
	Capacity int
	// Refill is the number of tokens that a bucket gains every Period, continuously.
	Refill int
	Period time.Duration
}

// DefaultRateLimits are the limits that Atlas documented in April 2026.
func DefaultRateLimits() map[EndpointSet]RateLimit {
	return map[EndpointSet]RateLimit{
		SetCloudBackups: {Capacity: 1200, Refill: 500, Period: time.Minute},
		SetClusters:     {Capacity: 10000, Refill: 5000, Period: time.Minute},
		SetProjects:     {Capacity: 1200, Refill: 500, Period: time.Minute},
		SetListProjects: {Capacity: 1200, Refill: 500, Period: time.Minute},

		SetFlexClusters:  {Capacity: 1200, Refill: 500, Period: time.Minute},
		SetFlexSnapshots: {Capacity: 1200, Refill: 500, Period: time.Minute},
		SetFlexRestores:  {Capacity: 1200, Refill: 500, Period: time.Minute},
	}
}

// rateLimits has the token buckets: one for each endpoint set and project, or credential if the path has no project.
type rateLimits struct {
	limits  map[EndpointSet]RateLimit
	mu      sync.Mutex
	buckets map[bucketKey]*bucket
}

type bucketKey struct {
	set   EndpointSet
	scope string
}

type bucket struct {
	tokens float64
	filled time.Time
}

func newRateLimits(options Options) *rateLimits {
	limits := map[EndpointSet]RateLimit{}
	if !options.NoRateLimits {
		limits = DefaultRateLimits()
		maps.Copy(limits, options.RateLimits)
	}
	return &rateLimits{limits: limits, buckets: map[bucketKey]*bucket{}}
}

// take takes a token if there is one. It returns the number of tokens left, and the time until the next one.
func (l *rateLimits) take(key bucketKey, limit RateLimit, now time.Time) (ok bool, left int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		b = &bucket{tokens: float64(limit.Capacity), filled: now}
		l.buckets[key] = b
	}
	perSecond := float64(limit.Refill) / limit.Period.Seconds()
	if passed := now.Sub(b.filled).Seconds(); passed > 0 {
		b.tokens = min(b.tokens+passed*perSecond, float64(limit.Capacity))
		b.filled = now
	}
	if b.tokens < 1 {
		return false, 0, time.Duration((1 - b.tokens) / perSecond * float64(time.Second))
	}
	b.tokens--
	return true, int(b.tokens), 0
}

// takeToken takes a token for a call. It returns the rate limit headers, and an answer if there is no token.
func (s *Server) takeToken(c *call) (http.Header, *reply) {
	limit, ok := s.limits.limits[c.resource.set]
	if !ok || limit.Capacity == 0 {
		return nil, nil
	}
	scope := c.groupID
	if scope == "" {
		scope = c.principal.name
	}
	now := s.org.clock.Now()
	admitted, left, wait := s.limits.take(bucketKey{c.resource.set, scope}, limit, now)
	header := http.Header{
		"Ratelimit-Limit":     {strconv.Itoa(limit.Capacity)},
		"Ratelimit-Remaining": {strconv.Itoa(left)},
	}
	if admitted {
		return header, nil
	}
	// Atlas rounds down to whole seconds: 0 was recorded.
	seconds := int(wait / time.Second)
	answer := failure(http.StatusTooManyRequests, "RATE_LIMITED_TOKEN_BUCKET",
		strings.TrimPrefix(c.request.URL.EscapedPath(), "/"), seconds, limit.Capacity, limit.Refill,
		int(limit.Period/time.Second))
	answer.header.Set("Retry-After", strconv.Itoa(seconds))
	return header, &answer
}
