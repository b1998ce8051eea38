package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// module is a module that is linked into the program.
type module struct {
	path, version string
	direct        bool
	// importers are the other modules of which a package imports it, in order; the program itself is not among them.
	importers []string
	// systems are the operating systems on which it is linked, in order; nil where it is on all of a release.
	systems []string
	// files are its licence files, in order.
	files []licenceFile
}

// goName is what Go's own standard library and runtime are listed as.
const goName = "Go"

// platform is what a release is built for.
type platform struct{ system, architecture string }

// platforms reads from the configuration of the release what is built.
func platforms(root string) ([]platform, error) {
	raw, err := os.ReadFile(filepath.Join(root, ".goreleaser.yml"))
	if err != nil {
		return nil, err
	}
	var release struct {
		Builds []struct {
			Systems       []string                        `yaml:"goos"`
			Architectures []string                        `yaml:"goarch"`
			Ignore        []struct{ Goos, Goarch string } `yaml:"ignore"`
		} `yaml:"builds"`
	}
	if err := yaml.Unmarshal(raw, &release); err != nil {
		return nil, err
	}
	var all []platform
	for _, build := range release.Builds {
		for _, system := range build.Systems {
			for _, architecture := range build.Architectures {
				if !slices.Contains(build.Ignore, struct{ Goos, Goarch string }{system, architecture}) {
					all = append(all, platform{system, architecture})
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New(".goreleaser.yml names no platform")
	}
	return all, nil
}

// listedPackage is what go list tells of a package.
type listedPackage struct {
	ImportPath, Dir string
	Imports         []string
	Module          *listedModule // nil in the standard library
}

type listedModule struct {
	Path, Version, Dir string
	Main, Indirect     bool
	Replace            *struct{ Path string }
}

// linked lists the modules of which a package is in the program on some platform of the release: Go first, then the
// others by path.
func linked(ctx context.Context, root string) ([]module, error) {
	targets, err := platforms(root)
	if err != nil {
		return nil, err
	}
	all := gathering{}
	systems := map[string]struct{}{}
	for _, target := range targets {
		systems[target.system] = struct{}{}
		packages, err := list(ctx, root, target)
		if err != nil {
			return nil, err
		}
		if err := all.add(target.system, packages); err != nil {
			return nil, err
		}
	}
	standard, err := standardLibrary(ctx, root)
	if err != nil {
		return nil, err
	}
	modules := []module{standard}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		g := all[path]
		m := module{path: path, version: g.Version, direct: !g.Indirect, importers: slices.Sorted(maps.Keys(g.importers))}
		if len(g.systems) < len(systems) {
			m.systems = slices.Sorted(maps.Keys(g.systems))
		}
		if m.files, err = licenceFiles(g.Dir, slices.Sorted(maps.Keys(g.folders))); err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// gathering is what the platforms add up to, by the path of the module.
type gathering map[string]*gathered

type gathered struct {
	*listedModule
	importers, systems, folders map[string]struct{}
}

func (all gathering) add(system string, packages []listedPackage) error {
	owners := map[string]*gathered{} // of packages
	for _, p := range packages {
		if p.Module == nil || p.Module.Main {
			continue
		}
		if p.Module.Replace != nil {
			return fmt.Errorf("%s is replaced: a release is built of what go.mod requires", p.Module.Path)
		}
		g := all[p.Module.Path]
		if g == nil {
			g = &gathered{p.Module, map[string]struct{}{}, map[string]struct{}{}, map[string]struct{}{}}
			all[p.Module.Path] = g
		}
		g.systems[system], g.folders[p.Dir] = struct{}{}, struct{}{}
		owners[p.ImportPath] = g
	}
	for _, p := range packages {
		if p.Module == nil || p.Module.Main {
			continue
		}
		for _, imported := range p.Imports {
			if g := owners[imported]; g != nil && g.Path != p.Module.Path {
				g.importers[p.Module.Path] = struct{}{}
			}
		}
	}
	return nil
}

// list lists the packages of the program on a platform.
func list(ctx context.Context, root string, target platform) ([]listedPackage, error) {
	out, err := goCommand(ctx, root, target, "list", "-deps", "-json=ImportPath,Dir,Imports,Module", ".")
	if err != nil {
		return nil, err
	}
	var packages []listedPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages = append(packages, p)
	}
}

// standardLibrary is Go itself, which is linked, too. Its licence is in the folder that it is installed in.
func standardLibrary(ctx context.Context, root string) (module, error) {
	out, err := goCommand(ctx, root, platform{}, "env", "GOROOT")
	if err != nil {
		return module{}, err
	}
	folder := strings.TrimSpace(string(out))
	files, err := licenceFiles(folder, []string{folder})
	return module{path: goName, files: files}, err
}

func goCommand(ctx context.Context, root string, target platform, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are this program's own
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+target.system, "GOARCH="+target.architecture, "CGO_ENABLED=0", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, stderr.Bytes())
	}
	return out, nil
}
