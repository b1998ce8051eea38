package harness

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
	args = append(slices.Clip(args), "--web.listen-address=127.0.0.1:0")
	exporter := new(Exporter)
	t.Cleanup(func() { // runs after the cleanup of startProcess, so that it includes the shutdown
		if exporter.process != nil && strings.Contains(exporter.Logs(), dataRace) {
			t.Errorf("the exporter has a data race:\n%s", exporter.Logs())
		}
	})
	exporter.process = startProcess(t, "exporter", syscall.SIGTERM, exporterEnv(env), BuildExporter(t), args...)
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

// commandLimit is the timeout of a command. It is long, because check sends many requests. Each may hang and be retried.
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
