package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How many requests of a kind are answered at the same time.
const (
	maxScrapes = 40
	// maxRendering is less: one scrape of a large organisation takes hundreds of megabytes while it is rendered.
	maxRendering = 2
	// maxPages is for the page for people, which takes megabytes.
	maxPages = 4
	// maxReloads is how many wait for their turn, or have it.
	maxReloads = 4
)

// limited refuses a request when so many are being answered.
func limited(most int, h http.Handler) http.Handler {
	slots := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, fmt.Sprintf("%d such requests are being answered, which is the most at a time: try again", most))
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
			answer(w, http.StatusMethodNotAllowed, "this path answers "+strings.Join(methods, " and "))
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
		answer(w, http.StatusForbidden, "a browser sent this for a page of another site (Sec-Fetch-Site, Origin): refused")
	}))
	return protection.Handler(h)
}

// nowhere answers for the paths that there are not.
func nowhere(telemetryPath string) http.Handler {
	known := strings.Join(append(ownPaths(), telemetryPath), " ")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, "nothing is served at this path; there are "+known)
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

// giveTime lets an answer begin within so long, and take the server's WriteTimeout from then on.
func giveTime(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		// An error is of a connection that is gone, which is noticed soon enough.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + s.WriteTimeout))
	}
}

// answer is a sentence for whoever asked.
func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, message) //nolint:gosec // plain text, which nosniff keeps from being taken for a page
}
