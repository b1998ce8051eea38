// Command licences keeps what the project says of its dependencies true: it judges the licence of every module that is
// linked into the program on the platforms of a release, and writes THIRD_PARTY_LICENSES, which goes out with the program,
// and the table of modules in docs/dependencies.md. It fails on a licence that may not be linked, and on a direct
// dependency or a tool of which that page gives no reason.
//
//	go run -C tools/licences .            writes both files
//	go run -C tools/licences . -check     fails where one would change
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

// The files, below the root of the project.
const (
	pageFile  = "docs/dependencies.md"
	textsFile = "THIRD_PARTY_LICENSES"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail where something would change")
	root := flag.String("root", filepath.Join("..", ".."), "the root of the project")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
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
	wrong := []error{
		permitted(modules),
		explained(page, "Direct dependencies", direct(modules)),
		explained(page, "Tools", tools),
		settle(root, pageFile, page, check),
		settle(root, textsFile, texts(modules), check),
	}
	return errors.Join(wrong...)
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
	if !bytes.Equal(is, []byte(content)) {
		return fmt.Errorf("%s is not up to date: go run -C tools/licences . writes it anew", name)
	}
	return nil
}
