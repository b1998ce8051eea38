package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// licenceFile is a file that must be distributed with the program: a licence, or a notice that a licence requires.
type licenceFile struct {
	name     string // path in the module
	text     string
	licences set // SPDX names; empty for a notice
}

var (
	licenceName = regexp.MustCompile(`^(?i:licen[cs]e|copying|notice)([.-].*)?$`)
	noticeName  = regexp.MustCompile(`^(?i:notice)`)
)

// mayBeLinked returns the licences that are compatible with the program's own, the Apache License 2.0.
func mayBeLinked() []string {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}
}

// leastCovered is the minimum percentage of a licence file that must match known licences. The rest is names, years and
// introductory sentences.
const leastCovered = 80

// licenceFiles reads the licence files of a module, including those in the folders of linked packages, which may contain
// code from another project.
func licenceFiles(module string, folders []string) (files []licenceFile, err error) {
	looked := map[string]bool{}
	for _, folder := range append([]string{module}, folders...) {
		for ; !looked[folder] && strings.HasPrefix(folder, module); folder = filepath.Dir(folder) {
			looked[folder] = true
			entries, err := os.ReadDir(folder)
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				name := entry.Name()
				if !entry.Type().IsRegular() || !licenceName.MatchString(name) || filepath.Ext(name) == ".go" {
					continue
				}
				text, err := os.ReadFile(filepath.Join(folder, name))
				if err != nil {
					return nil, err
				}
				path := strings.TrimPrefix(filepath.Join(folder, name), module+string(filepath.Separator))
				file := licenceFile{name: filepath.ToSlash(path), text: string(text)}
				if !noticeName.MatchString(name) {
					file.licences = judge(text)
				}
				files = append(files, file)
			}
		}
	}
	slices.SortFunc(files, func(a, b licenceFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// judge returns the licences in a text, or "unknown" if the text is not a known licence.
func judge(text []byte) (names set) {
	found := licensecheck.Scan(text)
	if found.Percent < leastCovered {
		return set{"unknown"}
	}
	for _, match := range found.Match {
		names.add(match.ID)
	}
	return names
}

// licences returns the licences of a module.
func (m *module) licences() (names set) {
	for _, file := range m.files {
		for _, name := range file.licences {
			names.add(name)
		}
	}
	return names
}

// permitted returns an error for each module without a known, compatible licence.
func permitted(modules []*module) error {
	var wrong []error
	for _, m := range modules {
		names := m.licences()
		if len(names) == 0 {
			wrong = append(wrong, fmt.Errorf("%s has no licence file", m.Path))
		}
		for _, name := range names {
			if !slices.Contains(mayBeLinked(), name) {
				wrong = append(wrong, fmt.Errorf("%s has the licence %s, want one of %s",
					m.Path, name, strings.Join(mayBeLinked(), ", ")))
			}
		}
	}
	return errors.Join(wrong...)
}
