package harness

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

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
