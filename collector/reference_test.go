package collector_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const reference = "../docs/metrics.md"

// TestReference holds docs/metrics.md to the descriptors in the code.
func TestReference(t *testing.T) {
	t.Parallel()
	got := renderReference()
	if harness.Update() {
		if err := os.WriteFile(reference, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the code says; go test ./collector -update writes it anew:\n%s", reference, firstDifference(string(want), got))
	}
}

// TestReferenceExamples has promtool judge the example queries.
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
	if out, err := exec.CommandContext(t.Context(), harness.Promtool(t), "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestGoldensAreInReference holds that every metric that a golden file shows is described.
func TestGoldensAreInReference(t *testing.T) {
	t.Parallel()
	described := renderReference()
	files, err := filepath.Glob("testdata/*.prom")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no golden files: ", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, _, _ = strings.Cut(name, " ")
				if !strings.Contains(described, "### `"+name+"`") {
					t.Errorf("%s has %s, which is not described", file, name)
				}
			}
		}
	}
}

func renderReference() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\n" +
		"Written from the descriptors in the code. Times are in seconds since 1970, durations in seconds, sizes in bytes.\n" +
		"A state set has one series for each known state and one for `unknown`; it sums to 1.\n" +
		"Beside these there are `go_*`, `process_*`, `promhttp_*`, `mongodbatlas_exporter_build_info` and\n" +
		"`mongodbatlas_exporter_config_last_reload_*`.\n")
	for _, group := range collector.All().Families() {
		fmt.Fprintf(&b, "\n## %s\n", group.Title)
		for _, f := range group.Families {
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n- %s, unit: %s\n", f.Name, f.Help, f.Type, unit(f.Name))
			if len(f.Labels) > 0 {
				fmt.Fprintf(&b, "- labels: `%s`\n", strings.Join(f.Labels, "`, `"))
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

// unit reads the unit of a metric from its name, as Prometheus wants it there.
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
	return "none (0 or 1)"
}
