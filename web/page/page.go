// Package page writes the exporter's page for people from an overview of what the exporter knows.
package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

var (
	//go:embed page.html
	source string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// The default URLs of the page's links.
const (
	DefaultAtlasURL   = "https://cloud.mongodb.com"
	defaultRunbookURL = "https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/blob/main/docs/runbooks.md#"
)

// Options are what the page shows apart from the overview.
type Options struct {
	// Version of the program.
	Version string
	// TelemetryPath is the path of the metrics, such as /metrics.
	TelemetryPath string
	// AtlasURL is the base URL of the links into Atlas; "" means DefaultAtlasURL.
	AtlasURL string
	// RunbookURL is a prefix of the links to runbooks; the alert's name in lower case follows. "" means the project's own.
	RunbookURL string
}

// Page writes the page. It never changes, so that requests can share it.
type Page struct {
	Options
	template *template.Template
}

// New returns a page.
func New(o Options) *Page {
	o.AtlasURL = strings.TrimRight(cmp.Or(o.AtlasURL, DefaultAtlasURL), "/")
	o.RunbookURL = cmp.Or(o.RunbookURL, defaultRunbookURL)
	return &Page{o, template.Must(template.New("page").Parse(source))}
}

// State is the state of the exporter that the page shows.
type State struct {
	collector.Overview
	NotReady error // why the exporter is not ready, nil if it is
	Reload   error // error of the last reload, nil if it succeeded
}

// data is the data of the template.
type data struct {
	Version, Metrics string
	Style            template.CSS
	Script           template.JS
	Now              moment
	NotReady, Reload error
	NoProject        bool
	Projects         []projectRow
	*content
}

// projectRow is a row in the table of projects.
type projectRow struct {
	collector.ProjectView
	Link string
}

// Render returns the page in HTML.
func (p *Page) Render(now time.Time, s *State) ([]byte, error) {
	d := data{
		Version: p.Version, Metrics: relative(p.TelemetryPath),
		Style:    template.CSS(style), //nolint:gosec // a file of this package
		Script:   template.JS(script), //nolint:gosec // a file of this package
		Now:      momentOf(now, now, ""),
		NotReady: s.NotReady, Reload: s.Reload, NoProject: s.NotReady == nil && len(s.Projects) == 0,
		content: p.contentOf(now, &s.Overview),
	}
	for _, project := range s.Projects {
		d.Projects = append(d.Projects, projectRow{project, p.AtlasURL + "/v2/" + project.ID})
	}
	var body bytes.Buffer
	err := p.template.Execute(&body, d)
	return body.Bytes(), err
}

// relative returns a path as a relative link, because a proxy may serve the page below a prefix.
func relative(path string) string {
	link := strings.TrimPrefix(path, "/")
	if first, _, _ := strings.Cut(link, "/"); strings.Contains(first, ":") {
		return "./" + link // otherwise the part before the colon would be a scheme
	}
	return link
}

// SecurityPolicy returns the Content-Security-Policy of the page. The page contains its script and style, allowed by their
// hashes, and may load nothing else: connect-src is for the script, which fetches the page again, and img-src for the icon.
func SecurityPolicy() string {
	return "default-src 'none'; script-src " + hashOf(script) + "; style-src " + hashOf(style) +
		"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
}

// hashOf returns a text's hash as a source for a content security policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
