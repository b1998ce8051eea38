package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// modulePath names the module whose root holds tools/ and the exporter's main package.
const modulePath = "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter"

// moduleRoot finds the project's root from the directory that go test started the test in.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	start := dir
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(content, []byte("module "+modulePath+"\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod of module %s in %s or above", modulePath, start)
		}
		dir = parent
	}
}

// cacheDir is where built programs are kept between test runs, created where it is missing.
func cacheDir() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep built programs: %w", err)
	}
	dir := filepath.Join(user, modulePath)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("no place to keep built programs: %w", err)
	}
	return dir, nil
}

// rootAndCache are moduleRoot and cacheDir.
func rootAndCache() (root, cache string, err error) {
	if root, err = moduleRoot(); err == nil {
		cache, err = cacheDir()
	}
	return root, cache, err
}

// goBuild runs go build in dir, with flags and a package, and puts the program at output. An error carries the compiler's
// words.
func goBuild(ctx context.Context, dir, output string, args ...string) error {
	args = append([]string{"build", "-mod=readonly", "-buildvcs=false", "-o", output}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// PWD keeps the go command from reporting paths by another name of the directory; a workspace file of the developer's
	// must not change the pinned versions.
	cmd.Env = append(os.Environ(), "PWD="+dir, "GOWORK=off")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("in %s: %s: cut off: %w", dir, cmd, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("in %s: %s: %w\n%s", dir, cmd, err, bytes.TrimSpace(out))
	}
	return nil
}

var errTestTimeout = errors.New("the test's -timeout is near: give go test -timeout 40m")

// buildContext ends shortly before go test would end the whole test process with a stack dump, so that a build that takes
// too long is reported as one.
func buildContext(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	const margin = 5 * time.Second
	limited, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return context.WithCancel(t.Context())
	}
	deadline, ok := limited.Deadline()
	if !ok {
		return context.WithCancel(t.Context())
	}
	return context.WithDeadlineCause(t.Context(), deadline.Add(-margin), errTestTimeout)
}
