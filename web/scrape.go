package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

const (
	// defaultTimeout is the timeout of a scrape without a timeout header: Prometheus's default.
	defaultTimeout = 10 * time.Second
	// longestTimeout bounds the timeout header. No scrape takes that long, so a longer timeout is a mistake.
	longestTimeout = time.Hour
	// maxShown bounds the part of a wrong value that an answer quotes.
	maxShown = 60
)

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	query, ok := queryOf(w, r)
	if !ok {
		return
	}
	selected, ok := s.selected(w, query)
	if !ok {
		return
	}
	var own []prometheus.Gatherer
	if selected == nil || slices.Contains(selected, collector.CollectorExporter) {
		own = append(own, s.daemon.Registry())
	}
	s.scrape(w, r, s.scrapes, collector.Selection{Collectors: selected}, own...)
}

func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	query, ok := queryOf(w, r)
	if !ok {
		return
	}
	target := query.Get("target")
	if _, err := atlasapi.ParseObjectID(target); err != nil || len(query["target"]) != 1 {
		answer(w, http.StatusBadRequest, "target: one project id of 24 digits of 0-9 and a-f is expected, as in /probe?target=32b6e34b3d91647abb20e7b8")
		return
	}
	selected, ok := s.selected(w, query)
	if !ok {
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
	s.scrape(w, r, s.probes, collector.Selection{GroupID: target, Collectors: selected})
}

// selected returns the collectors that collect[] selects, nil for all. It refuses the name of an unknown or disabled
// collector.
func (s *server) selected(w http.ResponseWriter, query url.Values) (names []string, ok bool) {
	names = query["collect[]"]
	known := s.daemon.Exporter().Collectors()
	for _, name := range names {
		if !slices.Contains(known, name) {
			answer(w, http.StatusBadRequest, fmt.Sprintf("collect[]=%.*q: no collector of that name is enabled; there are %s", maxShown, name, strings.Join(known, ", ")))
			return nil, false
		}
	}
	return names, true
}

// queryOf returns a request's parameters. It refuses a malformed query, because the malformed part may be the one that
// narrows the scrape.
func queryOf(w http.ResponseWriter, r *http.Request) (query url.Values, ok bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		answer(w, http.StatusBadRequest, fmt.Sprintf("the query cannot be read: %.*q", 2*maxShown, err.Error()))
	}
	return query, err == nil
}

// scrape answers with the metrics of the selection, which it reads until shortly before Prometheus gives up, and with
// those of other gatherers.
func (s *server) scrape(w http.ResponseWriter, r *http.Request, l *lane, selection collector.Selection, others ...prometheus.Gatherer) {
	holdDeadline(w)
	registry := prometheus.NewRegistry()
	registry.MustRegister(l.refresh(r.Context(), s.daemon.Exporter(), selection, s.timeout(r)))
	s.expose(w, r, l, append(prometheus.Gatherers{registry}, others...))
}

// timeout returns how long a scrape may take, by its header.
func (s *server) timeout(r *http.Request) time.Duration {
	timeout := defaultTimeout
	given, err := strconv.ParseFloat(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err == nil && given > 0 && given < longestTimeout.Seconds() {
		timeout = time.Duration(given * float64(time.Second))
	}
	if s.TimeoutOffset < timeout {
		return timeout - s.TimeoutOffset
	}
	return timeout / 2 // the offset is longer than the timeout: use half of the timeout
}

// expose answers a scrape. It renders the text first and then sends it, because the gathered metrics take much more
// memory than the text, and must not be kept for a slow client.
func (s *server) expose(w http.ResponseWriter, r *http.Request, l *lane, gatherers prometheus.Gatherers) {
	if !acquire(r.Context(), l.answers) {
		answer(w, http.StatusServiceUnavailable, tooLate)
		return
	}
	defer l.answers.Release(1)
	if !acquire(r.Context(), s.rendering) {
		answer(w, http.StatusServiceUnavailable, tooLate)
		return
	}
	text := s.render(w.Header(), r, gatherers)
	startDeadline(w, r)
	if err := text.send(w); err != nil {
		_ = level.Warn(s.Logger).Log("msg", "the client of a scrape went away or did not read the answer", "client", r.RemoteAddr, "err", err)
	}
}

// tooLate is the answer if the client has disconnected or the program is shutting down.
const tooLate = "the request ended before its turn to be answered"

// render lets promhttp write the answer to memory, and then releases the turn.
func (s *server) render(header http.Header, r *http.Request, gatherers prometheus.Gatherers) *bufferedAnswer {
	defer s.rendering.Release(1)
	text := &bufferedAnswer{header: header, status: http.StatusOK}
	promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{
		ErrorLog:      errorLog{s.Logger},
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      s.daemon.Registry(),
	}).ServeHTTP(text, r)
	text.end()
	return text
}

// errorLog writes promhttp's errors to the log.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	_ = level.Error(l.logger).Log("msg", "a scrape was not answered in full", "err", errors.New(strings.TrimSpace(fmt.Sprintln(v...))))
}
