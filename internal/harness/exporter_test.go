package harness

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// buildStandin builds a server that listens and logs with the same library as the exporter, so that the tests cover how a
// program is run, and not the program.
func buildStandin(t testing.TB) string {
	t.Helper()
	return buildProgram(t, "./internal/harness/testdata/standin", "standin")
}

func TestStartExporter(t *testing.T) {
	t.Setenv("MONGODB_ATLAS_CLIENT_ID", "of-the-person-who-tests")
	exporter := startExporter(t, buildStandin(t), []string{"MONGODB_ATLAS_BASE_URL=http://127.0.0.1:1"})

	if !strings.HasPrefix(exporter.URL(), "http://127.0.0.1:") {
		t.Errorf("URL %s", exporter.URL())
	}
	if status, got := Get(t, exporter.URL()); status != http.StatusOK || got != "standin 1\n" {
		t.Errorf("answer %d %q", status, got)
	}
	if !strings.Contains(exporter.Logs(), "printed") {
		t.Error("standard output is missing")
	}
	if !strings.Contains(exporter.Logs(), "MONGODB_ATLAS_BASE_URL=") {
		t.Error("the given environment is missing")
	}
	if strings.Contains(exporter.Logs(), "of-the-person-who-tests") {
		t.Error("the exporter got the tester's own credentials")
	}

	if err := exporter.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, exporter.process, "the hangup",
		func(context.Context) (string, error) { return exporter.Logs(), nil },
		func(logs string) error {
			if !strings.Contains(logs, "hung up") {
				return errors.New("not logged")
			}
			return nil
		})

	if err := exporter.Stop(t.Context()); err != nil {
		t.Errorf("stopped: %v", err)
	}
	if !strings.Contains(exporter.Logs(), "terminated") {
		t.Error("it was killed, not asked to end")
	}
	if err := exporter.Stop(t.Context()); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestRunExporter(t *testing.T) {
	program := buildStandin(t)
	got := RunProgram(t, program, []string{"MONGODB_ATLAS_BASE_URL=x"}, "-exit=3")
	if got.ExitCode != 3 || got.Stdout != "printed\n" || !strings.Contains(got.Stderr, "MONGODB_ATLAS_BASE_URL=x") {
		t.Errorf("%+v", got)
	}
	if got := RunProgram(t, program, nil, "-exit=0"); got.ExitCode != 0 {
		t.Errorf("%+v", got)
	}
}

// TestExporterItself proves that this package understands the log and the flags of the exporter.
func TestExporterItself(t *testing.T) {
	version := RunExporter(t, nil, "--version")
	if version.ExitCode != 0 || !strings.HasPrefix(version.Stdout, path.Base(modulePath)+", version ") {
		t.Errorf("--version: %+v", version)
	}
	exporter := StartExporter(t, "demo")
	if _, got := Get(t, exporter.URL()+"/metrics"); !strings.Contains(got, "\nmongodbatlas_up ") {
		t.Errorf("metrics: %s", got)
	}
	if err := exporter.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestExporterIsBuiltWithRace proves that a test built with -race finds a data race in the program.
func TestExporterIsBuiltWithRace(t *testing.T) {
	out, _ := exec.CommandContext(t.Context(), buildStandin(t), "-race", "-exit=0").CombinedOutput()
	if got := strings.Contains(string(out), dataRace); got != raceEnabled {
		t.Errorf("tests built with -race: %v, program reports a race: %v\n%s", raceEnabled, got, out)
	}
}

// TestBuildLeavesEarlierProgram proves that a later build does not change a program that an earlier test still runs.
func TestBuildLeavesEarlierProgram(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "go.mod", "module example.test/program\n\ngo 1.26.0\n")
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
		writeFile(t, dir, "main.go", strings.Replace(source, "one", word, 1))
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
	if err := linkOrCopy(kept, earlier); !errors.Is(err, os.ErrExist) {
		t.Errorf("overwriting a program: %v", err)
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
