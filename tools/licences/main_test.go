package main

import (
	"os"
	"path/filepath"
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

// module returns a linked module with some files. The files in the folder "other" are those of a package that is not linked.
func module(t *testing.T, name string, files map[string]string) map[string]folders {
	t.Helper()
	root := t.TempDir()
	found := folders{root: true}
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(filepath.Dir(path)) != "other" {
			found[filepath.Dir(path)] = true
		}
	}
	return map[string]folders{name: found}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	other := strings.Replace(mit, "Somebody", "Nobody", 1)
	got, err := texts(module(t, "example.com/a v1.0.0", map[string]string{
		"LICENSE":        mit,
		"NOTICE.txt":     "Made by Somebody.\n",
		"licence.go":     "package a\n",
		"LICENSED-TO-ME": "no name of a licence file",
		"linked/COPYING": "\n" + other,
		"other/LICENSE":  "not linked",
	}))
	if err != nil {
		t.Fatal(err)
	}
	rule := strings.Repeat("-", 80)
	heading := func(name string) string {
		return "\n" + rule + "\nexample.com/a v1.0.0 (" + name + ")\n" + rule + "\n\n"
	}
	want := introduction + heading("MIT") + mit + heading("NOTICE.txt") + "Made by Somebody.\n" + heading("MIT") + other
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNotPermitted(t *testing.T) {
	t.Parallel()
	const gpl = `This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.

This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU General Public License for more details.

You should have received a copy of the GNU General Public License along with this program. If not, see
<https://www.gnu.org/licenses/>.`
	for _, test := range []struct {
		name, module string
		files        map[string]string
		message      string
	}{
		{"no licence", "example.com/a v1.0.0", map[string]string{"NOTICE": "Made by Somebody."}, "example.com/a v1.0.0 has no licence file"},
		{"unknown", "example.com/a v1.0.0", map[string]string{"LICENSE": mit, "linked/LICENSE": "Ask me first."}, "unknown licence"},
		{"not compatible", "example.com/a v1.0.0", map[string]string{"LICENSE": gpl}, "is not permitted"},
		{"replaced", "example.com/a v1.0.0 => ../a", map[string]string{"LICENSE": mit}, "must use the modules that go.mod requires"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := texts(module(t, test.module, test.files)); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q", err, test.message)
			}
		})
	}
}
