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

// fillIn returns the page with the table of the modules in its place.
func fillIn(page string, modules []module) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("%s lacks the lines between which the table of modules stands: %s%s", pageFile, tableBegins, tableEnds)
	}
	return before + tableBegins + table(modules) + tableEnds + after, nil
}

// table renders what is linked.
func table(modules []module) string {
	var b strings.Builder
	b.WriteString("| module | version | license | why it is linked |\n|---|---|---|---|\n")
	for i := range modules {
		m := &modules[i]
		version, why := m.version, "for "+strings.Join(m.importers, ", ")
		switch {
		case m.path == goName:
			version, why = "the one that builds", "standard library and runtime"
		case m.direct:
			why = "direct"
		}
		if m.systems != nil {
			why += "; on " + strings.Join(m.systems, " and ") + " alone"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.path, version, strings.Join(m.licences(), ", "), why)
	}
	return b.String()
}

// direct lists the paths of the direct dependencies.
func direct(modules []module) []string {
	var paths []string
	for _, m := range modules {
		if m.direct {
			paths = append(paths, m.path)
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
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		first, isName := strings.CutPrefix(strings.TrimSpace(cells[0]), "`")
		name := strings.TrimSuffix(first, "`")
		if !strings.HasPrefix(line, "|") || !isName {
			continue
		}
		rows = append(rows, name)
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
func toolFolders(root string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
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
