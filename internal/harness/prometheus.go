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

// PrometheusServer is a Prometheus process that belongs to one test.
type PrometheusServer struct {
	*process

	dir string
}

// prometheusConfigFile is the name of the configuration file for WriteFile.
const prometheusConfigFile = "prometheus.yml"

// StartPrometheus starts a Prometheus with an empty storage, and returns when it is ready. config is YAML. files are rules
// and targets by name, in the directory of the configuration. The cleanup of the test kills the process and removes its
// data.
func StartPrometheus(t testing.TB, config string, files map[string]string) *PrometheusServer {
	t.Helper()
	path := Tool(t, "prometheus")
	server := &PrometheusServer{dir: t.TempDir()}
	server.WriteFile(t, prometheusConfigFile, config)
	for name, content := range files {
		server.WriteFile(t, name, content)
	}
	// SIGKILL, because a clean shutdown would first flush data that is removed anyway.
	server.process = startProcess(t, "prometheus", syscall.SIGKILL, os.Environ(), path,
		"--config.file="+filepath.Join(server.dir, prometheusConfigFile),
		"--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
		"--web.enable-lifecycle",
	)
	server.awaitReady(t)
	return server
}

// WriteFile writes or replaces a file in the directory of the configuration; "prometheus.yml" is the configuration itself.
// Prometheus watches files of targets. Changes of the configuration and of rules need Reload.
func (s *PrometheusServer) WriteFile(t testing.TB, name, content string) {
	t.Helper()
	writeFile(t, s.dir, name, content)
}

// Sample is one element of an instant query's result.
type Sample struct {
	// Labels are the labels of the series. The metric name is __name__ if the expression keeps it.
	Labels map[string]string
	Value  float64
}

// String formats the sample for messages.
func (s Sample) String() string { return fmt.Sprintf("%v %v", s.Labels, s.Value) }

// Query evaluates an expression at the current time. A scalar result is one sample without labels.
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
		err = fmt.Errorf("result is a %s, want an instant vector or a scalar", of)
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
	// LastError is the error of the last scrape, or "" if it succeeded.
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

// Eventually evaluates the expression until accept returns nil, and returns the accepted samples. It fails the test with the
// last error of accept after two minutes, or when the server exits.
func (s *PrometheusServer) Eventually(t testing.TB, expr string, accept func([]Sample) error) []Sample {
	t.Helper()
	read := func(ctx context.Context) ([]Sample, error) { return s.Query(ctx, expr) }
	return eventually(t, s.process, expr, read, accept)
}

// writeFile writes a file in dir. It fails the test if the name leads out of dir.
func writeFile(t testing.TB, dir, name, content string) {
	t.Helper()
	if !filepath.IsLocal(name) {
		t.Fatalf("file %q is not in the server's directory", name)
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	WriteFile(t, path, content)
}
