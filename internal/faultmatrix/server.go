package faultmatrix

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// serve starts the simulated Atlas and the hosts that the exporter must not contact.
func (s *stack) serve() {
	s.http = httptest.NewUnstartedServer(s.atlas)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	stray := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.strayed.Add(1) })
	s.elsewhere, s.stranger = httptest.NewServer(stray), httptest.NewTLSServer(stray)
	s.stranger.Config.ErrorLog = s.http.Config.ErrorLog
	if s.tls {
		s.http.EnableHTTP2 = true
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	s.t.Cleanup(func() {
		s.http.CloseClientConnections()
		_ = s.http.Config.Close()
		s.elsewhere.Close()
		s.stranger.Close()
	})
}

// arm starts the fault.
func (p *play) arm() {
	f := atlassim.Fault{Match: p.hits, Hang: p.fault.hang}
	e := p.endpoint()
	switch p.column.scope {
	case everything:
	case oneProject:
		f.Project = p.target.group
	case oneEndpoint:
		f.Operation = e.Operation
	case oneTarget:
		f.Operation, f.Path = e.Operation, e.path(p.target)
	}
	if p.fault.answer != nil {
		f.Handler = func(w http.ResponseWriter, r *http.Request) {
			p.fault.answer(&exchange{ResponseWriter: w, r: r, endpoint: e, stack: p.stack})
		}
	}
	p.disarm = p.atlas.Inject(f)
}

// hits reports whether the fault strikes a request. It spares requests without credentials, which only get a challenge.
func (p *play) hits(r *http.Request) bool {
	if r.Header.Get("Authorization") == "" || r.Context().Value(spared{}) != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	hit := p.mode == always || p.mode == once && p.struck == 0 || p.mode == atRandom && (p.random.IntN(2) == 0 || p.seen > 2 && p.struck == 0)
	if hit {
		p.struck++
	}
	return hit
}

// counts returns the number of requests that matched the fault, and of those that it struck.
func (p *play) counts() (seen, struck int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen, p.struck
}

// concerns reports whether the fault strikes a target.
func (p *play) concerns(t target) bool {
	switch p.column.scope {
	case oneProject:
		return t.group == p.target.group
	case oneEndpoint:
		return t.collector == p.target.collector
	case everything:
		return true
	default:
		return p.fault.points != nil || p.ofToken() || t == p.target
	}
}

// shares reports whether a target shares a rate limit with the struck one.
func (p *play) shares(t target) bool {
	return slices.Contains(p.outcome().reasons, rateLimited) && t.group == p.target.group && t.endpoint().Set == p.endpoint().Set
}
