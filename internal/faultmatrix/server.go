package faultmatrix

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// server serves a simulated Atlas, lets one fault at a time strike, and can break connections.
type server struct {
	atlas     *atlassim.Server
	http      *http.Server
	address   string
	ca        []byte // PEM, by which the exporter may trust; nil without TLS
	elsewhere *httptest.Server
	secret    string

	strayed atomic.Int64 // requests that came to the wrong host
	flooded atomic.Int64 // bytes of bodies that have no end

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	open     map[net.Conn]struct{}
	most     int // connections at a time
	made     int
	spoilTLS func() bool // decides over the next handshake; nil spoils none
	spoilt   int
}

// newServer listens on a port below those that the kernel gives to outgoing connections, so that nothing takes it while it is
// closed for a moment.
func newServer(t testing.TB, atlas *atlassim.Server, secret string, withTLS bool) *server {
	t.Helper()
	s := &server{atlas: atlas, secret: secret, open: map[net.Conn]struct{}{}}
	s.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.strayed.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	s.http = &http.Server{Handler: atlas, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0), ConnState: s.track}
	if withTLS {
		authority, stranger := harness.NewAuthority(t, "authority"), harness.NewAuthority(t, "stranger")
		config := func(of *harness.Authority) *tls.Config {
			certificate := of.Server(t, net.IPv4(127, 0, 0, 1), time.Time{})
			return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
		}
		s.ca, s.http.TLSConfig = authority.PEM(), config(authority)
		bad := config(stranger)
		s.http.TLSConfig.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return s.handshake(hello, bad) }
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = s.http.Close()
		s.elsewhere.Close()
	})
	for range 100 {
		s.address = fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if s.listen() == nil {
			return s
		}
	}
	t.Fatal("no port is free")
	return nil
}

func (s *server) url() string {
	if s.ca != nil {
		return "https://" + s.address
	}
	return "http://" + s.address
}

// listen lets connections in.
func (s *server) listen() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return err
	}
	s.listener = listener
	go func() { // until the listener is closed
		if s.ca != nil {
			_ = s.http.ServeTLS(listener, "", "")
		} else {
			_ = s.http.Serve(listener)
		}
	}()
	return nil
}

// track counts the connections.
func (s *server) track(connection net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[connection] = struct{}{}
		s.made++
		s.most = max(s.most, len(s.open))
	case http.StateClosed, http.StateHijacked:
		delete(s.open, connection)
	default:
	}
}

// handshake goes on as it should with no configuration; one that is spoilt meets a certificate of an authority that nobody
// knows, or the end of the connection.
func (s *server) handshake(hello *tls.ClientHelloInfo, bad *tls.Config) (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spoilTLS == nil || !s.spoilTLS() {
		return nil, nil //nolint:nilnil // the configuration as it is
	}
	if s.spoilt++; s.spoilt%2 == 0 {
		return bad, nil
	}
	_ = hello.Conn.Close()
	return nil, errors.New("spoilt")
}

// breakConnections breaks every connection while this request is under way, and those that are made from now on.
func (s *server) breakConnections(k *strike, x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.fault.breaks == badTLS {
		left := 1
		s.spoilTLS = func() bool {
			left--
			return k.mode == always || k.mode == once && left >= 0 || k.mode == atRandom && k.flip()
		}
		if k.mode == once { // a connection that was cut would be a second fault for who used it
			x.Header().Set("Connection", "close")
			altered(func(b []byte) []byte { return b })(x)
			return
		}
	} else if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
		// A single fault is over before any request is sent again, which is a quarter of a second later at the earliest; one at
		// random is not.
		if pause := map[mode]time.Duration{once: 60 * time.Millisecond, atRandom: 700 * time.Millisecond}[k.mode]; pause > 0 {
			time.AfterFunc(pause, s.reopen)
		}
	}
	for connection := range s.open {
		reset(connection)
	}
}

// reopen lets connections in again.
func (s *server) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.listener == nil && s.listen() != nil {
		time.Sleep(time.Millisecond) // the port is ours, and about to be free
	}
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
	switch e := k.endpoint(); {
	case k.column.scope == everything:
	case k.column.scope == oneProject:
		f.Project = k.target.group
	case k.column.scope == oneEndpoint || k.fault.breaks != "":
		f.Operation = e.Operation
	default:
		f.Operation, f.Path = e.Operation, e.path(k.target)
	}
	if !k.fault.hangs() {
		f.Handler = func(w http.ResponseWriter, r *http.Request) {
			x := &exchange{ResponseWriter: w, r: r, endpoint: k.endpoint(), server: s}
			if k.fault.breaks != "" {
				s.breakConnections(k, x)
			} else {
				k.fault.answer(x)
			}
		}
	}
	k.disarm = s.atlas.Inject(f)
}

// lift ends a fault.
func (s *server) lift(k *strike) {
	k.disarm()
	s.mu.Lock()
	s.spoilTLS = nil
	s.mu.Unlock()
	s.reopen()
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

func (k *strike) flip() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.random.IntN(2) == 0
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
