package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// ready is a collector whose metrics are made already.
type ready []prometheus.Metric

func (ready) Describe(chan<- *prometheus.Desc) {}

func (r ready) Collect(ch chan<- prometheus.Metric) {
	for _, m := range r {
		ch <- m
	}
}

// measureRender compares a scrape of what is known with promhttp over const metrics that are ready.
func measureRender(ctx context.Context, pairs int) ([]row, error) {
	server, err := startAtlas(atlassim.LargeOptions{Projects: 136, ClustersPerProject: 25, ExportsPerCluster: 1}, 0, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Close() }()
	e, end, err := newExporter(server.URL(), 15*time.Minute)
	if err != nil {
		return nil, err
	}
	defer end()
	known := func() prometheus.Gatherer {
		registry := prometheus.NewRegistry()
		registry.MustRegister(e.Refresh(ctx, collector.Selection{}))
		return registry
	}
	families, err := known().Gather()
	if err != nil {
		return nil, err
	}
	metrics, err := constMetrics(families)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	figure := row{"scrape of known data, CPU / promhttp over ready const metrics", nil, "", 1.3, fmt.Sprintf("%d series", len(metrics))}
	for range pairs {
		ours := timeScrape(ctx, known)
		theirs := timeScrape(ctx, func() prometheus.Gatherer { return registry })
		figure.ratios = append(figure.ratios, ours.Seconds()/theirs.Seconds())
	}
	return []row{figure}, nil
}

// timeScrape returns the CPU time that three scrapes took: their clock time says more of the machine's other work.
func timeScrape(ctx context.Context, gatherer func() prometheus.Gatherer) time.Duration {
	runtime.GC()
	start := cpuTime()
	for range 3 {
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		promhttp.HandlerFor(gatherer(), promhttp.HandlerOpts{}).ServeHTTP(httptest.NewRecorder(), req)
	}
	return cpuTime() - start
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it fails for bad arguments alone
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// constMetrics makes const metrics of gathered gauges.
func constMetrics(families []*dto.MetricFamily) (ready, error) {
	var metrics ready
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var names, values []string
			for _, pair := range m.GetLabel() {
				names, values = append(names, pair.GetName()), append(values, pair.GetValue())
			}
			desc := prometheus.NewDesc(family.GetName(), family.GetHelp(), names, nil)
			metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, m.GetGauge().GetValue(), values...)
			if err != nil {
				return nil, err
			}
			metrics = append(metrics, metric)
		}
	}
	return metrics, nil
}
