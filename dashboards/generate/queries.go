package main

import "strings"

// The expressions have this in common: two exporters may read the same project, and one project may be read with
// /probe. So all expressions first aggregate with max over job and instance, and each job, cluster or target counts
// once. Series are matched on ids, as are the variables of projects. Names are only there for the reader.
const (
	keyOfCluster  = "group_id, group_name, cl_name"
	keyOfRestore  = keyOfCluster + ", delivery_type"
	keyOfPipeline = "group_id, group_name, pipeline"
	keyOfTarget   = "collector, group_id, group_name, cl_name, pipeline"

	byCluster  = "max by (" + keyOfCluster + ")"
	byPipeline = "max by (" + keyOfPipeline + ")"
	byTarget   = "max by (" + keyOfTarget + ")"
	onCluster  = "on (group_id, cl_name)"
)

// selected replaces the first word in the braces of a selector by what the reader has selected:
//
//   - project: job and project, for pipelines and numbers of targets.
//   - cluster: the cluster, too.
//   - target: targets. Always includes those of a project itself, which have no cluster, and the list of projects, which has
//     no project.
//   - exporter: series without a project, of the selected exporters. The instance of a target of /sd is the exporter and
//     the project.
//   - instance: series with or without a project, of the selected exporters.
func selected(expr string) string {
	const exporter = `{job=~"$job",instance=~"$instance(/.+)?"`
	return strings.NewReplacer(
		"{project", `{job=~"$job",group_id=~"$project"`,
		"{cluster", `{job=~"$job",group_id=~"$project",cl_name=~"$cluster"`,
		"{target", `{job=~"$job",group_id=~"$project|",cl_name=~"$cluster|"`,
		"{exporter", exporter,
		"{instance", exporter+`,group_id=~"$project|"`,
	).Replace(expr)
}

// cluster returns the value of a metric for each cluster.
func cluster(metric string) string { return byCluster + " (mongodbatlas_" + metric + "{cluster})" }

// age returns the age of a timestamp. A timestamp of 0 means never, and has no age.
func age(timestamp string) string { return "time() - (" + timestamp + " > 0)" }

// sinceOrNever returns the age, or -1 if Atlas lists jobs but none of them ended in this way. If Atlas lists none, or
// the list cannot be read, there is no value.
func sinceOrNever(timestamp string) string { return age(timestamp) + "\nor 0 * " + timestamp + " - 1" }

// stated returns the value of a label, one for each key. Two exporters that read at different times may have different
// values, which would make two rows. In state sets, the series with the value 1 is the current state.
func stated(key, label, series string) string {
	return "topk by (" + key + ") (1, max by (" + key + ", " + label + ") ((" + series + ") == 1))"
}

// ofPipeline selects the series of the pipelines that read the selected clusters.
func ofPipeline(selector string) string {
	return "mongodbatlas_" + selector + " and on (group_id, pipeline) mongodbatlas_pipeline_info{cluster}"
}

func pipeline(metric string) string { return byPipeline + " (" + ofPipeline(metric+"{project}") + ")" }

// orZero returns 0 if there is nothing to count. If no exporter is scraped, it returns no value, instead of a green
// zero. "on ()" is needed because the zero has no labels: without it, the zero would be added to series with labels.
func orZero(expr string) string {
	return "(" + expr + ")\nor on () 0 * count(mongodbatlas_target_up{target})"
}

// orNone does the same for the exporter's own counters, with a label for the legend.
func orNone(expr, label string) string {
	return "(" + expr + ")\nor on () " + labelled("0 * count(mongodbatlas_up{exporter})", label, "none")
}

// labelled adds a label to every series of an expression.
func labelled(expr, label, value string) string {
	return "label_replace(" + expr + ", \"" + label + "\", \"" + value + "\", \"\", \"\")"
}
