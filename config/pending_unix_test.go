//go:build unix

package config

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPendingRead checks that a read of a blocking file returns what is finally written to it, and that the next read returns
// what the file contains then.
func TestPendingRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	var r Reader
	first, second := r.begin(path), r.begin(path)
	if first != second {
		t.Fatal("two reads of one file are pending")
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if <-first.done; string(first.content) != "old" || first.err != nil {
		t.Errorf("%q (%v)", first.content, first.err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if content, err := r.read(t.Context(), path); err != nil || string(content) != "new" {
		t.Errorf("%q (%v)", content, err)
	}
}
