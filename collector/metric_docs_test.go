package collector_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestReference checks docs/metrics.md against the descriptors in the code.
func TestReference(t *testing.T) {
	t.Parallel()
	harness.Golden(t, "../docs/metrics.md", renderReference(t))
}

// TestReferenceExamples checks the example queries with promtool.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	var rules strings.Builder
	rules.WriteString("groups:\n- name: examples\n  rules:\n")
	for _, group := range collector.All().Families() {
		for i, f := range group.Families {
			if f.Example != "" {
				fmt.Fprintf(&rules, "  - {record: 'example:%d:%s', expr: %q}\n", i, f.Name, f.Example)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "examples.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), harness.Tool(t, "promtool"), "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestGoldensAreInReference checks that every metric in a golden file is described.
func TestGoldensAreInReference(t *testing.T) {
	t.Parallel()
	described := renderReference(t)
	for file, text := range goldens(t) {
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, _, _ = strings.Cut(name, " ")
				if !strings.Contains(described, "### `"+name+"`") {
					t.Errorf("%s has %s, which is not described", file, name)
				}
			}
		}
	}
}

func renderReference(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Metrics\n\n" +
		"This page is generated from the code. Every metric here is a gauge unless its entry says otherwise. Times are in\n" +
		"seconds since 1970, durations in seconds, sizes in bytes. A state set has one series for each known state and one for\n" +
		"`unknown`: 1 for the current state, 0 for the others. States are spelled as Atlas spells them.\n\n" +
		"The exporter also serves `go_*`, `process_*`, `promhttp_*`, `mongodbatlas_exporter_build_info` and\n" +
		"`mongodbatlas_exporter_config_last_reload_*`. MongoDB ended Data Lake pipelines in September 2025: where Atlas no longer\n" +
		"serves them, their metrics are absent.\n\n" +
		"| part | metrics |\n|---|---|\n")
	groups, values, counts := collector.All().Families(), labelValues(t), countingMetrics(t)
	for _, group := range groups {
		fmt.Fprintf(&b, "| [%s](#%s) | %d |\n", group.Title, strings.ReplaceAll(strings.ToLower(group.Title), " ", "-"), len(group.Families))
	}
	for _, group := range groups {
		fmt.Fprintf(&b, "\n## %s\n", group.Title)
		for _, f := range group.Families {
			named := unit(f.Name)
			if named == unitless && counts[f.Name] {
				t.Errorf("%s has values other than 0 and 1: add the ending of its name and its unit to the function unit", f.Name)
			}
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n- %s, unit: %s\n", f.Name, f.Help, f.Type, named)
			if len(f.Labels) > 0 {
				fmt.Fprintf(&b, "- labels: `%s`\n", strings.Join(f.Labels, "`, `"))
			}
			for _, label := range f.Labels {
				if known := values[f.Name][label]; len(known) > 0 {
					fmt.Fprintf(&b, "- `%s`: `%s`\n", label, strings.Join(known, "`, `"))
				}
			}
			if f.Source != "" {
				fmt.Fprintf(&b, "- from: `%s`\n", f.Source)
			}
			if f.Example != "" {
				fmt.Fprintf(&b, "\n```promql\n%s\n```\n", f.Example)
			}
		}
	}
	return b.String()
}

// labelValues returns the values of the labels that take few values, by metric and label: those in the golden files, which
// contain every state, and the reasons.
func labelValues(t *testing.T) map[string]map[string][]string {
	t.Helper()
	values := map[string]map[string][]string{}
	add := func(name, label, value string) {
		if values[name] == nil {
			values[name] = map[string][]string{}
		}
		if known := values[name][label]; value != "" && !slices.Contains(known, value) {
			values[name][label] = slices.Sorted(slices.Values(append(known, value)))
		}
	}
	pair := regexp.MustCompile(`\b(state|phase|delivery_type)="([^"]*)"`)
	goldenSamples(t, func(metric, labels, _ string) {
		for _, match := range pair.FindAllStringSubmatch(labels, -1) {
			add(metric, match[1], match[2])
		}
	})
	for r := collector.Unauthorized; r <= collector.Network; r++ {
		add("mongodbatlas_target_last_error_info", "reason", r.String())
	}
	for r := collector.FreeTier; r <= collector.FeatureGone; r++ {
		add("mongodbatlas_target_unsupported_info", "reason", r.String())
	}
	return values
}

// goldenSamples calls do for each sample with labels in the golden files.
func goldenSamples(t *testing.T, do func(metric, labels, value string)) {
	t.Helper()
	for name, text := range goldens(t) {
		for line := range strings.Lines(text) {
			metric, rest, found := strings.Cut(line, "{")
			if !found || strings.HasPrefix(line, "#") {
				continue
			}
			end := strings.LastIndex(rest, "} ")
			do(metric, rest[:end], strings.TrimSpace(rest[end+2:]))
		}
		if !strings.Contains(text, "{") {
			t.Errorf("%s has no series", name)
		}
	}
}

// goldens returns the golden files by their paths.
func goldens(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.prom")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no golden files: ", err)
	}
	texts := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(raw)
	}
	return texts
}

// unit returns the unit that Prometheus's naming rules take from a metric's name.
func unit(name string) string {
	name = strings.TrimSuffix(name, "_total")
	for _, u := range []struct{ suffix, unit string }{
		{"_timestamp_seconds", "seconds since 1970"},
		{"_seconds", "seconds"},
		{"_bytes", "bytes"},
		{"_documents", "documents"},
		{"_collections", "collections"},
		{"_jobs", "jobs"},
		{"_runs", "runs"},
		{"_snapshots", "snapshots"},
		{"_items", "policy items"},
		{"_regions", "regions"},
		{"_targets", "targets"},
		{"_requests", "requests"},
		{"_retries", "retries"},
		{"ratelimit_limit", "requests"},
		{"ratelimit_remaining", "requests"},
	} {
		if strings.HasSuffix(name, u.suffix) {
			return u.unit
		}
	}
	return unitless
}

const unitless = "none, 0 or 1"

// countingMetrics returns the metrics that have other values than 0 and 1 in the golden files.
func countingMetrics(t *testing.T) map[string]bool {
	t.Helper()
	counting := map[string]bool{}
	goldenSamples(t, func(metric, _, value string) {
		if value != "0" && value != "1" {
			counting[metric] = true
		}
	})
	return counting
}
