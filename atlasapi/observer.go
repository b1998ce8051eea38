package atlasapi

import "time"

// Observer is told what the client does, while it does it: for metrics and logs. Its methods are called from many
// goroutines.
type Observer interface {
	// Exchanged is called for each HTTP exchange, retries and authentication included.
	Exchanged(Exchange)
	// Retried is called before a request is sent again.
	Retried(endpoint string, reason Kind)
	// Throttled is called when a request waited for the rate limit.
	Throttled(endpoint string, waited time.Duration)
}

// Exchange is one HTTP request and what came of it. It holds no header and no body.
type Exchange struct {
	Endpoint string
	Method   string
	Path     string
	GroupID  string // "" where the endpoint belongs to no project
	Version  string // of the endpoint, as it was asked for: "2023-01-01"; "" of the token, which has none
	Status   int    // 0: no answer
	Err      error
	Duration time.Duration

	// RateLimit is what the RateLimit-* headers said, unset where there were none.
	RateLimit Optional[RateLimit]
	// Sunset is when this version of the endpoint ends, zero where Atlas announces no end.
	Sunset time.Time
}

// RateLimit is the state of a token bucket as Atlas told it.
type RateLimit struct{ Limit, Remaining float64 }
