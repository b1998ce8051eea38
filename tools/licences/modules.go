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

// module is a module that is linked into the program: what go list says of it, and what its packages add up to.
type module struct {
	Path, Version, Dir string
	Main, Indirect     bool
	Replace            *struct{ Path string }
	// importers are the other modules of which a package imports it; the program itself is not among them. systems are the
	// operating systems on which it is linked, none where it is on all of a release. folders are those of its packages.
	importers, systems, folders set
	files                       []licenceFile
}

// goName is what Go's own standard library and runtime are listed as.
const goName = "Go"

// set is in order, and has each string once.
type set []string

func (s *set) add(one string) {
	if i, found := slices.BinarySearch(*s, one); !found {
		*s = slices.Insert(*s, i, one)
	}
}

// platform is what a release is built for.
type platform struct{ Goos, Goarch string }

// platforms reads from the configuration of the release what is built.
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

// linked lists the modules of which a package is in the program on some platform of the release: Go first, then the
// others by path.
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

// listedPackage is what go list tells of a package.
type listedPackage struct {
	ImportPath, Dir, Root string
	Imports               []string
	Module                *module // nil in the standard library, whose folder is Root
}

// gathering is what the platforms add up to, by the path of the module.
type gathering map[string]*module

// add takes packages in the order of go list -deps: each after those that it imports.
func (all gathering) add(system string, packages []listedPackage) error {
	owners := map[string]*module{} // of packages
	for _, p := range packages {
		if p.Module == nil { // the licence of Go is in the folder that it is installed in
			p.Module, p.Dir = &module{Path: goName, Dir: p.Root, Indirect: true}, p.Root
		}
		if p.Module.Main {
			continue
		}
		if p.Module.Replace != nil {
			return fmt.Errorf("%s is replaced: a release is built of what go.mod requires", p.Module.Path)
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

// list lists the packages of the program on a platform.
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
