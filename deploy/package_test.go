package deploy_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackages holds that everything that the archives and packages are made of exists, and is installed where the unit
// expects it.
func TestPackages(t *testing.T) {
	type source struct {
		Src string `yaml:"src"`
		Dst string `yaml:"dst"`
	}
	var release struct {
		Archives []struct {
			Files []source `yaml:"files"`
		} `yaml:"archives"`
		NFPMs []struct {
			PackageName string            `yaml:"package_name"`
			Formats     []string          `yaml:"formats"`
			Bindir      string            `yaml:"bindir"`
			Contents    []source          `yaml:"contents"`
			Scripts     map[string]string `yaml:"scripts"`
		} `yaml:"nfpms"`
	}
	unmarshal(t, readFile(t, "../.goreleaser.yml"), &release)
	if len(release.Archives) != 1 || len(release.NFPMs) != 1 {
		t.Fatalf("there are %d archives and %d packages", len(release.Archives), len(release.NFPMs))
	}
	packages := release.NFPMs[0]
	if !slices.Equal(packages.Formats, []string{"deb", "rpm"}) || strings.ContainsAny(packages.PackageName, "_") {
		t.Errorf("the package %q is made as %q", packages.PackageName, packages.Formats)
	}

	var sources []string
	installed := map[string]string{}
	for _, file := range slices.Concat(release.Archives[0].Files, packages.Contents) {
		sources = append(sources, file.Src)
		installed[file.Dst] = file.Src
	}
	for _, script := range packages.Scripts {
		sources = append(sources, script)
	}
	for _, src := range sources {
		if found, err := filepath.Glob(filepath.Join("..", src)); err != nil || len(found) == 0 {
			t.Errorf("%s: there is no such file (%v)", src, err)
		}
	}
	if packages.Bindir != filepath.Dir(installedAt) {
		t.Errorf("the program is in %s, and the unit starts %s", packages.Bindir, installedAt)
	}
	for dst, src := range map[string]string{
		"/usr/lib/systemd/system/" + unitName:       "deploy/systemd/" + unitName,
		configDir + "/config.yml":                   "deploy/systemd/config.yml",
		"/etc/default/mongodbatlas_backup_exporter": "deploy/systemd/mongodbatlas_backup_exporter.default",
	} {
		if installed[dst] != src {
			t.Errorf("%s is %q, want %s", dst, installed[dst], src)
		}
	}
	for _, path := range []string{configDir + "/config.yml", "/etc/default/mongodbatlas_backup_exporter"} {
		if unit := readFile(t, "systemd", unitName); !strings.Contains(unit, path) {
			t.Errorf("the unit does not use %s", path)
		}
	}
}
