package config_test

import (
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
