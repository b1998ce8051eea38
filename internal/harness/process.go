package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startLimit is much longer than any program takes to start, even while other builds use the processors.
	startLimit = 2 * time.Minute
	// stopGrace is the maximum time from SIGTERM to the exit of a program in the cleanup of a test.
	stopGrace = 20 * time.Second
)

// process is a server that runs until the test ends.
type process struct {
	name string
	url  string
	cmd  *exec.Cmd
	logs logBuffer
	done chan struct{}
	err  error // of the program, once done is closed
}

// URL returns the base URL of the program, without a trailing slash.
func (p *process) URL() string { return p.url }

// PID returns the program's process id.
func (p *process) PID() int { return p.cmd.Process.Pid }

// Logs returns the output of the program so far, from standard output and standard error.
func (p *process) Logs() string { return p.logs.String() }

// startProcess starts the command. The cleanup of the test stops it with the given signal. If the test failed, the cleanup
// also prints the end of the log.
func startProcess(t testing.TB, name string, stop syscall.Signal, env []string, path string, args ...string) *process {
	t.Helper()
	// Cleanup functions of the test may still use the process, but t.Context has ended by then.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, path, args...)
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = &p.logs, &p.logs
	cmd.Cancel = func() error { return cmd.Process.Signal(stop) }
	cmd.WaitDelay = stopGrace
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatalf("starting %s: %v", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.done
		if t.Failed() {
			lines := strings.SplitAfter(p.Logs(), "\n")
			t.Logf("the log of %s ends:\n%s", name, strings.Join(lines[max(0, len(lines)-60):], ""))
		}
	})
	return p
}

// Wait waits for the exit of the program. It returns nil for exit code 0, an *exec.ExitError for any other, or the error of
// the context if the context ends before.
func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("%s is still running: %w", p.name, context.Cause(ctx))
	}
}

// Stop sends SIGTERM and waits for the exit, like Wait.
func (p *process) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.Wait(ctx)
}

// Signal sends a signal, such as SIGHUP.
func (p *process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Ended reports whether the program has exited.
func (p *process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Reload makes the program load its configuration again. The error includes the answer of the program.
func (p *process) Reload(ctx context.Context) error {
	return p.call(ctx, http.MethodPost, "/-/reload", nil)
}

// listening waits for the log line with the address of the server, which exporter-toolkit writes.
func (p *process) listening(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for p.url = listeningURL(p.Logs()); p.url == ""; p.url = listeningURL(p.Logs()) {
		select {
		case <-p.done:
			t.Fatalf("%s exited before it listened: %v\n%s", p.name, p.err, p.Logs())
		case <-ctx.Done():
			t.Fatalf("%s did not log its address (its log level must be info or lower): %v\n%s", p.name, ctx.Err(), p.Logs())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// call sends a request, and decodes a JSON answer into result unless result is nil. Any status but 200 is an error with the
// body's text.
func (p *process) call(ctx context.Context, method, path string, result any) error {
	answer, err := Ask(ctx, method, p.url+path, 0)
	switch {
	case err != nil:
		return err
	case answer.Status != http.StatusOK:
		return fmt.Errorf("%s %s: status %d: %s", method, path, answer.Status, bytes.TrimSpace(answer.Body))
	case result == nil:
		return nil
	}
	return json.Unmarshal(answer.Body, result)
}

// awaitReady returns when the server listens and is ready, which may be later.
func (p *process) awaitReady(t testing.TB) {
	t.Helper()
	p.listening(t)
	p.eventually(t, func() error { return p.call(t.Context(), http.MethodGet, "/-/ready", nil) })
}

// eventually is Eventually, and fails the test when the process exits.
func (p *process) eventually(t testing.TB, check func() error) {
	t.Helper()
	Eventually(t, func() error {
		err := check()
		if err != nil && p.Ended() {
			t.Fatalf("%s exited (%v): %v", p.name, p.err, err)
		}
		return err
	})
}

// The patterns match both log formats of exporter-toolkit: logfmt, and JSON with keys in any order. The line "TLS is ..."
// follows "Listening on ..." and also has the scheme. It must be whole.
var (
	listeningPattern = regexp.MustCompile(`.*TLS is (enabled|disabled)\..*\n`)
	addressPattern   = regexp.MustCompile(`\baddress"?[=:]"?([^\s",}]+)`)
)

// listeningURL returns the URL of the server from its log, or "" if the log does not have it yet.
func listeningURL(log string) string {
	line := listeningPattern.FindStringSubmatch(log)
	if line == nil {
		return ""
	}
	scheme := map[string]string{"enabled": "https://", "disabled": "http://"}[line[1]]
	return scheme + addressPattern.FindStringSubmatch(line[0])[1]
}

// logBuffer collects the output of a process. Readers and the writer may run at the same time.
type logBuffer struct {
	mu      sync.Mutex
	content bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.String()
}
