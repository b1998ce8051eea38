package collector

import "github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"

// The names of the job collectors, as in the configuration, flags and labels.
const (
	BackupExports  = "backup_exports"
	BackupRestores = "backup_restores"
	PipelineRuns   = "pipeline_runs"
)

// Declared returns what the configuration needs to know of the collectors, in the order in which they are shown.
func Declared() []config.Collector {
	return []config.Collector{
		{Name: BackupExports, ExpectedIntervals: true},
		{Name: BackupRestores},
		{Name: PipelineRuns},
	}
}
