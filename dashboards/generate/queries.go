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

// ofProject selects by job and project only: for pipelines, and for numbers of targets.
func ofProject(metric string, matchers ...string) string {
	return selector(metric, append([]string{`job=~"$job"`, `group_id=~"$project"`}, matchers...))
}

// ofCluster selects by cluster, too.
func ofCluster(metric string, matchers ...string) string {
	return ofProject(metric, append([]string{`cl_name=~"$cluster"`}, matchers...)...)
}

// ofTarget selects targets. It always includes the targets of a project itself, which have no cluster, and the list of
// projects, which has no project.
func ofTarget(metric string) string {
	return selector(metric, []string{`job=~"$job"`, `group_id=~"$project|"`, `cl_name=~"$cluster|"`})
}

// ofExporter selects the series without a project, of the selected exporters.
func ofExporter(metric string, matchers ...string) string {
	return selector(metric, append([]string{`job=~"$job"`, ofInstance}, matchers...))
}

// ofInstance selects exporters. The instance of a target of /sd is the exporter and the project.
const ofInstance = `instance=~"$instance(/.+)?"`

func selector(metric string, matchers []string) string {
	return "mongodbatlas_" + metric + "{" + strings.Join(matchers, ",") + "}"
}

// cluster returns the value of a metric for each cluster.
func cluster(metric string) string { return byCluster + " (" + ofCluster(metric) + ")" }

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
func ofPipeline(metric string, matchers ...string) string {
	return ofProject(metric, matchers...) + " and on (group_id, pipeline) " + ofCluster("pipeline_info")
}

func pipeline(metric string) string { return byPipeline + " (" + ofPipeline(metric) + ")" }

// orZero returns 0 if there is nothing to count. If no exporter is scraped, it returns no value, instead of a green
// zero. "on ()" is needed because the zero has no labels: without it, the zero would be added to series with labels.
func orZero(expr string) string {
	return "(" + expr + ")\nor on () 0 * count(" + ofTarget("target_up") + ")"
}

// orNone does the same for the exporter's own counters, with a label for the legend.
func orNone(expr, label string) string {
	return "(" + expr + ")\nor on () label_replace(0 * count(" + ofExporter("up") + "), \"" + label + "\", \"none\", \"\", \"\")"
}

// labelled adds a label to every series of an expression.
func labelled(expr, label, value string) string {
	return "label_replace(" + expr + ", \"" + label + "\", \"" + value + "\", \"\", \"\")"
}
