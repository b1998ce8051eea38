package harness

import (
	"errors"
	"os"
	"testing"
)

// ReadFile returns the text of a file.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// WriteFile writes a file that only its owner can read, and returns its path. It replaces a file atomically, so that a
// program that watches it never reads a part of it.
func WriteFile(t testing.TB, path, text string) string {
	t.Helper()
	unfinished := path + ".unfinished"
	if err := errors.Join(os.WriteFile(unfinished, []byte(text), 0o600), os.Rename(unfinished, path)); err != nil {
		t.Fatal(err)
	}
	return path
}
