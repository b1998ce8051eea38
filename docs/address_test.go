package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// sources are the project's files by their path from the root.
func sources(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "node_modules" || name == "dist"):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || name == ".git": // in a worktree, .git is a file that points to the real one
			return nil
		}
		raw, err := os.ReadFile(path)
		if !bytes.ContainsRune(raw, 0) { // a built program or a picture is not source
			texts[strings.TrimPrefix(path, "../")] = string(raw)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// address is the project's path without the host, which the image's address contains, too.
func address(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, path, _ := strings.Cut(strings.TrimSpace(string(out)), "/")
	return path
}

// TestAddress checks that few places contain the project's address, beside the module paths and the imports.
func TestAddress(t *testing.T) {
	t.Parallel()
	allowed := []string{
		".github/ISSUE_TEMPLATE/config.yml", ".golangci.yml", ".goreleaser.yml", "Dockerfile", "README.md", "docs/dependencies.md",
		"deploy/helm/mongodbatlas-backup-exporter/Chart.yaml", "deploy/helm/mongodbatlas-backup-exporter/values.yaml",
		"deploy/systemd/mongodbatlas_backup_exporter.service",
		// The default address of the runbooks, and files that are generated from it or show it.
		"alerts/", "dashboards/", "web/page/page.go", "web/page/testdata/page.html", "docs/alerting.md", "docs/configuration.md", "deploy/helm/mongodbatlas-backup-exporter/files/",
		// Constants that tests compare with.
		"internal/harness/build.go", "trigger/boundary_test.go",
	}
	path := address(t)
	inGo := regexp.MustCompile(`(?m)^(import )?\s*(\w+ )?"github\.com/` + regexp.QuoteMeta(path) + `[^"]*"( //.*)?$`)
	for file, text := range sources(t) {
		if strings.HasSuffix(file, ".go") {
			text = inGo.ReplaceAllString(text, "")
		}
		if strings.Contains(text, path) && filepath.Base(file) != "go.mod" && !slices.ContainsFunc(allowed, func(place string) bool { return strings.HasPrefix(file, place) }) {
			t.Errorf("%s names the project's address: derive it, or link within the project", file)
		}
	}
}

// TestMovingTheProject runs the command of CONTRIBUTING.md that changes the project's address, on a copy.
func TestMovingTheProject(t *testing.T) {
	t.Parallel()
	page := pages(t)["../CONTRIBUTING.md"]
	all := blocks(page)
	i := slices.IndexFunc(all, func(b block) bool { return b.language == "sh" && strings.Contains(b.heading, "another address") })
	if i < 0 {
		t.Fatal("CONTRIBUTING.md has no such command")
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("install git")
	}
	folder := t.TempDir()
	before := sources(t)
	for file, text := range before {
		path := filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", "git init --quiet\ngit add --all\n"+all[i].text+"\ngo list -m\n")
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "github.com/example/mongodbatlas_backup_exporter\n" {
		t.Fatalf("%v: %s", err, out)
	}
	old, moved := address(t), 0
	for file, text := range before {
		if !strings.Contains(text, old) {
			continue
		}
		raw := harness.ReadFile(t, filepath.Join(folder, file))
		if strings.Contains(raw, old) {
			t.Errorf("%s still has the old address", file)
		}
		moved++
	}
	if moved < 100 {
		t.Errorf("only %d files had the address", moved)
	}
}
