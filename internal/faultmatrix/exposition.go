package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// series is one sample with its labels.
type series struct {
	name   string
	labels map[string]string
	value  float64
}

// key is the series as it is written.
func (s *series) key() string {
	var b strings.Builder
	b.WriteString(s.name)
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(s.labels)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s=%q", name, s.labels[name])
	}
	b.WriteByte('}')
	return b.String()
}

// target is what the series is about, by the labels of targets.
func (s *series) target() target {
	return target{s.labels["collector"], s.labels["group_id"], s.labels["cl_name"], s.labels["pipeline"]}
}

// snapshot is what one scrape shows.
type snapshot struct {
	at time.Time
	// values are the series about Atlas, by their keys; others are those about the exporter itself.
	values map[string]series
	others map[string]series

	up          map[target]bool
	failed      map[target]string // reason of what is down
	unsupported map[target]string
	refreshed   map[target]float64
}

// read takes an exposition apart. What is wrong with its form is an error.
func read(body []byte, at time.Time) (*snapshot, error) {
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("not UTF-8")
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		return nil, fmt.Errorf("it ends within a line")
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	s := &snapshot{
		at: at, values: map[string]series{}, others: map[string]series{}, up: map[target]bool{}, failed: map[target]string{},
		unsupported: map[target]string{}, refreshed: map[target]float64{},
	}
	for name, family := range families {
		if family.GetHelp() == "" || family.GetType() == dto.MetricType_UNTYPED {
			return nil, fmt.Errorf("%s has no help or no type", name)
		}
		for _, metric := range family.GetMetric() {
			if err := s.add(name, metric); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *snapshot) add(name string, metric *dto.Metric) error {
	one := series{name: name, labels: map[string]string{}}
	for _, pair := range metric.GetLabel() {
		one.labels[pair.GetName()] = pair.GetValue()
	}
	switch {
	case metric.GetGauge() != nil:
		one.value = metric.GetGauge().GetValue()
	case metric.GetCounter() != nil:
		one.value = metric.GetCounter().GetValue()
	case metric.GetHistogram() != nil:
		one.value = float64(metric.GetHistogram().GetSampleCount())
	}
	key := one.key()
	if _, twice := s.values[key]; twice {
		return fmt.Errorf("%s stands twice", key)
	}
	if _, twice := s.others[key]; twice {
		return fmt.Errorf("%s stands twice", key)
	}
	if strings.HasPrefix(name, "mongodbatlas_") && (math.IsNaN(one.value) || math.IsInf(one.value, 0)) {
		return fmt.Errorf("%s is %v", key, one.value)
	}
	if isValue(name) {
		s.values[key] = one
		return nil
	}
	s.others[key] = one
	switch t := one.target(); name {
	case "mongodbatlas_target_up":
		s.up[t] = one.value == 1
		if one.value != 0 && one.value != 1 {
			return fmt.Errorf("%s is %v", key, one.value)
		}
	case "mongodbatlas_target_last_error_info":
		s.failed[t] = one.labels["reason"]
	case "mongodbatlas_target_unsupported_info":
		s.unsupported[t] = one.labels["reason"]
	case "mongodbatlas_target_last_refresh_timestamp_seconds":
		s.refreshed[t] = one.value
	}
	return nil
}

// isValue tells a metric about Atlas from one about the exporter.
func isValue(name string) bool {
	for _, prefix := range []string{"mongodbatlas_backup_", "mongodbatlas_pipeline_", "mongodbatlas_cluster_", "mongodbatlas_project_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// owner is the target that the values of the series are read from. Of projects, the group is "" where they are listed.
func (s *series) owner(configured bool) target {
	group := s.labels["group_id"]
	var e endpoint
	switch name := strings.TrimPrefix(s.name, "mongodbatlas_"); {
	case name == "backup_export_auto_enabled" || name == "backup_export_expected_interval_seconds":
		e = schedule
	case strings.HasPrefix(name, "backup_export_"):
		e = exports
	case strings.HasPrefix(name, "backup_restore_"):
		e = restores
	case strings.HasPrefix(name, "cluster_"):
		return target{collector: clusters.collector(), group: group}
	case name == "pipeline_state" || name == "pipeline_info":
		return target{collector: pipelines.collector(), group: group}
	case strings.HasPrefix(name, "pipeline_"):
		return target{runs.collector(), group, "", s.labels["pipeline"]}
	default:
		if !configured {
			group = ""
		}
		return target{collector: projects.collector(), group: group}
	}
	return target{e.collector(), group, s.labels["cl_name"], ""}
}

// number returns the value of a series of the exporter's own without labels.
func (s *snapshot) number(name string) float64 {
	one := s.others[name+"{}"]
	return one.value
}
