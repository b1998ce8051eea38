package harness

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Exposition has the samples of a scrape by series, in the format of Series. It includes the values of gauges and counters,
// and the counts of histograms.
type Exposition map[string]float64

// ParseExposition parses the text format. It returns an error if a family has no help or type, a series occurs twice, or a
// value is not finite.
func ParseExposition(text []byte) (Exposition, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		return nil, errors.New("incomplete last line")
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not the text format: %w", err)
	}
	e := Exposition{}
	for name, family := range families {
		if family.GetHelp() == "" || family.GetType() == dto.MetricType_UNTYPED {
			return nil, fmt.Errorf("%s has no help or no type", name)
		}
		for _, metric := range family.GetMetric() {
			if err := e.add(name, metric); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

func (e Exposition) add(name string, metric *dto.Metric) error {
	var value float64
	switch {
	case metric.GetGauge() != nil:
		value = metric.GetGauge().GetValue()
	case metric.GetCounter() != nil:
		value = metric.GetCounter().GetValue()
	case metric.GetHistogram() != nil:
		name, value = name+"_count", float64(metric.GetHistogram().GetSampleCount())
	default:
		return nil // a summary, which only the Go runtime metrics use
	}
	pairs := make([]string, 0, 2*len(metric.GetLabel()))
	for _, label := range metric.GetLabel() {
		pairs = append(pairs, label.GetName(), label.GetValue())
	}
	key := Series(name, pairs...)
	if _, twice := e[key]; twice {
		return fmt.Errorf("%s occurs twice", key)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("%s is %v", key, value)
	}
	e[key] = value
	return nil
}

// Series formats a series as Prometheus does, with its labels sorted by name. pairs are alternating names and values. It
// omits labels with an empty value, which Prometheus treats as missing.
func Series(name string, pairs ...string) string {
	var labels []string
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			labels = append(labels, pair[0]+"="+strconv.Quote(pair[1]))
		}
	}
	slices.Sort(labels)
	return name + "{" + strings.Join(labels, ",") + "}"
}

// Family returns the metric name of a series.
func Family(series string) string {
	name, _, _ := strings.Cut(series, "{")
	return name
}

// Labels returns the labels of a series that Series formatted.
func Labels(series string) map[string]string {
	labels := map[string]string{}
	_, rest, _ := strings.Cut(series, "{")
	for rest != "" && rest != "}" {
		name, quoted, _ := strings.Cut(rest, "=")
		prefix, err := strconv.QuotedPrefix(quoted)
		if err != nil {
			return labels
		}
		labels[name], _ = strconv.Unquote(prefix) // cannot fail after QuotedPrefix
		rest = strings.TrimPrefix(quoted[len(prefix):], ",")
	}
	return labels
}

// Contradictions returns a message for each error that is never allowed: a state set that does not sum to 1, or a counter
// that fell since the previous scrape.
func (e Exposition) Contradictions(before Exposition) []string {
	var found []string
	sums := map[string]float64{}
	for series, value := range e {
		family := Family(series)
		for _, label := range []string{"state", "phase"} {
			if strings.HasSuffix(family, "_"+label) {
				others := Labels(series)
				delete(others, label)
				sums[fmt.Sprint(family, " ", others)] += value
			}
		}
		isCounter := strings.HasSuffix(family, "_total") || strings.HasSuffix(family, "_count")
		if was, known := before[series]; known && isCounter && value < was {
			found = append(found, fmt.Sprintf("%s fell from %v to %v", series, was, value))
		}
	}
	for set, sum := range sums {
		if sum != 1 {
			found = append(found, fmt.Sprintf("the state set %s sums to %v", set, sum))
		}
	}
	return found
}
