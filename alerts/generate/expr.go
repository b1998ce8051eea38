package main

import (
	"fmt"
	"strings"
)

// kind is a kind of job, for the expressions that several rules share.
type kind struct {
	Name         string // in the label kind, and the first part of the names of its thresholds
	Collector    string
	Prefix, Job  string // of its metrics: PREFIX_last_JOB_state
	Good, Failed string // states
	Type         string // a further label to tell jobs of a cluster apart
	Dates        string // the metrics from which the time for Overdue counts
	Switch       string // what else than a pause ends the jobs of a cluster
}

// kinds returns the kinds by their names in the template.
func kinds() map[string]any {
	const deliveryType = ", delivery_type"
	return map[string]any{
		"export": kind{
			Name: "export", Collector: "backup_exports", Prefix: "mongodbatlas_backup_export", Job: "_job", Good: "Successful",
			Dates: "mongodbatlas_backup_export_last_success_timestamp_seconds" +
				"|mongodbatlas_backup_export_first_job_created_timestamp_seconds|mongodbatlas_cluster_created_timestamp_seconds",
			Switch: "auto_export",
		},
		"snapshot": kind{
			Name: "snapshot", Collector: "backup_snapshots", Prefix: "mongodbatlas_backup_snapshot", Good: "completed",
			Dates:  "mongodbatlas_backup_snapshot_last_success_timestamp_seconds|mongodbatlas_cluster_created_timestamp_seconds",
			Switch: "backup",
		},
		"flexSnapshot": kind{Name: "flex", Collector: "flex_snapshots", Prefix: "mongodbatlas_flex_snapshot"},
		"restore": kind{
			Name: "restore", Collector: "backup_restores", Prefix: "mongodbatlas_backup_restore", Job: "_job", Failed: "failed",
			Type: deliveryType,
		},
		"collectionRestore": kind{
			Name: "restore", Collector: "collection_restores", Prefix: "mongodbatlas_collection_restore", Job: "_job", Failed: "FAILED",
		},
		"flexRestore": kind{
			Name: "restore", Collector: "flex_restores", Prefix: "mongodbatlas_flex_restore", Job: "_job", Failed: "FAILED",
			Type: deliveryType,
		},
	}
}

// parent is the collector that lists the clusters of a collector's targets.
func parent(collector string) string {
	if strings.HasPrefix(collector, "flex_") {
		return "flex_clusters"
	}
	return "clusters"
}

// lines joins the lines of an expression for the inside of parentheses: indented, between two line ends.
func lines(indent int, lines ...string) string {
	margin := "\n" + strings.Repeat(" ", indent)
	return margin + strings.Join(lines, margin) + "\n" + strings.Repeat(" ", indent-2)
}

// current removes outdated readings of a collector, whether the list of clusters or the target itself is outdated. A reading
// is the last value of a gauge that may change at any time, or the highest of one that only rises. NaN does not count then.
func current(reading, collector string, indent int) string {
	all := []string{reading}
	if collector != parent(collector) {
		all = append(all, fmt.Sprintf("unless on (job, instance, group_id, cl_name) mongodbatlas:target_outdated{collector=%q}", collector))
	}
	all = append(all, fmt.Sprintf("unless on (job, instance, group_id) mongodbatlas:target_outdated{collector=%q}", parent(collector)))
	return lines(indent, all...)
}

// open reads a gauge that may end by itself. Its last value counts only while its exporter is down, or has just come
// back and has not read the list again. It does not count if the target is frozen.
func open(metric, collector string, indent int) string {
	return lines(indent,
		"("+metric,
		fmt.Sprintf("or (last_over_time(%s[25m]) unless on (job, instance) (", metric),
		`  min_over_time(mongodbatlas:exporter[15m]) == 1 and on (job, instance) (mongodbatlas_up or mongodbatlas_target_up{collector="clusters"})`,
		")))",
		fmt.Sprintf("unless on (job, instance, group_id, cl_name) mongodbatlas:target_frozen{collector=%q}", collector),
		fmt.Sprintf("unless on (job, instance, group_id) mongodbatlas:target_outdated{collector=%q}", parent(collector)),
	)
}
