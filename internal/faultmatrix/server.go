package faultmatrix

import (
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// server serves a simulated Atlas, and lets one fault at a time strike.
type server struct {
	atlas     *atlassim.Server
	http      *httptest.Server
	elsewhere *httptest.Server // is none of the exporter's business
	stranger  *httptest.Server // has a certificate that nobody trusts
	secret    string
	strayed   atomic.Int64 // requests that came to the wrong host
}

func newServer(t testing.TB, atlas *atlassim.Server, secret string, withTLS bool) *server {
	t.Helper()
	s := &server{atlas: atlas, secret: secret, http: httptest.NewUnstartedServer(atlas)}
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	stray := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.strayed.Add(1) })
	s.elsewhere, s.stranger = httptest.NewServer(stray), httptest.NewTLSServer(stray)
	s.stranger.Config.ErrorLog = s.http.Config.ErrorLog
	if withTLS {
		s.http.EnableHTTP2 = true
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		_ = s.http.Config.Close()
		s.elsewhere.Close()
		s.stranger.Close()
	})
	return s
}

// strike is a fault at work.
type strike struct {
	cell
	target target
	disarm func()

	mu     sync.Mutex
	random *rand.Rand
	seen   int // requests that it may strike
	struck int
}

// arm lets a fault strike from now on.
func (s *server) arm(k *strike) {
	f := atlassim.Fault{Match: k.hits, Hang: k.fault.hang}
	e := k.endpoint()
	switch k.column.scope {
	case everything:
	case oneProject:
		f.Project = k.target.group
	case oneEndpoint:
		f.Operation = e.Operation
	case oneTarget:
		f.Operation, f.Path = e.Operation, e.path(k.target)
	}
	if answer := k.fault.answer; answer != nil {
		f.Handler = func(w http.ResponseWriter, r *http.Request) {
			answer(&exchange{ResponseWriter: w, r: r, endpoint: k.endpoint(), server: s})
		}
	}
	k.disarm = s.atlas.Inject(f)
}

// hits decides whether a request is struck. One without credentials is only there to be challenged.
func (k *strike) hits(r *http.Request) bool {
	if r.Header.Get("Authorization") == "" || r.Context().Value(spared{}) != nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen++
	hit := k.mode == always || k.mode == once && k.struck == 0 || k.mode == atRandom && (k.random.IntN(2) == 0 || k.seen > 2 && k.struck == 0)
	if hit {
		k.struck++
	}
	return hit
}

// counts tells how many requests for the endpoint came, and how many of them were struck.
func (k *strike) counts() (seen, struck int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen, k.struck
}

// odd counts the requests that no exporter should send.
func (s *server) odd() int {
	odd := s.atlas.Count("") - s.atlas.Count(atlassim.OpTriggerPipeline)
	for _, e := range endpoints() {
		odd -= s.atlas.Count(e.Operation)
	}
	return odd
}
