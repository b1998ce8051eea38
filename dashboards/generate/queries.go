package main

import "strings"

// What the expressions have in common.
//
// Two exporters may read the same project, and one project may be read by way of /probe: everything is aggregated with max
// over job and instance first, so that a job, a cluster or a target counts once. Series are matched on ids, as are the
// projects' variables; names ride along for the reader.
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

// ofProject selects by job and project alone: pipelines, and counts of targets.
func ofProject(metric string, matchers ...string) string {
	return selector(metric, append([]string{`job=~"$job"`, `group_id=~"$project"`}, matchers...))
}

// ofCluster selects by cluster as well.
func ofCluster(metric string, matchers ...string) string {
	return ofProject(metric, append([]string{`cl_name=~"$cluster"`}, matchers...)...)
}

// ofTarget selects targets. A project's own, which have no cluster, and the list of projects, which has no project, are
// always among them.
func ofTarget(metric string) string {
	return selector(metric, []string{`job=~"$job"`, `group_id=~"$project|"`, `cl_name=~"$cluster|"`})
}

// ofExporter selects what has no project, of the chosen exporters.
func ofExporter(metric string, matchers ...string) string {
	return selector(metric, append([]string{`job=~"$job"`, ofInstance}, matchers...))
}

// ofInstance selects exporters. The targets of /sd are called after the exporter and the project.
const ofInstance = `instance=~"$instance(/.+)?"`

func selector(metric string, matchers []string) string {
	return "mongodbatlas_" + metric + "{" + strings.Join(matchers, ",") + "}"
}

// cluster is one metric's value for each cluster.
func cluster(metric string) string { return byCluster + " (" + ofCluster(metric) + ")" }

// age is how long ago a timestamp was; a timestamp of 0 says that it never happened, and gives no value.
func age(timestamp string) string { return "time() - (" + timestamp + " > 0)" }

// sinceOrNever is the age, or -1 where Atlas lists jobs and none ended so. Where it lists none, or cannot be read, there is
// no value.
func sinceOrNever(timestamp string) string { return age(timestamp) + "\nor 0 * " + timestamp + " - 1" }

// stated is the value of a label, one for each key: two exporters that read at different moments may state two, which would
// make two rows. The state sets' series with 1 is the state that is now.
func stated(key, label, series string) string {
	return "topk by (" + key + ") (1, max by (" + key + ", " + label + ") ((" + series + ") == 1))"
}

// ofPipeline selects the series of the pipelines that read the chosen clusters.
func ofPipeline(metric string, matchers ...string) string {
	return ofProject(metric, matchers...) + " and on (group_id, pipeline) " + ofCluster("pipeline_info")
}

func pipeline(metric string) string { return byPipeline + " (" + ofPipeline(metric) + ")" }

// orZero gives 0 where there is nothing to count, but only while an exporter says so: without one there is no value, and no
// green zero. (on (): the zero has no labels, and would otherwise stand beside the series that have some.)
func orZero(expr string) string {
	return "(" + expr + ")\nor on () 0 * count(" + ofTarget("target_up") + ")"
}

// orNone is the same for the exporter's own counters, with a label for the legend.
func orNone(expr, label string) string {
	return "(" + expr + ")\nor on () label_replace(0 * count(" + ofExporter("up") + "), \"" + label + "\", \"none\", \"\", \"\")"
}

// labelled gives every series of an expression a label.
func labelled(expr, label, value string) string {
	return "label_replace(" + expr + ", \"" + label + "\", \"" + value + "\", \"\", \"\")"
}
