package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// kind is a kind of job: snapshots, exports, restores or runs. Its thresholds are those of its collector, which the
// alerting rules and the exporter's page use as well.
type kind struct {
	collector.Patience

	collector   string
	noun, nouns string
	alert       string // the first part of its alerts' names
	prefix, job string // of its metrics: mongodbatlas_PREFIX_last_JOB_state
	key         string // the labels of one series, except for state sets
	failed      string // the state of a failure
	states      []string
	baseline    string // the metrics from which the age for lateness counts; "" if nothing is expected
	grave       bool   // whether a failure is critical, because somebody waits for a restore
	unlimited   bool   // there is no alert for stuck jobs
}

func kinds() []kind {
	flexStates := func() []string { return []string{"PENDING", "QUEUED", "RUNNING", "COMPLETED", "FAILED"} }
	all := []kind{
		{
			collector: "backup_snapshots", noun: "Snapshot", nouns: "snapshots", alert: "backupsnapshot", prefix: "backup_snapshot", key: keyOfCluster,
			failed: "failed", states: []string{"queued", "inProgress", "completed", "failed"}, baseline: "backup_snapshot_last_success|cluster_created",
		},
		{
			collector: "backup_exports", noun: "Export", nouns: "exports", alert: "backupexport", prefix: "backup_export", job: "_job", key: keyOfCluster,
			failed: "Failed", states: []string{"Queued", "InProgress", "Successful", "Failed", "Cancelled"},
			baseline: "backup_export_last_success|backup_export_first_job_created|cluster_created",
		},
		{
			collector: "backup_restores", noun: "Restore", nouns: "restores", alert: "backuprestore", prefix: "backup_restore", job: "_job", key: keyOfRestore,
			failed: "failed", states: []string{"in_progress", "ready", "completed", "expired", "failed", "cancelled"}, grave: true,
		},
		{
			collector: "collection_restores", noun: "Collection restore", nouns: "collection restores", alert: "collectionrestore", prefix: "collection_restore", job: "_job", key: keyOfCluster,
			failed: "FAILED", states: []string{"INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL", "CANCELED", "FAILED"}, grave: true,
		},
		{
			collector: "flex_snapshots", noun: "Flex snapshot", nouns: "Flex snapshots", alert: "flexsnapshot", prefix: "flex_snapshot", key: keyOfCluster,
			failed: "FAILED", states: flexStates(), baseline: "flex_snapshot_last_success|flex_cluster_created", unlimited: true,
		},
		{
			collector: "flex_restores", noun: "Flex restore", nouns: "Flex restores", alert: "flexrestore", prefix: "flex_restore", job: "_job", key: keyOfRestore,
			failed: "FAILED", states: flexStates(), grave: true,
		},
		{
			collector: "pipeline_runs", noun: "Pipeline run", nouns: "pipeline runs", alert: "pipelinerun", prefix: "pipeline", job: "_run", key: keyOfPipeline,
			failed: "FAILED", states: []string{"PENDING", "IN_PROGRESS", "DONE", "FAILED", "DATASET_DELETED"},
		},
	}
	declared := collector.All()
	for i := range all {
		at := slices.IndexFunc(declared, func(d *collector.Declaration) bool { return d.Name == all[i].collector })
		all[i].Patience = declared[at].Patience
		all[i].states = append(all[i].states, "unknown")
	}
	return all
}

func kindOf(name string) kind {
	all := kinds()
	return all[slices.IndexFunc(all, func(k kind) bool { return k.collector == name })]
}

// seconds returns a duration as a number of seconds, for comparisons with differences of timestamps.
func seconds(d time.Duration) string { return fmt.Sprintf("%.0f", d.Seconds()) }

func (k kind) pipelines() bool { return k.key == keyOfPipeline }

// ids returns the labels to match on. They do not include the project's name, which may change.
func (k kind) ids() string { return strings.Replace(k.key, "group_name, ", "", 1) }

func (k kind) on() string { return "on (" + k.ids() + ")" }

// with is on, and keeps the name of the project.
func (k kind) with() string { return k.on() + " group_left ()" }

func (k kind) by() string { return "max by (" + k.key + ")" }

// of selects the series of one of the kind's metrics.
func (k kind) of(metric string, matchers ...string) string {
	if k.pipelines() {
		return ofPipeline(k.prefix+"_"+metric, matchers...)
	}
	return ofCluster(k.prefix+"_"+metric, matchers...)
}

// value returns the value of a metric for each series of the key.
func (k kind) value(metric string) string { return k.by() + " (" + k.of(metric) + ")" }

// plain is value without the name of the project. Two exporters may know two names, but the right side of a comparison
// must be unique.
func (k kind) plain(metric string) string { return "max by (" + k.ids() + ") (" + k.of(metric) + ")" }

func (k kind) success() string { return k.value("last_success_timestamp_seconds") }

func (k kind) failure() string { return k.value("last_failure_timestamp_seconds") }

func (k kind) plainSuccess() string { return k.plain("last_success_timestamp_seconds") }

// jobs selects the numbers of jobs by state. They exist once the list was read.
func (k kind) jobs(matchers ...string) string {
	if k.pipelines() {
		return ofPipeline(k.prefix+k.job+"s", matchers...)
	}
	return ofCluster(k.prefix+k.job+"s", matchers...)
}

func (k kind) newest() string { return k.of("last" + k.job + "_state") }

func (k kind) unfinishedMetric() string {
	return "oldest_unfinished" + k.job + "_created_timestamp_seconds"
}

// unfinished returns when the oldest unfinished job was created, for lists that can be read. In other lists, the job
// has probably ended.
func (k kind) unfinished() string {
	ids := "cl_name"
	if k.pipelines() {
		ids = "pipeline"
	}
	match := " unless on (job, instance, group_id, " + ids + ") "
	matcher := fmt.Sprintf("collector=%q", k.collector)
	return k.by() + " (" + k.of(k.unfinishedMetric()) +
		match + ofProject("target_up", matcher) + " == 0" + match + ofProject("target_unsupported_info", matcher) + ")"
}

// stuckAfter returns how long a job may be unfinished, for each series that has an unfinished job.
func (k kind) stuckAfter() string {
	alone := "(0 * " + k.plain(k.unfinishedMetric()) + " + " + seconds(k.Stuck) + ")"
	if k.StuckFactor == 0 {
		return alone
	}
	return "(" + k.byLastSuccess() + " or " + alone + ")"
}

func (k kind) byLastSuccess() string {
	return fmt.Sprintf("clamp_min(%d * %s, %s)", k.StuckFactor, k.plain("last_success_duration_seconds"), seconds(k.StuckLeast))
}

// stuck returns the age of jobs that are unfinished for too long. Atlas never ends some jobs. These are left out after
// a while, if newer jobs have succeeded.
func (k kind) stuck() string {
	return "(time() - " + k.unfinished() + ") > " + k.with() + " " + k.stuckAfter() +
		"\n  unless " + k.on() + " (" + k.plain(k.unfinishedMetric()) + " < time() - " + seconds(verdict.DeadAfter) + ") < " + k.plainSuccess()
}

// lastFailed returns when the last finished job failed, if that is recent: within the usual time, or until the next
// scheduled job. A failure without an end date is dated by its creation. If that is too long ago, the number of failed
// jobs shows it.
func (k kind) lastFailed() string {
	failure := k.plain("last_failure_timestamp_seconds")
	news := failure + " > time() - " + seconds(k.News)
	if k.baseline != "" {
		news += "\n  or " + failure + " > time() - " + k.plain(expected) + " - " + seconds(verdict.Turn)
	}
	if k.grave {
		failed := "max by (" + k.ids() + ") (" + k.jobs(fmt.Sprintf("state=%q", k.failed))
		news += "\n  or " + failed + ") > " + failed + " offset 1d)"
	}
	return "(" + k.failure() + " > " + k.with() + " " + k.plainSuccess() + ")\n  and " + k.on() + " (" + news + ")"
}

// interval returns how often a success is expected.
func (k kind) interval() string { return k.value(expected) }

const expected = "expected_interval_seconds"

// baselineAge returns the age of the latest of last success, first job and the cluster's creation. So clusters without
// a success have an age, too.
func (k kind) baselineAge() string {
	return "time() - " + byCluster + ` ({__name__=~"mongodbatlas_(` + k.baseline + `)_timestamp_seconds",job=~"$job",group_id=~"$project",cl_name=~"$cluster"})`
}

// patience returns the age at which a success is overdue: the interval, plus a grace of at most the interval, plus the
// time for reading it.
func (k kind) patience() string {
	return "(" + k.plain(expected) + " + clamp_max(" + k.plain(expected) + ", " + seconds(k.Grace) + ") + " + seconds(verdict.ReadingTime) + ")"
}

// unjudged selects the clusters that cannot be late, because they were paused or switched off for a quarter of the last
// two days.
func (k kind) unjudged() string {
	paused := "avg_over_time(" + ofCluster("cluster_paused") + "[2d]) >= 0.25"
	switch k.collector {
	case "backup_exports":
		auto := ofCluster("backup_export_auto_enabled")
		return "(" + paused + " or avg_over_time(" + auto + "[2d]) <= 0.75 and " + auto + " == 1)"
	case "backup_snapshots":
		return "(" + paused + ")"
	}
	return ""
}

// overdue returns the age of the last success if it is too old. Lists that were never read are left out.
func (k kind) overdue() string {
	expr := "(" + k.baselineAge() + ") > " + k.with() + " " + k.patience() + "\n  and " + onCluster + " " + k.jobs()
	if unjudged := k.unjudged(); unjudged != "" {
		expr += "\n  unless " + onCluster + " " + unjudged
	}
	return expr
}

// share returns the age of the last success as a multiple of the interval. Overdue clusters without any success come
// before all others.
func (k kind) share() string {
	return "(1e9 + 0 * (" + k.overdue() + ") unless " + onCluster + " " + k.success() + " > 0)\nor (" + k.baselineAge() + ") / " + k.with() + " " + k.plain(expected)
}

// lastSuccess returns the age of the last success, or -1 if the list was read and has none.
func (k kind) lastSuccess() string {
	return sinceOrNever(k.success()) + "\nor 0 * " + k.by() + " (" + k.jobs() + ") - 1"
}

// The values of a verdict.
const (
	onTime        = 0
	late          = 1
	overdue       = 2
	notJudged     = -1
	paused        = -2
	withoutBackup = -3
	noneExpected  = -4
)

// verdict returns the verdict for every cluster.
func (k kind) verdict() string {
	backup := cluster("cluster_backup_enabled")
	if k.prefix == "flex_snapshot" {
		backup = cluster("flex_cluster_backup_enabled")
	}
	judged := fmt.Sprintf("((%[1]s) > bool %[4]s %[2]s) + ((%[1]s) > bool %[4]s %[3]s) and %[5]s %[6]s",
		k.baselineAge(), k.plain(expected), k.patience(), k.with(), onCluster, k.jobs())
	if unjudged := k.unjudged(); unjudged != "" {
		judged += " unless " + onCluster + " " + unjudged
	}
	return fmt.Sprintf("%s\nor %d + 0 * %s\nor %d + 0 * (%s == 1)\nor %d + 0 * (%s == 0)\nor %d + 0 * %s",
		judged, notJudged, k.interval(), paused, cluster("cluster_paused"), withoutBackup, backup, noneExpected, backup)
}

func verdictProperties() []property {
	return []property{
		width(115), coloured("color-background"),
		mappings(values(onTime, "on time", "green", late, "late", "orange", overdue, "overdue", "red", notJudged, "not judged", "blue",
			paused, "paused", neutral, withoutBackup, "no backup", neutral, noneExpected, "none expected", neutral)),
	}
}

// timeline returns the state of the newest job as a number, for a panel that shows states over time.
func (k kind) timeline() string {
	var parts []string
	for i, state := range k.states {
		parts = append(parts, fmt.Sprintf("%d * (%s (%s) == 1)", i+1, k.by(), k.of("last"+k.job+"_state", fmt.Sprintf("state=%q", state))))
	}
	return strings.Join(parts, "\nor ")
}

func (k kind) timelineMapping() options {
	var triples []any
	for i, state := range k.states {
		triples = append(triples, i+1, state, stateColours()[state])
	}
	return values(triples...)
}

// changed returns how often a timestamp changed in a day, summed over all series.
func (k kind) changed(metric string) string {
	return orZero("sum(max by (" + k.ids() + ") (changes(" + k.rangeOf(metric, "1d") + ")))")
}

func (k kind) rangeOf(metric, window string) string {
	name := k.prefix + "_" + metric
	if k.pipelines() {
		return ofProject(name) + "[" + window + "]"
	}
	return ofCluster(name) + "[" + window + "]"
}
