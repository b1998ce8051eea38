package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestDashboardsAreGenerated(t *testing.T) {
	directory := ".."
	want := dashboards()
	for name, d := range want {
		content, err := encode(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, content) {
			t.Errorf("%s differs from the output of the generator: run go generate ./dashboards/...", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := want[filepath.Base(file)]; !ok {
			t.Errorf("the generator does not write the dashboard %s", file)
		}
	}
}
