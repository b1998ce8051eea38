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

// newTools creates a project whose module tools/greet pins one program with the given source. It returns the project's root.
func newTools(t *testing.T, source string) (root string) {
	t.Helper()
	root = t.TempDir()
	write := func(name, text string) { WriteFile(t, filepath.Join(root, name), text) }
	write("tools/greet/go.mod", "module example.test/tools\n\ngo 1.26.0\n\ntool example.test/greet/cmd/greet\n\n"+
		"require example.test/greet v1.2.3\n\nreplace example.test/greet => ./greet\n")
	write("tools/greet/go.sum", "")
	write("tools/greet/greet/go.mod", "module example.test/greet\n\ngo 1.26.0\n")
	write("tools/greet/greet/cmd/greet/main.go", source)
	return root
}

const greetSource = `package main

import "fmt"

func main() { fmt.Println("hello") }
`

func TestToolsAreBuiltOnce(t *testing.T) {
	root, cache := newTools(t, greetSource), t.TempDir()
	dir, err := toolDirectory(root, cache, "greet")
	if err != nil {
		t.Fatal(err)
	}
	WriteFile(t, filepath.Join(dir+".unfinished", "greet"), "what a killed process left")

	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := buildTools(t.Context(), root, cache, "greet"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "greet")).Output(); err != nil || string(out) != "hello\n" {
		t.Errorf("the program printed %q, %v", out, err)
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 { // the programs and the lock
		t.Errorf("the cache holds %v", entries)
	}

	// The cached program is used: it could not be built without the source.
	if err := os.RemoveAll(filepath.Join(root, "tools/greet/greet")); err != nil {
		t.Fatal(err)
	}
	if err := buildTools(t.Context(), root, cache, "greet"); err != nil {
		t.Error(err)
	}
}

// TestAwaitTool covers a background build that takes longer than the test, one that fails, and one that succeeds.
func TestAwaitTool(t *testing.T) {
	root, cache := newTools(t, greetSource), t.TempDir()
	ended := make(chan struct{})
	started := 0
	await := func(ctx context.Context) (string, error) {
		return awaitTool(ctx, root, cache, "greet", "greet", func(string, string) (<-chan struct{}, error) {
			started++
			return ended, nil
		})
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errTestTimeout)
	defer cancel()
	if _, err := await(ctx); !errors.Is(err, errTestTimeout) || !strings.Contains(err.Error(), "still being built") {
		t.Errorf("a build that takes too long: %v", err)
	}
	close(ended)
	WriteFile(t, filepath.Join(cache, buildLog), "undefined: greet")
	if _, err := await(t.Context()); err == nil || !strings.Contains(err.Error(), "undefined: greet") {
		t.Errorf("a build that failed: %v", err)
	}
	if err := buildTools(t.Context(), root, cache, "greet"); err != nil {
		t.Fatal(err)
	}
	if got, err := await(t.Context()); err != nil || filepath.Base(got) != "greet" {
		t.Errorf("a program that is there: %q, %v", got, err)
	}
	if started != 2 {
		t.Errorf("%d builds were started, want 2: none for a program that is there", started)
	}
}

func TestWhyToolsAreNotBuilt(t *testing.T) {
	root, cache := newTools(t, "package main\n\nfunc main() { greet() }\n"), t.TempDir()
	err := buildTools(t.Context(), root, cache, "greet")
	if err == nil {
		t.Fatal("a program that does not compile was built")
	}
	for _, part := range []string{"building the tools", filepath.Join(root, "tools/greet"), "undefined: greet"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
	if dir, err := toolDirectory(root, cache, "greet"); err != nil || exists(dir) {
		t.Errorf("a build that failed left %s (%v)", dir, err)
	}
	if err := buildTools(t.Context(), t.TempDir(), cache, "greet"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without tools/greet/go.mod: %v", err)
	}
}

// TestToolDirectoryFollowsWhatIsBuilt proves that a changed version is built again.
func TestToolDirectoryFollowsWhatIsBuilt(t *testing.T) {
	root, seen := newTools(t, greetSource), map[string]bool{}
	for _, change := range []string{"", "go.mod", "go.sum"} {
		if change != "" {
			file := filepath.Join(root, "tools/greet", change)
			WriteFile(t, file, ReadFile(t, file)+"\n")
		}
		dir, err := toolDirectory(root, "", "greet")
		if again, _ := toolDirectory(root, "", "greet"); err != nil || seen[dir] || again != dir {
			t.Errorf("after a change of %q: %s, %s, %v", change, dir, again, err)
		}
		seen[dir] = true
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
