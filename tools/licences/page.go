package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Lines before and after the table of modules in the page.
const (
	tableBegins = "<!-- Written by tools/licences. -->\n"
	tableEnds   = "<!-- End of the written part. -->\n"
)

// fillIn returns the page with an updated table of modules.
func fillIn(page string, modules []*module) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("%s lacks the lines before and after the table of modules: %s%s", pageFile, tableBegins, tableEnds)
	}
	var b strings.Builder
	b.WriteString(before + tableBegins + "| module | version | license | why it is linked |\n|---|---|---|---|\n")
	for _, m := range modules {
		version, why := m.Version, "for "+strings.Join(m.importers, ", ")
		switch {
		case m.Path == goName:
			version, why = "of the build", "standard library and runtime"
		case !m.Indirect:
			why = "direct"
		}
		if m.systems != nil {
			why += "; on " + strings.Join(m.systems, " and ") + " only"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Path, version, strings.Join(m.licences(), ", "), why)
	}
	return b.String() + tableEnds + after, nil
}

// direct returns the paths of the direct dependencies.
func direct(modules []*module) (paths []string) {
	for _, m := range modules {
		if !m.Indirect {
			paths = append(paths, m.Path)
		}
	}
	return paths
}

// explained checks the table in a section of the page. It returns an error for each name without a row, each row with an
// empty cell, and each row without a name in names.
func explained(page, section string, names []string) error {
	_, text, found := strings.Cut(page, "\n## "+section+"\n")
	if !found {
		return fmt.Errorf("%s lacks the section %q", pageFile, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var wrong []error
	var rows []string
	for line := range strings.Lines(text) {
		start, isRow := strings.CutPrefix(line, "| `")
		name, _, _ := strings.Cut(start, "`")
		if !isRow {
			continue
		}
		rows = append(rows, name)
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) == "" }) || len(cells) < 2 {
			wrong = append(wrong, fmt.Errorf("%s: %s: an empty cell under %q", pageFile, name, section))
		}
		if !slices.Contains(names, name) {
			wrong = append(wrong, fmt.Errorf("%s: %s is under %q but is not used", pageFile, name, section))
		}
	}
	for _, name := range names {
		if !slices.Contains(rows, name) {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing under %q: explain its purpose", pageFile, name, section))
		}
	}
	return errors.Join(wrong...)
}

// toolFolders returns the folders, other than the root, that have their own dependencies.
func toolFolders(root string) (folders []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == "dist"):
			return filepath.SkipDir
		case entry.Name() != "go.mod" && entry.Name() != "package.json":
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err == nil && folder != "." {
			folders = append(folders, filepath.ToSlash(folder))
		}
		return err
	})
	return folders, err
}
