// Package web is the exporter's HTTP interface: metrics, probes, service discovery, health, reload and a page for
// people.
package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/semaphore"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// Daemon is what the handlers show and steer.
type Daemon interface {
	Exporter() *collector.Exporter
	Registry() *prometheus.Registry
	Reload() error
	// ReloadError returns why the last reload failed, nil where it succeeded.
	ReloadError() error
}

// Options are what the handlers are made of.
type Options struct {
	// TelemetryPath is where the metrics are, such as /metrics.
	TelemetryPath string
	// TimeoutOffset is subtracted from Prometheus's scrape timeout.
	TimeoutOffset time.Duration
	// ExternalURL is the address under which users and Prometheus reach the exporter, nil where it is the request's.
	ExternalURL *url.URL
	Logger      log.Logger
	// Version is shown on the page.
	Version string
	// AtlasURL is where the page's links into Atlas lead; "": https://cloud.mongodb.com.
	AtlasURL string
	// RunbookURL is the page whose sections say what to do about each alert; "": the project's own.
	RunbookURL string
}

type server struct {
	Options
	daemon Daemon
	// scrapes and probes bound the requests of the metrics and of /probe.
	scrapes, probes *lane
	// rendering is held by each scrape while it is rendered.
	rendering *semaphore.Weighted
}

// NewServer returns an HTTP server of the whole interface, with bounds on what a client can make it wait for. Where they do
// not fit, they may be changed before it serves; the handlers follow its WriteTimeout.
func NewServer(d Daemon, o Options) *http.Server {
	return &http.Server{
		Handler:           handler(d, o),
		ReadHeaderTimeout: 10 * time.Second, // also a TLS handshake
		ReadTimeout:       30 * time.Second, // also a body, though none is wanted
		// How long a client may take to read an answer; a scrape that waits for Atlas begins to count when its answer is ready.
		WriteTimeout:   30 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10, // also the address: what is longer is status 431
	}
}

// handler returns the whole HTTP interface.
func handler(d Daemon, o Options) http.Handler {
	s := &server{
		Options: o, daemon: d,
		scrapes: newLane(maxScrapes, maxAnswers), probes: newLane(maxProbes, maxAnswers), rendering: semaphore.NewWeighted(maxRendering),
	}
	mux := http.NewServeMux()
	get := func(path string, h http.Handler) { mux.Handle(path, only(h, http.MethodGet, http.MethodHead)) }
	get(o.TelemetryPath, promhttp.InstrumentMetricHandler(d.Registry(), http.HandlerFunc(s.metrics)))
	get("/probe", http.HandlerFunc(s.probe))
	get("/sd", http.HandlerFunc(s.serviceDiscovery))
	get("/-/healthy", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") }))
	get("/-/ready", http.HandlerFunc(s.ready))
	get("/{$}", newPage(s))
	mux.Handle("/-/reload", only(sameOrigin(limited(maxReloads, http.HandlerFunc(s.reload))), http.MethodPost, http.MethodPut))
	mux.Handle("/", nowhere(o.TelemetryPath))
	return forAll(belowPrefix(pathPrefix(o.ExternalURL), mux))
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.daemon.Exporter().Ready(); err != nil {
		s.daemon.Exporter().Discover()
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, "ready")
}

func (s *server) reload(w http.ResponseWriter, _ *http.Request) {
	if err := s.daemon.Reload(); err != nil {
		answer(w, http.StatusInternalServerError, "reload failed, keeping the previous configuration: "+err.Error())
		return
	}
	answer(w, http.StatusOK, "the configuration was reloaded")
}
