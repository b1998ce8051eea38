package web

import (
	"net/http"
	"time"

	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web/page"
)

// pageWait bounds how long the page waits for a refresh; later results appear on reload.
const pageWait = time.Second

// pageHandler serves the page for people.
type pageHandler struct {
	*server
	*lane
	page   *page.Page
	policy string
}

func newPageHandler(s *server) *pageHandler {
	return &pageHandler{
		server: s,
		lane:   newLane(maxPages, maxPages),
		page: page.New(page.Options{
			Version: s.Version, TelemetryPath: s.TelemetryPath, AtlasURL: s.AtlasURL, RunbookURL: s.RunbookURL,
		}),
		policy: page.SecurityPolicy(),
	}
}

// ServeHTTP reads what is due, as a scrape does, and shows the values after pageWait at the latest.
func (p *pageHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	holdDeadline(w)
	exporter := p.daemon.Exporter()
	p.refresh(r.Context(), exporter, collector.Selection{}, pageWait)
	if !acquire(r.Context(), p.answers) {
		answer(w, http.StatusServiceUnavailable, tooLate)
		return
	}
	defer p.answers.Release(1)
	body, err := p.page.Render(time.Now(), &page.State{
		Overview: exporter.Overview(), NotReady: exporter.Ready(), Reload: p.daemon.ReloadError(),
	})
	if err != nil {
		_ = level.Error(p.Logger).Log("msg", "the page cannot be rendered", "err", err)
		answer(w, http.StatusInternalServerError, "the page cannot be rendered")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Referrer-Policy", "no-referrer")
	startDeadline(w, r)
	_, _ = w.Write(body)
}
