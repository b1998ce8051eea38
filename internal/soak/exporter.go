package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// exporter is the exporter's process, with its configuration and secret files.
type exporter struct {
	process    *harness.Exporter
	configFile string
	secretFile string
	baseURL    string // of Atlas
	http       http.Client
}

// startExporter starts the exporter with settings.
func startExporter(t testing.TB, s *settings, baseURL, secret string) *exporter {
	t.Helper()
	dir := t.TempDir()
	e := &exporter{
		configFile: filepath.Join(dir, "exporter.yml"), secretFile: filepath.Join(dir, "secret"), baseURL: baseURL,
		http: http.Client{Timeout: 30 * time.Second},
	}
	if err := errors.Join(e.writeSecret(secret), e.writeConfig(s)); err != nil {
		t.Fatal(err)
	}
	e.process = harness.StartExporter(t, "--config.file="+e.configFile, "--log.level=info")
	return e
}

func (e *exporter) writeSecret(secret string) error { return replace(e.secretFile, secret+"\n") }

func (e *exporter) writeConfig(s *settings) error {
	return replace(e.configFile, s.yaml(e.baseURL, e.secretFile))
}

// replace writes a file so that nobody reads half of it.
func replace(path, content string) error {
	unfinished := path + ".unfinished"
	if err := os.WriteFile(unfinished, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

// get asks for a path, and returns the body of an answer with status 200.
func (e *exporter) get(ctx context.Context, path string) ([]byte, error) {
	status, body, err := e.call(ctx, http.MethodGet, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d: %s", path, status, bytes.TrimSpace(body))
	}
	return body, err
}

func (e *exporter) call(ctx context.Context, method, path string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, e.process.URL()+path, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	response, err := e.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// scrape asks for metrics.
func (e *exporter) scrape(ctx context.Context, path string) (scraped, error) {
	body, err := e.get(ctx, path)
	if err != nil {
		return nil, err
	}
	got, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return got, nil
}

// probePath is the path of one project's series.
func probePath(groupID string) string { return "/probe?target=" + groupID }

// narrowPath is the path of one collector's series.
func narrowPath(collector string) string {
	return "/metrics?" + url.Values{"collect[]": {collector}}.Encode()
}

// discovered asks for the projects that service discovery shows.
func (e *exporter) discovered(ctx context.Context) ([]string, error) {
	body, err := e.get(ctx, "/sd")
	if err != nil {
		return nil, err
	}
	var groups []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(body, &groups); err != nil {
		return nil, fmt.Errorf("GET /sd: %w", err)
	}
	var ids []string
	for _, g := range groups {
		ids = append(ids, g.Labels["__param_target"])
	}
	return ids, nil
}
