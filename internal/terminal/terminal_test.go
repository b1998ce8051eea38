package terminal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/terminal"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"orders?daily #1 é":          "orders?daily #1 é",
		"a\x1b[2Jb":                  "a\ufffd[2Jb",
		"a\tb\nc\rd":                 "a\ufffdb\ufffdc\ufffdd",
		"right\u202eto left\u200b":   "right\ufffdto left\ufffd",
		"broken \xff\xfe characters": "broken \ufffd\ufffd characters",
	} {
		if got := terminal.Printable(text); got != want {
			t.Errorf("%q is printed as %q, want %q", text, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = reader.Close(), writer.Close() }()
	if terminal.Of(file) != nil || terminal.Of(writer) != nil || terminal.Of(&bytes.Buffer{}) != nil {
		t.Error("a file, a pipe or a buffer counts as a terminal")
	}
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	if terminal.Of(device) != device {
		t.Error("a character device does not count as one")
	}
}
