package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// metric describes one metric family, for Prometheus and for the documentation alike.
type metric struct {
	kind   string // gauge, counter or histogram
	name   string
	help   string
	source string   // the field of the API that it comes from
	labels []string // in the order in which values are given
	desc   *prometheus.Desc
}

func gauge(name, help, source string, labels ...string) *metric {
	return &metric{"gauge", name, help, source, labels, prometheus.NewDesc(name, help, labels, nil)}
}

// with returns the labels with more behind them.
func with(labels []string, more ...string) []string {
	return append(slices.Clip(labels), more...)
}

// The labels that a thing of Atlas is known by. The first three are those of Atlas's own Prometheus integration, so
// that its series join with these.
var (
	groupLabels    = []string{"group_id", "group_name"}
	clusterLabels  = with(groupLabels, "cl_name")
	pipelineLabels = with(groupLabels, "pipeline")
)

// writer sends samples to one scrape.
type writer struct{ ch chan<- prometheus.Metric }

func (w *writer) gauge(m *metric, value float64, labels ...string) {
	sample, err := prometheus.NewConstMetric(m.desc, prometheus.GaugeValue, value, labels...)
	if err != nil {
		sample = prometheus.NewInvalidMetric(m.desc, err)
	}
	w.ch <- sample
}

// time sends a timestamp, unless there is none.
func (w *writer) time(m *metric, at instant, labels ...string) {
	if !at.isZero() {
		w.gauge(m, at.seconds(), labels...)
	}
}

// flag sends 1 or 0.
func (w *writer) flag(m *metric, on bool, labels ...string) {
	value := 0.0
	if on {
		value = 1
	}
	w.gauge(m, value, labels...)
}
