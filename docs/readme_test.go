package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestReadmeSample holds that the demo has every series that the README shows of it, with the same value unless that is a
// time.
func TestReadmeSample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	exporter := harness.StartExporter(t, "demo")
	_, body := harness.Get(t, exporter.URL()+"/metrics")
	lines := 0
	for line := range strings.Lines(string(readme)) {
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
