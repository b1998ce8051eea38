package faultmatrix

import (
	"fmt"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// series is one sample with its labels.
type series struct {
	name   string
	labels map[string]string
	value  float64
}

// target is what the series is about, by the labels of targets.
func (s *series) target() target {
	return target{s.labels["collector"], s.labels["group_id"], s.labels["cl_name"], s.labels["pipeline"]}
}

// owner is the target that the values of the series are read from.
func (s *series) owner(configured bool) target { return owner(s.name, s.labels, configured) }

// snapshot is what one scrape shows.
type snapshot struct {
	at    time.Time
	usage harness.Usage
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
	all, err := harness.ParseExposition(body)
	if err != nil {
		return nil, err
	}
	s := &snapshot{
		at: at, usage: harness.UsageOf(all), values: map[string]series{}, others: map[string]series{}, up: map[target]bool{},
		failed: map[target]string{}, unsupported: map[target]string{}, refreshed: map[target]float64{},
	}
	for key, value := range all {
		one := series{harness.Family(key), harness.Labels(key), value}
		if owner := one.owner(false); owner.collector != "" {
			s.values[key] = one
			continue
		}
		s.others[key] = one
		switch t := one.target(); one.name {
		case "mongodbatlas_target_up":
			s.up[t] = value == 1
			if value != 0 && value != 1 {
				return nil, fmt.Errorf("%s is %v", key, value)
			}
		case "mongodbatlas_target_last_error_info":
			s.failed[t] = one.labels["reason"]
		case "mongodbatlas_target_unsupported_info":
			s.unsupported[t] = one.labels["reason"]
		case "mongodbatlas_target_last_refresh_timestamp_seconds":
			s.refreshed[t] = value
		}
	}
	for key := range s.others {
		if strings.HasPrefix(key, "mongodbatlas_backup_") {
			return nil, fmt.Errorf("%s is read from no known endpoint", key)
		}
	}
	return s, nil
}

// number returns the value of a series of the exporter's own without labels.
func (s *snapshot) number(name string) float64 { return s.others[name+"{}"].value }
