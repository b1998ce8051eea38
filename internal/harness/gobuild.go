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

// rootAndCache finds the project's root from the directory that go test started the test in, and creates the directory where
// built programs are kept between test runs.
func rootAndCache() (root, cache string, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output() //nolint:noctx // it reads a file
	if err != nil {
		return "", "", fmt.Errorf("no module %s here: %w", modulePath, err)
	}
	user, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(user, modulePath)
		err = os.MkdirAll(cache, 0o755)
	}
	if err != nil {
		return "", "", fmt.Errorf("no place to keep built programs: %w", err)
	}
	return string(bytes.TrimSpace(out)), cache, nil
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
	if limited, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := limited.Deadline(); ok {
			return context.WithDeadlineCause(t.Context(), deadline.Add(-margin), errTestTimeout)
		}
	}
	return context.WithCancel(t.Context())
}
