package main

import (
	"fmt"
	"strings"
)

// What the expressions have in common.
//
// Two exporters may read the same project, and one project may be read by way of /probe: everything is aggregated with max
// over job and instance first, so that a job, a cluster or a target counts once. Series are matched on ids, as are the
// projects' variables; names ride along for the reader.
const (
	byCluster  = "max by (" + keyOfCluster + ")"
	byRestore  = "max by (" + keyOfRestore + ")"
	byPipeline = "max by (" + keyOfPipeline + ")"
	byTarget   = "max by (" + keyOfTarget + ")"
)

// ofProject selects by job and project alone: pipelines, and counts of targets.
func ofProject(metric string, matchers ...string) string {
	return selector(metric, append([]string{`job=~"$job"`, `group_id=~"$project"`}, matchers...))
}

// ofCluster selects by cluster as well.
func ofCluster(metric string, matchers ...string) string {
	return ofProject(metric, append([]string{`cl_name=~"$cluster"`}, matchers...)...)
}

// ofTarget selects targets; a project's own, which have no cluster, are always among them.
func ofTarget(metric string) string {
	return ofProject(metric, `cl_name=~"$cluster|"`)
}

// ofExporter selects what has no project.
func ofExporter(metric string, matchers ...string) string {
	return selector(metric, append([]string{`job=~"$job"`}, matchers...))
}

func selector(metric string, matchers []string) string {
	return "mongodbatlas_" + metric + "{" + strings.Join(matchers, ",") + "}"
}

// cluster, restore and pipeline are one metric's value for each of them; of restores by cluster, the highest of its delivery types.
func cluster(metric string) string {
	return byCluster + " (" + ofCluster(metric) + ")"
}

func restore(metric string, matchers ...string) string {
	return byRestore + " (" + ofCluster(metric, matchers...) + ")"
}

func pipeline(metric string) string {
	return byPipeline + " (" + ofPipeline(metric) + ")"
}

// age is how long ago a timestamp was; a timestamp of 0 says that it never happened, and gives no value.
func age(timestamp string) string { return "time() - (" + timestamp + " > 0)" }

// sinceOrNever is the age, or -1 where Atlas lists jobs and none ended so. Where it lists none, or cannot be read, there is
// no value.
func sinceOrNever(timestamp string) string { return age(timestamp) + "\nor 0 * " + timestamp + " - 1" }

// lastExport is the age of a cluster's last successful export, and -1 as well where the list can be read and is empty.
func lastExport() string {
	return sinceOrNever(cluster("backup_export_last_success_timestamp_seconds")) +
		"\nor 0 * (" + byCluster + " (" + ofCluster("target_up", `collector="backup_exports"`) + ") == 1) - 1"
}

// Of what is told by a label, one for each key: two exporters that read at different moments may tell two, which would make
// two rows. The state sets' series with 1 is the state that is now.
const (
	keyOfCluster  = "group_id, group_name, cl_name"
	keyOfRestore  = keyOfCluster + ", delivery_type"
	keyOfPipeline = "group_id, group_name, pipeline"
	keyOfTarget   = "collector, group_id, group_name, cl_name, pipeline"
)

func told(key, label, series string) string {
	return "topk by (" + key + ") (1, max by (" + key + ", " + label + ") ((" + series + ") == 1))"
}

// readable leaves out what an exporter cannot read: a job that was unfinished then has most likely ended since.
func readable(metric, labels, collector string) string {
	return ofProject(metric) + " unless on (job, instance, group_id, " + labels + ") " +
		ofProject("target_up", fmt.Sprintf("collector=%q", collector)) + " == 0"
}

// ofPipeline selects the series of the pipelines that read the chosen clusters.
func ofPipeline(metric string, matchers ...string) string {
	return ofProject(metric, matchers...) + " and on (group_id, pipeline) " + ofCluster("pipeline_info")
}

// orZero gives 0 where there is nothing to count, but only while an exporter tells so: without one there is no value, and no
// green zero. (on (): the zero has no labels, and would otherwise stand beside the series that have some.)
func orZero(expr string) string {
	return "(" + expr + ")\nor on () 0 * count(" + ofProject("target_up") + ")"
}

// orNone is the same for the exporter's own counters, with a label for the legend.
func orNone(expr, label string) string {
	return "(" + expr + ")\nor on () label_replace(0 * count(" + ofExporter("up") + "), \"" + label + "\", \"none\", \"\", \"\")"
}

// The state of a cluster's exports is told by three expressions.

// interval is how often an export is expected.
func interval() string { return cluster("backup_export_expected_interval_seconds") }

// baselineAge counts from the latest of last success, first job and the cluster's creation, so that a cluster that never
// exported has an age, too.
func baselineAge() string {
	return "time() - " + byCluster + ` ({__name__=~"mongodbatlas_(backup_export_last_success|backup_export_first_job_created|cluster_created)_timestamp_seconds",job=~"$job",group_id=~"$project",cl_name=~"$cluster"})`
}

// patience is when an export counts as overdue: the interval and the smaller of itself and two days, as the alert has it.
func patience() string { return "(" + interval() + " + clamp_max(" + interval() + ", 172800))" }

// unjudged are the clusters of which lateness says nothing: those that could not export for some time of the last two days,
// and those whose exports nobody was ever allowed to read.
func unjudged() string {
	return "(max_over_time(" + ofCluster("cluster_paused") + "[2d]) == 1\n" +
		"  or min_over_time(" + ofCluster("backup_export_auto_enabled") + "[2d]) == 0 and " + ofCluster("backup_export_auto_enabled") + " == 1\n" +
		"  or " + ofCluster("target_up", `collector="backup_exports"`) + " == 0 unless on (group_id, cl_name) " + ofCluster("backup_export_jobs") + ")"
}

// The values of timeliness.
const (
	onTime        = 0
	late          = 1
	overdue       = 2
	notJudged     = -1
	paused        = -2
	withoutBackup = -3
	noneExpected  = -4
)

// timeliness judges every cluster.
func timeliness() string {
	return fmt.Sprintf(`(%[1]s > bool %[2]s) + (%[1]s > bool %[3]s) unless on (group_id, cl_name) %[4]s
or %[5]d + 0 * %[2]s
or %[6]d + 0 * (%[7]s == 1)
or %[8]d + 0 * (%[9]s == 0)
or %[10]d + 0 * %[9]s`,
		"("+baselineAge()+")", "("+interval()+")", patience(), unjudged(), notJudged,
		paused, cluster("cluster_paused"), withoutBackup, cluster("cluster_backup_enabled"), noneExpected)
}

// problem is something that a person should look at. Its expression has one series for each case, whose value is how long it
// has been so, in seconds.
type problem struct {
	name, title, description string
	expr                     string
	severe                   bool
}

// problems are in the order of the stats on top of the overview. They tell what the alerts tell, without needing the rules.
func problems() []problem {
	stuckExport := "(time() - " + byCluster + " (" + readable("backup_export_oldest_unfinished_job_created_timestamp_seconds", "cl_name", "backup_exports") + `))
  > (clamp_min(4 * ` + cluster("backup_export_last_success_duration_seconds") + `, 21600) or 43200 + 0 * ` + cluster("backup_export_oldest_unfinished_job_created_timestamp_seconds") + ")"
	stuckRestore := "time() - " + byRestore + " (" + readable("backup_restore_oldest_unfinished_job_created_timestamp_seconds", "cl_name", "backup_restores") + ") > 43200"
	stuckRun := "time() - (" + pipeline("pipeline_oldest_unfinished_run_created_timestamp_seconds") +
		" unless on (group_id, pipeline) " + byPipeline + " (" + ofProject("target_up", `collector="pipeline_runs"`) + ") == 0) > 21600"
	return []problem{
		{
			"export failed", "Failed exports",
			"Clusters whose newest ended export job failed, for up to 8 days after the failure. Atlas does not retry it.",
			"time() - (" + failedSince(cluster("backup_export_last_failure_timestamp_seconds"), cluster("backup_export_last_success_timestamp_seconds")) + ")",
			true,
		},
		{
			"export overdue", "Overdue",
			"Clusters without a successful export for longer than the expected interval and the smaller of itself and two days. Not counted: " +
				"clusters that expect none, that were paused or had auto export switched on in the last two days, and those whose exports nobody can read.",
			baselineAge() + " > " + patience() + "\n  unless on (group_id, cl_name) " + unjudged(),
			true,
		},
		{
			"stuck", "Stuck jobs",
			"Clusters and pipelines with a job that is unfinished for far too long: an export for four times its last success and at least 6 hours " +
				"(12 hours without a success to compare with), a restore for 12 hours, a pipeline run for 6 hours.",
			stuckExport + "\n  or " + stuckRestore + "\n  or " + stuckRun,
			true,
		},
		{
			"restore failed", "Failed restores",
			"Clusters whose newest ended restore failed, for up to 8 days after the failure. A restore counts for the cluster whose snapshot it restores.",
			"time() - (" + failedSince(cluster("backup_restore_last_failure_timestamp_seconds"), cluster("backup_restore_last_success_timestamp_seconds")) + ")",
			true,
		},
		{
			"run failed", "Failed runs",
			"Data Lake pipelines whose newest ended run failed, for up to 8 days after the failure.",
			"time() - (" + failedSince(pipeline("pipeline_last_failure_timestamp_seconds"), pipeline("pipeline_last_success_timestamp_seconds")) + ")",
			true,
		},
		{
			"unreadable", "Unreadable",
			"Targets that the exporter cannot read at the moment. The last good values stay on this dashboard and grow old; the project's dashboard has the reasons.",
			"(time() - " + byTarget + " (" + ofTarget("target_last_refresh_timestamp_seconds") + ") or " + byTarget + " (" + ofTarget("target_up") + "))\n  and " +
				byTarget + " (" + ofTarget("target_up") + ") == 0",
			true,
		},
		{
			"auto export off", "Exports off",
			"Clusters with backup whose auto export is off: their schedule exports no snapshots. Right for some clusters, and easily forgotten for others. Paused clusters are not counted.",
			baselineAge() + "\n  and " + cluster("backup_export_auto_enabled") + " == 0 and " + cluster("cluster_backup_enabled") + " == 1 and " + cluster("cluster_paused") + " == 0",
			false,
		},
		{
			"backup off", "Backup off",
			"Clusters without Cloud Backup: no snapshots, hence no exports. The free tier and flex clusters, which have none, are not counted.",
			baselineAge() + "\n  and " + cluster("cluster_backup_enabled") + " == 0",
			false,
		},
	}
}

// failedSince is the time of the last failure where nothing has succeeded since. 691200 s, 8 days: a failure stays in Atlas's
// list for ever, and a weekly job has had its next turn by then.
func failedSince(failure, success string) string {
	return "(" + failure + " > " + success + ") > time() - 691200"
}

// allProblems is one row for each problem of a cluster or pipeline, in the label name. A project's own targets have no name.
func allProblems() string {
	var parts []string
	for _, p := range problems() {
		parts = append(parts, fmt.Sprintf("label_replace(%s, \"problem\", %q, \"\", \"\")", p.expr, p.name))
	}
	return `max by (problem, group_id, group_name, name) (label_join(
` + strings.Join(parts, "\nor ") + `
, "name", "", "cl_name", "pipeline"))`
}
