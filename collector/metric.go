package collector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// metric describes a metric family, for Prometheus and for the documentation.
type metric struct {
	kind    string // gauge, counter or histogram
	name    string
	help    string
	source  string   // the field of the API with the value
	example string   // a query to start with
	labels  []string // in the order of the values
	sorted  []int    // the indexes of labels, sorted by name, as Prometheus requires
	desc    *prometheus.Desc
}

func newMetric(kind, name, help string, labels ...string) *metric {
	m := &metric{kind: kind, name: name, help: help, labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
	for i := range labels {
		m.sorted = append(m.sorted, i)
	}
	slices.SortFunc(m.sorted, func(a, b int) int { return strings.Compare(labels[a], labels[b]) })
	return m
}

// with returns the labels followed by more.
func with(labels []string, more ...string) []string {
	return append(slices.Clip(labels), more...)
}

// The labels that identify an object of Atlas. The first three are those of Atlas's own Prometheus integration, so that
// you can join its series with these.
const (
	groupIDLabel   = "group_id"
	groupNameLabel = "group_name"
	clusterLabel   = "cl_name"
	pipelineLabel  = "pipeline"
)

// groupLabels returns the labels that identify a project.
func groupLabels() []string { return []string{groupIDLabel, groupNameLabel} }

// sample is a gauge of one scrape. It shares its label pairs with other samples of the scrape. With client_golang's
// const metrics, which allocate their own, most of the time of a large scrape would go into that.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	value  float64
	gauge  dto.Gauge
}

// Desc returns the description of the sample's family.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write fills in the sample.
func (s *sample) Write(m *dto.Metric) error {
	s.gauge.Value = &s.value
	m.Gauge, m.Label = &s.gauge, s.labels
	return nil
}

// writer sends samples to one scrape.
type writer struct {
	ch    chan<- prometheus.Metric
	pairs map[labelPair]*dto.LabelPair
	last  [maxLabels]*dto.LabelPair // of the previous sample, which usually has the same target

	sampler sampler // of the current family

	// Samples and their labels, allocated in blocks.
	samples []sample
	labels  []*dto.LabelPair
}

// samplesAtOnce is the number of samples in a block.
const samplesAtOnce = 256

// maxLabels is the maximum number of labels of a metric.
const maxLabels = 6

type labelPair struct{ name, value string }

func newWriter(ch chan<- prometheus.Metric) *writer {
	return &writer{ch: ch, pairs: map[labelPair]*dto.LabelPair{}}
}

func (w *writer) gauge(m *metric, value float64, labels ...string) {
	if len(labels) != len(m.labels) {
		w.ch <- prometheus.NewInvalidMetric(m.desc, fmt.Errorf("%d values for the labels %v", len(labels), m.labels))
		return
	}
	s := w.next(len(labels))
	for i, at := range m.sorted {
		if last := w.last[i]; last == nil || *last.Value != labels[at] || *last.Name != m.labels[at] {
			w.last[i] = w.pair(labelPair{m.labels[at], labels[at]})
		}
		s.labels[i] = w.last[i]
	}
	s.desc, s.value = m.desc, value
	w.ch <- s
}

// next returns an empty sample with a number of labels.
func (w *writer) next(labels int) *sample {
	if len(w.samples) == 0 {
		w.samples = make([]sample, samplesAtOnce)
	}
	if len(w.labels) < labels {
		w.labels = make([]*dto.LabelPair, samplesAtOnce*maxLabels)
	}
	s := &w.samples[0]
	s.labels = w.labels[:labels:labels]
	w.samples, w.labels = w.samples[1:], w.labels[labels:]
	return s
}

func (w *writer) pair(p labelPair) *dto.LabelPair {
	known := w.pairs[p]
	if known == nil {
		known = &dto.LabelPair{Name: &p.name, Value: &p.value}
		w.pairs[p] = known
	}
	return known
}

// sampler writes the samples of one family of one subject.
type sampler struct {
	w      *writer
	metric *metric
	labels []string // of the subject, with capacity for more
}

// gauge writes a sample. more are the values of the labels that the family adds.
func (s *sampler) gauge(value float64, more ...string) {
	s.w.gauge(s.metric, value, append(s.labels, more...)...)
}
