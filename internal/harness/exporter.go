package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BuildExporter builds the exporter, with -race where the test was built so, and returns the path of the program in a
// directory of the test's own. Only the first call after a change of the source takes long.
func BuildExporter(t testing.TB) string {
	t.Helper()
	return buildProgram(t, ".", "exporter")
}

// buildProgram builds a main package, and keeps what it built under the given name for the next time.
func buildProgram(t testing.TB, pkg, name string) string {
	t.Helper()
	root, cache, err := rootAndCache()
	if err == nil {
		err = readDirectories(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := buildContext(t)
	defer cancel()
	// Each checkout keeps its own, so that two never wait for each other nor build in turns.
	name = fmt.Sprintf("%s-%.4x", name, sha256.Sum256([]byte(root)))
	unlock, err := lock(ctx, filepath.Join(cache, name+".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()

	// A fixed place lets go build see that the program there is up to date, which saves linking it again.
	kept := filepath.Join(cache, name)
	args := []string{pkg}
	if raceEnabled {
		kept += "-race"
		args = []string{"-race", pkg}
	}
	if err := goBuild(ctx, root, kept, args...); err != nil {
		t.Fatal(err)
	}
	// Another process may replace the program there as soon as the lock is free.
	program := filepath.Join(t.TempDir(), filepath.Base(modulePath))
	if err := linkOrCopy(kept, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// readDirectories reads the project's directories for the go command's eyes. It caches a test's result by the packages that
// the test imports and the files and directories that it opens, and would miss a change of what BuildExporter compiles.
func readDirectories(root string) error {
	return filepath.WalkDir(root, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // something else cleans up at the same time
		}
		if err == nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
}

// linkOrCopy makes target the same program as source, for good: go build replaces a program, and does not write into it.
func linkOrCopy(source, target string) error {
	if err := os.Link(source, target); err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	// A process forked meanwhile would hold the new file open for writing, and the kernel runs no such file.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(target, content, 0o755)
}

// Exporter is a running exporter of one test's own.
type Exporter struct{ *process }

// StartExporter builds the exporter and runs it with the arguments and a port of the kernel's choice on 127.0.0.1, and
// returns when it listens. It gets the test's environment but for MONGODB_ATLAS_*, which must not depend on who runs the
// test: see StartExporterEnv. The test's cleanup stops it, and fails the test if it met a data race.
func StartExporter(t testing.TB, args ...string) *Exporter {
	t.Helper()
	return StartExporterEnv(t, nil, args...)
}

// StartExporterEnv is StartExporter with further environment variables, each as "NAME=value".
func StartExporterEnv(t testing.TB, env []string, args ...string) *Exporter {
	t.Helper()
	return startExporter(t, BuildExporter(t), env, args...)
}

func startExporter(t testing.TB, program string, env []string, args ...string) *Exporter {
	t.Helper()
	args = append(slices.Clip(args), "--web.listen-address=127.0.0.1:0")
	exporter := new(Exporter)
	t.Cleanup(func() { // runs after the cleanup of startProcess, so that a race while stopping counts as well
		if exporter.process != nil && strings.Contains(exporter.Logs(), dataRace) {
			t.Errorf("the exporter met a data race:\n%s", exporter.Logs())
		}
	})
	exporter.process = startProcess(t, "exporter", syscall.SIGTERM, exporterEnv(env), program, args...)
	exporter.listening(t)
	return exporter
}

// dataRace is how the race detector begins its report.
const dataRace = "WARNING: DATA RACE"

func exporterEnv(extra []string) []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "MONGODB_ATLAS_") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			env = append(env, variable)
		}
	}
	return append(env, extra...)
}

// commandLimit bounds a command: check asks Atlas for everything, and each request may hang, and again at its retry.
const commandLimit = 3 * time.Minute

// Output is what a command left.
type Output struct {
	Stdout, Stderr string
	// ExitCode is -1 when a signal ended the command.
	ExitCode int
}

// RunExporter builds the exporter and runs one command of it to its end, with the environment of StartExporterEnv. Any exit
// code is a result; a command that does not start or does not end, or that met a data race, fails the test.
func RunExporter(t testing.TB, env []string, args ...string) Output {
	t.Helper()
	return RunProgram(t, BuildExporter(t), env, args...)
}

// RunProgram is RunExporter with a program that BuildExporter built before, for a test that runs it often.
func RunProgram(t testing.TB, program string, env []string, args ...string) Output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), Slowness*commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = exporterEnv(env)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("running %s: %v, %v\n%s", cmd, err, ctx.Err(), &stderr)
	}
	if strings.Contains(stderr.String(), dataRace) {
		t.Errorf("the exporter met a data race:\n%s", &stderr)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode()}
}
