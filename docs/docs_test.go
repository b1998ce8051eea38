// Package docs_test compares the pages with the program: it loads, runs and checks what they show.
package docs_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// block is a fenced part of a page.
type block struct {
	language string
	heading  string // the nearest above it
	line     int    // of its first line of text
	text     string
}

// blocks lists the fenced parts of a page, without the indentation of a list.
func blocks(page string) []block {
	var all []block
	var heading, indent string
	var open *block
	for i, line := range strings.Split(page, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case open != nil && trimmed == "```":
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case strings.HasPrefix(trimmed, "```"):
			indent = line[:len(line)-len(trimmed)]
			open = &block{language: strings.TrimPrefix(trimmed, "```"), heading: heading, line: i + 2}
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	return all
}

// pages returns the texts of all pages for people, by their path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "../*.md", "../dashboards/*.md", "../deploy/helm/*/README.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			raw := harness.ReadFile(t, path)
			texts[path] = raw
		}
	}
	if len(texts) < 10 {
		t.Fatalf("only %d pages were found", len(texts))
	}
	return texts
}

// run runs the exporter to its end, with only this environment, and returns its output. A test that runs it many times builds
// it once.
func run(t *testing.T, program string, env []string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = env
	if env == nil {
		cmd.Env = []string{} // nil would be the test's own
	}
	raw, err := cmd.CombinedOutput()
	if strings.Contains(string(raw), "DATA RACE") {
		t.Errorf("%v: %s", args, raw)
	}
	return string(raw), err
}

// metricPattern matches the names of metrics in an expression.
func metricPattern() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:mongodb|mongodbatlas|hardware)_\w+`)
}

// TestYAML loads all YAML in the pages: configurations of the exporter with the exporter, those of Prometheus with promtool.
// For the rest, the test must know which program reads it.
func TestYAML(t *testing.T) {
	t.Parallel()
	exporter := []string{"atlas", "projects", "discovery", "collectors", "refresh"}
	// Alertmanager; the generator of the rules; Grafana and Kubernetes; the chart, which the tests of deploy/ render.
	others := []string{"inhibit_rules", "receivers", "thresholds", "apiVersion", "credentials", "extraVolumes", "networkPolicy", "podSecurityContext", "prometheusRule", "web"}
	counts := map[string]int{}
	for path, page := range pages(t) {
		for _, b := range blocks(page) {
			if b.language != "yaml" {
				continue
			}
			var document map[string]any
			if err := yaml.Unmarshal([]byte(b.text), &document); err != nil {
				t.Errorf("%s:%d: %v", path, b.line, err)
				continue
			}
			has := func(keys ...string) bool {
				return slices.ContainsFunc(keys, func(key string) bool { return document[key] != nil })
			}
			switch {
			case has(exporter...):
				counts["exporter"]++
				if _, err := config.Parse([]byte(b.text), collector.All().Config()); err != nil {
					t.Errorf("%s:%d: the exporter does not load it: %v", path, b.line, err)
				}
			case has("scrape_configs", "alerting"):
				counts["prometheus"]++
				file := filepath.Join(t.TempDir(), "prometheus.yml")
				if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.CommandContext(t.Context(), harness.Tool(t, "promtool"), "check", "config", "--syntax-only", file).CombinedOutput(); err != nil {
					t.Errorf("%s:%d: %v: %s", path, b.line, err, out)
				}
			case !has(others...):
				t.Errorf("%s:%d: the test does not know what reads %v", path, b.line, slices.Collect(maps.Keys(document)))
			}
		}
	}
	if counts["exporter"] < 4 || counts["prometheus"] < 3 {
		t.Errorf("too few blocks were found: %v", counts)
	}
}

// TestMetricsAreReal checks that every metric of the exporter that a page names is described in metrics.md.
func TestMetricsAreReal(t *testing.T) {
	t.Parallel()
	all := pages(t)
	reference := all["metrics.md"]
	named := regexp.MustCompile(`\bmongodbatlas_\w+[a-z0-9]\b`)
	terraform := regexp.MustCompile("(?s)```hcl\n.*?\n```") // whose resources begin with the same word
	for path, page := range all {
		page = terraform.ReplaceAllString(page, "")
		for _, name := range named.FindAllString(page, -1) {
			switch {
			case strings.Contains(reference, "`"+name+"`"):
			case strings.HasPrefix(name, "mongodbatlas_backup_exporter"): // the program
			case strings.HasPrefix(name, "mongodbatlas_exporter_config_last_reload_success"): // described together
			default:
				if base := histogramSuffix().ReplaceAllString(name, ""); base == name || !strings.Contains(reference, "### `"+base+"`") {
					t.Errorf("%s: there is no metric %s", path, name)
				}
			}
		}
	}
}

// TestPicture checks that the picture of the chain names real metrics. A name may continue in the next line. A
// star matches the rest of several names.
func TestPicture(t *testing.T) {
	t.Parallel()
	picture := harness.ReadFile(t, "images/chain.svg")
	reference := pages(t)["metrics.md"]
	_, group, _ := strings.Cut(picture, `<g class="metric">`)
	group, _, _ = strings.Cut(group, "</g>")
	count, name := 0, ""
	for _, text := range regexp.MustCompile(`>([a-z_*]+)</text>`).FindAllStringSubmatch(group, -1) {
		if name += text[1]; strings.HasSuffix(name, "_") {
			continue
		}
		want := "### `mongodbatlas_" + name + "`"
		if prefix, several := strings.CutSuffix(name, "*"); several {
			want = "### `mongodbatlas_" + prefix
		}
		if !strings.Contains(reference, want) {
			t.Errorf("there is no metric %s", name)
		}
		name = ""
		count++
	}
	if count < 10 {
		t.Errorf("only %d metrics were found", count)
	}
}

func histogramSuffix() *regexp.Regexp { return regexp.MustCompile(`_(bucket|count|sum)$`) }

// TestAlertsAreReal checks that every alert that a page names is one of the rules.
func TestAlertsAreReal(t *testing.T) {
	t.Parallel()
	rules := harness.ReadFile(t, "../alerts/mongodbatlas.rules.yml")
	named := regexp.MustCompile(`\bMongoDBAtlas[A-Z]\w+`)
	for path, page := range pages(t) {
		for _, name := range named.FindAllString(page, -1) {
			if !strings.Contains(rules, "alert: "+name+"\n") {
				t.Errorf("%s: there is no alert %s", path, name)
			}
		}
	}
}

// TestLinks checks that the targets of links to this project's pages exist, including headings.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for path, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(page, -1) {
			target, fragment, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", path, match[1], err)
				continue
			}
			if fragment == "" {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s links to %s: %v", path, match[1], err)
				continue
			}
			if !slices.Contains(anchors(string(raw)), fragment) {
				t.Errorf("%s links to %s, but there is no such heading", path, match[1])
			}
		}
	}
}

// anchors returns the fragments that GitHub generates for the headings of a page.
func anchors(page string) []string {
	var all []string
	drop := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for line := range strings.Lines(page) {
		if text, found := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); found && strings.HasPrefix(line, "#") {
			all = append(all, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), ""), " ", "-"))
		}
	}
	return all
}

// TestDependencies compares the tables of docs/dependencies.md with the direct dependencies in go.mod, and with the folders
// that have their own dependencies.
func TestDependencies(t *testing.T) {
	t.Parallel()
	page := harness.ReadFile(t, "dependencies.md")
	var direct, tools []string
	for line := range strings.Lines(harness.ReadFile(t, "../go.mod")) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "\t") && !strings.Contains(line, "// indirect") {
			direct = append(direct, fields[0])
		}
	}
	for _, pattern := range []string{"../*/*/go.mod", "../*/*/package.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			tools = append(tools, filepath.ToSlash(strings.TrimPrefix(filepath.Dir(file), "../")))
		}
	}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)`((?: \\| [^|]*[^| ][^|]*)+) \\|$")
	for _, section := range []struct {
		heading string
		want    []string
	}{{"Direct dependencies", direct}, {"Tools", tools}} {
		_, text, _ := strings.Cut(page, "\n## "+section.heading+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
		var got []string
		for _, match := range row.FindAllStringSubmatch(text, -1) {
			got = append(got, match[1])
		}
		slices.Sort(got)
		slices.Sort(section.want)
		if !slices.Equal(got, section.want) {
			t.Errorf("%s explains %q, want %q", section.heading, got, section.want)
		}
	}
}

// TestReadmeSample checks that the demo has every series that the README shows, with the same value unless it is a time.
func TestReadmeSample(t *testing.T) {
	readme := harness.ReadFile(t, "../README.md")
	exporter := harness.StartExporter(t, "demo")
	_, body := harness.Get(t, exporter.URL()+"/metrics")
	lines := 0
	for line := range strings.Lines(readme) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if !ok || !strings.HasPrefix(series, "mongodbatlas_") {
			continue
		}
		lines++
		if strings.Contains(series, "_timestamp_seconds{") {
			value = "…"
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(series+"} "+value), "…", `\S+`)
		if !regexp.MustCompile("(?m)^" + pattern + "$").MatchString(body) {
			t.Errorf("the demo has no %s", line)
		}
	}
	if lines == 0 {
		t.Error("the README shows no series")
	}
}
