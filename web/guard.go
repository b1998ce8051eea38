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
	// maxScrapes and maxProbes are how many scrapes of everything, and of one project, wait for Atlas. Further ones do not wait: they
	// answer with the last values, and reading goes on behind them.
	maxScrapes = 40
	maxProbes  = 1000
	// maxAnswers is how many answers of one path are kept until their clients have read them.
	maxAnswers = 40
	// maxRendering is less: one scrape of a large organization takes hundreds of megabytes while it is rendered.
	maxRendering = 2
	// maxPages is how many answers are kept of the page for people, which takes megabytes.
	maxPages = 4
	// maxReloads is how many reloads wait for their turn, or have it.
	maxReloads = 4
)

// lane bounds the requests of one path. A request that waits for Atlas has no answer yet and takes little memory, so that it
// keeps no other from being answered, however many wait.
type lane struct {
	waiting *semaphore.Weighted // requests that wait for Atlas
	answers *semaphore.Weighted // requests whose answer is rendered, or was and is not sent yet
}

func newLane(waiting, answers int64) *lane {
	return &lane{waiting: semaphore.NewWeighted(waiting), answers: semaphore.NewWeighted(answers)}
}

// refresh reads what is selected and due, and returns what to show when it is read, or after the wait. It does not wait where
// too many do already. Reading goes on behind it.
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

// acquire waits for a turn until the client has gone. A request whose context has ended, as all have while the program ends, gets
// a turn that is free.
func acquire(ctx context.Context, turns *semaphore.Weighted) bool {
	return turns.TryAcquire(1) || turns.Acquire(ctx, 1) == nil
}

// limited refuses a request while as many are being answered as may be.
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

// only refuses other methods, and a body where it means nothing: while one is outstanding, net/http does not notice that the
// client has gone.
func only(h http.Handler, methods ...string) http.Handler {
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

// sameOrigin refuses what a browser sends for a page of another site. Programs say nothing of an origin, and may pass.
func sameOrigin(h http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusForbidden, "refused: a browser sent this request from a page of another site (Sec-Fetch-Site, Origin)")
	}))
	return protection.Handler(h)
}

// nowhere answers for the paths that there are not.
func nowhere(telemetryPath string) http.Handler {
	known := strings.Join(append(ownPaths(), telemetryPath), " ")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, "the exporter does not serve this path; it serves "+known)
	})
}

// forAll sets what every answer has.
func forAll(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		if r.ContentLength != 0 {
			header.Set("Connection", "close") // nobody reads the body, and what follows it must not be taken for a request
		}
		h.ServeHTTP(w, r)
	})
}

// holdDeadline lets a request wait for its answer: the server's WriteTimeout counts from the next startDeadline.
func holdDeadline(w http.ResponseWriter) {
	// An error is of a connection that is gone, which is noticed soon enough.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}

// startDeadline gives the client the server's WriteTimeout, from now on, to read an answer.
func startDeadline(w http.ResponseWriter, r *http.Request) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout)) // an error: as above
	}
}

// answer is a sentence for whoever asked.
func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, message) //nolint:gosec // plain text, which nosniff keeps from being taken for a page
}
