package harness

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"text/template"
)

// WriteReport renders a text/template to a file. The template function mib formats a number of bytes.
func WriteReport(t testing.TB, path, text string, data any) {
	t.Helper()
	rendered, err := render(text, data)
	if err == nil {
		err = os.WriteFile(path, rendered, 0o644)
	}
	if err != nil {
		t.Errorf("writing the report: %v", err)
	}
}

func render(text string, data any) ([]byte, error) {
	parsed, err := template.New("report").Funcs(template.FuncMap{"mib": MiB}).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}
	return b.Bytes(), nil
}
