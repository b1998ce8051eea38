package trigger_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter"

// TestServerCannotTrigger checks that no code of the exporter's server leads to a request that starts an ingestion: its
// packages do not depend on this one, and no source outside of this package refers to what builds such a request.
func TestServerCannotTrigger(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"collector", "daemon", "web", "check"} {
		t.Run(pkg, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+pkg).Output()
			if err != nil {
				t.Fatal(err)
			}
			deps := strings.Fields(string(out))
			if !slices.Contains(deps, module+"/atlasapi") {
				t.Fatalf("%s does not even depend on the client: %s", pkg, out)
			}
			if slices.Contains(deps, module+"/trigger") {
				t.Errorf("%s depends on trigger", pkg)
			}
		})
	}
	users := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		if file.Name.Name != "atlasapi" && refersToTrigger(file) {
			users[filepath.Dir(path)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(users) != 1 || !users[filepath.Join("..", "trigger")] {
		t.Errorf("%v refer to atlasapi's Trigger, want only trigger", users)
	}
}

// refersToTrigger reports whether a file refers to atlasapi's Trigger or NewTrigger, by whatever name it imports the package.
func refersToTrigger(file *ast.File) bool {
	local := "atlasapi"
	for _, imported := range file.Imports {
		if imported.Path.Value == `"`+module+`/atlasapi"` && imported.Name != nil {
			local = imported.Name.Name
		}
	}
	found := local == "."
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			of, isName := selector.X.(*ast.Ident)
			found = found || isName && of.Name == local && (selector.Sel.Name == "NewTrigger" || selector.Sel.Name == "Trigger")
		}
		return !found
	})
	return found
}
