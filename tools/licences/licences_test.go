package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mit = `Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

// write writes files to a new folder.
func write(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// wrong checks that an error contains each of the words, or that there is no error if there are no words.
func wrong(t *testing.T, err error, words ...string) {
	t.Helper()
	if len(words) == 0 && err != nil {
		t.Errorf("unexpected: %v", err)
	}
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want an error about %q", err, word)
		}
	}
}

func TestLicenceFiles(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"LICENSE":                   mit,
		"NOTICE.txt":                "Made by Somebody.\n",
		"licence.go":                "package a\n",
		"linked/deep/COPYING":       mit,
		"linked/deep/deeper/a.go":   "package deeper\n",
		"not/linked/LICENSE":        "who knows",
		"linked/LICENSED-OTHERWISE": "no name of a licence file",
	})
	files, err := licenceFiles(folder, []string{filepath.Join(folder, "linked", "deep", "deeper"), folder})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range files {
		got[file.name] = strings.Join(file.licences, " ")
	}
	if want := map[string]string{"LICENSE": "MIT", "NOTICE.txt": "", "linked/deep/COPYING": "MIT"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPermitted(t *testing.T) {
	t.Parallel()
	of := func(texts ...string) []*module {
		m := &module{Path: "example.com/a"}
		for _, text := range texts {
			m.files = append(m.files, licenceFile{name: "LICENSE", text: text, licences: judge([]byte(text))})
		}
		return []*module{m}
	}
	wrong(t, permitted(of(mit)))
	wrong(t, permitted(of()), "example.com/a has no licence file")
	wrong(t, permitted(of(mit, "Ask me first.")), "example.com/a has the licence unknown")
	wrong(t, permitted(of("This program is licensed under the GNU General Public License v3.0.")), "example.com/a has the licence")
	wrong(t, permitted([]*module{{Path: "example.com/b", files: []licenceFile{{licences: []string{"AGPL-3.0"}}}}}), "example.com/b has the licence AGPL-3.0")
}

func TestTexts(t *testing.T) {
	t.Parallel()
	file := func(name, text string, licences ...string) licenceFile { return licenceFile{name, text, licences} }
	got := texts([]*module{
		{Path: "example.com/a", Version: "v1.0.0", files: []licenceFile{file("LICENSE", mit, "MIT"), file("NOTICE", "Made by A.\r\n")}},
		{Path: "example.com/b", Version: "v2.0.0", files: []licenceFile{file("LICENSE", "  "+strings.ReplaceAll(mit, "\n", "\n  "), "MIT")}},
	})
	if strings.Count(got, "Permission is hereby granted") != 1 {
		t.Error("the text that both have does not stand once")
	}
	if !strings.Contains(got, "\nexample.com/a v1.0.0 (MIT)\nexample.com/b v2.0.0 (MIT)\n") || !strings.Contains(got, "\nexample.com/a v1.0.0 (NOTICE)\n") {
		t.Errorf("whose the texts are is not said:\n%s", got)
	}
	if !strings.HasSuffix(got, "\n\nMade by A.\n") || strings.Contains(got, "\r") {
		t.Errorf("unexpected text of the notice:\n%s", got)
	}
}

const page = `# Dependencies

## Direct dependencies

| module | what for | without it |
|---|---|---|
| ` + "`example.com/a`" + ` | a reason | a consequence |

## Linked

` + tableBegins + "| stale |\n" + tableEnds + `
## Tools
`

func TestPage(t *testing.T) {
	t.Parallel()
	modules := []*module{
		{Path: goName, Indirect: true, files: []licenceFile{{licences: []string{"BSD-3-Clause"}}}},
		{Path: "example.com/a", Version: "v1.2.3", files: []licenceFile{{licences: []string{"MIT"}}}},
		{Path: "example.com/b", Version: "v0.1.0", Indirect: true, importers: set{"example.com/a"}, systems: set{"linux"}},
	}
	got, err := fillIn(page, modules)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| `Go` | of the build | BSD-3-Clause | standard library and runtime |\n",
		"| `example.com/a` | v1.2.3 | MIT | direct |\n",
		"| `example.com/b` | v0.1.0 |  | for example.com/a; on linux only |\n",
	} {
		if !strings.Contains(got, row) {
			t.Errorf("the page lacks the row %q:\n%s", row, got)
		}
	}
	if strings.Contains(got, "stale") {
		t.Error("the old table is still there")
	}
	if again, err := fillIn(got, modules); err != nil || again != got {
		t.Errorf("a second write changes the page (%v)", err)
	}
	_, err = fillIn(strings.ReplaceAll(page, tableEnds, ""), modules)
	wrong(t, err, "lacks the lines")

	names := direct(modules)
	if !slices.Equal(names, []string{"example.com/a"}) {
		t.Fatalf("direct are %v", names)
	}
	wrong(t, explained(page, "Direct dependencies", names))
	wrong(t, explained(page, "Direct dependencies", append(names, "example.com/new")), "example.com/new is missing")
	wrong(t, explained(page, "Direct dependencies", nil), "example.com/a is under", "is not used")
	wrong(t, explained(strings.ReplaceAll(page, "a consequence", " "), "Direct dependencies", names), "an empty cell")
	wrong(t, explained(page, "Others", names), "lacks the section")
	wrong(t, explained(page, "Tools", []string{"tools/a"}), "tools/a is missing")
}

func TestSettle(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{textsFile: "old"})
	wrong(t, settle(folder, textsFile, "old", true))
	wrong(t, settle(folder, textsFile, "new", true), textsFile+" is not up to date")
	wrong(t, settle(folder, textsFile, "new", false))
	wrong(t, settle(folder, textsFile, "new", true))
	wrong(t, settle(t.TempDir(), textsFile, "new", true), "is not up to date")
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{".goreleaser.yml": `
builds:
- goos: [linux, windows]
  goarch: [amd64, arm64]
  ignore: [{goos: windows, goarch: arm64}]
`})
	got, err := platforms(folder)
	if want := []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

func TestToolFolders(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"go.mod": "", "tools/a/go.mod": "", "web/b/package.json": "", "web/b/node_modules/c/package.json": "", "d/go.sum": "",
	})
	got, err := toolFolders(folder)
	if want := []string{"tools/a", "web/b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

// TestGathering checks importers, systems and folders of linked packages.
func TestGathering(t *testing.T) {
	t.Parallel()
	program := &module{Path: "program", Main: true}
	a, b := &module{Path: "a", Version: "v1.0.0", Dir: "/a"}, &module{Path: "b", Indirect: true, Dir: "/b"}
	packages := []listedPackage{
		{ImportPath: "fmt", Dir: "/go/src/fmt", Root: "/go"},
		{ImportPath: "b/x", Dir: "/b/x", Module: b},
		{ImportPath: "a", Dir: "/a", Module: a, Imports: []string{"fmt", "b/x"}},
		{ImportPath: "program", Module: program, Imports: []string{"a"}},
	}
	all := gathering{}
	if err := all.add("linux", packages); err != nil {
		t.Fatal(err)
	}
	if err := all.add("windows", packages[2:]); err != nil {
		t.Fatal(err)
	}
	names := func(s set) string { return strings.Join(s, " ") }
	for _, want := range []struct{ path, importers, systems, folders string }{
		{goName, "a", "linux", "/go"},
		{"a", "", "linux windows", "/a"},
		{"b", "a", "linux", "/b/x"},
	} {
		g := all[want.path]
		if g == nil || names(g.importers) != want.importers || names(g.systems) != want.systems || names(g.folders) != want.folders {
			t.Errorf("%s: got %+v, want %+v", want.path, g, want)
		}
	}
	if len(all) != 3 {
		t.Errorf("got %v, want Go, a and b", all)
	}
	if names := direct(slices.Collect(maps.Values(all))); !slices.Equal(names, []string{"a"}) {
		t.Errorf("direct are %v, want a", names)
	}
	packages[1].Module.Replace = &struct{ Path string }{"../b"}
	wrong(t, gathering{}.add("linux", packages), "b is replaced")
}
