package config_test

import (
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// shipped are the exporter's own collectors: config.example.yml and docs/configuration.md describe them.
func shipped() []config.Collector { return collector.All().Config() }

// declared are the collectors of the tests that depend on their names.
func declared() []config.Collector {
	return []config.Collector{
		{Name: "backup_exports", ExpectedIntervals: true},
		{Name: "backup_restores"},
		{Name: "backup_snapshots", MinInterval: 5 * time.Minute, ExpectedIntervals: true},
		{Name: "collection_restores", MinInterval: 5 * time.Minute},
		{Name: "flex_snapshots", MinInterval: 5 * time.Minute},
		{Name: "flex_restores", MinInterval: 5 * time.Minute},
		{Name: "pipeline_runs"},
	}
}

// parse parses a valid configuration.
func parse(t *testing.T, text string) config.Config {
	t.Helper()
	c, err := config.Parse([]byte(text), declared())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// load is parse for a file.
func load(t *testing.T, path string) config.Config {
	t.Helper()
	c, err := config.LoadFile(t.Context(), path, declared())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// write writes a file with these permissions, whatever the umask.
func write(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
