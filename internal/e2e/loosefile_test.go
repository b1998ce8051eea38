package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestLooseSecretFile checks that a secret that everybody may read causes a warning at the start, at each reload, and in check
// and trigger, but no failure; and that the demo, which has no file, does not warn.
func TestLooseSecretFile(t *testing.T) {
	t.Parallel()
	server, configFile := startAtlas(t, "")
	secretFile := filepath.Join(filepath.Dir(configFile), "secret")
	if err := os.Chmod(secretFile, 0o644); err != nil {
		t.Fatal(err)
	}
	const said = "every user of this machine can read or change"
	exporter := harness.StartExporter(t, "--config.file="+configFile)
	wantWarnings := func(when string, want int) { // the log arrives through a pipe, some time after the event
		t.Helper()
		harness.Eventually(t, func() error {
			if got := strings.Count(exporter.Logs(), said); got != want {
				return fmt.Errorf("%d warnings %s, want %d:\n%s", got, when, want, exporter.Logs())
			}
			return nil
		})
	}
	reloaded := func(times int) {
		t.Helper()
		if answer := ask(t, http.MethodPost, exporter.URL()+"/-/reload"); !strings.HasPrefix(answer, "200 ") {
			t.Error(answer)
		}
		harness.Eventually(t, func() error {
			if got := strings.Count(exporter.Logs(), "the configuration was reloaded"); got != times {
				return fmt.Errorf("%d reloads in the log", got)
			}
			return nil
		})
	}
	wantWarnings("at the start", 1)
	for _, part := range []string{"level=warn", "file=" + secretFile, "mode=0644", "chmod 600 " + secretFile} {
		if !strings.Contains(exporter.Logs(), part) {
			t.Errorf("the log has no %s", part)
		}
	}
	reloaded(1)
	wantWarnings("after a reload", 2)
	out := harness.RunExporter(t, nil, "check", "--config.file="+configFile)
	if out.ExitCode != 0 || !strings.Contains(out.Stdout, "warning: "+secretFile+" has mode 0644: "+said) {
		t.Errorf("check: exit code %d: %s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	out = harness.RunExporter(t, nil, "trigger", "--dry-run", "--config.file="+configFile, "--project="+server.Organization().Projects()[0].ID, "--pipeline=p", "--snapshot-id=6a7953692c88faeba59d5e01")
	if out.ExitCode != 0 || !strings.Contains(out.Stderr, "warning: "+secretFile+" has mode 0644: "+said) {
		t.Errorf("trigger: exit code %d: %s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	if err := os.Chmod(secretFile, 0o640); err != nil {
		t.Fatal(err)
	}
	reloaded(2)
	wantWarnings("after the file was mended", 2)
	demo := harness.StartExporter(t, "demo")
	if logs := demo.Logs(); strings.Contains(logs, "level=warn") || strings.Contains(logs, said) {
		t.Errorf("the demo warns:\n%s", logs)
	}
}
