package atlasapi

import "time"

// Observer observes what the client does, for metrics and logs. The client calls its methods from many goroutines.
type Observer interface {
	// Exchanged is called after each HTTP request, including retries and authentication.
	Exchanged(Exchange)
	// Retried is called before a request is sent again.
	Retried(endpoint string, reason Kind)
	// Throttled is called when a request waited for the rate limit.
	Throttled(endpoint string, waited time.Duration)
}

// Exchange is one HTTP request and its result, without headers and bodies.
type Exchange struct {
	Endpoint string
	Method   string
	Path     string
	GroupID  string // "" where the endpoint belongs to no project
	Version  string // of the endpoint, as it was asked for: "2023-01-01"; "" of the token, which has none
	Status   int    // 0: no answer
	Err      error
	Duration time.Duration

	// RateLimit is the content of the RateLimit-* headers, unset if there were none.
	RateLimit Optional[RateLimit]
	// Sunset is when this version of the endpoint ends, zero if Atlas announces no end.
	Sunset time.Time
}

// RateLimit is the state of a token bucket, as Atlas reports it.
type RateLimit struct{ Limit, Remaining float64 }
