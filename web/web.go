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

// Daemon is the running exporter, as the handlers use it.
type Daemon interface {
	Exporter() *collector.Exporter
	Registry() *prometheus.Registry
	Reload() error
	// ReloadError returns the error of the last reload, nil if it succeeded.
	ReloadError() error
}

// Options configure the handlers.
type Options struct {
	// TelemetryPath is the path of the metrics, such as /metrics.
	TelemetryPath string
	// TimeoutOffset is subtracted from Prometheus's scrape timeout.
	TimeoutOffset time.Duration
	// ExternalURL is the URL under which users and Prometheus reach the exporter. If nil, the address of the request is
	// used.
	ExternalURL *url.URL
	Logger      log.Logger
	// Version is shown on the page.
	Version string
	// AtlasURL and RunbookURL are those of page.Options.
	AtlasURL, RunbookURL string
}

type server struct {
	Options
	daemon Daemon
	// scrapes and probes bound the requests for the metrics and for /probe.
	scrapes, probes *lane
	// rendering bounds the scrapes that are rendered at the same time.
	rendering *semaphore.Weighted
}

// NewServer returns an HTTP server for the whole interface, with timeouts and limits against slow clients. You may
// change them before it serves. The handlers use its WriteTimeout.
func NewServer(d Daemon, o Options) *http.Server {
	return &http.Server{
		Handler:           handler(d, o),
		ReadHeaderTimeout: 10 * time.Second, // also for a TLS handshake
		ReadTimeout:       30 * time.Second, // also for a body, although no path accepts one
		// The time for a client to read an answer. For a scrape that waits for Atlas, it starts when the answer is
		// ready.
		WriteTimeout:   30 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10, // including the address; longer ones get status 431
	}
}

// handler returns the whole HTTP interface.
func handler(d Daemon, o Options) http.Handler {
	s := &server{
		Options: o, daemon: d,
		scrapes: newLane(maxScrapes, maxAnswers), probes: newLane(maxProbes, maxAnswers), rendering: semaphore.NewWeighted(maxRendering),
	}
	mux := http.NewServeMux()
	get := func(path string, h http.Handler) { mux.Handle(path, allowMethods(h, http.MethodGet, http.MethodHead)) }
	get(o.TelemetryPath, promhttp.InstrumentMetricHandler(d.Registry(), http.HandlerFunc(s.metrics)))
	get("/probe", http.HandlerFunc(s.probe))
	get("/sd", http.HandlerFunc(s.serviceDiscovery))
	get("/-/healthy", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") }))
	get("/-/ready", http.HandlerFunc(s.ready))
	get("/{$}", newPageHandler(s))
	mux.Handle("/-/reload", allowMethods(sameOrigin(limited(maxReloads, http.HandlerFunc(s.reload))), http.MethodPost, http.MethodPut))
	mux.Handle("/", notFound(o.TelemetryPath))
	return commonHeaders(belowPrefix(pathPrefix(o.ExternalURL), mux))
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
