package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

const (
	// maxScrapes and maxProbes are the maximum numbers of scrapes of everything, and of one project, that wait for
	// Atlas. Further ones do not wait: they are answered with the last values, while reading goes on in the background.
	maxScrapes = 40
	maxProbes  = 1000
	// maxAnswers is the maximum number of answers of one path that are kept until their clients have read them.
	maxAnswers = 40
	// maxRendering is lower, because rendering a scrape of a large organization takes hundreds of megabytes.
	maxRendering = 2
	// maxPages is the maximum number of answers of the page that are kept. The page may take megabytes.
	maxPages = 4
	// maxReloads is the maximum number of reloads that run or wait.
	maxReloads = 4
)

// lane bounds the requests of one path. There are separate bounds for waiting and for answering: a request that waits
// for Atlas takes little memory, and must not block others from being answered.
type lane struct {
	waiting *semaphore.Weighted // requests that wait for Atlas
	answers *semaphore.Weighted // requests whose answer is being rendered or sent
}

func newLane(waiting, answers int64) *lane {
	return &lane{waiting: semaphore.NewWeighted(waiting), answers: semaphore.NewWeighted(answers)}
}

// refresh reads the selected targets that are due, and returns their values when they are read or the wait is over. If
// too many requests wait already, it does not wait. Reading goes on in the background.
func (l *lane) refresh(ctx context.Context, e *collector.Exporter, selection collector.Selection, wait time.Duration) prometheus.Collector {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if l.waiting.TryAcquire(1) {
		defer l.waiting.Release(1)
	} else {
		cancel()
	}
	return e.Refresh(ctx, selection)
}

// acquire waits for a turn until the client disconnects. A request whose context has ended still gets a free turn,
// because the contexts of all requests end when the program shuts down.
func acquire(ctx context.Context, turns *semaphore.Weighted) bool {
	return turns.TryAcquire(1) || turns.Acquire(ctx, 1) == nil
}

// limited refuses a request with 503 if the maximum number of requests is running.
func limited(limit int, h http.Handler) http.Handler {
	slots := make(chan struct{}, limit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, fmt.Sprintf("%d such requests are running already, which is the limit: try again", limit))
		}
	})
}

// allowMethods refuses other methods, and requests with a body. While a body is outstanding, net/http does not notice that the
// client disconnects.
func allowMethods(h http.Handler, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !slices.Contains(methods, r.Method):
			w.Header().Set("Allow", allowed)
			answer(w, http.StatusMethodNotAllowed, "this path accepts "+strings.Join(methods, " and "))
		case r.ContentLength != 0 && methods[0] == http.MethodGet:
			answer(w, http.StatusBadRequest, "this path takes no body")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// sameOrigin refuses requests that a browser sends from a page of another site. Other programs send no origin and may
// pass.
func sameOrigin(h http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusForbidden, "refused: a browser sent this request from a page of another site (Sec-Fetch-Site, Origin)")
	}))
	return protection.Handler(h)
}

// notFound answers requests for unknown paths.
func notFound(telemetryPath string) http.Handler {
	known := strings.Join(append(ownPaths(), telemetryPath), " ")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, "the exporter does not serve this path; it serves "+known)
	})
}

// commonHeaders sets the headers that every answer has.
func commonHeaders(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		if r.ContentLength != 0 {
			header.Set("Connection", "close") // the body is not read, and must not be taken for the next request
		}
		h.ServeHTTP(w, r)
	})
}

// holdDeadline removes the write deadline while a request waits for its answer. The server's WriteTimeout counts from
// the next startDeadline.
func holdDeadline(w http.ResponseWriter) {
	// An error means that the connection is closed, which the next write notices.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}

// startDeadline gives the client the server's WriteTimeout, from now on, to read the answer.
func startDeadline(w http.ResponseWriter, r *http.Request) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout)) // an error: as above
	}
}

// answer sends a status and a sentence as plain text.
func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, message) //nolint:gosec // plain text, which nosniff keeps from being taken for a page
}
