// Package web is the exporter's HTTP interface: metrics, probes, service discovery, health, reload and a page for
// people.
package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mongodbatlas_backup_exporter/atlasapi"
	"mongodbatlas_backup_exporter/collector"
)

const (
	// defaultTimeout is how long a scrape takes at most whose header does not say: Prometheus's own default.
	defaultTimeout = 10 * time.Second
	// maxScrapes bounds the scrapes that are answered at the same time.
	maxScrapes = 40
	// maxPages bounds the pages for people that are made at the same time: one of a large organisation takes megabytes.
	maxPages = 4
)

// Daemon is what the handlers show and steer.
type Daemon interface {
	Exporter() *collector.Exporter
	Registry() *prometheus.Registry
	Reload() error
}

// Options are what the handlers are made of.
type Options struct {
	// TelemetryPath is where the metrics are, such as /metrics.
	TelemetryPath string
	// TimeoutOffset is how long before Prometheus gives up an answer is ready.
	TimeoutOffset time.Duration
	Logger        log.Logger
	// Version is shown on the page.
	Version string
}

type server struct {
	Options
	daemon Daemon
}

// Handler returns the whole HTTP interface.
func Handler(d Daemon, o Options) http.Handler {
	s := &server{Options: o, daemon: d}
	mux := http.NewServeMux()
	metrics := promhttp.InstrumentMetricHandler(d.Registry(), http.HandlerFunc(s.metrics))
	mux.Handle("GET "+o.TelemetryPath, limited(maxScrapes, metrics))
	mux.Handle("GET /probe", limited(maxScrapes, http.HandlerFunc(s.probe)))
	mux.HandleFunc("GET /sd", s.serviceDiscovery)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /-/ready", s.ready)
	mux.HandleFunc("POST /-/reload", s.reload)
	mux.HandleFunc("PUT /-/reload", s.reload)
	mux.Handle("GET /{$}", limited(maxPages, newPage(s)))
	return mux
}

// limited refuses a request when so many are being answered.
func limited(most int, h http.Handler) http.Handler {
	slots := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			h.ServeHTTP(w, r)
		default:
			answer(w, http.StatusServiceUnavailable, fmt.Sprintf("%d such requests are being answered, which is the most at a time: try again", most))
		}
	})
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	selected := r.URL.Query()["collect[]"]
	known := s.daemon.Exporter().Collectors()
	for _, name := range selected {
		if !slices.Contains(known, name) {
			answer(w, http.StatusBadRequest, fmt.Sprintf("collect[]=%q: no collector of that name is enabled; there are %s", name, strings.Join(known, ", ")))
			return
		}
	}
	gatherers := s.refresh(r, collector.Selection{Collectors: selected})
	if selected == nil || slices.Contains(selected, collector.CollectorExporter) {
		gatherers = append(gatherers, s.daemon.Registry())
	}
	s.expose(w, r, gatherers)
}

func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("target")
	if _, err := atlasapi.ParseObjectID(target); err != nil {
		answer(w, http.StatusBadRequest, "target: a project id of 24 digits of 0-9 and a-f is expected, as in /probe?target=32b6e34b3d91647abb20e7b8")
		return
	}
	exporter := s.daemon.Exporter()
	if err := exporter.Ready(); err != nil {
		exporter.Discover()
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	if !slices.Contains(exporter.Projects(), target) {
		answer(w, http.StatusNotFound, "target: this exporter does not read project "+target)
		return
	}
	s.expose(w, r, s.refresh(r, collector.Selection{GroupID: target}))
}

// refresh has read what is selected until shortly before Prometheus gives up, and gathers what is known then.
func (s *server) refresh(r *http.Request, selection collector.Selection) prometheus.Gatherers {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout(r))
	defer cancel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.daemon.Exporter().Refresh(ctx, selection))
	return prometheus.Gatherers{registry}
}

// timeout is how long a scrape may take by its header.
func (s *server) timeout(r *http.Request) time.Duration {
	timeout := defaultTimeout
	if given, err := strconv.ParseFloat(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64); err == nil && given > 0 && given < 3600 {
		timeout = time.Duration(given * float64(time.Second))
	}
	if s.TimeoutOffset < timeout {
		return timeout - s.TimeoutOffset
	}
	return timeout / 2 // the offset leaves no time at all: leave some
}

func (s *server) expose(w http.ResponseWriter, r *http.Request, gatherers prometheus.Gatherers) {
	promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{
		ErrorLog:      errorLog{s.Logger},
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      s.daemon.Registry(),
	}).ServeHTTP(w, r)
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
		answer(w, http.StatusInternalServerError, "the old configuration stays in force: "+err.Error())
		return
	}
	answer(w, http.StatusOK, "the configuration was reloaded")
}

func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, message) //nolint:gosec // plain text, which nosniff keeps from being taken for a page
}

// errorLog hands promhttp's errors to the log.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	_ = level.Error(l.logger).Log("msg", "a scrape was not answered in full", "err", errors.New(strings.TrimSpace(fmt.Sprintln(v...))))
}
