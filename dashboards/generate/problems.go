package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// problem is something that a person should look at.
type problem struct {
	id       string // the alert's name without MongoDBAtlas, as in the URL of the runbook
	words    string
	critical bool
	expr     string // one series for each case
	since    string // how many seconds each case has lasted, with the label detail; "" if expr is that
}

// problems returns everything that the alerts report, without needing the rules: the problems of each kind of job, and
// those of schedules.
func problems() [][]problem {
	var groups [][]problem
	for _, k := range kinds() {
		var all []problem
		alert := strings.ToLower(k.Alert)
		if k.baseline != "" {
			all = append(all, problem{alert + "overdue", k.Noun + " overdue", true, k.overdue(), labelled(k.overdue()+"\n  unless "+onCluster+" "+k.value(lastSuccess)+" > 0", "detail", "never succeeded") + "\n  or " + onCluster + " " + k.overdue()})
		}
		failed := "time() - (" + k.lastFailed() + ")"
		if k.Name == "backup_exports" {
			code := "label_join(" + stated(keyOfCluster, "error_code", "mongodbatlas_backup_export_last_failure_info{cluster}") + `, "detail", "", "error_code")`
			failed = "(" + failed + ") * " + onCluster + " group_left (detail) max by (group_id, cl_name, detail) (" + code + ")\n  or " + onCluster + " " + failed
		}
		all = append(all, problem{alert + "failed", k.Noun + " failed", k.Step == collector.StepRestore, k.lastFailed(), k.detailed(failed)})
		if k.Patience.Stuck > 0 {
			all = append(all, problem{alert + "stuck", k.Noun + " stuck", false, k.stuck(), k.detailed(k.stuck())})
		}
		groups = append(groups, all)
	}
	return append(groups, scheduleProblems())
}

// detailed adds the label detail: the delivery type of a restore, or the name of a pipeline. A pipeline also gets the
// cluster that it reads.
func (k kind) detailed(expr string) string {
	switch k.key {
	case keyOfRestore:
		return "label_join(" + expr + `, "detail", "", "delivery_type")`
	case keyOfPipeline:
		info := stated(keyOfPipeline, "cl_name", "mongodbatlas_pipeline_info{cluster}")
		return "label_join((" + expr + ") * on (group_id, pipeline) group_left (cl_name) " + info + `, "detail", "", "pipeline")`
	}
	return expr
}

// scheduleProblems are the problems of schedules and switches.
func scheduleProblems() []problem {
	running := " unless " + onCluster + " " + cluster("cluster_paused") + " == 1"
	withBackup := " unless " + onCluster + " " + cluster("cluster_backup_enabled") + " == 0"
	snapshots, exports := kindOf("backup_snapshots"), kindOf("backup_exports")
	// switchedOff selects the clusters that had a switch on some time in the last week, and have it off now.
	switchedOff := func(k kind, metric string) string {
		return k.baselineAge() + " and " + onCluster + " " + cluster(metric) + " == 0 and " + onCluster + " max_over_time(mongodbatlas_" + metric + "{cluster}[7d]) == 1"
	}
	return []problem{
		{"backupdisabled", "backup switched off", true, switchedOff(snapshots, "cluster_backup_enabled"), ""},
		{"backupautoexportdisabled", "auto export switched off", false, switchedOff(exports, "backup_export_auto_enabled") + running, ""},
		{
			"backupexportbucketmissing", "export bucket gone", true,
			exports.baselineAge() + " and " + onCluster + " " + cluster("backup_export_bucket_found") + " == 0 unless " + onCluster + " " + cluster("backup_export_auto_enabled") + " == 0", "",
		},
		{"backupexportmissing", "snapshot not exported", false, "(time() - " + cluster("backup_export_missing_snapshot_created_timestamp_seconds") + ") > " + seconds(exports.Patience.Missing) + running, ""},
		{
			"backupsnapshotfallback", "newest snapshot is a fallback", false,
			"time() - (" + snapshots.value("last_fallback_timestamp_seconds") + " > " + snapshots.with() + " " + snapshots.plain(lastSuccess) + ")" + withBackup, "",
		},
		{
			"backupsnapshotnotscheduled", "no snapshots scheduled", false,
			snapshots.baselineAge() + " and " + onCluster + " " + snapshots.value("policy_items") + " == 0" + withBackup, "",
		},
		{
			"backupsnapshotschedulebehind", "snapshot schedule behind", false,
			"(time() - " + snapshots.value("next_timestamp_seconds") + ") > " + seconds(snapshots.Patience.Behind) + running, "",
		},
		{"targetunreadable", "unreadable", false, "max by (group_id, group_name, detail) (" + unreadable("time() - "+byTarget+" (mongodbatlas_target_last_refresh_timestamp_seconds{target}) or "+byTarget+" (mongodbatlas_target_up{target})") + ")", ""},
	}
}

// unreadable restricts an expression to targets whose last reading failed, with the collector and the reason as detail.
func unreadable(expr string) string {
	reason := stated(keyOfTarget, "reason", "mongodbatlas_target_last_error_info{target}")
	return `label_join((` + expr + `) * on (collector, group_id, cl_name, pipeline) group_left (reason) (` + reason +
		` and on (collector, group_id, cl_name, pipeline) ` + byTarget + " (mongodbatlas_target_up{target}" + `) == 0), "detail", ": ", "collector", "reason")`
}

// rows returns the cases of problems, each with its problem and severity.
func rows(chosen []problem) string {
	var parts, critical []string
	for _, p := range chosen {
		parts = append(parts, labelled(cmp.Or(p.since, p.expr), "problem", p.id))
		if p.critical {
			critical = append(critical, p.id)
		}
	}
	union := "max by (problem, group_id, group_name, cl_name, detail) (\n" + strings.Join(parts, "\nor ") + ")"
	return "label_replace(" + labelled(union, "severity", "warning") + `, "severity", "critical", "problem", "` + strings.Join(critical, "|") + `")`
}

// cases returns the cases of all problems whose ids have one of these endings, for counting them.
func cases(endings ...string) string {
	var parts []string
	for _, p := range slices.Concat(problems()...) {
		if slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(p.id, ending) }) {
			parts = append(parts, labelled(p.expr, "problem", p.id))
		}
	}
	if len(parts) == 0 {
		panic(fmt.Sprintf("no problem ends with %q", endings)) // a slip of whoever writes a panel
	}
	return strings.Join(parts, "\nor ")
}

func problemMapping() options {
	var triples []any
	for _, p := range slices.Concat(problems()...) {
		colour := "orange"
		if p.critical {
			colour = "red"
		}
		triples = append(triples, p.id, p.words, colour)
	}
	return values(triples...)
}

// attention is the table of everything that needs attention.
func attention() *panel {
	targets := `label_replace(label_replace(count by (group_id, group_name, detail) (` + unreadable("1 + 0 * "+byTarget+" (mongodbatlas_target_up{target})") +
		`), "problem", "targetunreadable", "", ""), "severity", "warning", "", "")`
	since := durationColumn("Since", "", mappings(values(0, "never read", neutral), missing("-")))
	since.exprs = nil
	for _, group := range problems() {
		since.exprs = append(since.exprs, rows(group))
	}
	return table("What needs attention",
		"Every case, critical ones first, then the longest. Since: the failure, the start of the unfinished job, the last reading, or, if a job is missing, the last success or the cluster's creation. "+
			"Unreadable targets are one row for each project, collector and reason. A problem links to its runbook.",
		"Nothing needs attention. If the numbers above say no data, no exporter is scraped.",
		[]column{
			labelColumn("Severity", "severity", width(110), coloured("color-text"), mappings(values("critical", "critical", "red", "warning", "warning", "orange"))),
			labelColumn("Problem", "problem", width(205), coloured("color-text"), mappings(problemMapping()),
				property{"links", []options{{"title": "What to do", "url": "${runbooks}mongodbatlas${__value.raw}", "targetBlank": true}}}),
			projectColumn(), clusterColumn(),
			labelColumn("Detail", "detail", width(235), mappings(missing("-"), empty("-"))),
			since,
			valueColumn("Targets", unitCount, targets, width(85)),
		}, ascending("Severity"), descending("Since"))
}
