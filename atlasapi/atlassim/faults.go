package atlassim

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault makes requests fail. It applies to the requests that match all of Operation, Method, Path, Project and Match.
// An empty field matches every request.
type Fault struct {
	// Operation is the name of an operation.
	Operation string
	// Method is an HTTP method.
	Method string
	// Path is a pattern of package path for the path as it was sent, such as "/api/atlas/v2/groups/*/clusters".
	Path string
	// Project is the id of a project. The fault applies to everything in it, including its clusters and pipelines.
	Project string
	// Match reports whether a request matches.
	Match func(*http.Request) bool
	// Authenticated applies only to authenticated requests, and lets the challenge before them pass.
	Authenticated bool
	// Skip is the number of matching requests that pass first.
	Skip int
	// Times is the number of requests that fail; 0 lets all fail until the fault is removed.
	Times int

	// Delay delays the answer by the wall clock, or until the client gives up.
	Delay time.Duration
	// Hang does not answer until the client gives up or the server is closed.
	Hang Hang
	// Every is the time between two bytes of a HangTrickling answer, a second by default.
	Every time.Duration
	// Handler answers instead of Atlas. It may hijack the connection.
	Handler http.HandlerFunc
	// Status is the status of an error in Atlas's form with Code, or with Body if it is set. Without Handler and
	// Status, the request gets its usual answer after Delay.
	Status int
	Code   string
	Body   string
	// Header is added to the answer with Status. A Content-Type in it replaces application/json.
	Header http.Header
}

// fits reports whether a fault applies to a request.
func (f *Fault) fits(r *http.Request, operation string) bool {
	if f.Operation != "" && f.Operation != operation || f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Project != "" && !slices.Contains(strings.Split(r.URL.EscapedPath(), "/"), f.Project) {
		return false
	}
	if f.Path != "" {
		if ok, err := path.Match(f.Path, r.URL.EscapedPath()); err != nil || !ok {
			return false
		}
	}
	return f.Match == nil || f.Match(r)
}

// faults are the injected faults, the newest last.
type faults struct {
	mu     sync.Mutex
	active []*activeFault
}

type activeFault struct {
	Fault
	seen, struck int
}

// Inject adds a fault. It applies until remove is called, or until Times requests have failed. If several faults match
// a request, the last injected one applies.
func (s *Server) Inject(fault Fault) (remove func()) {
	f := &activeFault{Fault: fault}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = append(s.faults.active, f)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.active = slices.DeleteFunc(s.faults.active, func(other *activeFault) bool { return other == f })
	}
}

// take returns the fault that applies to a request, if there is one.
func (f *faults) take(r *http.Request, operation string, authenticated bool) *activeFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range slices.Backward(f.active) {
		if fault.Authenticated != authenticated || !fault.fits(r, operation) {
			continue
		}
		if fault.Times > 0 && fault.struck == fault.Times {
			continue
		}
		if fault.seen++; fault.seen <= fault.Skip {
			continue
		}
		fault.struck++
		return fault
	}
	return nil
}

// answer answers a request with the fault that applies to it, and reports whether there is one.
func (f *faults) answer(w *responseRecorder, r *http.Request, operation string, authenticated bool) bool {
	fault := f.take(r, operation, authenticated)
	if fault == nil {
		return false
	}
	if sleep(r.Context(), fault.Delay) != nil {
		return true
	}
	switch {
	case fault.Hang == HangSilent || fault.Hang == HangHeaders:
		fault.Hang.keep(w, r)
	case fault.Hang == HangHalfway:
		w.halve(r)
		return false
	case fault.Hang == HangTrickling:
		w.trickle(r, fault.Every)
		return false
	case fault.Handler != nil:
		fault.Handler(w, r)
	case fault.Status != 0:
		body := []byte(fault.Body)
		w.Header().Set("Content-Type", "application/json")
		if fault.Body == "" {
			body = failure(fault.Status, fault.Code).body
		}
		if fault.Code != "" {
			w.Header().Set("X-Error-Code", fault.Code)
		}
		maps.Copy(w.Header(), fault.Header)
		w.WriteHeader(fault.Status)
		_, _ = w.Write(body)
	default:
		return false
	}
	return true
}
