// Package dashboards_test checks what users who import the Grafana dashboards need: every panel has a description, none is
// empty, and Prometheus understands every expression.
package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// The part of a dashboard that the tests read.
type (
	dashboard struct {
		file string

		ID            *int   `json:"id"`
		UID           string `json:"uid"`
		Title         string `json:"title"`
		Description   string `json:"description"`
		SchemaVersion int    `json:"schemaVersion"`
		Links         []struct {
			URL         string `json:"url"`
			IncludeVars bool   `json:"includeVars"`
		} `json:"links"`
		Time struct {
			From string `json:"from"`
		} `json:"time"`
		Annotations struct {
			List []annotation `json:"list"`
		} `json:"annotations"`
		Templating struct {
			List []variable `json:"list"`
		} `json:"templating"`
		Panels []panel `json:"panels"`
	}

	variable struct {
		Name       string          `json:"name"`
		Type       string          `json:"type"`
		Query      json.RawMessage `json:"query"`
		Definition string          `json:"definition"`
		Datasource source          `json:"datasource"`
		Regex      string          `json:"regex"`
		Multi      bool            `json:"multi"`
		IncludeAll bool            `json:"includeAll"`
		AllValue   string          `json:"allValue"`
	}

	annotation struct {
		Name       string `json:"name"`
		Datasource source `json:"datasource"`
		Expr       string `json:"expr"`
	}

	source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}

	panel struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		GridPos     struct {
			X, Y, W, H int
		} `json:"gridPos"`
		Datasource  source  `json:"datasource"`
		Collapsed   bool    `json:"collapsed"`
		Panels      []panel `json:"panels"`
		Targets     []query `json:"targets"`
		FieldConfig struct {
			Defaults struct {
				Unit    string `json:"unit"`
				NoValue string `json:"noValue"`
				Custom  struct {
					Filterable bool `json:"filterable"`
				} `json:"custom"`
			} `json:"defaults"`
			Overrides []struct {
				Matcher struct {
					ID      string `json:"id"`
					Options string `json:"options"`
				} `json:"matcher"`
				Properties []struct {
					ID    string          `json:"id"`
					Value json.RawMessage `json:"value"`
				} `json:"properties"`
			} `json:"overrides"`
		} `json:"fieldConfig"`
		Transformations []struct {
			ID      string `json:"id"`
			Options struct {
				RenameByName map[string]string `json:"renameByName"`
			} `json:"options"`
		} `json:"transformations"`
	}

	query struct {
		RefID      string `json:"refId"`
		Expr       string `json:"expr"`
		Format     string `json:"format"`
		Instant    bool   `json:"instant"`
		Range      bool   `json:"range"`
		Legend     string `json:"legendFormat"`
		Datasource source `json:"datasource"`
	}
)

func load(t *testing.T) []dashboard {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no dashboards")
	}
	all := make([]dashboard, len(files))
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, &all[i]); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[i].file = file
	}
	return all
}

func TestStructure(t *testing.T) {
	uids := map[string]string{}
	for _, d := range load(t) {
		t.Run(d.file, func(t *testing.T) {
			if d.ID != nil {
				t.Error("has an id, which is specific to one Grafana")
			}
			if d.UID == "" || len(d.UID) > 40 {
				t.Errorf("uid %q: Grafana takes 1 to 40 characters", d.UID)
			}
			if other, ok := uids[d.UID]; ok {
				t.Errorf("has the uid of %s", other)
			}
			uids[d.UID] = d.file
			if d.Title == "" || d.Description == "" {
				t.Error("lacks a title or a description")
			}
			if d.SchemaVersion != 42 {
				t.Errorf("schemaVersion %d, not 42", d.SchemaVersion)
			}
			if d.Time.From != "now-7d" {
				t.Errorf("opens with the time since %s: jobs that run once a day show nothing in less than a week", d.Time.From)
			}
			checkPanels(t, d.all())
			checkRowsOfPanels(t, d.Panels)
			checkVariables(t, d)
		})
	}
}

// all returns the panels of a dashboard, including those of collapsed rows.
func (d dashboard) all() []panel {
	var all []panel
	for _, p := range d.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

// checkRowsOfPanels checks that only the row of pipelines, which Atlas has discontinued, is collapsed, and that it is last.
func checkRowsOfPanels(t *testing.T, panels []panel) {
	t.Helper()
	for i, p := range panels {
		pipelines := strings.Contains(p.Title, "pipelines")
		if p.Type == "row" && p.Collapsed != pipelines {
			t.Errorf("row %q: collapsed %t", p.Title, p.Collapsed)
		}
		if pipelines && i != len(panels)-1 {
			t.Errorf("row %q is not the last", p.Title)
		}
		if p.Collapsed != (len(p.Panels) > 0) {
			t.Errorf("row %q: collapsed %t with %d panels", p.Title, p.Collapsed, len(p.Panels))
		}
	}
}

func checkPanels(t *testing.T, panels []panel) {
	t.Helper()
	known := []string{"row", "stat", "table", "timeseries", "state-timeline", "alertlist"}
	ids, titles := map[int]string{}, map[string]bool{}
	for i, p := range panels {
		if other, ok := ids[p.ID]; ok || p.ID == 0 {
			t.Errorf("panel %q: id %d is 0 or that of %q", p.Title, p.ID, other)
		}
		ids[p.ID] = p.Title
		if p.Title == "" || titles[p.Title] {
			t.Errorf("panel %d: title %q is empty or not unique", p.ID, p.Title)
		}
		titles[p.Title] = true
		if !slices.Contains(known, p.Type) {
			t.Errorf("panel %q: type %s", p.Title, p.Type)
		}
		at := p.GridPos
		if at.W <= 0 || at.H <= 0 || at.X < 0 || at.Y < 0 || at.X+at.W > 24 {
			t.Errorf("panel %q: gridPos %+v leaves the grid", p.Title, at)
		}
		for _, q := range panels[:i] {
			other := q.GridPos
			if at.X < other.X+other.W && other.X < at.X+at.W && at.Y < other.Y+other.H && other.Y < at.Y+at.H {
				t.Errorf("panels %q and %q overlap", q.Title, p.Title)
			}
		}
		if p.Type != "row" {
			checkPanel(t, p)
		}
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	if len(p.Description) < 10 {
		t.Errorf("panel %q: description %q", p.Title, p.Description)
	}
	if p.Type == "alertlist" {
		return // queries Grafana itself, not a data source
	}
	if p.FieldConfig.Defaults.Unit == "" {
		t.Errorf("panel %q has no unit", p.Title)
	}
	if p.FieldConfig.Defaults.NoValue == "" {
		t.Errorf("panel %q does not say what it means when it is empty", p.Title)
	}
	if p.Type == "table" {
		checkTable(t, p)
	}
	if len(p.Targets) == 0 {
		t.Errorf("panel %q has no query", p.Title)
	}
	checkSource(t, p.Title, p.Datasource)
	refs := map[string]bool{}
	for _, q := range p.Targets {
		checkSource(t, p.Title+" "+q.RefID, q.Datasource)
		if q.RefID == "" || refs[q.RefID] {
			t.Errorf("panel %q: refId %q is empty or not unique", p.Title, q.RefID)
		}
		refs[q.RefID] = true
		for _, name := range []string{"{{cl_name}}", "{{pipeline}}"} {
			if strings.Contains(q.Legend, name) && !strings.Contains(q.Legend, "{{group_name}}") {
				t.Errorf("panel %q: the legend %q is the same for clusters of several projects", p.Title, q.Legend)
			}
		}
		if q.Instant == q.Range {
			t.Errorf("panel %q %s: instant %t and range %t", p.Title, q.RefID, q.Instant, q.Range)
		}
		// `or vector(0)` would show a reassuring green zero while there is no exporter.
		if strings.Contains(q.Expr, "vector(0)") {
			t.Errorf("panel %q %s fills in zeros even without an exporter", p.Title, q.RefID)
		}
		for _, selector := range regexp.MustCompile(`\{[^}]*\}`).FindAllString(q.Expr, -1) {
			if !strings.Contains(selector, `job=~"$job"`) {
				t.Errorf("panel %q %s: %s ignores the variable job", p.Title, q.RefID, selector)
			}
		}
		if bare := regexp.MustCompile(`\bmongodbatlas_\w+\b[^{\w]`).FindString(q.Expr); bare != "" {
			t.Errorf("panel %q %s: %s selects every series", p.Title, q.RefID, bare)
		}
	}
}

// checkTable checks that columns can be filtered, and have room for names.
func checkTable(t *testing.T, p panel) {
	t.Helper()
	if !p.FieldConfig.Defaults.Custom.Filterable {
		t.Errorf("table %q cannot be filtered", p.Title)
	}
	for _, override := range p.FieldConfig.Overrides {
		words := override.Matcher.Options == "group_id" // it is never shown
		for _, property := range override.Properties {
			words = words || property.ID == "mappings"
		}
		if !words {
			t.Errorf("table %q: an empty cell of %q shows %q", p.Title, override.Matcher.Options, p.FieldConfig.Defaults.NoValue)
		}
		for _, property := range override.Properties {
			var pixels int
			if !strings.HasSuffix(strings.ToLower(property.ID), "width") || json.Unmarshal(property.Value, &pixels) != nil {
				continue
			}
			if name := override.Matcher.Options; (name == "Project" || name == "Cluster") && (property.ID != "custom.minWidth" || pixels < 150) {
				t.Errorf("table %q: the column %q has %s %d", p.Title, name, property.ID, pixels)
			}
		}
	}
}

func checkSource(t *testing.T, where string, s source) {
	t.Helper()
	if s != (source{"prometheus", "${datasource}"}) {
		t.Errorf("%s: data source %+v is not the one chosen", where, s)
	}
}

func checkVariables(t *testing.T, d dashboard) {
	t.Helper()
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		if v.Type == "constant" {
			if !strings.HasPrefix(string(v.Query), `"https://`) {
				t.Errorf("variable %s: %s is not an address", v.Name, v.Query)
			}
			continue
		}
		if v.Name == "datasource" {
			if v.Type != "datasource" || string(v.Query) != `"prometheus"` {
				t.Errorf("variable datasource: %s %s", v.Type, v.Query)
			}
			continue
		}
		checkSource(t, "variable "+v.Name, v.Datasource)
		if !v.Multi || !v.IncludeAll || v.AllValue != ".+" {
			t.Errorf("variable %s: multi %t, includeAll %t, allValue %q", v.Name, v.Multi, v.IncludeAll, v.AllValue)
		}
	}
	want := []string{"datasource", "job", "project", "cluster", "atlas", "runbooks"}
	if d.file == "exporter.json" {
		want = append(want, "instance")
	}
	if !slices.Equal(names, want) {
		t.Errorf("variables %q, not %q", names, want)
	}
}

// TestLinks follows every address of a dashboard, in its links and in the cells of tables.
func TestLinks(t *testing.T) {
	all := load(t)
	runbooks, err := os.ReadFile(filepath.Join("..", "docs", "runbooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]dashboard{}
	for _, d := range all {
		known[d.UID] = d
	}
	address := regexp.MustCompile(`"/d/([^"/?]+)([^"]*)"`)
	for _, d := range all {
		reached := map[string]bool{d.UID: true}
		for _, link := range d.Links {
			reached[strings.TrimPrefix(link.URL, "/d/")] = true
			if !link.IncludeVars {
				t.Errorf("%s: the link to %s forgets the variables", d.file, link.URL)
			}
		}
		for uid := range known {
			if !reached[uid] {
				t.Errorf("%s: no link to %s", d.file, uid)
			}
		}
		content, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problemsOf(d) {
			if !strings.Contains(strings.ToLower(string(runbooks)), "# mongodbatlas"+problem+"\n") {
				t.Errorf("%s: the problem %s has no runbook", d.file, problem)
			}
		}
		for _, match := range address.FindAllStringSubmatch(string(content), -1) {
			to, ok := known[match[1]]
			if !ok {
				t.Errorf("%s: a link points to %s, which does not exist", d.file, match[1])
				continue
			}
			if number := regexp.MustCompile(`viewPanel=([^&]*)`).FindStringSubmatch(match[2]); number != nil &&
				!slices.ContainsFunc(to.all(), func(p panel) bool { return strconv.Itoa(p.ID) == number[1] && p.Type == "table" }) {
				t.Errorf("%s: %s points to no table of %s", d.file, match[0], to.file)
			}
			for _, parameter := range regexp.MustCompile(`var-(\w+)=`).FindAllStringSubmatch(match[2], -1) {
				if !slices.ContainsFunc(to.Templating.List, func(v variable) bool { return v.Name == parameter[1] }) {
					t.Errorf("%s: a link sets the variable %s, which %s does not have", d.file, parameter[1], to.file)
				}
			}
		}
	}
}

// problemsOf returns the problems that a dashboard lists, each of which links to a runbook.
func problemsOf(d dashboard) []string {
	var problems []string
	for _, p := range d.all() {
		for _, q := range p.Targets {
			for _, match := range regexp.MustCompile(`"problem", "(\w+)"`).FindAllStringSubmatch(q.Expr, -1) {
				if !slices.Contains(problems, match[1]) {
					problems = append(problems, match[1])
				}
			}
		}
	}
	return problems
}

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
