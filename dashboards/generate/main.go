// Command generate writes the Grafana dashboards. Run it after a change of theirs:
//
//	go generate ./dashboards/...
package main

//go:generate go run . ..

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: generate DIRECTORY")
	}
	for name, d := range dashboards() {
		content, err := encode(d)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(args[0], name), content, 0o644); err != nil { //nolint:gosec // for everyone to read
			return err
		}
	}
	return nil
}

// dashboards returns every dashboard by the name of its file.
func dashboards() map[string]dashboard {
	return map[string]dashboard{
		"overview.json": overview(),
		"project.json":  project(),
		"exporter.json": exporter(),
	}
}

// encode writes expressions without HTML escapes. It replaces the titles of panels in links by the panels' numbers.
// Each value has its own line, so that diffs are readable. There is no indentation, because the largest dashboard would
// then exceed the size of a ConfigMap that kubectl apply accepts.
func encode(d dashboard) ([]byte, error) {
	var compact, content bytes.Buffer
	encoder := json.NewEncoder(&compact)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		return nil, err
	}
	if err := json.Indent(&content, compact.Bytes(), "", ""); err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(content.String(), "/d/{uid}", "/d/"+d.UID)
	for _, p := range d.Panels {
		text = strings.ReplaceAll(text, "viewPanel={"+p.Title+"}", fmt.Sprintf("viewPanel=%d", p.ID))
	}
	return []byte(text), nil
}
