package collector

import (
	"reflect"
	"slices"
)

// Family describes a metric family, for the documentation.
type Family struct {
	Name, Type, Help string
	// Source is the field of the API that the value comes from, "" where the exporter makes it itself.
	Source string
	Labels []string
	// Example is a query to begin with, "" where the metric explains itself.
	Example string
}

// examples are queries to begin with, by metric.
func examples() map[string]string {
	return map[string]string{
		exportMetrics.lastSuccess.name:          `sort_desc(time() - mongodbatlas_backup_export_last_success_timestamp_seconds)`,
		exportMetrics.lastFailure.name:          `mongodbatlas_backup_export_last_failure_timestamp_seconds > mongodbatlas_backup_export_last_success_timestamp_seconds`,
		exportMetrics.oldestUnfinished.name:     `time() - mongodbatlas_backup_export_oldest_unfinished_job_created_timestamp_seconds > 6 * 3600`,
		exportMetrics.jobs.name:                 `sum by (state) (mongodbatlas_backup_export_jobs)`,
		exportMetrics.lastState.name:            `mongodbatlas_backup_export_last_job_state{state="Failed"} == 1`,
		clusterMetrics.expectedInterval.name:    `time() - mongodbatlas_backup_export_last_success_timestamp_seconds > 2 * mongodbatlas_backup_export_expected_interval_seconds`,
		clusterMetrics.autoEnabled.name:         `mongodbatlas_backup_export_auto_enabled == 0`,
		restoreMetrics.jobs.name:                `mongodbatlas_backup_restore_jobs{state="failed"} > 0`,
		restoreMetrics.lastSuccessDuration.name: `max by (cl_name) (mongodbatlas_backup_restore_last_success_duration_seconds)`,
		runMetrics.runs.name:                    `sum by (pipeline, state) (mongodbatlas_pipeline_runs)`,
		runMetrics.lastBytes.name:               `deriv(mongodbatlas_pipeline_last_run_exported_bytes[10m])`,
		pipelineMetrics.info.name:               `mongodbatlas_pipeline_runs * on (group_id, pipeline) group_left (cl_name) topk by (group_id, pipeline) (1, mongodbatlas_pipeline_info)`,
		healthMetrics.targetUp.name:             `mongodbatlas_target_up == 0`,
		healthMetrics.lastRefresh.name:          `time() - mongodbatlas_target_last_refresh_timestamp_seconds > 1800`,
		healthMetrics.lastError.name:            `count by (group_name, collector, reason) (mongodbatlas_target_last_error_info)`,
		healthMetrics.targets.name:              `sum by (collector, state) (mongodbatlas_targets)`,
		apiMetrics.requests.name:                `sum by (endpoint, code) (rate(mongodbatlas_api_requests_total[5m]))`,
		apiMetrics.duration.name:                `histogram_quantile(0.95, sum by (endpoint, le) (rate(mongodbatlas_api_request_duration_seconds_bucket[5m])))`,
		apiMetrics.remaining.name:               `mongodbatlas_api_ratelimit_remaining / mongodbatlas_api_ratelimit_limit < 0.2`,
		apiMetrics.sunset.name:                  `(mongodbatlas_api_sunset_timestamp_seconds - time()) / 86400`,
	}
}

// FamilyGroup is the metric families of one collector.
type FamilyGroup struct {
	Title    string
	Families []Family
}

// Families describes every metric of the collectors and of the client.
func Families() []FamilyGroup {
	return []FamilyGroup{
		{"Export jobs", families(exportMetrics, clusterMetrics)},
		{"Restore jobs", families(restoreMetrics)},
		{"Pipeline runs", families(runMetrics, pipelineMetrics)},
		{"What the exporter knows of itself", families(healthMetrics, apiMetrics)},
	}
}

// families lists the metrics that are the fields of the structs, in their order.
func families(declarations ...any) []Family {
	var all []Family
	queries := examples()
	for _, declaration := range declarations {
		for _, field := range reflect.ValueOf(declaration).Fields() {
			m := (*metric)(field.UnsafePointer())
			all = append(all, Family{Name: m.name, Type: m.kind, Help: m.help, Source: m.source, Labels: slices.Clone(m.labels), Example: queries[m.name]})
		}
	}
	return all
}
