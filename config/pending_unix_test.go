//go:build unix

package config

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPendingCall checks that a read of a blocking file returns what is finally written to it, and that the next read returns
// what the file contains then.
func TestPendingCall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	var r Reader
	first, second := r.beginPipe(t, path), r.reads.begin(path, nil, readFile)
	if first != second {
		t.Fatal("two reads of one file are pending")
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if <-first.done; string(first.result) != "old" || first.err != nil {
		t.Errorf("%q (%v)", first.result, first.err)
	}
	replaceFile(t, path)
	if content, err := r.Read(t.Context(), path); err != nil || string(content) != "new" {
		t.Errorf("%q (%v)", content, err)
	}
}

// TestReplacedPipe checks that a pipe that blocks does not block the file that replaces it.
func TestReplacedPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	var r Reader
	old := r.beginPipe(t, path)
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) // once the reader has opened the pipe
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, path)
	if content, err := r.Read(t.Context(), path); err != nil || string(content) != "new" {
		t.Errorf("%q (%v)", content, err)
	}
	if err := writer.Close(); err != nil {
		t.Error(err)
	}
	if <-old.done; len(old.result) != 0 || old.err != nil || len(r.reads.pending) != 0 {
		t.Errorf("%q (%v) of the pipe, and %d pending reads", old.result, old.err, len(r.reads.pending))
	}
}

// beginPipe creates a pipe and begins to read it.
func (r *Reader) beginPipe(t *testing.T, path string) *call[[]byte] {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := r.Stat(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return r.reads.begin(path, info, readFile)
}

// replaceFile puts a file in the place of the pipe.
func replaceFile(t *testing.T, path string) {
	t.Helper()
	next := path + ".next"
	if err := errors.Join(os.WriteFile(next, []byte("new"), 0o600), os.Rename(next, path)); err != nil {
		t.Fatal(err)
	}
}
