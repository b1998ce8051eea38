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

func TestRun(t *testing.T) {
	directory := t.TempDir()
	if err := run([]string{directory}); err != nil {
		t.Fatal(err)
	}
	for name := range dashboards() {
		if _, err := os.Stat(filepath.Join(directory, name)); err != nil {
			t.Error(err)
		}
	}
	if err := run(nil); err == nil {
		t.Error("a missing argument is accepted")
	}
	if err := run([]string{filepath.Join(directory, "missing")}); err == nil {
		t.Error("a missing directory is accepted")
	}
}
