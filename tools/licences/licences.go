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

// licenceFile is a file that must go out with the program: a licence, or a notice that a licence asks to pass on.
type licenceFile struct {
	name     string // in the module
	text     string
	licences set // as SPDX names them; none in a notice
}

var (
	licenceName = regexp.MustCompile(`^(?i:licen[cs]e|copying|notice)([.-].*)?$`)
	noticeName  = regexp.MustCompile(`^(?i:notice)`)
)

// mayBeLinked lists the licences under which the program can be passed on under its own, the Apache License 2.0.
func mayBeLinked() []string {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}
}

// leastCovered is how much of a licence file, in percent, must be the text of known licences. The rest is names, years
// and the sentences with which a file of two licences begins.
const leastCovered = 80

// licenceFiles reads the licence files of a module and of those of its folders whose packages are linked, which may have
// been taken from elsewhere.
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

// judge names the licences that a text is. A text that is no known licence is "unknown".
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

// licences names the licences of a module.
func (m *module) licences() (names set) {
	for _, file := range m.files {
		for _, name := range file.licences {
			names.add(name)
		}
	}
	return names
}

// permitted returns an error for each module whose licence is not known, or does not let it be linked.
func permitted(modules []*module) error {
	var wrong []error
	for _, m := range modules {
		names := m.licences()
		if len(names) == 0 {
			wrong = append(wrong, fmt.Errorf("%s has no licence file", m.Path))
		}
		for _, name := range names {
			if !slices.Contains(mayBeLinked(), name) {
				wrong = append(wrong, fmt.Errorf("%s has the licence %s, which is none of those that may be linked: %s",
					m.Path, name, strings.Join(mayBeLinked(), ", ")))
			}
		}
	}
	return errors.Join(wrong...)
}
