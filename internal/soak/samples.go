package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// series names a series as Prometheus writes it, its labels in order of their names. pairs are names and values in turn; a
// label with an empty value is none, to Prometheus.
func series(name string, pairs ...string) string {
	labels := make([][2]string, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			labels = append(labels, [2]string{pairs[i], pairs[i+1]})
		}
	}
	slices.SortFunc(labels, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('{')
	for i, label := range labels {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(label[0])
		b.WriteByte('=')
		b.WriteString(strconv.Quote(label[1]))
	}
	b.WriteByte('}')
	return b.String()
}

// familyOf is the name of a series without its labels.
func familyOf(key string) string {
	name, _, _ := strings.Cut(key, "{")
	return name
}

// labelOf is the value of a label of a series, "" where it has none.
func labelOf(key, label string) string {
	_, rest, _ := strings.Cut(key, "{")
	for rest != "" && rest != "}" {
		name, quoted, _ := strings.Cut(rest, "=")
		prefix, err := strconv.QuotedPrefix(quoted)
		if err != nil {
			return ""
		}
		if name == label {
			value, _ := strconv.Unquote(prefix) // QuotedPrefix has just said that it can be
			return value
		}
		rest = strings.TrimPrefix(quoted[len(prefix):], ",")
	}
	return ""
}

// prefix begins the names of all metrics that the exporter promises.
const prefix = "mongodbatlas_"

// scraped is one answer of the exporter: its gauges and counters, and the counts of its histograms, by series.
type scraped map[string]float64

// parse reads the text format. A series that stands twice is an error.
func parse(text []byte) (scraped, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not the text format: %w", err)
	}
	got := scraped{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			pairs := make([]string, 0, 2*len(m.GetLabel()))
			for _, label := range m.GetLabel() {
				pairs = append(pairs, label.GetName(), label.GetValue())
			}
			shown := name
			var value float64
			switch family.GetType() {
			case dto.MetricType_GAUGE:
				value = m.GetGauge().GetValue()
			case dto.MetricType_COUNTER:
				value = m.GetCounter().GetValue()
			case dto.MetricType_HISTOGRAM:
				shown, value = name+"_count", float64(m.GetHistogram().GetSampleCount())
			default:
				continue
			}
			key := series(shown, pairs...)
			if _, twice := got[key]; twice {
				return nil, fmt.Errorf("%s stands twice", key)
			}
			got[key] = value
		}
	}
	return got, nil
}

// span is the values that a sample may have, the bounds included. Nearly all have but one.
type span struct{ low, high float64 }

func exactly(value float64) span { return span{value, value} }

func (s span) has(value float64) bool { return s.low <= value && value <= s.high }

func (s span) String() string {
	switch {
	case s.low == s.high:
		return number(s.low)
	case math.IsInf(s.high, 1):
		return "at least " + number(s.low)
	}
	return number(s.low) + " to " + number(s.high)
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// samples are what is expected of a part of an answer, by series.
type samples map[string]span

// set expects one value of a series.
func (s samples) set(value float64, name string, pairs ...string) {
	s[series(name, pairs...)] = exactly(value)
}

// flag expects 1 or 0.
func (s samples) flag(on bool, name string, pairs ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.set(value, name, pairs...)
}

// stateSet expects 1 of the current state, and 0 of the other known ones and of "unknown", or the other way about where
// the current one is not known.
func (s samples) stateSet(current string, known []string, label, name string, pairs ...string) {
	if !slices.Contains(known, current) {
		current = unknown
	}
	for _, state := range append(slices.Clone(known), unknown) {
		s.flag(state == current, name, append(slices.Clone(pairs), label, state)...)
	}
}

const unknown = "unknown"

// add takes over the samples of another part.
func (s samples) add(others samples) { maps.Copy(s, others) }
