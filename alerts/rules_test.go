// Package alerts_test holds the alerting rules to what users rely on: promtool accepts them and their unit tests, and the
// alerts' names, severities and words are those that the documentation promises.
package alerts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	rulesPath    = "mongodbatlas.rules.yml"
	testsPattern = "tests/*.yml"
	runbooksPath = "../docs/runbooks.md"
	runbooksURL  = "https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/blob/main/docs/runbooks.md#"
)

// rule is an alerting rule or, without an Alert, a recording rule.
type rule struct {
	Alert         string
	Record        string
	Expr          string
	For           string
	KeepFiringFor string `yaml:"keep_firing_for"`
	Labels        map[string]string
	Annotations   map[string]string
}

func (r rule) name() string {
	return r.Alert + r.Record
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []rule
		}
	}
	readYAML(t, rulesPath, &file)
	var rules []rule
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	if len(rules) == 0 {
		t.Fatalf("%s has no rules", rulesPath)
	}
	return rules
}

func readAlerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(readRules(t), func(r rule) bool { return r.Alert == "" })
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func unitTests(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(testsPattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no files match %s", testsPattern)
	}
	return paths
}

// runPromtool fails the test with promtool's words where promtool finds fault.
func runPromtool(t *testing.T, promtool string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolChecksRules(t *testing.T) {
	t.Parallel()
	runPromtool(t, harness.Promtool(t), "check", "rules", "--lint=all", "--lint-fatal", rulesPath)
}

func TestPromtoolRunsUnitTests(t *testing.T) {
	t.Parallel()
	promtool := harness.Promtool(t)
	for _, path := range unitTests(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			runPromtool(t, promtool, "test", "rules", path)
		})
	}
}

// TestEveryAlertIsTested asks the unit tests for one with the alert firing, which checks its labels and words, and one with
// the alert silent.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, path := range unitTests(t) {
		var file struct {
			Tests []struct {
				Name   string
				Alerts []struct {
					Name     string     `yaml:"alertname"`
					Expected []struct{} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		readYAML(t, path, &file)
		for i, test := range file.Tests {
			if test.Name == "" {
				t.Errorf("%s: test %d has no name", path, i+1)
			}
			for _, alert := range test.Alerts {
				if len(alert.Expected) > 0 {
					fires[alert.Name] = true
				} else {
					silent[alert.Name] = true
				}
			}
		}
	}
	for _, alert := range readAlerts(t) {
		if !fires[alert.Alert] {
			t.Errorf("no unit test has %s firing", alert.Alert)
		}
		if !silent[alert.Alert] {
			t.Errorf("no unit test has %s silent", alert.Alert)
		}
	}
}

// promise is what users rely on of an alert.
type promise struct {
	severity string
	// names are the labels that its summary and description both name.
	names []string
}

func promises() map[string]promise {
	cluster := []string{"group_name", "cl_name"}
	pipeline := []string{"group_name", "pipeline"}
	return map[string]promise{
		"MongoDBAtlasBackupExportFailed":         {"warning", cluster},
		"MongoDBAtlasBackupExportOverdue":        {"critical", cluster},
		"MongoDBAtlasBackupExportStuck":          {"warning", cluster},
		"MongoDBAtlasBackupAutoExportDisabled":   {"warning", cluster},
		"MongoDBAtlasBackupDisabled":             {"critical", cluster},
		"MongoDBAtlasBackupRestoreFailed":        {"critical", cluster},
		"MongoDBAtlasBackupRestoreStuck":         {"warning", cluster},
		"MongoDBAtlasPipelineRunFailed":          {"warning", pipeline},
		"MongoDBAtlasPipelineRunStuck":           {"warning", pipeline},
		"MongoDBAtlasTargetUnreadable":           {"warning", []string{"group_name", "collector", "reason"}},
		"MongoDBAtlasDataStale":                  {"warning", []string{"group_name", "cl_name", "pipeline", "collector"}},
		"MongoDBAtlasUnauthorized":               {"critical", nil},
		"MongoDBAtlasUnreachable":                {"critical", nil},
		"MongoDBAtlasProjectGone":                {"warning", []string{"group_name"}},
		"MongoDBAtlasRateLimited":                {"warning", []string{"endpoint"}},
		"MongoDBAtlasAPISunset":                  {"info", []string{"endpoint"}},
		"MongoDBAtlasExporterConfigReloadFailed": {"warning", nil},
		"MongoDBAtlasExporterDown":               {"critical", []string{"job"}},
	}
}

func TestAlertsAndSeverities(t *testing.T) {
	t.Parallel()
	missing := promises()
	for _, alert := range readAlerts(t) {
		want, promised := missing[alert.Alert]
		if !promised {
			t.Errorf("%s is not among the promised alerts, or is there twice", alert.Alert)
			continue
		}
		delete(missing, alert.Alert)
		if got := alert.Labels["severity"]; got != want.severity {
			t.Errorf("%s has severity %q, want %q", alert.Alert, got, want.severity)
		}
		if len(alert.Labels) != 1 {
			t.Errorf("%s adds the labels %v, want severity alone", alert.Alert, alert.Labels)
		}
	}
	for name := range missing {
		t.Errorf("there is no %s", name)
	}
}

// TestAnnotations checks that an alert says what happened, where, and where to read on.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	runbooks, err := os.ReadFile(runbooksPath)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for line := range strings.Lines(string(runbooks)) {
		if heading, found := strings.CutPrefix(line, "## "); found {
			sections[strings.TrimSpace(heading)] = true
		}
	}
	for _, alert := range readAlerts(t) {
		t.Run(alert.Alert, func(t *testing.T) {
			for _, key := range []string{"summary", "description"} {
				text := alert.Annotations[key]
				if text == "" {
					t.Errorf("it has no %s", key)
				}
				for _, label := range promises()[alert.Alert].names {
					if !strings.Contains(text, "$labels."+label) {
						t.Errorf("its %s does not name the label %s", key, label)
					}
				}
			}
			if !strings.Contains(alert.Annotations["description"], "First ") {
				t.Error("its description does not say what to do first")
			}
			if got, want := alert.Annotations["runbook_url"], runbooksURL+strings.ToLower(alert.Alert); got != want {
				t.Errorf("its runbook_url is %q, want %q", got, want)
			}
			if !sections[alert.Alert] {
				t.Errorf("%s has no section of its name", runbooksPath)
			}
			delete(sections, alert.Alert)
		})
	}
	for name := range sections {
		if strings.HasPrefix(name, "MongoDBAtlas") {
			t.Errorf("%s has a section %s and there is no such alert", runbooksPath, name)
		}
	}
}

// TestMetrics checks that the rules read only what the exporter promises, and what they record themselves.
func TestMetrics(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`\bmongodbatlas[_:][a-z_:]*[a-z]`)
	recorded, used := map[string]bool{}, map[string]bool{}
	for _, rule := range readRules(t) {
		if rule.Record != "" {
			recorded[rule.Record] = true
		}
	}
	for _, rule := range readRules(t) {
		for _, metric := range name.FindAllString(rule.Expr, -1) {
			used[metric] = true
			if !recorded[metric] && !slices.Contains(promisedMetrics(), metric) {
				t.Errorf("%s reads %s, which the exporter does not promise", rule.name(), metric)
			}
		}
		for _, metric := range name.FindAllString(rule.Annotations["summary"]+rule.Annotations["description"], -1) {
			isProgram := metric == "mongodbatlas_backup_exporter"
			if !isProgram && !recorded[metric] && !slices.Contains(promisedMetrics(), metric) {
				t.Errorf("%s names %s, which the exporter does not promise", rule.name(), metric)
			}
		}
	}
	for record := range recorded {
		if !used[record] {
			t.Errorf("%s is recorded and no rule reads it", record)
		}
	}
}

// TestTimesAreWrittenUniformly checks the convention at the head of the rules: with one factor applied to every duration
// and to every integer of four digits or more, the rules mean the same on another scale of time.
func TestTimesAreWrittenUniformly(t *testing.T) {
	t.Parallel()
	var (
		quoted    = regexp.MustCompile(`"[^"]*"`)
		number    = regexp.MustCompile(`(?:^|[^a-z0-9_.])(\d[0-9a-z_.]*)`)
		duration  = regexp.MustCompile(`^[1-9]\d*[smhd]$`)
		selector  = regexp.MustCompile(`\[[^\]]*\]|\boffset \S+`)
		seconds   = regexp.MustCompile(`^[1-9]\d{3,}$`)
		noTime    = regexp.MustCompile(`^\d{1,2}(\.\d+)?$`)
		composite = regexp.MustCompile(`[*/^] *\d{4,}|\d{4,} *[*/^]`)
	)
	for _, rule := range readRules(t) {
		for key, text := range map[string]string{"for": rule.For, "keep_firing_for": rule.KeepFiringFor} {
			if text != "" && !duration.MatchString(text) {
				t.Errorf("%s: %s is %q, want one number with one unit", rule.name(), key, text)
			}
		}
		expr := quoted.ReplaceAllString(rule.Expr, `""`)
		for _, time := range selector.FindAllString(expr, -1) {
			if text := strings.Trim(strings.TrimPrefix(time, "offset "), "[])"); !duration.MatchString(text) {
				t.Errorf("%s: the time %q is not one number with one unit", rule.name(), text)
			}
		}
		expr = selector.ReplaceAllString(expr, "")
		for _, match := range number.FindAllStringSubmatch(expr, -1) {
			if text := match[1]; !seconds.MatchString(text) && !noTime.MatchString(text) {
				t.Errorf("%s: %q is neither a time in seconds nor plainly none", rule.name(), text)
			}
		}
		if text := composite.FindString(expr); text != "" {
			t.Errorf("%s: %q computes a time instead of writing it", rule.name(), text)
		}
	}
}
