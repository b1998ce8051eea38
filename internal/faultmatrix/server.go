package faultmatrix

import (
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// mode is how often a fault strikes.
type mode string

const (
	always   mode = "always"
	once     mode = "once"
	atRandom mode = "at random"
)

func modes() []mode { return []mode{always, once, atRandom} }

// server stands between an exporter and a simulated Atlas, and lets one fault at a time strike.
type server struct {
	atlas       *atlassim.Server
	connections *connections
	http        *http.Server
	done        chan struct{}
	elsewhere   *httptest.Server
	secrets     string

	strayed  atomic.Int64 // requests that came to the wrong host
	odd      atomic.Int64 // requests that no exporter should send
	requests atomic.Int64
	flooded  atomic.Int64

	mu     sync.Mutex
	active *strike
	// ending is the strike whose last list may still be read.
	ending *strike
}

// strike is a fault at work on one endpoint.
type strike struct {
	fault    *fault
	endpoint endpoint
	target   target
	wide     func(strike, asked target) bool // nil for the target alone
	mode     mode

	mu     sync.Mutex
	random *rand.Rand
	seen   int
	struck int
}

// isLaterPage tells whether a request is for a page that does not exist: no true list is longer than one of the large
// pages. Only a list that was struck goes on to it, and it must be struck to its end, or else what was made up on its pages
// would be legal.
func isLaterPage(r *http.Request) bool {
	query := r.URL.Query()
	size, _ := strconv.Atoi(query.Get("itemsPerPage"))
	return size > mostItems && query.Get("pageNum") != "1"
}

// mostItems is more than any list of the organization holds.
const mostItems = 100

// hits decides whether a request is struck, and gives the fault a source of chance.
func (s *strike) hits(certainly bool) (*rand.Rand, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if certainly {
		return rand.New(rand.NewPCG(s.random.Uint64(), s.random.Uint64())), true
	}
	s.seen++
	hit := s.mode == always || s.mode == once && s.struck == 0 || s.mode == atRandom && s.random.IntN(2) == 0
	if hit {
		s.struck++
	}
	return rand.New(rand.NewPCG(s.random.Uint64(), s.random.Uint64())), hit
}

// concerns reports whether a request for a target is one that may be struck.
func (s *strike) concerns(e endpoint, t target) bool {
	if s.wide != nil {
		return s.wide(s.target, t)
	}
	return e == s.endpoint && (s.fault.connection != "" || t == s.target)
}

// counts tells how many requests for the endpoint came, and how many of them were struck.
func (s *strike) counts() (seen, struck int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.struck
}

// newServer serves an organization behind faults, with TLS or without.
func newServer(t testing.TB, atlas *atlassim.Server, secrets string, withTLS bool) *server {
	t.Helper()
	s := &server{atlas: atlas, secrets: secrets, done: make(chan struct{})}
	s.connections = listen(t, withTLS)
	s.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.strayed.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: s.connections.tls,
	}
	go func() {
		defer close(s.done)
		s.serve()
	}()
	t.Cleanup(s.close)
	return s
}

func (s *server) serve() {
	var err error
	if s.connections.tls != nil {
		err = s.http.ServeTLS(s.connections, "", "")
	} else {
		err = s.http.Serve(s.connections)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		panic(err) // without its server, a matrix says nothing
	}
}

func (s *server) close() {
	_ = s.http.Close()
	<-s.done
	s.elsewhere.Close()
}

// arm lets a fault strike from now on.
func (s *server) arm(k *strike) {
	s.mu.Lock()
	s.active, s.ending = k, s.active
	s.mu.Unlock()
}

// lift ends the fault.
func (s *server) lift() {
	s.arm(nil)
	s.connections.mend()
}

// ServeHTTP answers as Atlas, or as the fault has it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	e, t := asked(r)
	s.mu.Lock()
	k := s.active
	if k == nil {
		k = s.ending
	}
	over := s.active == nil
	s.mu.Unlock()
	if e == "" && r.Method == http.MethodPost && k != nil && k.wide != nil {
		hold(&exchange{w: w, r: r}) // the command trigger, which goes with what hangs
		return
	}
	if e == "" {
		s.odd.Add(1)
	}
	// A request without credentials is only there to be challenged.
	if k == nil || r.Header.Get("Authorization") == "" || !k.concerns(e, t) {
		s.atlas.ServeHTTP(w, r)
		return
	}
	goesOn := k.fault.endless && isLaterPage(r)
	if over && !goesOn {
		s.atlas.ServeHTTP(w, r)
		return
	}
	random, hit := k.hits(goesOn)
	switch {
	case !hit:
		s.atlas.ServeHTTP(w, r)
	case k.fault.connection != "":
		s.breakConnections(k, w, r)
	default:
		k.fault.answer(&exchange{
			w: w, r: r, endpoint: e, random: random, truth: s.atlas, elsewhere: s.elsewhere.URL, secrets: s.secrets, flooded: &s.flooded,
		})
	}
}

// breakConnections breaks every connection while this request is under way, and those that are made from now on.
func (s *server) breakConnections(k *strike, w http.ResponseWriter, r *http.Request) {
	switch k.fault.connection {
	case refused:
		s.connections.refuse(k.mode)
	case badTLS:
		s.connections.spoilTLS(k.mode, k)
		if k.mode == once { // a connection that was cut would be a second fault for who used it
			w.Header().Set("Connection", "close")
			s.atlas.ServeHTTP(w, r)
			return
		}
	case noName: // is no matter of connections
		s.atlas.ServeHTTP(w, r)
		return
	}
	s.connections.cut()
}
