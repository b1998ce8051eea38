package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/prometheus/common/model"
)

// PrometheusServer is a running Prometheus of one test's own.
type PrometheusServer struct {
	*process

	dir string
}

// prometheusConfigFile is the name under which WriteFile replaces the configuration.
const prometheusConfigFile = "prometheus.yml"

// StartPrometheus runs a Prometheus with an empty storage, and returns when it is ready. The configuration is YAML; files
// (rules, targets) are written beside it under their names, so that the configuration refers to them by these. The test's
// cleanup kills it and removes its data.
func StartPrometheus(t testing.TB, config string, files map[string]string) *PrometheusServer {
	t.Helper()
	path := Tool(t, "prometheus")
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
	server.awaitReady(t)
	return server
}

// WriteFile writes or replaces a file beside the configuration, or, as "prometheus.yml", the configuration. Prometheus
// notices files of targets by itself; configuration and rules need Reload.
func (s *PrometheusServer) WriteFile(t testing.TB, name, content string) {
	t.Helper()
	writeFile(t, s.dir, name, content)
}

// Sample is one element of an instant query's result.
type Sample struct {
	// Labels are the series' labels, with the metric's name as __name__ where the expression keeps it.
	Labels map[string]string
	Value  float64
}

// String shows the sample for a test's messages.
func (s Sample) String() string { return fmt.Sprintf("%v %v", s.Labels, s.Value) }

// Query evaluates an expression at the present moment. A scalar is one sample without labels.
func (s *PrometheusServer) Query(ctx context.Context, expr string) ([]Sample, error) {
	var answer struct {
		Data struct {
			ResultType string          `json:"resultType"`
			Result     json.RawMessage `json:"result"`
		} `json:"data"`
	}
	err := s.call(ctx, http.MethodGet, "/api/v1/query?"+url.Values{"query": {expr}}.Encode(), &answer)
	var vector model.Vector
	switch of := answer.Data.ResultType; {
	case err != nil:
	case of == "scalar":
		var scalar model.Scalar
		err = json.Unmarshal(answer.Data.Result, &scalar)
		vector = model.Vector{{Value: scalar.Value}}
	case of == "vector":
		err = json.Unmarshal(answer.Data.Result, &vector)
	default:
		err = fmt.Errorf("result is a %s, not an instant vector or a scalar", of)
	}
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	samples := make([]Sample, len(vector))
	for i, one := range vector {
		samples[i] = Sample{map[string]string{}, float64(one.Value)}
		for name, value := range one.Metric {
			samples[i].Labels[string(name)] = string(value)
		}
	}
	return samples, nil
}

// Target is a target that Prometheus scrapes.
type Target struct {
	// ScrapePool is the job_name of the scrape configuration.
	ScrapePool string `json:"scrapePool"`
	// LastError is why the last scrape failed, empty when it did not.
	LastError string `json:"lastError"`
}

// Targets returns the active targets of all scrape configurations.
func (s *PrometheusServer) Targets(ctx context.Context) ([]Target, error) {
	var answer struct {
		Data struct {
			ActiveTargets []Target `json:"activeTargets"`
		} `json:"data"`
	}
	err := s.call(ctx, http.MethodGet, "/api/v1/targets?state=active", &answer)
	return answer.Data.ActiveTargets, err
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
	if err := WriteFile(path, content); err != nil {
		t.Fatal(err)
	}
}
