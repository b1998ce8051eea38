package deploy_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docDir is where the packages install the documentation.
const docDir = "/usr/share/doc/mongodbatlas_backup_exporter"

// matches lists the project's files that match a pattern of goreleaser; there must be one. "**/*" is everything below a
// folder, and "{a,b}" both.
func matches(t *testing.T, pattern string) []string {
	t.Helper()
	var names []string
	if folder, ok := strings.CutSuffix(pattern, "/**/*"); ok {
		err := fs.WalkDir(os.DirFS(".."), folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	} else {
		before, rest, _ := strings.Cut(pattern, "{")
		choices, after, _ := strings.Cut(rest, "}")
		for choice := range strings.SplitSeq(choices, ",") {
			found, err := fs.Glob(os.DirFS(".."), before+choice+after)
			if err != nil || len(found) == 0 {
				t.Errorf("%s: there is no such file (%v)", before+choice+after, err)
			}
			names = append(names, found...)
		}
	}
	return names
}

// link is a link of a page to another file of the project.
type link struct{ page, target string }

// linksOf lists the links of the Markdown files among the files.
func linksOf(t *testing.T, files map[string]bool) []link {
	t.Helper()
	var links []link
	pattern := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name := range files {
		if filepath.Ext(name) != ".md" {
			continue
		}
		for _, match := range pattern.FindAllStringSubmatch(readFile(t, "..", name), -1) {
			target, _, _ := strings.Cut(match[1], "#")
			if target != "" && !strings.Contains(target, ":") {
				links = append(links, link{name, path.Join(path.Dir(name), target)})
			}
		}
	}
	if len(links) < 10 {
		t.Errorf("only %d links were found", len(links))
	}
	return links
}

// TestPackages checks that all content of the archives and packages exists, that the unit finds it, and that the pages in them
// link only to files in them.
func TestPackages(t *testing.T) {
	type source struct {
		Src  string `yaml:"src"`
		Dst  string `yaml:"dst"`
		Type string `yaml:"type"`
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

	installed := map[string]string{} // the pattern for each destination in the packages
	archived := map[string]bool{}    // the project's files in the archives
	documented := map[string]bool{}  // those that the packages have below docDir, at the same place
	for _, file := range release.Archives[0].Files {
		for _, name := range matches(t, file.Src) {
			archived[name] = true
		}
	}
	links := map[string]string{} // symbolic links of the packages
	for _, file := range packages.Contents {
		installed[file.Dst] = file.Src
		if file.Type == "symlink" {
			links[file.Src+"/"] = file.Dst + "/"
		}
	}
	for _, file := range packages.Contents {
		if file.Type == "symlink" {
			continue
		}
		for _, name := range matches(t, file.Src) {
			dst := file.Dst
			if strings.HasSuffix(dst, "/") {
				prefix := file.Src[:strings.IndexAny(file.Src+"*", "*{")]
				if !strings.HasSuffix(prefix, "/") {
					prefix = prefix[:strings.LastIndex(prefix, "/")+1]
				}
				dst += strings.TrimPrefix(name, prefix)
			}
			for target, link := range links {
				if below, ok := strings.CutPrefix(dst, target); ok {
					dst = link + below
				}
			}
			if dst == docDir+"/"+name {
				documented[name] = true
			}
		}
	}
	for _, script := range packages.Scripts {
		matches(t, script)
	}
	for what, files := range map[string]map[string]bool{"archives": archived, "packages": documented} {
		for _, link := range linksOf(t, files) {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(name string) bool {
				return name == link.target || strings.HasPrefix(name, strings.TrimSuffix(link.target, "/")+"/")
			}) {
				t.Errorf("the %s have %s, which links to %s, but not that", what, link.page, link.target)
			}
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
	for _, file := range []string{configDir + "/config.yml", "/etc/default/mongodbatlas_backup_exporter"} {
		if unit := readFile(t, "systemd", unitName); !strings.Contains(unit, file) {
			t.Errorf("the unit does not use %s", file)
		}
	}
}
