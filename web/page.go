package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// pageWait bounds how long the page waits for a refresh; later results appear on reload.
const pageWait = time.Second

var (
	//go:embed page.html
	pageSource string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// page serves the page for people.
type page struct {
	*server
	*lane
	template *template.Template
	policy   string
}

// pageData is the data of the template.
type pageData struct {
	Version, Metrics string
	Style            template.CSS
	Script           template.JS
	Now              moment
	NotReady         error
	NoProject        bool
	Reload           error // error of the last reload, nil if it succeeded
	Projects         []projectRow
	*content
}

// projectRow is a row in the table of projects.
type projectRow struct {
	collector.ProjectView
	Link string
}

// The default URLs of the page's links.
const (
	DefaultAtlasURL   = "https://cloud.mongodb.com"
	defaultRunbookURL = "https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/blob/main/docs/runbooks.md#"
)

func newPage(s *server) *page {
	s.AtlasURL = strings.TrimRight(cmp.Or(s.AtlasURL, DefaultAtlasURL), "/")
	s.RunbookURL = cmp.Or(s.RunbookURL, defaultRunbookURL)
	return &page{
		server:   s,
		lane:     newLane(maxPages, maxPages),
		template: template.Must(template.New("page").Parse(pageSource)),
		// The page contains its script and style, allowed by their hashes, and may load nothing else. connect-src is
		// for the script, which fetches the page again, and img-src for the icon.
		policy: "default-src 'none'; script-src " + hashOf(pageScript) + "; style-src " + hashOf(pageStyle) +
			"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
	}
}

// hashOf returns a text's hash as a source for a content security policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ServeHTTP reads what is due, as a scrape does, and shows the values after pageWait at the latest.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	holdDeadline(w)
	exporter := p.daemon.Exporter()
	p.refresh(r.Context(), exporter, collector.Selection{}, pageWait)
	if !acquire(r.Context(), p.answers) {
		answer(w, http.StatusServiceUnavailable, tooLate)
		return
	}
	defer p.answers.Release(1)
	overview := exporter.Overview()
	body, err := p.render(time.Now(), &overview, exporter.Ready())
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

func (p *page) render(now time.Time, o *collector.Overview, notReady error) ([]byte, error) {
	data := pageData{
		Version: p.Version, Metrics: relative(p.TelemetryPath),
		Style:    template.CSS(pageStyle), //nolint:gosec // a file of this package
		Script:   template.JS(pageScript), //nolint:gosec // a file of this package
		Now:      momentOf(now, now, ""),
		NotReady: notReady, NoProject: notReady == nil && len(o.Projects) == 0,
		content: p.contentOf(now, o),
	}
	if p.daemon != nil { // some tests render the page without a daemon
		data.Reload = p.daemon.ReloadError()
	}
	for _, project := range o.Projects {
		data.Projects = append(data.Projects, projectRow{project, p.AtlasURL + "/v2/" + project.ID})
	}
	var body bytes.Buffer
	err := p.template.Execute(&body, data)
	return body.Bytes(), err
}
