package web_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	maxReloads   = 4
	maxRendering = 2
)

// TestServerIsBounded checks that everything that a client can make the server wait for has a limit.
func TestServerIsBounded(t *testing.T) {
	org, _, _ := small()
	startServer(t, org, nil, func(s *httptest.Server) {
		c := s.Config
		if c.ReadHeaderTimeout <= 0 || c.ReadTimeout <= 0 || c.WriteTimeout <= 0 || c.IdleTimeout <= 0 || c.MaxHeaderBytes <= 0 {
			t.Errorf("a limit is missing: header %v, request %v, answer %v, idle %v, header %d bytes",
				c.ReadHeaderTimeout, c.ReadTimeout, c.WriteTimeout, c.IdleTimeout, c.MaxHeaderBytes)
		}
	})
}

// gate is a collector that blocks all scrapes, and counts them.
type gate struct {
	mu         sync.Mutex
	here, most int
	shut       chan struct{}
}

func (g *gate) Describe(chan<- *prometheus.Desc) {}

func (g *gate) Collect(chan<- prometheus.Metric) {
	g.add(1)
	<-g.shut
	g.add(-1)
}

func (g *gate) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.here += n
	g.most = max(g.most, g.here)
}

func (g *gate) count() (here, most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.here, g.most
}

// TestFewAreRendered checks that few scrapes are rendered at the same time, because each takes memory, and that a waiting
// scrape ends when its client leaves.
func TestFewAreRendered(t *testing.T) {
	const waiting, leaving = 10, 5
	var seen connections
	org, _, _ := small()
	e := startServer(t, org, nil, seen.watch)
	g := &gate{shut: make(chan struct{})}
	open := sync.OnceFunc(func() { close(g.shut) })
	defer open()
	e.registry.MustRegister(g)
	var clients []net.Conn
	for range maxRendering + waiting {
		clients = append(clients, e.dial(t, request("/metrics?collect[]=exporter")))
	}
	harness.Eventually(t, func() error {
		if here, _ := g.count(); here != maxRendering || seen.active.Load() < maxRendering+waiting {
			return fmt.Errorf("%d scrapes are being rendered, of %d", here, seen.active.Load())
		}
		return nil
	})
	for _, conn := range clients[:maxRendering+leaving] { // one that is being rendered stays until it is
		_ = conn.Close()
	}
	harness.Eventually(t, func() error {
		if n := seen.closed.Load(); n < leaving-maxRendering {
			return fmt.Errorf("%d scrapes have left", n)
		}
		return nil
	})
	open()
	e.get(t, "/metrics?collect[]=exporter") // after those that came before
	if _, most := g.count(); most != maxRendering {
		t.Errorf("%d scrapes were rendered at the same time, want %d", most, maxRendering)
	}
}

// TestReloadsDoNotPileUp checks that few reloads wait for their turn.
func TestReloadsDoNotPileUp(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	unblock := sync.OnceFunc(e.blockLoading())
	defer unblock()
	answers := make(chan answer, 2*maxReloads)
	for range 2 * maxReloads {
		go func() {
			got, err := e.do(t.Context(), http.MethodPost, "/-/reload")
			if err != nil {
				t.Error(err)
			}
			answers <- got
		}()
	}
	for range maxReloads { // while the others wait
		if got := <-answers; got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" {
			t.Errorf("one more reload answers %d %s", got.status, got.body)
		}
	}
	unblock()
	for range maxReloads {
		if got := <-answers; got.status != http.StatusOK {
			t.Errorf("a reload that had its turn answers %d %s", got.status, got.body)
		}
	}
}

// TestReloadOfAnotherSite checks that a page of another site cannot reload the configuration through a user's browser.
func TestReloadOfAnotherSite(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	for _, test := range []struct {
		name   string
		header []string
		want   int
	}{
		{"a program", nil, http.StatusOK},
		{"the page", []string{"Sec-Fetch-Site", "same-origin", "Origin", e.url}, http.StatusOK},
		{"the user", []string{"Sec-Fetch-Site", "none"}, http.StatusOK},
		{"the page in an old browser", []string{"Origin", e.url}, http.StatusOK},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example"}, http.StatusForbidden},
		{"another site without an origin", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"another port", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"}, http.StatusForbidden},
		{"another site in an old browser", []string{"Origin", "https://elsewhere.example"}, http.StatusForbidden},
		{"no origin in an old browser", []string{"Origin", "null"}, http.StatusForbidden},
		{"nonsense", []string{"Sec-Fetch-Site", "nonsense"}, http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				got, err := e.do(t.Context(), method, "/-/reload", test.header...)
				if err != nil || got.status != test.want {
					t.Errorf("%s answers %d %s, %v, want %d", method, got.status, got.body, err, test.want)
				}
			}
			if got := e.get(t, "/-/healthy", test.header...); got.status != http.StatusOK {
				t.Errorf("a request that changes nothing answers %d", got.status)
			}
		})
	}
}
