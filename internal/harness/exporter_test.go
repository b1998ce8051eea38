package harness

import (
	"debug/buildinfo"
	"errors"
	"net/http"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestExporter proves that this package understands the flags and the log of the exporter, and stops it as systemd does.
func TestExporter(t *testing.T) {
	exporter := StartExporter(t, "demo")
	if !strings.HasPrefix(exporter.URL(), "http://127.0.0.1:") {
		t.Errorf("URL %s", exporter.URL())
	}
	if status, got := Get(t, exporter.URL()+"/metrics"); status != http.StatusOK || !strings.Contains(got, "\nmongodbatlas_up ") {
		t.Errorf("answer %d %q", status, got)
	}
	if err := exporter.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	exporter.eventually(t, func() error {
		if !strings.Contains(exporter.Logs(), "reload") {
			return errors.New("the hangup was not logged")
		}
		return nil
	})
	for range 2 {
		if err := exporter.Stop(t.Context()); err != nil {
			t.Errorf("stopped: %v", err) // it was killed, not asked to end
		}
	}
	if !exporter.Ended() {
		t.Error("the exporter runs on")
	}
}

func TestRunExporter(t *testing.T) {
	got := RunExporter(t, nil, "--version")
	if got.ExitCode != 0 || !strings.HasPrefix(got.Stdout, path.Base(modulePath)+", version ") || got.Stderr != "" {
		t.Errorf("--version: %+v", got)
	}
	if got := RunExporter(t, nil, "--no-such-flag"); got.ExitCode <= 0 || !strings.Contains(got.Stderr, "no-such-flag") {
		t.Errorf("a flag that does not exist: %+v", got)
	}
}

func TestExporterEnv(t *testing.T) {
	t.Setenv("MONGODB_ATLAS_CLIENT_ID", "of-the-person-who-tests")
	t.Setenv("https_proxy", "http://proxy.example")
	t.Setenv("OTHER", "kept")
	got := exporterEnv([]string{"MONGODB_ATLAS_BASE_URL=x"})
	for variable, want := range map[string]bool{
		"MONGODB_ATLAS_CLIENT_ID=of-the-person-who-tests": false, "https_proxy=http://proxy.example": false,
		"OTHER=kept": true, "MONGODB_ATLAS_BASE_URL=x": true,
	} {
		if slices.Contains(got, variable) != want {
			t.Errorf("the exporter gets %s: %v, want %v", variable, !want, want)
		}
	}
}

// TestExporterIsBuiltWithRace proves that a test built with -race finds a data race in the program.
func TestExporterIsBuiltWithRace(t *testing.T) {
	info, err := buildinfo.ReadFile(BuildExporter(t))
	if err != nil {
		t.Fatal(err)
	}
	race := slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
	if race != raceEnabled {
		t.Errorf("tests built with -race: %v, program: %v", raceEnabled, race)
	}
}

// TestBuildLeavesEarlierProgram proves that a later build does not change a program that an earlier test still runs.
func TestBuildLeavesEarlierProgram(t *testing.T) {
	dir := t.TempDir()
	WriteFile(t, filepath.Join(dir, "go.mod"), "module example.test/program\n\ngo 1.26.0\n")
	run := func(path string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	kept, earlier := filepath.Join(dir, "kept"), filepath.Join(dir, "earlier")
	source := "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Print(\"one\") }\n"
	for _, word := range []string{"one", "two"} {
		WriteFile(t, filepath.Join(dir, "main.go"), strings.Replace(source, "one", word, 1))
		if err := goBuild(t.Context(), dir, kept, "."); err != nil {
			t.Fatal(err)
		}
		if word == "one" {
			if err := linkOrCopy(kept, earlier); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := run(kept); got != "two" {
		t.Errorf("the later program prints %q", got)
	}
	if got := run(earlier); got != "one" {
		t.Errorf("the earlier program prints %q", got)
	}
}

func TestListeningURL(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"logfmt": {
			`time=2026-01-02T03:04:05.678Z level=INFO source=tls_config.go:441 msg="TLS is disabled." http2=false address=127.0.0.1:9972` + "\n",
			"http://127.0.0.1:9972",
		},
		"JSON with sorted keys": {
			`{"address":"127.0.0.1:9972","caller":"tls_config.go:438","http2":true,"level":"info","msg":"TLS is enabled."}` + "\n",
			"https://127.0.0.1:9972",
		},
		"IPv6": {
			`level=info msg="TLS is disabled." http2=false address=[::1]:9972` + "\n",
			"http://[::1]:9972",
		},
		"not yet": {`level=info msg="Listening on" address=127.0.0.1:9972` + "\n", ""},
		"half a line": {
			`level=info msg="TLS is disabled." http2=false address=127.0.0.1:99`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := listeningURL("level=info msg=\"Starting\"\n" + test.log); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
