package web_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestPageInChromium checks the page in a real Chromium: see browser/page.test.mjs. With -update it writes the picture of the
// demo in docs/images.
func TestPageInChromium(t *testing.T) {
	harness.NotShort(t, "it runs Chromium")
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		harness.SkipOrFail(t, "the page is tested in a real browser: install chromium (on Debian: apt install chromium)")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		harness.SkipOrFail(t, "Chromium is driven from Node.js: install Node.js 20 or later with npm (on Debian: apt install nodejs npm)")
	}
	modules := installPlaywright(t)
	demo := start(t, atlassim.Demo(atlassim.WallClock{}), nil)
	org := atlassim.Demo(atlassim.WallClock{})
	hostile := org.AddProject(`<img src=x onerror="document.title='owned'">'"&amp;`)
	hostile.AddPipeline("orders<script>alert(1)<!--", atlassim.PipelineOptions{})
	hostile.AddCluster(strings.Repeat("long", 30), atlassim.ClusterOptions{})
	evil := start(t, org, nil)
	large := start(t, atlassim.Large(atlassim.WallClock{}, atlassim.LargeOptions{Projects: 42, ClustersPerProject: 25, ExportsPerCluster: 1}), nil)
	for _, e := range []*exporter{demo, evil, large} {
		e.read(t)
	}
	screenshot := ""
	if harness.Update() {
		screenshot = filepath.Join("..", "docs", "images", "page.png")
	}
	cmd := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=spec", filepath.Join("browser", "page.test.mjs"))
	cmd.Env = append(os.Environ(), "PAGE="+demo.url+"/", "HOSTILE="+evil.url+"/", "LARGE="+large.url+"/",
		"MODULES="+modules, "CHROMIUM="+chromium, "SCREENSHOT="+screenshot)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// installPlaywright returns a directory in which npm has installed the packages that browser/package-lock.json pins. It is
// kept in the user's cache directory.
func installPlaywright(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		harness.SkipOrFail(t, "what drives Chromium comes from npm: install npm (on Debian: apt install npm)")
	}
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(user, "mongodbatlas_backup_exporter")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	work, err := os.MkdirTemp(cache, "npm-") //nolint:usetesting // it is renamed, and t.TempDir may be on another file system
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("browser", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(work, name), content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = sum.Write(content)
	}
	installed := filepath.Join(cache, fmt.Sprintf("browser-%.6x", sum.Sum(nil)))
	if _, err := os.Stat(installed); err == nil {
		return installed
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		harness.SkipOrFail(t, fmt.Sprintf("npm ci needs the npm registry, or a cache that has what it asks for: %v\n%s", err, out))
	}
	// Another test process may have been faster.
	if err := os.Rename(work, installed); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return installed
}
