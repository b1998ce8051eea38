package harness

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/rogpeppe/go-internal/diff"
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

// WriteFile writes a file that only its owner can read, and returns its path. It creates missing directories. It replaces a
// file atomically, so that a program that watches it never reads a part of it.
func WriteFile(t testing.TB, path, text string) string {
	t.Helper()
	unfinished := path + ".unfinished"
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err = errors.Join(err, os.WriteFile(unfinished, []byte(text), 0o600), os.Rename(unfinished, path)); err != nil {
		t.Fatal(err)
	}
	return path
}

var update = flag.Bool("update", false, "write golden files instead of comparing with them") //nolint:gochecknoglobals // a flag of the test binary

// Update reports whether tests should write golden files: go test ./collector -update.
func Update() bool { return *update }

// Golden compares a text with a golden file. With -update, it writes the file.
func Golden(t testing.TB, path, got string) {
	t.Helper()
	if Update() {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := ReadFile(t, path); got != want {
		t.Errorf("%s differs (-update writes it):\n%s", path, diff.Diff(path, []byte(want), "got", []byte(got)))
	}
}

// WriteReport renders a text/template to a file. The template function mib formats a number of bytes.
func WriteReport(t testing.TB, path, text string, data any) {
	t.Helper()
	var rendered bytes.Buffer
	report, err := template.New("report").Funcs(template.FuncMap{"mib": MiB}).Option("missingkey=error").Parse(text)
	if err == nil {
		err = report.Execute(&rendered, data)
	}
	if err == nil {
		err = os.WriteFile(path, rendered.Bytes(), 0o644)
	}
	if err != nil {
		t.Errorf("writing the report: %v", err)
	}
}
