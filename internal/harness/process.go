package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	// startLimit is far longer than any program here takes to start, even while both cores compile.
	startLimit = 2 * time.Minute
	// stopGrace is what a program may take between SIGTERM and its end when a test's cleanup stops it.
	stopGrace = 20 * time.Second
)

// process is a server that runs beside a test and is gone after it.
type process struct {
	name string
	cmd  *exec.Cmd
	logs *logBuffer
	done chan struct{}
	err  error // of Wait, once done is closed
}

// startProcess runs the command until it ends or the test's cleanup stops it with the given signal. A test that failed
// shows the end of its log.
func startProcess(t testing.TB, name string, stop syscall.Signal, env []string, path string, args ...string) *process {
	t.Helper()
	// Cleanup functions of the test may still want the process, but t.Context has ended by then.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, path, args...)
	p := &process{name: name, cmd: cmd, logs: new(logBuffer), done: make(chan struct{})}
	cmd.Env = env
	cmd.Stdout = p.logs
	cmd.Stderr = p.logs
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
			t.Logf("the log of %s ends:\n%s", name, p.logs.tail(60))
		}
	})
	return p
}

// wait returns how the process ended: nil for exit code 0. It returns the context's error when that ends first.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("%s is still running: %w", p.name, context.Cause(ctx))
	}
}

// stop sends SIGTERM and waits for the end.
func (p *process) stop(ctx context.Context) error {
	if err := p.signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.wait(ctx)
}

func (p *process) signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// listening waits for the line in which exporter-toolkit tells where a server listens, and returns the URL to reach it.
func (p *process) listening(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if url := listeningURL(p.logs.String()); url != "" {
			return url
		}
		select {
		case <-p.done:
			t.Fatalf("%s ended before it listened: %v\n%s", p.name, p.err, p.logs)
		case <-ctx.Done():
			t.Fatalf("%s does not say where it listens (its log level must be info or lower): %v\n%s", p.name, ctx.Err(), p.logs)
		case <-ticker.C:
		}
	}
}

// Both of the log formats that exporter-toolkit's users have, logfmt and JSON with its keys in any order.
var (
	schemePattern  = regexp.MustCompile(`TLS is (enabled|disabled)\.`)
	addressPattern = regexp.MustCompile(`\baddress"?[=:]"?([^\s",}]+)`)
)

// listeningURL finds the URL of the server in its log, "" when it is not there yet. "TLS is ..." is the line after
// "Listening on ..." and, unlike that one, tells the scheme as well.
func listeningURL(log string) string {
	for line := range strings.Lines(log) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		scheme := schemePattern.FindStringSubmatch(line)
		address := addressPattern.FindStringSubmatch(line)
		if scheme == nil || address == nil {
			continue
		}
		if scheme[1] == "enabled" {
			return "https://" + address[1]
		}
		return "http://" + address[1]
	}
	return ""
}

// logBuffer collects what a process writes while others read it.
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

func (b *logBuffer) tail(lines int) string {
	all := strings.SplitAfter(b.String(), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
