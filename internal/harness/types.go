package harness

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Sample is one element of an instant query's result.
type Sample struct {
	// Labels are the series' labels, with the metric's name as __name__ where the expression keeps it.
	Labels map[string]string
	// Value is the float value. A native histogram has none and makes the query an error.
	Value float64
	// Time is the moment of the evaluation.
	Time time.Time
}

// String shows the sample for a test's messages.
func (s Sample) String() string { return fmt.Sprintf("%v %v", s.Labels, s.Value) }

// Target is a target that Prometheus scrapes.
type Target struct {
	// Labels are those that its series get, DiscoveredLabels those before relabelling.
	Labels           map[string]string `json:"labels"`
	DiscoveredLabels map[string]string `json:"discoveredLabels"`
	// ScrapePool is the job_name of the scrape configuration.
	ScrapePool string `json:"scrapePool"`
	ScrapeURL  string `json:"scrapeUrl"`
	// Health is "up", "down", or "unknown" before the first scrape.
	Health string `json:"health"`
	// LastError is why the last scrape failed, empty when it did not.
	LastError string `json:"lastError"`
}

// RuleGroup is a group of rules as Prometheus loaded it.
type RuleGroup struct {
	Name string `json:"name"`
	File string `json:"file"`
	// Interval is in seconds.
	Interval float64 `json:"interval"`
	Rules    []Rule  `json:"rules"`
}

// Rule is an alerting or a recording rule.
type Rule struct {
	// Type is "alerting" or "recording".
	Type  string `json:"type"`
	Name  string `json:"name"`
	Query string `json:"query"`
	// Duration is the rule's "for" in seconds.
	Duration    float64           `json:"duration"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	// State is "inactive", "pending", "firing", or "unknown" before the first evaluation; a recording rule has none.
	State string `json:"state"`
	// Health is "ok", "err", or "unknown" before the first evaluation.
	Health    string  `json:"health"`
	LastError string  `json:"lastError"`
	Alerts    []Alert `json:"alerts"`
}

// Alert is an alert as Prometheus or Alertmanager holds it.
type Alert struct {
	Labels      map[string]string
	Annotations map[string]string
	// State is Prometheus' "pending" or "firing", or Alertmanager's "active", "suppressed" or "unprocessed".
	State string
	// Since is when the alert became active.
	Since time.Time
}

// UnmarshalJSON reads an alert of either program.
func (a *Alert) UnmarshalJSON(content []byte) error {
	var raw struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		// Prometheus
		State    string    `json:"state"`
		ActiveAt time.Time `json:"activeAt"`
		// Alertmanager
		Status struct {
			State string `json:"state"`
		} `json:"status"`
		StartsAt time.Time `json:"startsAt"`
	}
	if err := json.Unmarshal(content, &raw); err != nil {
		return err
	}
	*a = Alert{Labels: raw.Labels, Annotations: raw.Annotations, State: raw.State, Since: raw.ActiveAt}
	if raw.State == "" {
		a.State, a.Since = raw.Status.State, raw.StartsAt
	}
	return nil
}

// queryResult decodes the data of an instant query whose result is an instant vector or a scalar.
type queryResult struct {
	samples []Sample
}

// UnmarshalJSON reads {"resultType": ..., "result": ...}.
func (r *queryResult) UnmarshalJSON(content []byte) error {
	var raw struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(content, &raw); err != nil {
		return err
	}
	switch raw.ResultType {
	case "scalar":
		sample := Sample{Labels: map[string]string{}}
		if err := sample.setPoint(raw.Result); err != nil {
			return err
		}
		r.samples = []Sample{sample}
		return nil
	case "vector":
		return r.setVector(raw.Result)
	default:
		return fmt.Errorf("result is a %s, not an instant vector or a scalar", raw.ResultType)
	}
}

func (r *queryResult) setVector(content json.RawMessage) error {
	var elements []struct {
		Metric map[string]string `json:"metric"`
		Value  json.RawMessage   `json:"value"`
	}
	if err := json.Unmarshal(content, &elements); err != nil {
		return err
	}
	r.samples = make([]Sample, 0, len(elements))
	for _, element := range elements {
		if element.Value == nil {
			return fmt.Errorf("%v is a native histogram: ask for a float of it", element.Metric)
		}
		sample := Sample{Labels: element.Metric}
		if err := sample.setPoint(element.Value); err != nil {
			return err
		}
		r.samples = append(r.samples, sample)
	}
	return nil
}

// setPoint reads [<seconds since 1970>, "<value>"].
func (s *Sample) setPoint(content json.RawMessage) error {
	var seconds float64
	var text string
	if err := json.Unmarshal(content, &[]any{&seconds, &text}); err != nil {
		return err
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	s.Value, s.Time = value, time.UnixMilli(int64(seconds*1000))
	return nil
}
