package harness

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// PrometheusServer is a running Prometheus of one test's own.
type PrometheusServer struct {
	process *process
	api     api
	dir     string
}

// prometheusConfigFile is the name under which WriteFile replaces the configuration.
const prometheusConfigFile = "prometheus.yml"

// StartPrometheus runs a Prometheus with an empty storage, and returns when it is ready. The configuration is YAML; files
// (rules, targets) are written beside it under their names, so that the configuration refers to them by these. The test's
// cleanup kills it and removes its data.
func StartPrometheus(t testing.TB, config string, files map[string]string) *PrometheusServer {
	t.Helper()
	path := Prometheus(t)
	server := &PrometheusServer{dir: t.TempDir()}
	server.WriteFile(t, prometheusConfigFile, config)
	for name, content := range files {
		server.WriteFile(t, name, content)
	}
	// Killed rather than asked: its data is thrown away, and a clean end would flush it first.
	server.process = startProcess(t, "prometheus", syscall.SIGKILL, os.Environ(), path,
		"--config.file="+filepath.Join(server.dir, prometheusConfigFile),
		"--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
		"--web.enable-lifecycle",
	)
	server.api = api{base: server.process.listening(t)}
	awaitReady(t, server.process, server.api)
	return server
}

// URL is where the server answers, without a trailing slash.
func (s *PrometheusServer) URL() string { return s.api.base }

// Logs is everything that the server has logged so far.
func (s *PrometheusServer) Logs() string { return s.process.logs.String() }

// WriteFile writes or replaces a file beside the configuration, or, as "prometheus.yml", the configuration. Prometheus
// notices files of targets by itself; configuration and rules need Reload.
func (s *PrometheusServer) WriteFile(t testing.TB, name, content string) {
	t.Helper()
	writeFile(t, s.dir, name, content)
}

// Reload makes the server read its configuration and rules again. The error is the server's own word on what is wrong.
func (s *PrometheusServer) Reload(ctx context.Context) error {
	return s.api.call(ctx, http.MethodPost, "/-/reload", nil, nil)
}

// Query evaluates an expression at the present moment. A scalar is one sample without labels.
func (s *PrometheusServer) Query(ctx context.Context, expr string) ([]Sample, error) {
	var result queryResult
	err := s.api.prometheus(ctx, "/api/v1/query", url.Values{"query": {expr}}, &result)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	return result.samples, nil
}

// Targets returns the active targets of all scrape configurations.
func (s *PrometheusServer) Targets(ctx context.Context) ([]Target, error) {
	var result struct {
		ActiveTargets []Target `json:"activeTargets"`
	}
	err := s.api.prometheus(ctx, "/api/v1/targets", url.Values{"state": {"active"}}, &result)
	return result.ActiveTargets, err
}

// Rules returns the groups of rules with their state and alerts.
func (s *PrometheusServer) Rules(ctx context.Context) ([]RuleGroup, error) {
	var result struct {
		Groups []RuleGroup `json:"groups"`
	}
	err := s.api.prometheus(ctx, "/api/v1/rules", nil, &result)
	return result.Groups, err
}

// Eventually evaluates the expression again and again until accept returns nil, and returns the samples that it accepted.
// It fails the test, with accept's last error, when that takes minutes or the server ends.
func (s *PrometheusServer) Eventually(t testing.TB, expr string, accept func([]Sample) error) []Sample {
	t.Helper()
	read := func(ctx context.Context) ([]Sample, error) { return s.Query(ctx, expr) }
	return eventually(t, s.process, expr, read, accept)
}

// writeFile writes a file below dir. A name that leads out of it fails the test.
func writeFile(t testing.TB, dir, name, content string) {
	t.Helper()
	if !filepath.IsLocal(name) {
		t.Fatalf("file %q is not below the server's directory", name)
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// Renamed into place: a server that watches the file never reads half of it.
	unfinished := path + ".unfinished"
	if err := os.WriteFile(unfinished, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		t.Fatal(err)
	}
}
