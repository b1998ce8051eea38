package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = slowness * time.Minute
	stopLimit  = slowness * 30 * time.Second
	// scrapeTimeout is what the header of a scrape says, and offset how long before its end the exporter is told to answer:
	// room for a machine that is busy with other things.
	scrapeTimeout = slowness * 5 * time.Second
	offset        = slowness * 2 * time.Second
	// patience is how late an answer may be before nobody waits for it any more.
	patience = slowness * 30 * time.Second
	tailSize = 16 << 10
)

// exporter is the real program as a process of its own.
type exporter struct {
	cmd  *exec.Cmd
	url  string
	done chan struct{}
	err  error // of its end, once done is closed
	log  *watchedLog
	http *http.Client
}

// startExporter runs the program and returns when it listens.
func startExporter(ctx context.Context, program, configFile string, env []string, guard *guard) (*exporter, error) {
	e := &exporter{
		done: make(chan struct{}), log: &watchedLog{guard: guard},
		http: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}},
	}
	e.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, "--config.file="+configFile, "--web.listen-address=127.0.0.1:0", //nolint:gosec // the program under test
		"--web.timeout-offset="+offset.String(), "--log.level=debug")
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "MONGODB_ATLAS_") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			e.cmd.Env = append(e.cmd.Env, variable)
		}
	}
	e.cmd.Env = append(e.cmd.Env, env...)
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		e.err = e.cmd.Wait()
		close(e.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if address := e.log.address(); address != "" {
			e.url = "http://" + address
			return e, nil
		}
		select {
		case <-e.done:
			return nil, fmt.Errorf("the exporter ended: %w\n%s", e.err, e.log.tail())
		case <-ctx.Done():
			_ = e.cmd.Process.Kill()
			return nil, fmt.Errorf("the exporter does not say where it listens: %w\n%s", ctx.Err(), e.log.tail())
		case <-ticker.C:
		}
	}
}

// alive returns nil while the process runs.
func (e *exporter) alive() error {
	select {
	case <-e.done:
		return fmt.Errorf("the exporter has ended: %v", e.err) //nolint:errorlint // may be nil, for an exit code of 0
	default:
		return nil
	}
}

// stop ends the process as a service manager does, and tells how it ended.
func (e *exporter) stop() error {
	e.http.CloseIdleConnections()
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-e.done:
		return e.err
	case <-time.After(stopLimit):
		_ = e.cmd.Process.Kill()
		<-e.done
		return fmt.Errorf("it did not end within %s of being asked to", stopLimit)
	}
}

// answered is what the exporter answered.
type answered struct {
	status      int
	contentType string
	body        []byte
	began       time.Time
	took        time.Duration
}

// get asks the exporter for a page, as a scrape.
func (e *exporter) get(ctx context.Context, method, path string) (answered, error) {
	r, err := http.NewRequestWithContext(ctx, method, e.url+path, http.NoBody)
	if err != nil {
		return answered{}, err
	}
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(scrapeTimeout.Seconds()))
	r.Header.Set("Accept", "text/plain;version=0.0.4")
	a := answered{began: time.Now()}
	resp, err := e.http.Do(r)
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	a.status, a.contentType = resp.StatusCode, resp.Header.Get("Content-Type")
	a.body, err = io.ReadAll(resp.Body)
	a.took = time.Since(a.began)
	return a, err
}

// watchedLog is what the process writes. It is searched for secrets and for signs of a crash as it comes.
type watchedLog struct {
	guard *guard

	mu     sync.Mutex
	kept   bytes.Buffer // the beginning until the address was found, and the end
	listen string
	found  []string
	bytes  int64
}

var listening = regexp.MustCompile(`msg="?TLS is disabled.*address=(\S+)`)

// Write takes over output of the process.
func (l *watchedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes += int64(len(p))
	kept := l.kept.Bytes()
	searched := append(bytes.Clone(kept[max(0, len(kept)-longestNeedle):]), p...)
	l.found = append(l.found, l.guard.search("the log", searched)...)
	for _, sign := range []string{"panic", "fatal error:", "DATA RACE"} {
		if bytes.Contains(p, []byte(sign)) {
			l.found = append(l.found, "the log shows "+sign)
		}
	}
	l.kept.Write(p)
	if l.listen == "" {
		if match := listening.FindSubmatch(l.kept.Bytes()); match != nil {
			l.listen = string(match[1])
		}
	}
	if over := l.kept.Len() - tailSize; over > tailSize {
		l.kept.Next(over)
	}
	return len(p), nil
}

func (l *watchedLog) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.listen
}

func (l *watchedLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.kept.Bytes()
	return string(kept[max(0, len(kept)-tailSize/4):])
}

// findings returns what was found since the last call.
func (l *watchedLog) findings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.found
	l.found = nil
	return found
}

// build compiles the exporter into a directory.
func build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "exporter")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter").CombinedOutput() //nolint:gosec // its own module
	if err != nil {
		return "", fmt.Errorf("building the exporter: %w\n%s", err, out)
	}
	return program, nil
}

// size is how much the process has written.
func (l *watchedLog) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}
