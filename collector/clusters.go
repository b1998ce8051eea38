package collector

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

var clusterMetrics = struct {
	expectedInterval, autoEnabled, backupEnabled, paused, created *metric
}{
	expectedInterval: gauge("mongodbatlas_backup_export_expected_interval_seconds",
		"How often a successful export is expected: by the configuration, else by the export policy of the cluster. Absent when neither says, and while the cluster is paused or its backup is off.",
		"backup schedule: export.frequencyType", clusterLabels...),
	autoEnabled: gauge("mongodbatlas_backup_export_auto_enabled",
		"1 when the backup schedule of the cluster exports snapshots automatically, 0 when it does not or backup is off.",
		"backup schedule: autoExportEnabled", clusterLabels...),
	backupEnabled: gauge("mongodbatlas_cluster_backup_enabled",
		"1 when cloud backup of the cluster is on.",
		"clusters: backupEnabled", clusterLabels...),
	paused: gauge("mongodbatlas_cluster_paused",
		"1 when the cluster is paused.",
		"clusters: paused", clusterLabels...),
	created: gauge("mongodbatlas_cluster_created_timestamp_seconds",
		"When the cluster was created.",
		"clusters: createDate", clusterLabels...),
}

// writeCluster sends what discovery knows of a cluster that can have backups.
func writeCluster(w *writer, c *config.Collectors, groupID string, cl *cluster, labels []string) {
	excluded := NotServed(&cl.info)
	if excluded == reasonFreeTier || excluded == reasonFlex {
		return
	}
	m := &clusterMetrics
	if b := cl.info.BackupEnabled; b.Set {
		w.flag(m.backupEnabled, b.Value, labels...)
	}
	if p := cl.info.Paused; p.Set {
		w.flag(m.paused, p.Value, labels...)
	}
	w.time(m.created, firstOf(cl.info.CreateDate, cl.info.ID.Time()), labels...)

	exports := cl.expect(c, groupID)
	if exports.auto.Set {
		w.flag(m.autoEnabled, exports.auto.Value, labels...)
	}
	if exports.interval > 0 {
		w.gauge(m.expectedInterval, exports.interval.Seconds(), labels...)
	}
}

// expectation is what exports are to be expected of a cluster.
type expectation struct {
	auto     atlasapi.Optional[bool] // auto export, unset where the schedule was never read
	interval time.Duration           // between two successes, 0 where none is expected
}

// expect tells by the configuration, else by the cluster's own export policy. A cluster that is paused, or whose backup
// is off, makes no exports.
func (cl *cluster) expect(c *config.Collectors, groupID string) (e expectation) {
	status, schedule := cl.schedule.snapshot(), cl.schedule.reader.(*scheduleReader).last.Load()
	if status.unsupportedReason() == reasonBackupDisabled {
		e.auto.Set = true
		return e
	}
	if schedule != nil {
		e.auto = schedule.AutoExportEnabled
	}
	if cl.info.Paused.Value {
		return e
	}
	interval, configured := c.ExpectedInterval(BackupExports, groupID, cl.info.Name)
	if !configured && e.auto.Value {
		interval = policyInterval(schedule.ExportFrequency)
	}
	e.interval = interval
	return e
}

// policyInterval is the longest time between two exports of a policy that is kept; 0 for one that is not known.
func policyInterval(frequency string) time.Duration {
	const day = 24 * time.Hour
	switch frequency {
	case "daily":
		return day
	case "weekly":
		return 7 * day
	case "monthly":
		return 31 * day
	case "yearly":
		return 366 * day
	}
	return 0
}

var pipelineMetrics = struct{ state, info *metric }{
	state: gauge("mongodbatlas_pipeline_state",
		"State of the pipeline itself: 1 for the current state, 0 for the others.",
		"pipelines: state", with(pipelineLabels, "state")...),
	info: gauge("mongodbatlas_pipeline_info",
		"The cluster that the pipeline reads, and the type of its source; always 1.",
		"pipelines: source.clusterName, source.type", with(pipelineLabels, "cl_name", "source_type")...),
}

// pipelineStates are the states of a pipeline.
var pipelineStates = statesOf(jobState{name: "ACTIVE"}, jobState{name: "PAUSED"})

// writePipeline sends what discovery knows of a pipeline.
func writePipeline(w *writer, pl *pipeline, labels []string) {
	m := &pipelineMetrics
	writeStateSet(w, m.state, pipelineStates.names(), int(pipelineStates.index(pl.info.State)), labels...)
	w.gauge(m.info, 1, with(labels, pl.info.ClusterName, pl.info.SourceType)...)
}
