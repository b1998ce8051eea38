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
			t.Errorf("%s is not what the generator writes: run go generate ./dashboards/...", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := want[filepath.Base(file)]; !ok {
			t.Errorf("%s is a dashboard that the generator does not know", file)
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
		t.Error("no directory is no error")
	}
	if err := run([]string{filepath.Join(directory, "missing")}); err == nil {
		t.Error("a directory that is not there is no error")
	}
}
