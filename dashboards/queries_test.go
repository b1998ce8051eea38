package dashboards_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// substitute replaces the variables as Grafana does if everything is selected.
func substitute(expr string) string {
	return strings.NewReplacer(
		"$__rate_interval", "1m", "$__interval", "5s", "$__range", "5m",
		"$job", ".+", "$project", ".+", "$cluster", ".+", "$instance", ".+",
	).Replace(expr)
}

// startDemo scrapes the demo twice, as two exporters that read the same projects.
func startDemo(t *testing.T) *harness.PrometheusServer {
	t.Helper()
	return harness.StartPrometheus(t, scrapes("1s", harness.StartExporter(t, "demo"), "mongodbatlas", "mongodbatlas-second"), nil)
}

// TestQueries evaluates every expression of every panel on the demo.
func TestQueries(t *testing.T) {
	dashboards := load(t)
	prometheus := startDemo(t)
	prometheus.Eventually(t, fmt.Sprintf(`min(mongodbatlas_scrape_collector_success) == 1 and on () count(mongodbatlas_scrape_collector_success) == %d`,
		2*len(collector.All())), notEmpty)
	for _, d := range dashboards {
		for _, p := range d.all() {
			for _, q := range p.Targets {
				t.Run(d.UID+"/"+p.Title+"/"+q.RefID, func(t *testing.T) {
					expr := substitute(q.Expr)
					if strings.Contains(expr, "$") {
						t.Fatalf("unknown variable in %s", expr)
					}
					if _, err := prometheus.Query(t.Context(), expr); err != nil {
						t.Fatal(err)
					}
					if len(url.QueryEscape(expr)) > longestQuery {
						t.Errorf("%d characters in an address: some data sources use GET", len(url.QueryEscape(expr)))
					}
					if mayBeEmpty(p.Title, q.Expr) {
						return
					}
					// A rate needs two scrapes, and a running job may have just ended.
					samples := prometheus.Eventually(t, expr, notEmpty)
					checkRows(t, p, q, samples)
				})
			}
		}
		for _, a := range d.Annotations.List {
			t.Run(d.UID+"/"+a.Name, func(t *testing.T) {
				checkSource(t, a.Name, a.Datasource)
				samples, err := prometheus.Query(t.Context(), substitute(a.Expr))
				if err != nil {
					t.Fatal(err)
				}
				if !mayBeEmpty(a.Name, "") && len(samples) == 0 {
					t.Error("marks nothing")
				}
			})
		}
		t.Run(d.UID+"/variables", func(t *testing.T) { checkChoices(t, prometheus, d.Templating.List) })
	}
	t.Run("selectors", func(t *testing.T) { checkSelectors(t, prometheus, dashboards) })
}

// checkSelectors checks that each selector finds a series, so that no part of an expression, after an "or" or an "unless",
// uses a name, a label or a state that does not exist.
func checkSelectors(t *testing.T, prometheus *harness.PrometheusServer, dashboards []dashboard) {
	t.Helper()
	// rare selects nothing in the demo, for a reason.
	rare := map[string]string{
		"mongodbatlas_target_last_error_info{":        "all targets can be read",
		"mongodbatlas_target_unsupported_info{.*coll": "not of every collector",
		"mongodbatlas_api_retries_total{":             "no request is sent again",
		"mongodbatlas_api_sunset_timestamp_seconds{":  "no version of the API has an end",
		"mongodbatlas_api_request_duration_seconds{":  "this Prometheus keeps classic buckets",
		"ALERTS{": "there are no rules",
	}
	isRare := regexp.MustCompile("^(" + strings.Join(slices.Collect(maps.Keys(rare)), "|") + ")")
	pattern := regexp.MustCompile(`\w*\{[^}]*\}`)
	seen := map[string]bool{}
	check := func(where, expr string) {
		for _, selector := range pattern.FindAllString(expr, -1) {
			if isRare.MatchString(selector) || seen[selector] {
				continue
			}
			seen[selector] = true
			samples, err := prometheus.Query(t.Context(), "count("+substitute(selector)+")")
			if err != nil || len(samples) == 0 {
				t.Errorf("%s: %s selects no series (%v)", where, selector, err)
			}
		}
	}
	for _, d := range dashboards {
		for _, p := range d.all() {
			for _, q := range p.Targets {
				check(d.UID+"/"+p.Title, q.Expr)
			}
		}
		for _, a := range d.Annotations.List {
			check(d.UID+"/"+a.Name, a.Expr)
		}
	}
}

// longestQuery is the maximum length of an expression in an address: servers accept 16 KiB of request headers.
const longestQuery = 12_000

// mayBeEmpty lists what the demo has no example of: all its targets can be read, and it has no alerting rules.
func mayBeEmpty(title, expr string) bool {
	return title == "What needs attention" && countsTargets(expr) || title == "Critical alerts"
}

// countsTargets reports whether an expression counts the targets that cannot be read.
func countsTargets(expr string) bool {
	return strings.Contains(expr, "(count by (group_id, group_name, detail)")
}

func notEmpty(samples []harness.Sample) error {
	if len(samples) == 0 {
		return errors.New("no data")
	}
	return nil
}

// checkRows fails for a table with duplicate rows: two series of one query for the same row.
func checkRows(t *testing.T, p panel, q query, samples []harness.Sample) {
	t.Helper()
	if q.Format != "table" {
		return
	}
	shown := map[string]bool{"group_id": true}
	for _, transformation := range p.Transformations {
		for name := range transformation.Options.RenameByName {
			shown[name] = true
		}
	}
	rows := map[string]int{}
	for _, sample := range samples {
		var row []string
		for _, label := range []string{"collector", "endpoint", "group_id", "cl_name", "pipeline", "delivery_type", "problem", "detail"} {
			// A pipeline has one cluster: it is a column and does not identify the row.
			if label == "cl_name" && sample.Labels["pipeline"] != "" && sample.Labels["collector"] == "" {
				continue
			}
			row = append(row, sample.Labels[label])
		}
		if rows[strings.Join(row, "\xff")]++; rows[strings.Join(row, "\xff")] > 1 {
			t.Errorf("two series for the row %q", row)
		}
		if problem := sample.Labels["problem"]; problem != "" && problem != "targetunreadable" && sample.Labels["cl_name"] == "" {
			t.Errorf("%v: no cluster", sample.Labels)
		}
		for label := range sample.Labels {
			if !shown[label] {
				t.Errorf("the label %s makes a column that the table does not name", label)
			}
		}
	}
}

// checkChoices evaluates the queries of the variables.
func checkChoices(t *testing.T, prometheus *harness.PrometheusServer, variables []variable) {
	t.Helper()
	labelValues := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	queryResult := regexp.MustCompile(`^query_result\((.*)\)$`)
	for _, v := range variables {
		if v.Type != "query" {
			continue
		}
		var choices []string
		if match := labelValues.FindStringSubmatch(v.Definition); match != nil {
			for _, sample := range evaluate(t.Context(), t, prometheus, match[1]) {
				choices = append(choices, sample.Labels[match[2]])
			}
		} else if match := queryResult.FindStringSubmatch(v.Definition); match != nil {
			pattern := regexp.MustCompile(strings.Trim(v.Regex, "/"))
			for _, sample := range evaluate(t.Context(), t, prometheus, match[1]) {
				// Grafana's own way to write a series down.
				line := fmt.Sprintf(`{group_id=%q,group_name=%q} %g 0`, sample.Labels["group_id"], sample.Labels["group_name"], sample.Value)
				found := pattern.FindStringSubmatch(line)
				if found == nil {
					t.Errorf("variable %s: %s does not match %s", v.Name, line, v.Regex)
					continue
				}
				value, text := found[pattern.SubexpIndex("value")], found[pattern.SubexpIndex("text")]
				if value != sample.Labels["group_id"] || text != sample.Labels["group_name"] {
					t.Errorf("variable %s: %s gives value %q and text %q", v.Name, line, value, text)
				}
				choices = append(choices, value)
			}
		} else {
			t.Errorf("variable %s: unknown kind of query %s", v.Name, v.Definition)
		}
		if len(choices) == 0 || slices.Contains(choices, "") {
			t.Errorf("variable %s offers %q", v.Name, choices)
		}
	}
}

func evaluate(ctx context.Context, t *testing.T, prometheus *harness.PrometheusServer, expr string) []harness.Sample {
	t.Helper()
	samples, err := prometheus.Query(ctx, substitute(expr))
	if err != nil {
		t.Fatal(err)
	}
	return samples
}
