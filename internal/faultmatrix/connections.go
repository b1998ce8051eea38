package faultmatrix

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// connections is a listener whose connections can be broken: refused, reset, or failed in the handshake.
type connections struct {
	address string
	tls     *tls.Config // nil without TLS
	ca      []byte      // PEM, by which the exporter may trust
	bad     []*tls.Config

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]struct{}
	most     int
	accepted int
	reopened chan struct{} // closed when the listener listens again; nil while it does
	closed   bool
	period   int         // counts refusals, so that the end of one does not end another
	spoil    func() bool // decides over the next handshake; nil spoils none
	variant  int
}

// listen listens on a port below those that the kernel gives to outgoing connections, so that nothing takes it while it is
// closed for a moment.
func listen(t testing.TB, withTLS bool) *connections {
	t.Helper()
	c := &connections{open: map[net.Conn]struct{}{}}
	if withTLS {
		c.makeCertificates(t)
	}
	var err error
	for range 100 {
		c.address = fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if c.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", c.address); err == nil {
			return c
		}
	}
	t.Fatalf("no port is free: %v", err)
	return nil
}

// makeCertificates makes an authority, the certificate of a good server, and certificates that no client may accept: of
// another host, expired, and of an unknown authority.
func (c *connections) makeCertificates(t testing.TB) {
	t.Helper()
	authority, stranger := harness.NewAuthority(t, "authority"), harness.NewAuthority(t, "stranger")
	c.ca = authority.PEM()
	here, elsewhere := net.IPv4(127, 0, 0, 1), net.IPv4(192, 0, 2, 1)
	config := func(certificate tls.Certificate) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
	}
	c.bad = []*tls.Config{
		config(authority.Server(t, elsewhere, time.Time{})),
		config(authority.Server(t, here, time.Now().Add(-24*time.Hour))),
		config(stranger.Server(t, here, time.Time{})),
	}
	c.tls = config(authority.Server(t, here, time.Time{}))
	c.tls.GetConfigForClient = c.handshake
}

func (c *connections) url() string {
	if c.tls != nil {
		return "https://" + c.address
	}
	return "http://" + c.address
}

// Accept waits for a connection, and while none is let in, for that.
func (c *connections) Accept() (net.Conn, error) {
	for {
		c.mu.Lock()
		listener, reopened, closed := c.listener, c.reopened, c.closed
		c.mu.Unlock()
		switch {
		case closed:
			return nil, net.ErrClosed
		case reopened != nil:
			<-reopened
			continue
		}
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			continue
		}
		if err == nil {
			c.mu.Lock()
			c.open[connection] = struct{}{}
			c.accepted++
			c.most = max(c.most, len(c.open))
			c.mu.Unlock()
			connection = &tracked{connection, c}
		}
		return connection, err
	}
}

// tracked is a connection that is known to be open until it is closed.
type tracked struct {
	net.Conn
	of *connections
}

func (t *tracked) Close() error {
	t.of.mu.Lock()
	delete(t.of.open, t.Conn)
	t.of.mu.Unlock()
	return t.Conn.Close()
}

// SetLinger is that of TCP, for a reset.
func (t *tracked) SetLinger(seconds int) error { return t.Conn.(*net.TCPConn).SetLinger(seconds) }

// Close stops listening for good.
func (c *connections) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if c.reopened != nil {
		close(c.reopened)
		c.reopened = nil
	}
	return c.listener.Close()
}

// Addr is where it listens.
func (c *connections) Addr() net.Addr { return c.listener.Addr() }

// count tells how many connections are open now, how many were at most, and how many were made.
func (c *connections) count() (now, most, made int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.most, c.accepted
}

// cut resets every open connection.
func (c *connections) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for connection := range c.open {
		reset(connection)
		delete(c.open, connection)
	}
}

// The times for which connections are refused. A single fault is over before any request is sent again, which is a
// quarter of a second later at the earliest; one at random is not.
const (
	briefly = 60 * time.Millisecond
	longer  = 700 * time.Millisecond
)

// refuse has the kernel refuse connections: for a moment, or until mend.
func (c *connections) refuse(m mode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reopened != nil || c.closed {
		return
	}
	_ = c.listener.Close()
	c.reopened = make(chan struct{})
	if m == always {
		return
	}
	c.period++
	period := c.period
	time.AfterFunc(map[mode]time.Duration{once: briefly, atRandom: longer}[m], func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.period == period {
			c.reopen()
		}
	})
}

// mend lets connections in again, with a handshake that holds.
func (c *connections) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoil = nil
	c.period++
	c.reopen()
}

// reopen listens again. The lock is held.
func (c *connections) reopen() {
	if c.reopened == nil || c.closed {
		return
	}
	for {
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", c.address)
		if err == nil {
			c.listener = listener
			break
		}
		time.Sleep(time.Millisecond) // the port is ours, and about to be free
	}
	close(c.reopened)
	c.reopened = nil
}

// spoilTLS has handshakes fail from now on: one, any, or all.
func (c *connections) spoilTLS(m mode, k *strike) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := 1
	c.variant++
	c.spoil = func() bool {
		switch m {
		case once:
			left--
			return left >= 0
		case atRandom:
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.random.IntN(2) == 0
		case always:
		}
		return true
	}
}

// handshake chooses the certificate of a connection, or the way in which the handshake fails.
func (c *connections) handshake(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c.mu.Lock()
	spoilt, way := c.spoil != nil && c.spoil(), c.variant%(len(c.bad)+2)
	c.mu.Unlock()
	switch {
	case !spoilt:
		return nil, nil //nolint:nilnil // the configuration as it is
	case way < len(c.bad):
		return c.bad[way], nil
	case way == len(c.bad):
		_, _ = hello.Conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	}
	_ = hello.Conn.Close()
	return nil, errors.New("spoiled")
}
