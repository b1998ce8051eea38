// Package alerts_test checks what users rely on of the alerting rules: promtool accepts them and their unit tests, and the
// alerts' names, severities and annotations are those that the documentation promises.
package alerts_test

import (
	"fmt"
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

type group struct {
	Name  string
	Rules []rule
}

func readGroups(t *testing.T) []group {
	t.Helper()
	var file struct{ Groups []group }
	readYAML(t, rulesPath, &file)
	return file.Groups
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var rules []rule
	for _, group := range readGroups(t) {
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
	if err := yaml.Unmarshal([]byte(harness.ReadFile(t, path)), into); err != nil {
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

// runPromtool fails the test with promtool's message if promtool finds a fault.
func runPromtool(t *testing.T, promtool string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), promtool, args...)
	cmd.Env = append(os.Environ(), "GOGC=800") // a quarter of its time is garbage collection otherwise
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolChecksRules(t *testing.T) {
	t.Parallel()
	runPromtool(t, harness.Tool(t, "promtool"), "check", "rules", "--lint=all", "--lint-fatal", rulesPath)
}

func TestPromtoolRunsUnitTests(t *testing.T) {
	t.Parallel()
	promtool := harness.Tool(t, "promtool")
	for _, path := range unitTests(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			runPromtool(t, promtool, "test", "rules", path)
		})
	}
}

// TestGroupsInAnyOrder checks that a rule that reads a record of another group uses a range: whether the record has its newest
// value depends on which group was evaluated first.
func TestGroupsInAnyOrder(t *testing.T) {
	t.Parallel()
	selector := regexp.MustCompile(`(mongodbatlas:\w+)(?:\{[^}]*\})?(\[?)`)
	groups := readGroups(t)
	for _, group := range groups {
		for _, reader := range group.Rules {
			for _, found := range selector.FindAllStringSubmatch(reader.Expr, -1) {
				record, ranged := found[1], found[2] != ""
				own := slices.ContainsFunc(group.Rules, func(r rule) bool { return r.Record == record })
				if !own && !ranged {
					t.Errorf("%s of group %s reads %s of another group without a range", reader.name(), group.Name, record)
				}
			}
		}
	}
	if len(groups) < 2 {
		t.Errorf("%s has %d groups: is this test still needed?", rulesPath, len(groups))
	}
}

// TestEveryAlertIsTested checks that each alert has a unit test in which it fires, which checks its labels and annotations,
// and one in which it stays silent.
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
	severities []string
	// names are the labels that its description names.
	names []string
}

func promises() map[string]promise {
	cluster := []string{"group_name", "group_id", "cl_name"}
	pipeline := []string{"group_name", "group_id", "pipeline"}
	critical, warning, both := []string{"critical"}, []string{"warning"}, []string{"critical", "warning"}
	return map[string]promise{
		"MongoDBAtlasBackupExportFailed":           {warning, cluster},
		"MongoDBAtlasBackupExportOverdue":          {critical, cluster},
		"MongoDBAtlasBackupExportStuck":            {warning, cluster},
		"MongoDBAtlasBackupExportMissing":          {warning, cluster},
		"MongoDBAtlasBackupExportBucketMissing":    {critical, cluster},
		"MongoDBAtlasBackupAutoExportDisabled":     {warning, cluster},
		"MongoDBAtlasBackupDisabled":               {critical, cluster},
		"MongoDBAtlasBackupRestoreFailed":          {critical, cluster},
		"MongoDBAtlasBackupRestoreStuck":           {warning, cluster},
		"MongoDBAtlasBackupSnapshotOverdue":        {critical, cluster},
		"MongoDBAtlasBackupSnapshotFailed":         {warning, cluster},
		"MongoDBAtlasBackupSnapshotStuck":          {warning, cluster},
		"MongoDBAtlasBackupSnapshotFallback":       {warning, cluster},
		"MongoDBAtlasBackupSnapshotNotScheduled":   {warning, cluster},
		"MongoDBAtlasBackupSnapshotScheduleBehind": {warning, cluster},
		"MongoDBAtlasFlexSnapshotOverdue":          {critical, cluster},
		"MongoDBAtlasFlexSnapshotFailed":           {warning, cluster},
		"MongoDBAtlasCollectionRestoreFailed":      {critical, cluster},
		"MongoDBAtlasCollectionRestoreStuck":       {warning, cluster},
		"MongoDBAtlasFlexRestoreFailed":            {critical, cluster},
		"MongoDBAtlasFlexRestoreStuck":             {warning, cluster},
		"MongoDBAtlasPipelineRunFailed":            {warning, pipeline},
		"MongoDBAtlasPipelineRunStuck":             {warning, pipeline},
		"MongoDBAtlasTargetUnreadable":             {warning, []string{"group_name", "group_id", "collector", "reason"}},
		"MongoDBAtlasTargetsPending":               {warning, []string{"collector"}},
		"MongoDBAtlasDataStale":                    {warning, []string{"group_name", "group_id", "collector"}},
		"MongoDBAtlasUnauthorized":                 {both, nil},
		"MongoDBAtlasUnreachable":                  {both, nil},
		"MongoDBAtlasProjectGone":                  {warning, []string{"group_name", "group_id"}},
		"MongoDBAtlasRateLimited":                  {warning, []string{"endpoint"}},
		"MongoDBAtlasAPISunset":                    {[]string{"info", "warning"}, []string{"endpoint"}},
		"MongoDBAtlasExporterConfigReloadFailed":   {warning, nil},
		"MongoDBAtlasExporterDown":                 {both, []string{"job"}},
	}
}

func TestAlertsAndSeverities(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for _, alert := range readAlerts(t) {
		got[alert.Alert] = append(got[alert.Alert], alert.Labels["severity"])
		if len(alert.Labels) != 1 {
			t.Errorf("%s adds the labels %v, want only severity", alert.Alert, alert.Labels)
		}
	}
	for name, severities := range got {
		if want := promises()[name].severities; !slices.Equal(severities, want) {
			t.Errorf("%s has the severities %v, want %v, as promises has them", name, severities, want)
		}
	}
	readme := harness.ReadFile(t, "../README.md")
	for name := range promises() {
		if got[name] == nil {
			t.Errorf("there is no %s", name)
		}
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not list %s among the alerts", name)
		}
	}
}

// TestAnnotations checks what linters of mixins check: a summary that is one sentence and the same for every series, a
// description that says where and what to do first, a runbook and a dashboard.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	sections := map[string]bool{}
	for line := range strings.Lines(harness.ReadFile(t, runbooksPath)) {
		if heading, found := strings.CutPrefix(line, "## MongoDBAtlas"); found {
			sections["MongoDBAtlas"+strings.TrimSpace(heading)] = true
		}
	}
	summaries := map[string]string{}
	for _, alert := range readAlerts(t) {
		t.Run(alert.Alert+"/"+alert.Labels["severity"], func(t *testing.T) {
			summary, description := alert.Annotations["summary"], alert.Annotations["description"]
			if !strings.HasSuffix(summary, ".") || strings.Contains(summary, "{{") || strings.Count(summary, ".") != 1 {
				t.Errorf("its summary is not one sentence that is the same for every series: %q", summary)
			}
			if other, ok := summaries[summary]; ok && other != alert.Alert {
				t.Errorf("it has the summary of %s", other)
			}
			summaries[summary] = alert.Alert
			for _, label := range promises()[alert.Alert].names {
				if !strings.Contains(description, "$labels."+label) {
					t.Errorf("its description does not name the label %s", label)
				}
			}
			if !strings.Contains(description, "First ") {
				t.Error("its description does not say what to do first")
			}
			if got, want := alert.Annotations["runbook_url"], runbooksURL+strings.ToLower(alert.Alert); got != want {
				t.Errorf("its runbook_url is %q, want %q", got, want)
			}
			if !strings.Contains(alert.Annotations["dashboard_url"], "/d/mongodbatlas-backup-") {
				t.Errorf("its dashboard_url is %q", alert.Annotations["dashboard_url"])
			}
			if !sections[alert.Alert] {
				t.Errorf("%s has no section with its name", runbooksPath)
			}
		})
	}
	for name := range sections {
		if _, ok := promises()[name]; !ok {
			t.Errorf("%s has a section %s, but there is no such alert", runbooksPath, name)
		}
	}
}

// TestRecords checks that the number of recording rules is the one at the head of the file.
func TestRecords(t *testing.T) {
	t.Parallel()
	records := len(readRules(t)) - len(readAlerts(t))
	if want := fmt.Sprintf("# There are %d records, and this is why:", records); !strings.Contains(harness.ReadFile(t, rulesPath), want) {
		t.Errorf("the head of %s does not say %q", rulesPath, want)
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
			isProgram := metric == "mongodbatlas_backup_exporter" || metric == "mongodbatlas_backup"
			if !isProgram && !recorded[metric] && !slices.Contains(promisedMetrics(), metric) {
				t.Errorf("%s names %s, which the exporter does not promise", rule.name(), metric)
			}
		}
	}
	for record := range recorded {
		if !used[record] {
			t.Errorf("%s is recorded, but no rule reads it", record)
		}
	}
}

// TestTimesAreWrittenUniformly checks the convention at the head of the rules: if every duration and every integer of four
// digits or more is multiplied by one factor, the rules mean the same on another time scale.
func TestTimesAreWrittenUniformly(t *testing.T) {
	t.Parallel()
	var (
		quoted    = regexp.MustCompile(`"[^"]*"`)
		number    = regexp.MustCompile(`(?:^|[^a-z0-9_.])(\d[0-9a-z_.]*)`)
		duration  = regexp.MustCompile(`^[1-9]\d*[smhd]$`)
		selector  = regexp.MustCompile(`\[[^\]]*\]|\boffset \w+`)
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
				t.Errorf("%s: %q is neither a time in seconds nor clearly another number", rule.name(), text)
			}
		}
		if text := composite.FindString(expr); text != "" {
			t.Errorf("%s: %q computes a time instead of writing it", rule.name(), text)
		}
	}
}
