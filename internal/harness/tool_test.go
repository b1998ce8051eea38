package harness

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTools runs every tool that prints "name, version" first.
func TestTools(t *testing.T) {
	for _, name := range []string{"promtool", "prometheus", "amtool", "alertmanager"} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), Tool(t, name), "--version").CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), name+", version") {
				t.Errorf("--version: %v, %s", err, out)
			}
		})
	}
}

// newTool creates a project whose tools module pins one tool with the given source. It returns the tool and the project's
// root.
func newTool(t *testing.T, source string) (tool, string) {
	t.Helper()
	root := t.TempDir()
	writeFile(t, root, "tools/greet/go.mod", "module example.test/tools\n\ngo 1.26.0\n\n"+
		"require example.test/greet v1.2.3\n\nreplace example.test/greet => ./greet\n")
	writeFile(t, root, "tools/greet/go.sum", "")
	writeFile(t, root, "tools/greet/greet/go.mod", "module example.test/greet\n\ngo 1.26.0\n")
	writeFile(t, root, "tools/greet/greet/cmd/greet/main.go", source)
	return tool{name: "greet", module: "example.test/greet", dir: "tools/greet"}, root
}

const greetSource = `package main

import "fmt"

func main() { fmt.Println("hello") }
`

func TestEnsureBuildsOnce(t *testing.T) {
	greet, root := newTool(t, greetSource)
	cache := t.TempDir()
	key, err := greet.cacheKey(filepath.Join(root, "tools/greet"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, cache, key+".unfinished", "what a killed process left")

	var group sync.WaitGroup
	paths := make([]string, 4)
	for i := range paths {
		group.Go(func() {
			path, err := greet.ensure(t.Context(), root, cache)
			if err != nil {
				t.Error(err)
			}
			paths[i] = path
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, path := range paths {
		if path != paths[0] {
			t.Errorf("two programs: %s and %s", path, paths[0])
		}
	}
	if name := filepath.Base(paths[0]); !strings.HasPrefix(name, "greet-v1.2.3-") {
		t.Errorf("the program is called %s", name)
	}
	if out, err := exec.CommandContext(t.Context(), paths[0]).Output(); err != nil || string(out) != "hello\n" {
		t.Errorf("the program printed %q, %v", out, err)
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 { // the program and the lock
		t.Errorf("the cache holds %v", entries)
	}

	// ensure uses the cached program: it could not build without the source.
	if err := os.RemoveAll(filepath.Join(root, "tools/greet/greet")); err != nil {
		t.Fatal(err)
	}
	if _, err := greet.ensure(t.Context(), root, cache); err != nil {
		t.Error(err)
	}
}

// TestAwait covers a background build that takes longer than the test, one that fails, and one that succeeds.
func TestAwait(t *testing.T) {
	greet, root := newTool(t, greetSource)
	cache := t.TempDir()
	ended := make(chan struct{})
	started := 0
	start := func(string, string) (<-chan struct{}, error) {
		started++
		return ended, nil
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errTestTimeout)
	defer cancel()
	if _, err := greet.await(ctx, root, cache, start); !errors.Is(err, errTestTimeout) || !strings.Contains(err.Error(), "still being built") {
		t.Errorf("a build that takes too long: %v", err)
	}
	close(ended)
	writeFile(t, cache, buildLog, "undefined: greet")
	if _, err := greet.await(t.Context(), root, cache, start); err == nil || !strings.Contains(err.Error(), "undefined: greet") {
		t.Errorf("a build that failed: %v", err)
	}
	want, err := greet.ensure(t.Context(), root, cache)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := greet.await(t.Context(), root, cache, start); err != nil || got != want {
		t.Errorf("a program that is there: %q, %v, want %q", got, err, want)
	}
	if started != 2 {
		t.Errorf("%d builds were started, want 2: none for a program that is there", started)
	}
}

func TestEnsureTellsWhyABuildFails(t *testing.T) {
	greet, root := newTool(t, "package main\n\nfunc main() { greet() }\n")
	cache := t.TempDir()
	_, err := greet.ensure(t.Context(), root, cache)
	if err == nil {
		t.Fatal("a program that does not compile was built")
	}
	for _, part := range []string{"building greet", filepath.Join(root, "tools/greet"), "undefined: greet"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "greet-*")); len(left) != 0 {
		t.Errorf("a build that failed left %v", left)
	}
}

func TestEnsureTellsOfAMissingModule(t *testing.T) {
	greet, _ := newTool(t, greetSource)
	if _, err := greet.ensure(t.Context(), t.TempDir(), t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without tools/greet/go.mod: %v", err)
	}
}

func TestCacheKeyFollowsWhatIsBuilt(t *testing.T) {
	greet, root := newTool(t, greetSource)
	dir := filepath.Join(root, "tools/greet")
	key := func(p tool) string {
		t.Helper()
		key, err := p.cacheKey(dir)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	before := key(greet)
	if again := key(greet); again != before {
		t.Errorf("the same tool has two keys: %s and %s", before, again)
	}
	tagged := greet
	tagged.tags = "other"
	if key(tagged) == before {
		t.Error("other tags have the same key")
	}
	writeFile(t, root, "tools/greet/go.sum", "example.test/x v1.0.0 h1:x\n")
	if key(greet) == before {
		t.Error("another go.sum has the same key")
	}
}

func TestRequiredVersion(t *testing.T) {
	const goMod = "module a.test/tools\n\nrequire a.test/alone v0.1.0\n\nrequire (\n" +
		"\ta.test/prometheus-extra v9.9.9 // indirect\n\ta.test/prometheus v0.314.0 // indirect\n)\n"
	for module, want := range map[string]string{"a.test/prometheus": "v0.314.0", "a.test/alone": "v0.1.0"} {
		if got, err := requiredVersion(goMod, module); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %s", module, got, err, want)
		}
	}
	if got, err := requiredVersion(goMod, "a.test/other"); err == nil {
		t.Errorf("a module that is not required has version %q", got)
	}
}

func TestLockIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	giveUp := errors.New("given up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 250*time.Millisecond, giveUp)
	defer cancel()
	if second, err := lock(ctx, path); err == nil {
		second()
		t.Fatal("two hold the same lock")
	} else if !errors.Is(err, giveUp) {
		t.Fatalf("waiting ended with %v", err)
	}
	unlock()
	third, err := lock(t.Context(), path)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	third()
}

// recorder is a test double that records how the test ended.
type recorder struct {
	testing.TB

	failed, skipped bool
	reason          string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func (r *recorder) Skip(args ...any) {
	if r.failed {
		return // the real Fatalf does not come back
	}
	r.skipped, r.reason = true, args[0].(string)
}

func TestSkipOrFail(t *testing.T) {
	if testing.Short() {
		t.Skip("with -short nothing is demanded")
	}
	const reason = "install what the test needs"
	for ci, wantFailure := range map[string]bool{"true": true, "": false, "false": false} {
		t.Setenv("CI", ci)
		r := &recorder{TB: t}
		SkipOrFail(r, reason)
		if r.failed != wantFailure || r.skipped == wantFailure || (r.skipped && r.reason != reason) {
			t.Errorf("with CI=%q: failed %v, skipped %v (%s)", ci, r.failed, r.skipped, r.reason)
		}
	}
}
