package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestDependencies holds docs/dependencies.md and THIRD_PARTY_LICENSES to what is linked: each direct dependency and each
// tool has a reason, each module its version, and a licence under which it may be passed on. tools/licences judges that.
func TestDependencies(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it asks the go command about every platform")
	// Looked at, so that the go command runs the test again when one of them changes.
	watched := []string{"../go.mod", "../go.sum", "../.goreleaser.yml", "../THIRD_PARTY_LICENSES", "dependencies.md"}
	for _, pattern := range []string{"*.go", "go.mod"} {
		tools, err := filepath.Glob(filepath.Join("..", "tools", "*", pattern))
		if err != nil {
			t.Fatal(err)
		}
		watched = append(watched, tools...)
	}
	for _, file := range watched {
		if _, err := os.ReadFile(file); err != nil {
			t.Error(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "go", "run", "-C", filepath.Join("..", "tools", "licences"), ".", "-check").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
