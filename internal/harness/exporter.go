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

// BuildExporter builds the exporter, with -race if the test was built with it. It returns the path of the program in a
// temporary directory of the test. Builds are cached, so that only the first call after a change is slow.
func BuildExporter(t testing.TB) string {
	t.Helper()
	return buildProgram(t, ".", "exporter")
}

// buildProgram builds a main package, and caches the program under the given name.
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
	// Each checkout has its own file, so that two checkouts never wait for each other or overwrite the program.
	name = fmt.Sprintf("%s-%.4x", name, sha256.Sum256([]byte(root)))
	unlock, err := lock(ctx, filepath.Join(cache, name+".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()

	// With a fixed path, go build can see that the program is up to date and need not link it again.
	kept := filepath.Join(cache, name)
	args := []string{pkg}
	if raceEnabled {
		kept += "-race"
		args = []string{"-race", pkg}
	}
	if err := goBuild(ctx, root, kept, args...); err != nil {
		t.Fatal(err)
	}
	// Another process may replace the cached program after the unlock.
	program := filepath.Join(t.TempDir(), filepath.Base(modulePath))
	if err := linkOrCopy(kept, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// readDirectories opens the project's directories so that the go command does not use a wrong cached test result. The go
// command caches results by the packages that a test imports and the files and directories that it opens. It would miss a
// change of the sources that BuildExporter compiles.
func readDirectories(root string) error {
	return filepath.WalkDir(root, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process may remove files meanwhile
		}
		if err == nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
}

// linkOrCopy creates target with the contents of source. A link is safe: go build replaces a program and does not write into
// it.
func linkOrCopy(source, target string) error {
	if err := os.Link(source, target); err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	// A process that is forked meanwhile would inherit the file open for writing, and the kernel does not execute such a
	// file.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(target, content, 0o755)
}

// Exporter is an exporter process that belongs to one test.
type Exporter struct{ *process }

// StartExporter builds the exporter, starts it with the arguments, and returns when it listens on 127.0.0.1. The kernel
// chooses the port. The exporter gets the environment of the test without MONGODB_ATLAS_* and proxy variables, so that the
// test does not depend on the environment of its user: see StartExporterEnv. The cleanup of the test stops the exporter, and
// fails the test if there was a data race.
func StartExporter(t testing.TB, args ...string) *Exporter {
	t.Helper()
	return StartExporterEnv(t, nil, args...)
}

// StartExporterEnv is StartExporter with additional environment variables, each as "NAME=value".
func StartExporterEnv(t testing.TB, env []string, args ...string) *Exporter {
	t.Helper()
	return startExporter(t, BuildExporter(t), env, args...)
}

func startExporter(t testing.TB, program string, env []string, args ...string) *Exporter {
	t.Helper()
	args = append(slices.Clip(args), "--web.listen-address=127.0.0.1:0")
	exporter := new(Exporter)
	t.Cleanup(func() { // runs after the cleanup of startProcess, so that it includes the shutdown
		if exporter.process != nil && strings.Contains(exporter.Logs(), dataRace) {
			t.Errorf("the exporter has a data race:\n%s", exporter.Logs())
		}
	})
	exporter.process = startProcess(t, "exporter", syscall.SIGTERM, exporterEnv(env), program, args...)
	exporter.listening(t)
	return exporter
}

// dataRace is the start of a report of the race detector.
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

// commandLimit is the timeout of a command. It is long, because check sends many requests, each of which may hang and be
// retried.
const commandLimit = 3 * time.Minute

// Output is the result of a command.
type Output struct {
	Stdout, Stderr string
	// ExitCode is -1 if a signal killed the command.
	ExitCode int
}

// RunExporter builds the exporter and runs one command of it with the environment of StartExporterEnv. It accepts any exit
// code. It fails the test if the command does not start, does not exit, or has a data race.
func RunExporter(t testing.TB, env []string, args ...string) Output {
	t.Helper()
	return RunProgram(t, BuildExporter(t), env, args...)
}

// RunProgram is RunExporter with a program from BuildExporter, for a test that runs many commands.
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
		t.Errorf("the exporter has a data race:\n%s", &stderr)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode()}
}
