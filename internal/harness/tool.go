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
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tool is a program that a module under tools/ pins.
type tool struct {
	name   string // also the last element of its package path
	module string // module that contains the program
	dir    string // directory of the pinning module, relative to the project's root
	tags   string // build tags, separated by commas
}

// tools returns the programs that tests need built.
func tools() []tool {
	const prometheus, alertmanager = "github.com/prometheus/prometheus", "github.com/prometheus/alertmanager"
	const tags = "remove_all_sd" // cloud service discovery is most of Prometheus and of its build time
	return []tool{
		{"promtool", prometheus, "tools/prometheus", tags},
		{"prometheus", prometheus, "tools/prometheus", tags},
		{"alertmanager", alertmanager, "tools/alertmanager", ""},
		{"amtool", alertmanager, "tools/alertmanager", ""},
		{"helm", "helm.sh/helm/v3", "tools/helm", ""},
	}
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
	ctx, cancel := buildContext(t)
	defer cancel()
	i := slices.IndexFunc(tools(), func(p tool) bool { return p.name == name })
	if i < 0 {
		t.Fatalf("unknown tool %s", name)
	}
	path, err := tools()[i].await(ctx, root, cache, startBuild)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// BuildTools builds every tool that is missing in the user's cache directory, which the tests of all packages share. It
// writes its progress to w.
func BuildTools(ctx context.Context, w io.Writer) error {
	root, cache, err := rootAndCache()
	if err != nil {
		return err
	}
	var failures []error
	for _, tool := range tools() {
		began := time.Now()
		_, _ = fmt.Fprintf(w, "%s: building\n", tool.name)
		path, err := tool.ensure(ctx, root, cache)
		if err != nil {
			failures = append(failures, err)
			_, _ = fmt.Fprintln(w, err)
			continue
		}
		_, _ = fmt.Fprintf(w, "%s: ready after %s: %s\n", tool.name, time.Since(began).Round(time.Second), path)
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

// await returns the path of the program in the cache. If the program is missing, await starts a background build and waits
// for it.
func (p tool) await(ctx context.Context, root, cache string, start func(root, cache string) (<-chan struct{}, error)) (string, error) {
	const pause = 200 * time.Millisecond
	key, err := p.cacheKey(filepath.Join(root, filepath.FromSlash(p.dir)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.name, err)
	}
	path, log := filepath.Join(cache, key), filepath.Join(cache, buildLog)
	if isFile(path) {
		return path, nil
	}
	announce("building %s and the other tools for tests; this takes minutes, but only once; progress: %s\n", p.name, log)
	ended, err := start(root, cache)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	for {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s is still being built in the background: %w\nsee the progress in %s; run the tests again when it is done",
				p.name, context.Cause(ctx), log)
		case <-ended:
			if isFile(path) {
				return path, nil
			}
			said, _ := os.ReadFile(log)
			return "", fmt.Errorf("%s was not built: output of go run ./internal/harness/buildtools:\n%s", p.name, bytes.TrimSpace(said))
		case <-time.After(pause):
			if isFile(path) {
				return path, nil
			}
		}
	}
}

// announce writes to the user's terminal, if there is one, because go test hides the output of a test until its package
// ends.
func announce(format string, values ...any) {
	terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer func() { _ = terminal.Close() }()
	_, _ = fmt.Fprintf(terminal, "harness: "+format, values...)
}

// ensure returns the path of the program in the cache. If the program is missing, ensure builds it from the pinning module
// under root.
func (p tool) ensure(ctx context.Context, root, cache string) (path string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("building %s: %w", p.name, err)
		}
	}()
	dir := filepath.Join(root, filepath.FromSlash(p.dir))
	key, err := p.cacheKey(dir)
	if err != nil {
		return "", err
	}
	path = filepath.Join(cache, key)
	if isFile(path) {
		return path, nil
	}
	// The tools share one lock, because they share most packages: two builds at once would compile these twice.
	unlock, err := lock(ctx, filepath.Join(cache, "tools.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFile(path) {
		return path, nil
	}
	unfinished := path + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil { // from a killed build; go build would not overwrite it
		return "", err
	}
	// There is no -trimpath, so that a plain "go build" with the same tags shares the compiled packages.
	if err := goBuild(ctx, dir, unfinished, "-tags="+p.tags, p.module+"/cmd/"+p.name); err != nil {
		return "", err
	}
	return path, os.Rename(unfinished, path)
}

// cacheKey returns the file name of the program in the cache. It depends on everything that affects the program.
func (p tool) cacheKey(dir string) (string, error) {
	goMod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	goSum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return "", err
	}
	version, err := requiredVersion(string(goMod), p.module)
	if err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(dir, "go.mod"), err)
	}
	inputs := fmt.Sprintf("%q", []string{string(goMod), string(goSum), p.tags, runtime.Version(), runtime.GOOS, runtime.GOARCH})
	return fmt.Sprintf("%s-%s-%.6x", p.name, version, sha256.Sum256([]byte(inputs))), nil
}

// requiredVersion returns the version of module that a go.mod requires.
func requiredVersion(goMod, module string) (string, error) {
	for line := range strings.Lines(goMod) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == module {
			return fields[1], nil
		}
	}
	return "", fmt.Errorf("does not require %s", module)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
