package faultmatrix

import (
	"fmt"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// scrape is one scrape.
type scrape struct {
	at  time.Time
	all harness.Exposition
	// owners are the targets that the series about Atlas are read from. The other series are about the exporter itself.
	owners map[string]target
	// states are the states of the targets: "up", "down: reason" or "unsupported: reason". Any other state is a contradiction.
	states    map[target]string
	refreshed map[target]float64
}

// parse parses an exposition. It returns an error if the exposition is not well formed.
func parse(body []byte, at time.Time) (*scrape, error) {
	all, err := harness.ParseExposition(body)
	if err != nil {
		return nil, err
	}
	s := &scrape{at: at, all: all, owners: map[string]target{}, states: map[target]string{}, refreshed: map[target]float64{}}
	reasons := map[target]string{}
	for series, value := range all {
		name, labels := harness.Family(series), harness.Labels(series)
		if t := owner(name, labels); t != (target{}) {
			s.owners[series] = t
			continue
		}
		t := target{labels["collector"], labels["group_id"], labels["cl_name"] + labels["pipeline"]}
		switch name {
		case "mongodbatlas_target_up":
			s.states[t] += map[float64]string{0: "down", 1: "up"}[value]
		case "mongodbatlas_target_unsupported_info":
			s.states[t] += "unsupported"
			reasons[t] += ": " + labels["reason"]
		case "mongodbatlas_target_last_error_info":
			reasons[t] += ": " + labels["reason"]
		case "mongodbatlas_target_last_refresh_timestamp_seconds":
			s.refreshed[t] = value
		default:
			if strings.HasPrefix(name, "mongodbatlas_backup_") {
				return nil, fmt.Errorf("%s is read from no known endpoint", series)
			}
		}
	}
	for t, reason := range reasons {
		s.states[t] += reason
	}
	return s, nil
}

// family returns the series of a metric.
func (s *scrape) family(name string) map[string]float64 {
	found := map[string]float64{}
	for series, value := range s.all {
		if harness.Family(series) == name {
			found[series] = value
		}
	}
	return found
}

// jobs returns the number of jobs of a target.
func (s *scrape) jobs(t target) (sum float64) {
	for series, n := range s.family("mongodbatlas_" + t.endpoint().jobs) {
		if s.owners[series] == t {
			sum += n
		}
	}
	return sum
}
