// Command licences prints THIRD_PARTY_LICENSES, which is distributed with the program: the licences and notices of all modules
// that a release links into it on any platform. It fails if a licence is not compatible with the program's own.
//
//	go run -C tools/licences . >THIRD_PARTY_LICENSES
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
	"gopkg.in/yaml.v3"
)

const introduction = `mongodbatlas_backup_exporter is licensed under the Apache License 2.0, which is in the file LICENSE. The program
also contains the modules below. Each is under the licence that its heading names, with the notices that the licence requires.
Written by tools/licences.
`

func main() {
	if err := run(context.Background(), filepath.Join("..", "..")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string) error {
	modules, err := linked(ctx, root)
	if err != nil {
		return err
	}
	text, err := texts(modules)
	if err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(text)
	return err
}

// folders are folders to search for licence files.
type folders map[string]bool

// listed makes go list print the module, the module's folder and the folder of each package that is not the program's own. The
// standard library is no module: its licence is in the folder of Go's installation.
const listed = `{{with .Module}}{{if not .Main}}{{.}}{{"\t"}}{{.Dir}}{{"\t"}}{{$.Dir}}{{end}}` +
	`{{else}}Go{{"\t"}}{{context.GOROOT}}{{"\t"}}{{context.GOROOT}}{{end}}`

// linked returns the modules that a release links into the program on any platform, by path and version. The folders of each
// are those of its linked packages, which may contain code from another project, and all above them in the module.
func linked(ctx context.Context, root string) (map[string]folders, error) {
	platforms, err := releasePlatforms(root)
	if err != nil {
		return nil, err
	}
	modules := map[string]folders{}
	for _, platform := range platforms {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f", listed, ".")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), append(platform, "CGO_ENABLED=0", "GOWORK=off")...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cmd, err)
		}
		for line := range strings.Lines(string(out)) {
			fields := strings.Split(strings.TrimSpace(line), "\t")
			module, top, folder := fields[0], fields[1], fields[2]
			if modules[module] == nil {
				modules[module] = folders{}
			}
			for ; strings.HasPrefix(folder, top); folder = filepath.Dir(folder) {
				modules[module][folder] = true
			}
		}
	}
	return modules, nil
}

// releasePlatforms returns the environment of the go command for each platform of a release.
func releasePlatforms(root string) (environments [][]string, err error) {
	raw, err := os.ReadFile(filepath.Join(root, ".goreleaser.yml"))
	if err != nil {
		return nil, err
	}
	var release struct {
		Builds []struct{ Goos, Goarch []string }
	}
	if err := yaml.Unmarshal(raw, &release); err != nil {
		return nil, err
	}
	for _, build := range release.Builds {
		for _, system := range build.Goos {
			for _, architecture := range build.Goarch {
				environments = append(environments, []string{"GOOS=" + system, "GOARCH=" + architecture})
			}
		}
	}
	return environments, nil
}

var (
	fileName   = regexp.MustCompile(`^(?i:licen[cs]e|copying|notice)([.-].*)?$`)
	noticeName = regexp.MustCompile(`^(?i:notice)`)
)

// texts returns the contents of THIRD_PARTY_LICENSES, and an error for each module without a permitted licence.
func texts(modules map[string]folders) (string, error) {
	var b strings.Builder
	b.WriteString(introduction)
	var wrong []error
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		if strings.Contains(module, " => ") {
			wrong = append(wrong, fmt.Errorf("%s: a release must use the modules that go.mod requires", module))
		}
		hasLicence := false
		for _, folder := range slices.Sorted(maps.Keys(modules[module])) {
			entries, err := os.ReadDir(folder)
			if err != nil {
				return "", err
			}
			for _, entry := range entries {
				name := entry.Name()
				if !entry.Type().IsRegular() || !fileName.MatchString(name) || filepath.Ext(name) == ".go" {
					continue
				}
				text, err := os.ReadFile(filepath.Join(folder, name))
				if err != nil {
					return "", err
				}
				if !noticeName.MatchString(name) {
					hasLicence = true
					if name, err = permitted(text); err != nil {
						wrong = append(wrong, fmt.Errorf("%s: %s: %w", module, filepath.Join(folder, entry.Name()), err))
					}
				}
				rule := strings.Repeat("-", 80)
				fmt.Fprintf(&b, "\n%s\n%s (%s)\n%s\n\n%s\n", rule, module, name, rule, strings.Trim(string(text), "\r\n"))
			}
		}
		if !hasLicence {
			wrong = append(wrong, fmt.Errorf("%s has no licence file", module))
		}
	}
	return b.String(), errors.Join(wrong...)
}

// leastCovered is the minimum percentage of a licence file that must match known licences. The rest is names, years and
// introductory sentences.
const leastCovered = 80

// permitted returns the SPDX names of the licences in a text. It returns an error if the text is not a known licence, or has
// one that is not compatible with the program's own, the Apache License 2.0.
func permitted(text []byte) (string, error) {
	found := licensecheck.Scan(text)
	if found.Percent < leastCovered {
		return "", errors.New("unknown licence")
	}
	names := map[string]bool{}
	for _, match := range found.Match {
		switch match.ID {
		case "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0":
			names[match.ID] = true
		default:
			return "", fmt.Errorf("the licence %s is not permitted", match.ID)
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", "), nil
}
