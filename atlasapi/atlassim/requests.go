package atlassim

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is the record of a request.
type Request struct {
	// Operation is the name of the operation, such as OpListProjects.
	Operation string
	// Method, Path (as it was sent) and Query (without its question mark) are those of the request.
	Method, Path, Query string
	// Accept and UserAgent are headers of the request.
	Accept, UserAgent string
	// Authenticated reports whether the request had valid credentials. It is false for requests for tokens.
	Authenticated bool
	// Status is the status of the answer, 0 without one.
	Status int
	// At is when the request arrived, on the wall clock.
	At time.Time
}

// requestLog keeps the last requests, and counts all of them.
type requestLog struct {
	mu       sync.Mutex
	limit    int
	recent   []*Request
	arrived  map[string]int
	answered map[string]int
	bytes    int64
}

func newRequestLog(limit int) *requestLog {
	return &requestLog{limit: limit, arrived: map[string]int{}, answered: map[string]int{}}
}

// begin records a request. The response must be written to the returned recorder.
func (l *requestLog) begin(w http.ResponseWriter, r *http.Request, operation string) *responseRecorder {
	entry := &Request{
		Operation: operation, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Accept: r.Header.Get("Accept"), UserAgent: r.UserAgent(), At: time.Now(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[operation]++
	l.recent = append(l.recent, entry)
	if len(l.recent) >= 2*l.limit {
		// It drops half of the requests at once, so that copying is rare.
		l.recent = slices.Clone(l.recent[len(l.recent)-l.limit:])
	}
	return &responseRecorder{ResponseWriter: w, log: l, entry: entry}
}

// Requests returns the last requests, the oldest first, at most Options.RecordLimit of them.
func (s *Server) Requests() []Request {
	l := s.requests
	l.mu.Lock()
	defer l.mu.Unlock()
	recent := l.recent[max(0, len(l.recent)-l.limit):]
	copies := make([]Request, len(recent))
	for i, entry := range recent {
		copies[i] = *entry
	}
	return copies
}

// Count returns the number of requests for an operation, including unauthenticated ones. An empty operation counts all.
func (s *Server) Count(operation string) int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return total(s.requests.arrived, operation)
}

// Answered returns the number of authenticated requests for an operation, so that a digest challenge and its answer
// count as one. An empty operation counts all.
func (s *Server) Answered(operation string) int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return total(s.requests.answered, operation)
}

func total(counts map[string]int, operation string) int {
	if operation != "" {
		return counts[operation]
	}
	sum := 0
	for count := range maps.Values(counts) {
		sum += count
	}
	return sum
}

// BytesSent returns the size of all bodies that were sent.
func (s *Server) BytesSent() int64 {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return s.requests.bytes
}

// ResetRequests deletes the records and the counters.
func (s *Server) ResetRequests() {
	l := s.requests
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent, l.bytes = nil, 0
	clear(l.arrived)
	clear(l.answered)
}

// responseRecorder records the answer to a request, before the client receives it.
type responseRecorder struct {
	http.ResponseWriter
	log     *requestLog
	entry   *Request
	started bool
	slow    func(body []byte) (int, error) // writes instead of the ResponseWriter
}

// signedIn records that the request had valid credentials.
func (w *responseRecorder) signedIn() {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.entry.Authenticated = true
	w.log.answered[w.entry.Operation]++
}

func (w *responseRecorder) WriteHeader(status int) {
	w.log.mu.Lock()
	if !w.started && status >= http.StatusOK {
		w.started, w.entry.Status = true, status
	}
	w.log.mu.Unlock()
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseRecorder) Write(body []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	w.log.mu.Lock()
	w.log.bytes += int64(len(body))
	w.log.mu.Unlock()
	if w.slow != nil {
		return w.slow(body)
	}
	return w.ResponseWriter.Write(body)
}

// Unwrap returns the wrapped writer, for http.ResponseController.
func (w *responseRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack gives the connection to a fault's handler.
func (w *responseRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Flush sends what was written so far.
func (w *responseRecorder) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // an error does not matter
}
