package drill

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// gate stands before an exporter at an address that stays, whichever process is behind it: a restarted exporter listens at
// another port. While there is none, or the gate is shut, connections are cut.
type gate struct {
	server  *httptest.Server
	running atomic.Pointer[harness.Exporter]
	shut    atomic.Bool
}

func newGate(t testing.TB) *gate {
	t.Helper()
	g := &gate{}
	g.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exporter := g.running.Load()
		if g.shut.Load() || exporter == nil {
			panic(http.ErrAbortHandler)
		}
		behind, err := url.Parse(exporter.URL())
		if err != nil {
			panic(err)
		}
		proxy := httputil.ReverseProxy{
			Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(behind) },
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.server.Close)
	return g
}

// address is host and port of the gate.
func (g *gate) address() string { return g.server.Listener.Addr().String() }
