package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// toolModule returns the module under tools/ that pins a program for tests, or "".
func toolModule(program string) string {
	return map[string]string{
		"prometheus": "prometheus", "promtool": "prometheus", "alertmanager": "alertmanager", "amtool": "alertmanager", "helm": "helm",
	}[program]
}

// Tool waits until prometheus, promtool, alertmanager, amtool or helm is built, and returns its path. Prometheus has no web
// interface, and only file and HTTP service discovery. Tool skips short tests.
func Tool(t testing.TB, name string) string {
	t.Helper()
	NotShort(t, "it runs "+name)
	root, cache, err := rootAndCache()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if limited, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := limited.Deadline(); ok {
			// The test fails with the error of awaitTool, and not with the stack dump of go test.
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, deadline.Add(-5*time.Second), errTestTimeout)
			defer cancel()
		}
	}
	path, err := awaitTool(ctx, root, cache, toolModule(name), name, startBuild)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var errTestTimeout = errors.New("the test's -timeout is too short: run go test -timeout 40m")

// BuildTools builds every tool that is missing in the user's cache directory, which the tests of all packages share. It
// writes its progress to w.
func BuildTools(ctx context.Context, w io.Writer) error {
	root, cache, err := rootAndCache()
	if err != nil {
		return err
	}
	var failures []error
	for _, module := range []string{"prometheus", "alertmanager", "helm"} {
		began := time.Now()
		_, _ = fmt.Fprintf(w, "tools/%s: building\n", module)
		if err := buildTools(ctx, root, cache, module); err != nil {
			failures = append(failures, err)
			_, _ = fmt.Fprintln(w, err)
			continue
		}
		_, _ = fmt.Fprintf(w, "tools/%s: ready after %s\n", module, time.Since(began).Round(time.Second))
	}
	return errors.Join(failures...)
}

// buildLog is the file in the cache directory with the progress of a background build.
const buildLog = "tools.log"

// startBuild runs BuildTools in a separate process, which outlives this one: if the build takes longer than the test may, it
// is ready for the next test. ended is closed when the process exits.
func startBuild(root, cache string) (ended <-chan struct{}, err error) {
	log, err := os.OpenFile(filepath.Join(cache, buildLog), os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("go", "run", "./internal/harness/buildtools") //nolint:noctx // it outlives the test
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PWD="+root, "GOWORK=off")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C stops the test but not the build
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log has the reason
		close(done)
	}()
	return done, nil
}

// awaitTool returns the path of a program of a module in the cache. If the program is missing, awaitTool starts a background
// build and waits for it.
func awaitTool(ctx context.Context, root, cache, module, name string, start func(root, cache string) (<-chan struct{}, error)) (string, error) {
	dir, err := toolDirectory(root, cache, module)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	path, log := filepath.Join(dir, name), filepath.Join(cache, buildLog)
	if exists(path) {
		return path, nil
	}
	ended, err := start(root, cache)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("%s is still being built in the background: %w\nsee the progress in %s; run the tests again when it is done",
			name, context.Cause(ctx), log)
	case <-ended:
	}
	if exists(path) {
		return path, nil
	}
	said, _ := os.ReadFile(log)
	return "", fmt.Errorf("%s was not built: output of go run ./internal/harness/buildtools:\n%s", name, bytes.TrimSpace(said))
}

// buildTools builds the programs that a module under tools/ pins, unless they are in the cache.
func buildTools(ctx context.Context, root, cache, module string) error {
	dir, err := toolDirectory(root, cache, module)
	if err != nil || exists(dir) {
		return err
	}
	// The modules share one lock, because they share most packages: two builds at once would compile these twice.
	unlock, err := lock(ctx, filepath.Join(cache, "tools.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if exists(dir) {
		return nil
	}
	unfinished := dir + ".unfinished" // may be there from a killed build
	if err := errors.Join(os.RemoveAll(unfinished), os.Mkdir(unfinished, 0o755)); err != nil {
		return err
	}
	// The tag leaves out the discovery of cloud services, which is most of Prometheus and of its build time. There is no
	// -trimpath, so that a plain "go build" with the same tag shares the compiled packages.
	if err := goBuild(ctx, filepath.Join(root, "tools", module), unfinished, "-tags=remove_all_sd", "tool"); err != nil {
		return fmt.Errorf("building the tools: %w", err)
	}
	return os.Rename(unfinished, dir)
}

// toolDirectory returns the directory in the cache for the programs of a module under tools/. Its name depends on everything
// that affects the programs.
func toolDirectory(root, cache, module string) (string, error) {
	inputs := sha256.New()
	_, _ = fmt.Fprintln(inputs, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, "tools", module, name))
		if err != nil {
			return "", err
		}
		_, _ = inputs.Write(content)
	}
	return filepath.Join(cache, fmt.Sprintf("%s-%.6x", module, inputs.Sum(nil))), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
