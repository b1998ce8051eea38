package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// connections counts the current and all connections of a server.
type connections struct{ opened, active, closed atomic.Int64 }

// watch counts a server's connections from its start.
func (c *connections) watch(s *httptest.Server) {
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.opened.Add(1)
		case http.StateActive:
			c.active.Add(1)
		case http.StateClosed:
			c.closed.Add(1)
		case http.StateIdle, http.StateHijacked:
		}
	}
}

// narrow is a listener whose connections buffer few bytes that the client does not read.
type narrow struct{ net.Listener }

func (l narrow) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// dial opens a connection that buffers few bytes, and sends the text.
func (e *exporter) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	_, address, _ := strings.Cut(e.url, "://")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	}
	if err == nil {
		_, err = io.WriteString(conn, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// remainder reads until the server closes the connection. A connection that it resets is closed, too.
func remainder(t *testing.T, conn net.Conn) string {
	t.Helper()
	text, err := io.ReadAll(conn)
	var network *net.OpError
	if err != nil && !errors.As(err, &network) {
		t.Fatal(err)
	}
	return string(text)
}

// request returns the text of a request without a body.
func request(path string, header ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(header, "\r\n"), "\r\n")
}

// counted returns the value of a promhttp metric of its handler, without a scrape.
func (e *exporter) counted(t *testing.T, name, code string) float64 {
	t.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == name && (code == "" || metric.GetLabel()[0].GetValue() == code) {
				return metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s with code %q", name, code)
	return 0
}

// inFlight waits until this many scrapes of everything are in flight.
func (e *exporter) inFlight(t *testing.T, want float64) {
	t.Helper()
	harness.Eventually(t, func() error {
		if got := e.counted(t, "promhttp_metric_handler_requests_in_flight", ""); got != want {
			return fmt.Errorf("%g scrapes are in flight, want %g", got, want)
		}
		return nil
	})
}

// free waits until all slots are free, and checks that a scrape is answered.
func (e *exporter) free(t *testing.T) {
	t.Helper()
	e.inFlight(t, 0)
	if got := e.get(t, "/metrics?collect[]=exporter"); got.status != http.StatusOK {
		t.Errorf("a scrape answers %d %.100s after the others have ended", got.status, got.body)
	}
}

const most = 40 // answers of one path that are kept at the same time

// TestClientsThatNeverRead checks that an answer that the client does not read is abandoned, together with its slot.
func TestClientsThatNeverRead(t *testing.T) {
	t.Parallel()
	var seen connections
	e := startServer(t, atlassim.Demo(atlassim.WallClock{}), nil, func(s *httptest.Server) {
		seen.watch(s)
		s.Listener = narrow{s.Listener}
		s.Config.WriteTimeout = time.Second
	})
	e.ready(t)
	e.free(t)
	for range most {
		e.dial(t, request("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 3599"))
	}
	harness.Eventually(t, func() error {
		if n := seen.closed.Load(); n < most { // one whose answer was sent stays open, for another request
			return fmt.Errorf("the server closed %d connections", n)
		}
		return nil
	})
	e.free(t)
}

// TestStreamsThatNobodyReads checks the same for HTTP/2, where one connection carries all answers.
func TestStreamsThatNobodyReads(t *testing.T) {
	t.Parallel()
	e := startServer(t, atlassim.Demo(atlassim.WallClock{}), nil, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.Config.WriteTimeout = time.Second
	})
	e.ready(t)
	greedy := e.client.Transport.(*http.Transport).Clone()
	greedy.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 16 << 10}
	greedy.DisableCompression = true
	t.Cleanup(greedy.CloseIdleConnections)
	var bodies []io.Reader
	for range most {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := greedy.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode == http.StatusOK {
			bodies = append(bodies, response.Body)
		}
		if response.ProtoMajor != 2 {
			t.Fatalf("the client speaks %s", response.Proto)
		}
	}
	e.free(t)
	for _, body := range bodies {
		if _, err := io.Copy(io.Discard, body); err == nil {
			t.Error("an answer was sent in full without waiting for its reader")
		}
	}
}

// TestUnreadAnswersHoldNoTurn checks that scrapes whose clients do not read do not delay the rendering of others that have a
// slot.
func TestUnreadAnswersHoldNoTurn(t *testing.T) {
	t.Parallel()
	org := atlassim.Demo(atlassim.WallClock{})
	e := startServer(t, org, nil, func(s *httptest.Server) { s.Listener = narrow{s.Listener} })
	e.ready(t)
	var clients []net.Conn
	for range most + 1 { // the last waits for its turn
		clients = append(clients, e.dial(t, request("/metrics")))
	}
	e.inFlight(t, most+1)
	if got := e.get(t, "/probe?target="+org.Projects()[0].ID); got.status != http.StatusOK {
		t.Errorf("a scrape that has a slot answers %d %s", got.status, got.body)
	}
	for _, conn := range clients {
		_ = conn.Close()
	}
	e.free(t)
}

// TestSlowRequests checks that a request that is never completed is abandoned.
func TestSlowRequests(t *testing.T) {
	org, _, _ := small()
	e := startServer(t, org, nil, func(s *httptest.Server) {
		s.Config.ReadHeaderTimeout, s.Config.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond
	})
	for name, text := range map[string]string{
		"nothing":       "",
		"half a line":   "GET /metr",
		"half a header": "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: y",
	} {
		if got := remainder(t, e.dial(t, text)); strings.HasPrefix(got, "HTTP/1.1 200") {
			t.Errorf("%s: answered %s", name, got)
		}
	}
	// A reload needs no body, and neither its answer nor its slot waits for one.
	var waiting []net.Conn
	for range 2 * maxReloads {
		conn := e.dial(t, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
		waiting = append(waiting, conn)
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("a reload with an unfinished body answers %q, %v", line, err)
		}
	}
	for _, conn := range waiting {
		_ = remainder(t, conn)
	}
}

// TestSilenceWhileWaiting checks that the limits for slow clients end no scrape that waits for Atlas.
func TestSilenceWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP/2 %t", http2), func(t *testing.T) {
			org, _, _ := small()
			e := startServer(t, org, nil, func(s *httptest.Server) {
				s.EnableHTTP2 = http2
				s.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
				s.Config.ReadHeaderTimeout, s.Config.ReadTimeout, s.Config.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
			})
			e.ready(t)
			hanging, end := hang(e)
			type result struct {
				answer

				err error
			}
			done := make(chan result, 1)
			go func() {
				got, err := e.do(t.Context(), http.MethodGet, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "3599")
				done <- result{got, err}
			}()
			harness.Eventually(t, func() error {
				if hanging() == 0 {
					return errors.New("the scrape does not wait for Atlas")
				}
				return nil
			})
			// A client that is silent from now on exceeds its time limit before the scrape is over.
			_ = remainder(t, e.dial(t, ""))
			select {
			case got := <-done:
				t.Errorf("the scrape was cut off: %d, %v", got.status, got.err)
				end()
			default:
				end()
				if got := <-done; got.err != nil || got.status != http.StatusOK {
					t.Errorf("the scrape answers %d, %v", got.status, got.err)
				}
			}
		})
	}
}

// TestClientsThatLeave checks that a scrape ends when its client has gone.
func TestClientsThatLeave(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	e.ready(t)
	_, end := hang(e)
	defer end()
	var clients []net.Conn
	for range most {
		clients = append(clients, e.dial(t, request("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 3599")))
	}
	e.inFlight(t, most)
	for _, conn := range clients {
		_ = conn.Close()
	}
	e.free(t)
	// The server does not notice that a client has gone while it still expects a body from it.
	conn := e.dial(t, request("/metrics", "Content-Length: 10"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "HTTP/1.1 400 Bad Request\r\n" {
		t.Errorf("a scrape with a body answers %q, %v", line, err)
	}
}

// TestHalfClosed checks that a client that has closed its side for writing still gets its answer.
func TestHalfClosed(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	e.read(t)
	conn := e.dial(t, request("/metrics"))
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := remainder(t, conn); !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.Contains(got, "\nmongodbatlas_up 1\n") {
		t.Errorf("answered %s", got)
	}
}

// TestManyConnections checks that everybody is answered despite thousands of idle connections, and as many scrapes as may wait
// for Atlas.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	const idle = 2000
	var seen connections
	org, _, _ := small()
	e := startServer(t, org, nil, seen.watch)
	e.ready(t)
	_, end := hang(e)
	defer end()
	for range idle {
		e.dial(t, "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range most {
		go func() { _, _ = e.do(ctx, http.MethodGet, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "3599") }()
	}
	e.inFlight(t, most)
	for _, path := range []string{"/-/healthy", "/-/ready", "/sd", "/", "/metrics"} {
		if got := e.get(t, path, "X-Prometheus-Scrape-Timeout-Seconds", "3599"); got.status != http.StatusOK {
			t.Errorf("%s answers %d while many scrapes wait for Atlas", path, got.status)
		}
	}
	if n := seen.opened.Load(); n < idle {
		t.Errorf("the server saw %d connections", n)
	}
	cancel()
	e.free(t)
}
