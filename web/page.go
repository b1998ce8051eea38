package web

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-kit/log/level"

	"mongodbatlas_backup_exporter/collector"
)

//go:embed page.html
var pageSource string

// page shows people what is known, without reading anything.
func (s *server) page(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	t, err := template.New("page").Funcs(template.FuncMap{
		"age":     func(at time.Time) string { return age(now, at) },
		"stamp":   func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"seconds": func(at time.Time) int64 { return at.Unix() },
	}).Parse(pageSource)
	if err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	exporter := s.daemon.Exporter()
	data := struct {
		collector.Overview
		Ready         error
		TelemetryPath string
		Version       string
	}{exporter.Overview(), exporter.Ready(), s.TelemetryPath, s.Version}
	if err := t.Execute(w, data); err != nil {
		_ = level.Debug(s.Logger).Log("msg", "the page was not sent whole", "err", err)
	}
}

// age says how long ago something was, in the largest unit that fits.
func age(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	d := now.Sub(at)
	switch {
	case d < 0:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
