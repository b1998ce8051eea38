// Command licences checks the licences of all modules that a release links into the program on any platform. It writes
// THIRD_PARTY_LICENSES, which is distributed with the program, and the table of modules in docs/dependencies.md. It fails if a
// licence is not compatible, or if that page does not explain a direct dependency or a tool.
//
//	go run -C tools/licences .            writes both files
//	go run -C tools/licences . -check     fails if a file is not up to date
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// Output files, relative to the root of the project.
const (
	pageFile  = "docs/dependencies.md"
	textsFile = "THIRD_PARTY_LICENSES"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail if a file is not up to date")
	flag.Parse()
	if err := run(context.Background(), filepath.Join("..", ".."), *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes or checks both files. It returns all errors.
func run(ctx context.Context, root string, check bool) error {
	modules, err := linked(ctx, root)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(filepath.Join(root, pageFile))
	if err != nil {
		return err
	}
	page, err := fillIn(string(before), modules)
	if err != nil {
		return err
	}
	tools, err := toolFolders(root)
	if err != nil {
		return err
	}
	return errors.Join(
		permitted(modules),
		explained(page, "Direct dependencies", direct(modules)),
		explained(page, "Tools", tools),
		settle(root, pageFile, page, check),
		settle(root, textsFile, texts(modules), check),
	)
}

// settle writes a file. If check is true, it only returns an error if the file would change.
func settle(root, name, content string, check bool) error {
	path := filepath.Join(root, name)
	if !check {
		return os.WriteFile(path, []byte(content), 0o644) //nolint:gosec // a public file
	}
	is, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if string(is) != content {
		return fmt.Errorf("%s is not up to date: \"go run -C tools/licences .\" writes it", name)
	}
	return nil
}
