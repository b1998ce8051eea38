package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// The lines of the page between which the table of modules stands.
const (
	tableBegins = "<!-- Written by tools/licences. -->\n"
	tableEnds   = "<!-- End of what is written. -->\n"
)

// fillIn returns the page with the table of what is linked in its place.
func fillIn(page string, modules []*module) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("%s lacks the lines between which the table of modules stands: %s%s", pageFile, tableBegins, tableEnds)
	}
	var b strings.Builder
	b.WriteString(before + tableBegins + "| module | version | license | why it is linked |\n|---|---|---|---|\n")
	for _, m := range modules {
		version, why := m.Version, "for "+strings.Join(m.importers, ", ")
		switch {
		case m.Path == goName:
			version, why = "the one that builds", "standard library and runtime"
		case !m.Indirect:
			why = "direct"
		}
		if m.systems != nil {
			why += "; on " + strings.Join(m.systems, " and ") + " alone"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Path, version, strings.Join(m.licences(), ", "), why)
	}
	return b.String() + tableEnds + after, nil
}

// direct lists the paths of the direct dependencies.
func direct(modules []*module) (paths []string) {
	for _, m := range modules {
		if !m.Indirect {
			paths = append(paths, m.Path)
		}
	}
	return paths
}

// explained returns an error for each name that has no row in the table of a section of the page, for each row that
// leaves a cell empty, and for each that is of nothing that there is.
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
			wrong = append(wrong, fmt.Errorf("%s: %s stands under %q, and is none (any more)", pageFile, name, section))
		}
	}
	for _, name := range names {
		if !slices.Contains(rows, name) {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing under %q: say what it is for", pageFile, name, section))
		}
	}
	return errors.Join(wrong...)
}

// toolFolders lists the folders that have dependencies of their own, beside the program's.
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
