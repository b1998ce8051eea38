package harness

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// tool is a program that one of the modules under tools/ pins.
type tool struct {
	// name is the program's, and that of its directory under cmd/.
	name string
	// module is the path of the module that has the program.
	module string
	// dir is the pinning module's directory, relative to the project's root.
	dir string
	// tags are build tags, comma-separated.
	tags string
}

// Promtool returns the path of promtool, building it first where it is missing. A build that fails fails the test.
func Promtool(t testing.TB) string {
	t.Helper()
	return prometheusTool("promtool").path(t)
}

// Prometheus returns the path of a Prometheus server without a web interface and without service discovery but by file
// and HTTP, building it first where it is missing. A build that fails fails the test.
func Prometheus(t testing.TB) string {
	t.Helper()
	return prometheusTool("prometheus").path(t)
}

// Alertmanager returns the path of Alertmanager, building it first where it is missing. A build that fails fails the test.
func Alertmanager(t testing.TB) string {
	t.Helper()
	return alertmanagerTool("alertmanager").path(t)
}

// Amtool returns the path of amtool, building it first where it is missing. A build that fails fails the test.
func Amtool(t testing.TB) string {
	t.Helper()
	return alertmanagerTool("amtool").path(t)
}

func prometheusTool(name string) tool {
	return tool{
		name:   name,
		module: "github.com/prometheus/prometheus",
		dir:    "tools/prometheus",
		// The clouds' service discovery is most of the program and of the time that it takes to build.
		tags: "remove_all_sd",
	}
}

func alertmanagerTool(name string) tool {
	return tool{name: name, module: "github.com/prometheus/alertmanager", dir: "tools/alertmanager"}
}

func (p tool) path(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := buildContext(t)
	defer cancel()
	path, err := p.ensure(ctx, root, cache)
	if errors.Is(err, errTestTimeout) {
		t.Fatalf("%v\nbuild the tools beforehand: go test -run '^TestTools$' -timeout 30m ./internal/harness", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// ensure returns the path of the program in the cache, built from the pinning module under root where it is not there yet.
func (p tool) ensure(ctx context.Context, root, cache string) (string, error) {
	dir := filepath.Join(root, filepath.FromSlash(p.dir))
	key, err := p.cacheKey(dir)
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.name, err)
	}
	path := filepath.Join(cache, key)
	if isFile(path) {
		return path, nil
	}

	// One lock for all tools: they share most of their packages, and two builds at once would compile them twice.
	unlock, err := lock(ctx, filepath.Join(cache, "tools.lock"))
	if err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	defer unlock()
	if isFile(path) {
		return path, nil
	}
	if err := removeUnfinished(cache); err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	work, err := os.MkdirTemp(cache, unfinishedPrefix)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	built := filepath.Join(work, p.name)
	// Without -trimpath: a plain "go build" with the same tags then shares the compiled packages.
	if err := goBuild(ctx, dir, built, "-tags="+p.tags, p.module+"/cmd/"+p.name); err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	if err := os.Rename(built, path); err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	return path, nil
}

// cacheKey names the program's file in the cache: whatever changes the program changes the name.
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

const unfinishedPrefix = "unfinished-"

// removeUnfinished clears away what a build that was killed left. The caller holds the lock, so no build is under way.
func removeUnfinished(cache string) error {
	left, err := filepath.Glob(filepath.Join(cache, unfinishedPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
