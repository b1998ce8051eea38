package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

const chartValues = "../../deploy/helm/mongodbatlas-backup-exporter/values.yaml"

func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	files, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the output of the template; run go generate ./alerts", path)
		}
	}
}

// TestChartHasTheSameDefaults reads the chart's block as a values file: the same keys, and the same rules.
func TestChartHasTheSameDefaults(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(chartValues)
	if err != nil {
		t.Fatal(err)
	}
	var chart struct {
		PrometheusRule map[string]any `yaml:"prometheusRule"`
	}
	if err := yaml.Unmarshal(content, &chart); err != nil {
		t.Fatal(err)
	}
	delete(chart.PrometheusRule, "enabled")
	delete(chart.PrometheusRule, "labels")
	block, err := yaml.Marshal(chart.PrometheusRule)
	if err != nil {
		t.Fatal(err)
	}
	values, err := readValues(block)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Rules(values)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Rules(defaults())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the chart's defaults give different rules from the plain file")
	}
	for name := range thresholds() {
		if _, ok := chart.PrometheusRule["thresholds"].(map[string]any)[name]; !ok {
			t.Errorf("%s lacks the threshold %s, which its template would leave as a name", chartValues, name)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	rules := func(t *testing.T, document string) string {
		t.Helper()
		values, err := readValues([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := Rules(values)
		if err != nil {
			t.Fatal(err)
		}
		return string(rules)
	}
	for _, test := range []struct{ name, values, has, lacks string }{
		{"disable", "disabled: {MongoDBAtlasPipelineRunStuck: true}", "alert: MongoDBAtlasPipelineRunFailed", "alert: MongoDBAtlasPipelineRunStuck"},
		{"severity of one alert", "overrides: {MongoDBAtlasBackupDisabled: {severity: notice}}", "severity: notice", "none"},
		{"for of one alert", "overrides: {MongoDBAtlasBackupDisabled: {for: 47m}}", "for: 47m", "none"},
		{"label of one alert", "overrides: {MongoDBAtlasBackupDisabled: {labels: {team: dba}}}", "team: dba", "none"},
		{"label of all", "additionalRuleLabels: {team: dba}", "team: dba", "none"},
		{"severities", "severities: {critical: page}", "severity: page", "severity: critical"},
		{"threshold", "thresholds: {exportStuck: 2d}", "* 0 + 172800", "* 0 + 43200"},
		{"threshold as a range", "thresholds: {restoreNews: 3d}", "offset 3d", "offset 1d)) )"},
		{"runbook", "runbookUrl: https://wiki.example/", "runbook_url: https://wiki.example/mongodbatlasbackupdisabled", "github.com"},
		{"dashboard", "dashboardUrl: https://grafana.example", "https://grafana.example/d/", "localhost"},
		{"atlas", "atlasUrl: https://cloud.mongodbgov.com", "https://cloud.mongodbgov.com/v2/", "cloud.mongodb.com"},
		{"aggregation", "aggregationLabels: [cluster, namespace]", "cl_name, cluster, namespace)", "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := rules(t, test.values)
			if !strings.Contains(got, test.has) {
				t.Errorf("the rules lack %q", test.has)
			}
			if test.lacks != "none" && strings.Contains(got, test.lacks) {
				t.Errorf("the rules still have %q", test.lacks)
			}
		})
	}
}

func TestBadValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, values, message string }{
		{"unknown key", "disable: {}", "field disable not found"},
		{"unknown threshold", "thresholds: {exportStuk: 2d}", "there is no exportStuk"},
		{"no duration", "thresholds: {exportStuck: 90}", `exportStuck is "90", want a value such as 12h`},
		{"two units", "thresholds: {exportStuck: 1d12h}", "want a value such as 12h"},
		{"too short", "thresholds: {exportStuck: 5m}", "want 1000s to 3650d"},
		{"too long", "thresholds: {dead: 9999999999d}", "want 1000s to 3650d"},
		{"unknown alert", "disabled: {MongoDBAtlasPipelineStuck: true}", "there is no alert MongoDBAtlasPipelineStuck"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			values, err := readValues([]byte(test.values))
			if err == nil {
				_, err = Rules(values)
			}
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q", err, test.message)
			}
		})
	}
}

// TestRestoresHaveOnePatience checks that the rules about restores, which share their thresholds, agree with the page for each
// kind of restore.
func TestRestoresHaveOnePatience(t *testing.T) {
	t.Parallel()
	patience := map[collector.Patience][]string{}
	for _, declared := range collector.All() {
		if declared.Step == collector.StepRestore {
			patience[declared.Patience] = append(patience[declared.Patience], declared.Name)
		}
	}
	if len(patience) != 1 {
		t.Errorf("restores differ in their patience, so that restoreNews and restoreStuck cannot hold for all: %v", patience)
	}
}
