// Command licences keeps what the project says of its dependencies true: it judges the licence of every module that is
// linked into the program on the platforms of a release, and writes THIRD_PARTY_LICENSES, which goes out with the program,
// and the table of modules in docs/dependencies.md. It fails on a licence that may not be linked, and on a direct
// dependency or a tool of which that page gives no reason.
//
//	go run -C tools/licences .            writes both files
//	go run -C tools/licences . -check     fails where one would change
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// The files, below the root of the project.
const (
	pageFile  = "docs/dependencies.md"
	textsFile = "THIRD_PARTY_LICENSES"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail where something would change")
	flag.Parse()
	if err := run(context.Background(), filepath.Join("..", ".."), *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes or checks both files, and returns everything that is wrong.
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

// settle writes a file, or says that it would change.
func settle(root, name, content string, check bool) error {
	path := filepath.Join(root, name)
	if !check {
		return os.WriteFile(path, []byte(content), 0o644) //nolint:gosec // for everybody to read
	}
	is, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if string(is) != content {
		return fmt.Errorf("%s is not up to date: go run -C tools/licences . writes it anew", name)
	}
	return nil
}
