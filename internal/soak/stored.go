package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// store asks a Prometheus for what it has stored.
type store struct {
	base   string
	at     time.Time
	window time.Duration
}

// storedSeries is a series with its samples.
type storedSeries struct {
	Metric map[string]string `json:"metric"`
	Values []storedSample    `json:"values"`
}

// storedSample is a time in seconds and a value.
type storedSample struct{ at, value float64 }

// UnmarshalJSON reads [<seconds>, "<value>"].
func (s *storedSample) UnmarshalJSON(content []byte) error {
	at, value, ok := strings.Cut(strings.Trim(string(content), "[]"), ",")
	if !ok {
		return fmt.Errorf("not a sample: %s", content)
	}
	var err error
	if s.at, err = strconv.ParseFloat(at, 64); err != nil {
		return err
	}
	s.value, err = strconv.ParseFloat(strings.Trim(value, `" `), 64)
	return err
}

func (s store) query(ctx context.Context, path string, form url.Values, data any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer := struct {
		Error string `json:"error"`
		Data  struct {
			Result any `json:"result"`
		} `json:"data"`
	}{}
	answer.Data.Result = data
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", form.Get("query"), answer.Error)
	}
	return nil
}

// raw returns the samples of the series that a selector selects.
func (s store) raw(ctx context.Context, selector string) ([]storedSeries, error) {
	var result []storedSeries
	err := s.query(ctx, "/api/v1/query", url.Values{
		"query": {fmt.Sprintf("%s[%ds]", selector, int(s.window.Seconds()))},
		"time":  {strconv.FormatFloat(math64(s.at), 'f', 3, 64)},
	}, &result)
	return result, err
}

// evaluate evaluates an expression at every step of the whole time.
func (s store) evaluate(ctx context.Context, expr string, step time.Duration) ([]storedSeries, error) {
	var result []storedSeries
	err := s.query(ctx, "/api/v1/query_range", url.Values{
		"query": {expr},
		"start": {strconv.FormatFloat(math64(s.at.Add(-s.window)), 'f', 3, 64)},
		"end":   {strconv.FormatFloat(math64(s.at), 'f', 3, 64)},
		"step":  {strconv.FormatFloat(step.Seconds(), 'f', 3, 64)},
	}, &result)
	return result, err
}

// groupOf is the project of a series, or of the target that it was scraped from, "" for /metrics.
func groupOf(labels map[string]string) string {
	if _, id, ok := strings.Cut(labels["instance"], "/"); ok {
		return id
	}
	return ""
}

// key names a stored series as it was exposed.
func (s storedSeries) key() string {
	var pairs []string
	for name, value := range s.Metric {
		if name != "__name__" && name != "job" && name != "instance" {
			pairs = append(pairs, name, value)
		}
	}
	return series(s.Metric["__name__"], pairs...)
}

// families lists the names of the exporter's metrics.
func (s store) families(ctx context.Context) ([]string, error) {
	var result []storedSeries
	err := s.query(ctx, "/api/v1/query", url.Values{
		"query": {fmt.Sprintf(`count by (__name__) (last_over_time({__name__=~"%s.*"}[%ds]))`, prefix, int(s.window.Seconds()))},
		"time":  {strconv.FormatFloat(math64(s.at), 'f', 3, 64)},
	}, &result)
	var names []string
	for _, one := range result {
		names = append(names, one.Metric["__name__"])
	}
	slices.Sort(names)
	return names, err
}
