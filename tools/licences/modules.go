package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"
)

// module is a module that is linked into the program. The fields of the first three lines are those of go list.
type module struct {
	Path, Version, Dir string
	Main, Indirect     bool
	Replace            *struct{ Path string }
	// importers are the other modules that import a package of the module, without the program itself. systems are the
	// operating systems on which the module is linked, or nil for all. folders are the folders of its linked packages.
	importers, systems, folders set
	files                       []licenceFile
}

// goName is the name of Go's standard library and runtime in the list of modules.
const goName = "Go"

// set is a sorted slice without duplicates.
type set []string

func (s *set) add(one string) {
	if i, found := slices.BinarySearch(*s, one); !found {
		*s = slices.Insert(*s, i, one)
	}
}

// platform is a target of a release.
type platform struct{ Goos, Goarch string }

// platforms returns the targets in the release configuration.
func platforms(root string) ([]platform, error) {
	raw, err := os.ReadFile(filepath.Join(root, ".goreleaser.yml"))
	if err != nil {
		return nil, err
	}
	var release struct {
		Builds []struct {
			Goos, Goarch []string
			Ignore       []platform
		}
	}
	if err := yaml.Unmarshal(raw, &release); err != nil {
		return nil, err
	}
	var all []platform
	for _, build := range release.Builds {
		for _, system := range build.Goos {
			for _, architecture := range build.Goarch {
				if one := (platform{system, architecture}); !slices.Contains(build.Ignore, one) {
					all = append(all, one)
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New(".goreleaser.yml names no platform")
	}
	return all, nil
}

// linked returns the modules that a release links into the program on any platform: Go first, then the others by path.
func linked(ctx context.Context, root string) ([]*module, error) {
	targets, err := platforms(root)
	if err != nil {
		return nil, err
	}
	all := gathering{}
	var systems set
	for _, target := range targets {
		systems.add(target.Goos)
		packages, err := list(ctx, root, target)
		if err != nil {
			return nil, err
		}
		if err := all.add(target.Goos, packages); err != nil {
			return nil, err
		}
	}
	var modules []*module
	for _, path := range slices.Sorted(maps.Keys(all)) {
		m := all[path]
		if len(m.systems) == len(systems) {
			m.systems = nil
		}
		if m.files, err = licenceFiles(m.Dir, m.folders); err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// listedPackage is a package in the output of go list.
type listedPackage struct {
	ImportPath, Dir, Root string
	Imports               []string
	Module                *module // nil in the standard library, whose folder is Root
}

// gathering has the linked modules of all platforms by path.
type gathering map[string]*module

// add adds packages in the order of go list -deps, in which a package follows its imports.
func (all gathering) add(system string, packages []listedPackage) error {
	owners := map[string]*module{} // by package
	for _, p := range packages {
		if p.Module == nil { // the licence of Go is in its installation folder
			p.Module, p.Dir = &module{Path: goName, Dir: p.Root, Indirect: true}, p.Root
		}
		if p.Module.Main {
			continue
		}
		if p.Module.Replace != nil {
			return fmt.Errorf("%s is replaced: a release must use the modules that go.mod requires", p.Module.Path)
		}
		m := all[p.Module.Path]
		if m == nil {
			m = p.Module
			all[m.Path] = m
		}
		owners[p.ImportPath] = m
		m.systems.add(system)
		m.folders.add(p.Dir)
		for _, imported := range p.Imports {
			if from := owners[imported]; from != nil && from != m {
				from.importers.add(m.Path)
			}
		}
	}
	return nil
}

// list returns the packages of the program on a platform.
func list(ctx context.Context, root string, target platform) (packages []listedPackage, err error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,Root,Imports,Module", ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+target.Goos, "GOARCH="+target.Goarch, "CGO_ENABLED=0", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listedPackage
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
}
