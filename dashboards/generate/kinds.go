package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// kind is a kind of job: snapshots, exports, restores or runs. Its words and thresholds are those of its collector, which
// the alerting rules and the exporter's page use as well.
type kind struct {
	*collector.Declaration

	prefix, job string // of its metrics: mongodbatlas_PREFIX_last_JOB_state
	key         string // the labels of one series, except for state sets
	baseline    string // the metrics from which the age for lateness counts; "" if nothing is expected
	unjudged    string // selects clusters that were paused or off for too long to be judged
	states      string // the documented ones, separated by spaces
}

func kinds() (all []kind) {
	const (
		longPaused = "avg_over_time(mongodbatlas_cluster_paused{cluster}[2d]) >= 0.25"
		autoExport = "mongodbatlas_backup_export_auto_enabled{cluster}"
	)
	known := map[string]kind{
		"backup_snapshots": {
			prefix: "backup_snapshot", key: keyOfCluster, states: "queued inProgress completed failed",
			baseline: "backup_snapshot_last_success|cluster_created", unjudged: longPaused,
		},
		"backup_exports": {
			prefix: "backup_export", job: "_job", key: keyOfCluster, states: "Queued InProgress Successful Failed Cancelled",
			baseline: "backup_export_last_success|backup_export_first_job_created|cluster_created",
			unjudged: longPaused + " or avg_over_time(" + autoExport + "[2d]) <= 0.75 and " + autoExport + " == 1",
		},
		"backup_restores": {
			prefix: "backup_restore", job: "_job", key: keyOfRestore, states: "in_progress ready completed expired failed cancelled",
		},
		"collection_restores": {
			prefix: "collection_restore", job: "_job", key: keyOfCluster,
			states: "INITIALIZING IN_PROGRESS FINALIZING SUCCESSFUL CANCELED FAILED",
		},
		"flex_snapshots": {
			prefix: "flex_snapshot", key: keyOfCluster, states: "PENDING QUEUED RUNNING COMPLETED FAILED",
			baseline: "flex_snapshot_last_success|flex_cluster_created",
		},
		"flex_restores": {prefix: "flex_restore", job: "_job", key: keyOfRestore, states: "PENDING QUEUED RUNNING COMPLETED FAILED"},
		"pipeline_runs": {prefix: "pipeline", job: "_run", key: keyOfPipeline, states: "PENDING IN_PROGRESS DONE FAILED DATASET_DELETED"},
	}
	for _, declared := range collector.All() {
		if k, ok := known[declared.Name]; ok {
			k.Declaration = declared
			all = append(all, k)
		}
	}
	return all
}

func kindOf(name string) kind {
	all := kinds()
	return all[slices.IndexFunc(all, func(k kind) bool { return k.Name == name })]
}

// seconds returns a duration as a number of seconds, for comparisons with differences of timestamps.
func seconds(d time.Duration) string { return fmt.Sprintf("%.0f", d.Seconds()) }

func (k kind) nouns() string { return k.Noun + "s" }

// allStates returns the states of a job. Atlas may send some that it has not documented.
func (k kind) allStates() []string { return append(strings.Fields(k.states), "unknown") }

// failed selects the state of a failure.
func (k kind) failed() string {
	states := k.allStates()
	return fmt.Sprintf("state=%q", states[slices.IndexFunc(states, func(s string) bool { return strings.EqualFold(s, "failed") })])
}

func (k kind) pipelines() bool { return k.key == keyOfPipeline }

// ids returns the labels to match on. They do not include the project's name, which may change.
func (k kind) ids() string { return strings.Replace(k.key, "group_name, ", "", 1) }

func (k kind) on() string { return "on (" + k.ids() + ")" }

// with is on, and keeps the name of the project.
func (k kind) with() string { return k.on() + " group_left ()" }

func (k kind) by() string { return "max by (" + k.key + ")" }

// of selects the series of one of the kind's metrics.
func (k kind) of(metric string, matchers ...string) string { return k.series("_"+metric, matchers) }

// jobs selects the numbers of jobs by state. They exist once the list was read.
func (k kind) jobs(matchers ...string) string { return k.series(k.job+"s", matchers) }

func (k kind) series(ending string, matchers []string) string {
	if k.pipelines() {
		return ofPipeline(k.prefix + ending + "{" + strings.Join(append([]string{"project"}, matchers...), ",") + "}")
	}
	return "mongodbatlas_" + k.prefix + ending + "{" + strings.Join(append([]string{"cluster"}, matchers...), ",") + "}"
}

// newest selects the state of the newest job.
func (k kind) newest(matchers ...string) string { return k.of("last"+k.job+"_state", matchers...) }

// value returns the value of a metric for each series of the key.
func (k kind) value(metric string) string { return k.by() + " (" + k.of(metric) + ")" }

// plain is value without the name of the project. Two exporters may know two names, but the right side of a comparison
// must be unique.
func (k kind) plain(metric string) string { return "max by (" + k.ids() + ") (" + k.of(metric) + ")" }

// Metrics that every kind has.
const (
	lastSuccess = "last_success_timestamp_seconds"
	lastFailure = "last_failure_timestamp_seconds"
	interval    = "expected_interval_seconds" // how often a success is expected
)

func (k kind) unfinishedMetric() string {
	return "oldest_unfinished" + k.job + "_created_timestamp_seconds"
}

// unfinished returns when the oldest unfinished job was created, for lists that can be read. In other lists, the job
// has probably ended.
func (k kind) unfinished() string {
	target := strings.TrimSuffix(k.ids(), ", delivery_type")
	return fmt.Sprintf("%[1]s (%[2]s unless %[3]s mongodbatlas_target_up{project,collector=%[4]q} == 0"+
		" unless %[3]s mongodbatlas_target_unsupported_info{project,collector=%[4]q})",
		k.by(), k.of(k.unfinishedMetric()), "on (job, instance, "+target+")", k.Name)
}

// stuckAfter returns how long a job may be unfinished, for each series that has an unfinished job.
func (k kind) stuckAfter() string {
	alone := "(0 * " + k.plain(k.unfinishedMetric()) + " + " + seconds(k.Patience.Stuck) + ")"
	if k.Patience.StuckFactor == 0 {
		return alone
	}
	return "(" + k.byLastSuccess() + " or " + alone + ")"
}

func (k kind) byLastSuccess() string {
	return fmt.Sprintf("clamp_min(%d * %s, %s)", k.Patience.StuckFactor, k.plain("last_success_duration_seconds"), seconds(k.Patience.StuckLeast))
}

// stuck returns the age of jobs that are unfinished for too long. Atlas never ends some jobs. These are left out after
// a while, if newer jobs have succeeded.
func (k kind) stuck() string {
	return fmt.Sprintf("(time() - %s) > %s %s\n  unless %s (%s < time() - %s) < %s",
		k.unfinished(), k.with(), k.stuckAfter(), k.on(), k.plain(k.unfinishedMetric()), seconds(verdict.DeadAfter), k.plain(lastSuccess))
}

// lastFailed returns when the last finished job failed, if that is recent: within the usual time, or until the next
// scheduled job. A failure without an end date is dated by its creation. If that is too long ago, the number of failed
// jobs shows it.
func (k kind) lastFailed() string {
	failure := k.plain(lastFailure)
	news := failure + " > time() - " + seconds(k.Patience.News)
	if k.baseline != "" {
		news += "\n  or " + failure + " > time() - " + k.plain(interval) + " - " + seconds(verdict.Turn)
	}
	if k.Step == collector.StepRestore {
		failed := "max by (" + k.ids() + ") (" + k.jobs(k.failed())
		news += "\n  or " + failed + ") > " + failed + " offset 1d)"
	}
	return "(" + k.value(lastFailure) + " > " + k.with() + " " + k.plain(lastSuccess) + ")\n  and " + k.on() + " (" + news + ")"
}

// baselineAge returns the age of the latest of last success, first job and the cluster's creation. So clusters without
// a success have an age, too.
func (k kind) baselineAge() string {
	return "time() - " + byCluster + ` ({__name__=~"mongodbatlas_(` + k.baseline + `)_timestamp_seconds",job=~"$job",group_id=~"$project",cl_name=~"$cluster"})`
}

// patience returns the age at which a success is overdue: the interval, plus a grace of at most the interval, plus the
// time for reading it.
func (k kind) patience() string {
	return fmt.Sprintf("(%[1]s + clamp_max(%[1]s, %[2]s) + %[3]s)", k.plain(interval), seconds(k.Patience.Grace), seconds(verdict.ReadingTime))
}

// judged restricts an expression to clusters that can be late: their list was read, and they were not paused or switched
// off for a quarter of the last two days.
func (k kind) judged(expr string) string {
	expr += "\n  and " + onCluster + " " + k.jobs()
	if k.unjudged != "" {
		expr += "\n  unless " + onCluster + " (" + k.unjudged + ")"
	}
	return expr
}

// overdue returns the age of the last success if it is too old.
func (k kind) overdue() string {
	return k.judged("(" + k.baselineAge() + ") > " + k.with() + " " + k.patience())
}

// share returns the age of the last success as a multiple of the interval. Overdue clusters without any success come
// before all others.
func (k kind) share() string {
	never := "1e9 + 0 * (" + k.overdue() + ") unless " + onCluster + " " + k.value(lastSuccess) + " > 0"
	return "(" + never + ")\nor (" + k.baselineAge() + ") / " + k.with() + " " + k.plain(interval)
}

// sinceSuccess returns the age of the last success, or -1 if the list was read and has none.
func (k kind) sinceSuccess() string {
	return sinceOrNever(k.value(lastSuccess)) + "\nor 0 * " + k.by() + " (" + k.jobs() + ") - 1"
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
	backup := cluster(strings.TrimSuffix(k.Parent.Name, "s") + "_backup_enabled")
	lateness := fmt.Sprintf("((%[1]s) > bool %[4]s %[2]s) + ((%[1]s) > bool %[4]s %[3]s)",
		k.baselineAge(), k.plain(interval), k.patience(), k.with())
	return fmt.Sprintf("%s\nor %d + 0 * %s\nor %d + 0 * (%s == 1)\nor %d + 0 * (%s == 0)\nor %d + 0 * %s", k.judged(lateness),
		notJudged, k.value(interval), paused, cluster("cluster_paused"), withoutBackup, backup, noneExpected, backup)
}

// timeline returns the state of the newest job as a number, for a panel that shows states over time.
func (k kind) timeline() string {
	var parts []string
	for i, state := range k.allStates() {
		parts = append(parts, fmt.Sprintf("%d * (%s (%s) == 1)", i+1, k.by(), k.newest(fmt.Sprintf("state=%q", state))))
	}
	return strings.Join(parts, "\nor ")
}

func (k kind) timelineMapping() options {
	var triples []any
	for i, state := range k.allStates() {
		triples = append(triples, i+1, state, stateColour(state))
	}
	return values(triples...)
}

// changed returns how often a timestamp changed in a day, summed over all series.
func (k kind) changed(metric string) string {
	return orZero("sum(max by (" + k.ids() + ") (changes(" + k.of(metric) + "[1d])))")
}
