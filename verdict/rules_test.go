package verdict_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/situations"
)

const (
	// before and after are the minutes for which the rules see the first state, and then the second: long enough for the
	// slowest of them to fire.
	before, after = 30, 50
	// never is a date before all others.
	never = -1e9
)

// TestRules checks the alerting rules against the verdict: promtool evaluates them on the series of the real collectors, and
// the alerts that fire must be those that the page's verdict names.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := harness.Tool(t, "promtool")
	all := situations.All()
	org, stages := situations.Build(atlassim.WallClock{}, all)
	e := startExporter(t, org)
	read(t, e, nil)
	built := gather(t, e)
	situations.Go(org, stages, all)
	read(t, e, all)
	became := gather(t, e)
	runRules(t, promtool, all, built, became)
}

// sample maps series to their values.
type sample map[string]float64

// gather returns the gauges and counters of the exporter.
func gather(t *testing.T, e *collector.Exporter) sample {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(e.Refresh(t.Context(), collector.Selection{}))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := sample{`up{instance="a",job="mongodbatlas"}`: 1}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := []string{`instance="a"`, `job="mongodbatlas"`}
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName()+"="+strconv.Quote(label.GetValue()))
			}
			name := family.GetName() + "{" + strings.Join(labels, ",") + "}"
			switch {
			case metric.Gauge != nil:
				series[name] = metric.GetGauge().GetValue()
			case metric.Counter != nil:
				series[name] = metric.GetCounter().GetValue()
			}
		}
	}
	return series
}

// runRules writes a unit test of the rules and runs it with promtool. The end of the test is the present.
func runRules(t *testing.T, promtool string, all []situations.Situation, built, became sample) {
	t.Helper()
	type (
		series struct {
			Series string `yaml:"series"`
			Values string `yaml:"values"`
		}
		expected struct {
			Labels string  `yaml:"labels"`
			Value  float64 `yaml:"value"`
		}
	)
	shift := float64(time.Now().Unix() - (before+after)*60)
	var input []series
	names := map[string]bool{}
	for name := range built {
		names[name] = true
	}
	for name := range became {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		input = append(input, series{name, values(name, built, before, shift, 0) + " " + values(name, became, after, shift, before)})
	}
	var want []expected
	for i := range all {
		for _, alert := range all[i].Alerts {
			want = append(want, expected{fmt.Sprintf("{alertname=%q,group_name=%q}", alert, all[i].Name), 1})
		}
	}
	rules, err := filepath.Abs("../alerts/mongodbatlas.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	content, err := yaml.Marshal(map[string]any{
		"rule_files": []string{rules}, "evaluation_interval": "1m",
		"tests": []any{map[string]any{
			"interval": "1m", "input_series": input,
			"promql_expr_test": []any{map[string]any{
				"expr": `group by (alertname, group_name) (ALERTS{alertstate="firing"})`, "eval_time": fmt.Sprintf("%dm", before+after), "exp_samples": want,
			}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "situations.yml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// values returns this many minutes of a series in promtool's notation. If a list was proved complete a moment ago, it stays
// so.
func values(name string, all sample, minutes int, shift float64, from int) string {
	value, ok := all[name]
	if !ok {
		return fmt.Sprintf("stale _x%d", minutes-2)
	}
	metric, labels, _ := strings.Cut(name, "{")
	if !strings.HasSuffix(metric, "_timestamp_seconds") {
		return fmt.Sprintf("%vx%d", value, minutes-1)
	}
	if metric == "mongodbatlas_target_last_refresh_timestamp_seconds" && all["mongodbatlas_target_up{"+labels] == 1 {
		return fmt.Sprintf("%d+60x%d", from*60, minutes-1)
	}
	if value == 0 {
		return fmt.Sprintf("%.0fx%d", never, minutes-1)
	}
	return fmt.Sprintf("%.0fx%d", value-shift, minutes-1)
}
