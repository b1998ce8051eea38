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
	WriteFile(t, filepath.Join(s.dir, name), content)
}

// Sample is one element of an instant query's result.
type Sample struct {
	// Labels are the labels of the series. The metric name is __name__ if the expression keeps it.
	Labels map[string]string
	Value  float64
}

// String formats the sample for messages.
func (s Sample) String() string { return fmt.Sprintf("%v %v", s.Labels, s.Value) }

// Query evaluates an expression, whose result is an instant vector, at the current time.
func (s *PrometheusServer) Query(ctx context.Context, expr string) ([]Sample, error) {
	var answer struct {
		Data struct{ Result model.Vector }
	}
	if err := s.call(ctx, http.MethodGet, "/api/v1/query?"+url.Values{"query": {expr}}.Encode(), &answer); err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	samples := make([]Sample, len(answer.Data.Result))
	for i, one := range answer.Data.Result {
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
func (s *PrometheusServer) Eventually(t testing.TB, expr string, accept func([]Sample) error) (samples []Sample) {
	t.Helper()
	s.eventually(t, func() (err error) {
		if samples, err = s.Query(t.Context(), expr); err != nil {
			return err
		}
		if err := accept(samples); err != nil {
			return fmt.Errorf("%s: %w", expr, err)
		}
		return nil
	})
	return samples
}
