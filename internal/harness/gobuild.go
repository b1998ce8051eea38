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

// modulePath is the module whose root has tools/ and the main package of the exporter.
const modulePath = "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter"

// rootAndCache returns the project's root and the directory that caches built programs. It creates the cache directory.
func rootAndCache() (root, cache string, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output() //nolint:noctx // it reads a file
	if err != nil {
		return "", "", fmt.Errorf("module %s not found: %w", modulePath, err)
	}
	user, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(user, modulePath)
		err = os.MkdirAll(cache, 0o755)
	}
	if err != nil {
		return "", "", fmt.Errorf("no cache directory for built programs: %w", err)
	}
	return string(bytes.TrimSpace(out)), cache, nil
}

// goBuild runs go build in dir and writes the program to output. args are flags and a package. An error includes the
// compiler's output.
func goBuild(ctx context.Context, dir, output string, args ...string) error {
	args = append([]string{"build", "-mod=readonly", "-buildvcs=false", "-o", output}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// PWD keeps the paths in error messages the same if dir is a symbolic link. GOWORK=off keeps a workspace file of the
	// developer from changing the pinned versions.
	cmd.Env = append(os.Environ(), "PWD="+dir, "GOWORK=off")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("in %s: %s: canceled: %w", dir, cmd, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("in %s: %s: %w\n%s", dir, cmd, err, bytes.TrimSpace(out))
	}
	return nil
}

var errTestTimeout = errors.New("the test's -timeout is too short: run go test -timeout 40m")

// buildContext ends shortly before the timeout of go test, so that a slow build fails with its own error and not with a
// stack dump.
func buildContext(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	const margin = 5 * time.Second
	if limited, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := limited.Deadline(); ok {
			return context.WithDeadlineCause(t.Context(), deadline.Add(-margin), errTestTimeout)
		}
	}
	return context.WithCancel(t.Context())
}
