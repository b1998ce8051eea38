// Command generate writes the Grafana dashboards into the folder above. Run it after you change it:
//
//	go generate ./dashboards/...
package main

//go:generate go run .

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	for name, d := range dashboards() {
		content, err := encode(d)
		if err == nil {
			err = os.WriteFile(filepath.Join("..", name), content, 0o644) //nolint:gosec // for everyone to read
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
	}
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
