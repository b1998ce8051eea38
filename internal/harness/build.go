package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
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

// BuildExporter builds the exporter, with -race if the test was built with it. It returns the path of the program in a
// temporary directory of the test. Builds are cached, so that only the first call after a change is slow.
func BuildExporter(t testing.TB) string {
	t.Helper()
	root, cache, err := rootAndCache()
	if err == nil {
		err = readDirectories(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Each checkout has its own file, so that two checkouts never wait for each other or overwrite the program. As the path
	// is fixed, go build can see that the program is up to date and need not link it again.
	kept := filepath.Join(cache, fmt.Sprintf("exporter-%.4x", sha256.Sum256([]byte(root))))
	args := []string{"."}
	if raceEnabled {
		kept += "-race"
		args = []string{"-race", "."}
	}
	unlock, err := lock(t.Context(), kept+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := goBuild(t.Context(), root, kept, args...); err != nil {
		t.Fatal(err)
	}
	// Another process may replace the cached program after the unlock.
	program := filepath.Join(t.TempDir(), filepath.Base(modulePath))
	if err := linkOrCopy(kept, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// readDirectories opens the project's directories so that the go command does not use a wrong cached test result. The go
// command caches results by the packages that a test imports and the files and directories that it opens. It would miss a
// change of the sources that BuildExporter compiles.
func readDirectories(root string) error {
	return filepath.WalkDir(root, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process may remove files meanwhile
		}
		if err == nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
}

// linkOrCopy creates target with the contents of source. A link is safe: go build replaces a program and does not write into
// it.
func linkOrCopy(source, target string) error {
	if os.Link(source, target) == nil {
		return nil
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	// A process that is forked meanwhile would inherit the file open for writing, and the kernel does not execute such a
	// file.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(target, content, 0o755)
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
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("in %s: %s: %w\n%s", dir, cmd, err, bytes.TrimSpace(out))
	}
	return nil
}

// lock locks the file at path, for processes and for goroutines of one process. The kernel releases the lock when the
// process ends. lock does not remove the file: another process could then lock a new file of the same name.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			err = Pause(ctx, 100*time.Millisecond)
		}
		if err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
	}
}
