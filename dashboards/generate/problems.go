package main

import (
	"fmt"
	"strings"
)

// problem is something that a person should look at. Its expression has one series for each case, whose value is how long it
// has been so, in seconds; the label detail says more where something does.
type problem struct {
	id       string // the alert's name without MongoDBAtlas, as the runbook's address has it
	words    string
	critical bool
	expr     string
}

// problems are what the alerts report, without needing the rules.
func problems() []problem {
	var all []problem
	for _, k := range kinds() {
		noun := strings.ToLower(k.noun)
		if k.baseline != "" {
			all = append(all, problem{k.alert + "overdue", noun + " overdue", true, labelled(k.overdue()+"\n  unless "+onCluster+" "+k.success()+" > 0", "detail", "never succeeded") + "\n  or " + onCluster + " " + k.overdue()})
		}
		failed := "time() - (" + k.lastFailed() + ")"
		if k.collector == "backup_exports" {
			code := "label_join(" + stated(keyOfCluster, "error_code", ofCluster("backup_export_last_failure_info")) + `, "detail", "", "error_code")`
			failed = "(" + failed + ") * " + onCluster + " group_left (detail) max by (group_id, cl_name, detail) (" + code + ")\n  or " + onCluster + " " + failed
		}
		all = append(all, problem{k.alert + "failed", noun + " failed", k.grave, k.detailed(failed)})
		if !k.unlimited {
			all = append(all, problem{k.alert + "stuck", noun + " stuck", false, k.detailed(k.stuck())})
		}
	}
	return append(all, scheduleProblems()...)
}

// detailed names what a series has beside a cluster: the delivery type of a restore, and a pipeline, which belongs to the
// cluster that it reads.
func (k kind) detailed(expr string) string {
	switch k.key {
	case keyOfRestore:
		return "label_join(" + expr + `, "detail", "", "delivery_type")`
	case keyOfPipeline:
		info := stated(keyOfPipeline, "cl_name", ofCluster("pipeline_info"))
		return "label_join((" + expr + ") * on (group_id, pipeline) group_left (cl_name) " + info + `, "detail", "", "pipeline")`
	}
	return expr
}

// scheduleProblems are those that no job shows.
func scheduleProblems() []problem {
	running := " unless " + onCluster + " " + cluster("cluster_paused") + " == 1"
	snapshots := kindOf("backup_snapshots")
	exports := kindOf("backup_exports")
	// switchedOff are the clusters that had a switch on some time in the last week: off is news for them alone.
	switchedOff := func(k kind, metric string) string {
		return k.baselineAge() + " and " + onCluster + " " + cluster(metric) + " == 0 and " + onCluster + " max_over_time(" + ofCluster(metric) + "[7d]) == 1"
	}
	return []problem{
		{"backupdisabled", "backup switched off", true, switchedOff(snapshots, "cluster_backup_enabled")},
		{"backupautoexportdisabled", "auto export switched off", false, switchedOff(exports, "backup_export_auto_enabled") + running},
		{
			"backupexportbucketmissing", "export bucket gone", true,
			exports.baselineAge() + " and " + onCluster + " " + cluster("backup_export_bucket_found") + " == 0 unless " + onCluster + " " + cluster("backup_export_auto_enabled") + " == 0",
		},
		{"backupexportmissing", "snapshot not exported", false, "(time() - " + cluster("backup_export_missing_snapshot_created_timestamp_seconds") + ") > " + seconds(exports.Stuck) + running},
		{
			"backupsnapshotfallback", "newest snapshot is a fallback", false,
			"time() - (" + snapshots.value("last_fallback_timestamp_seconds") + " > " + snapshots.with() + " " + snapshots.plainSuccess() + ") unless " + onCluster + " " + cluster("cluster_backup_enabled") + " == 0",
		},
		{
			"backupsnapshotnotscheduled", "no snapshots scheduled", false,
			snapshots.baselineAge() + " and " + onCluster + " " + snapshots.value("policy_items") + " == 0 unless " + onCluster + " " + cluster("cluster_backup_enabled") + " == 0",
		},
		{
			"backupsnapshotschedulebehind", "snapshot schedule behind", false,
			"(time() - " + snapshots.value("next_timestamp_seconds") + ") > " + seconds(snapshots.Grace/2) + running,
		},
		{"targetunreadable", "unreadable", false, "max by (group_id, group_name, detail) (" + unreadable("time() - "+byTarget+" ("+ofTarget("target_last_refresh_timestamp_seconds")+") or "+byTarget+" ("+ofTarget("target_up")+")") + ")"},
	}
}

// unreadable restricts an expression to targets whose last reading failed, with the collector and the reason as detail.
func unreadable(expr string) string {
	reason := stated(keyOfTarget, "reason", ofTarget("target_last_error_info"))
	return `label_join((` + expr + `) * on (collector, group_id, cl_name, pipeline) group_left (reason) (` + reason +
		` and on (collector, group_id, cl_name, pipeline) ` + byTarget + " (" + ofTarget("target_up") + `) == 0), "detail", ": ", "collector", "reason")`
}

// rows are the cases of problems, each with its problem and severity.
func rows(chosen []problem) string {
	var parts []string
	for _, p := range chosen {
		parts = append(parts, labelled(labelled(p.expr, "problem", p.id), "severity", p.severity()))
	}
	return "max by (severity, problem, group_id, group_name, cl_name, detail) (\n" + strings.Join(parts, "\nor ") + ")"
}

func (p problem) severity() string {
	if p.critical {
		return "critical"
	}
	return "warning"
}

// cases are the cases of those problems whose names end so.
func cases(endings ...string) string {
	var chosen []problem
	for _, p := range problems() {
		for _, ending := range endings {
			if strings.HasSuffix(p.id, ending) {
				chosen = append(chosen, p)
			}
		}
	}
	if len(chosen) == 0 {
		panic(fmt.Sprintf("no problem ends with %q", endings)) // a slip of whoever writes a panel
	}
	return rows(chosen)
}

func problemMapping() options {
	mapping := options{}
	for i, p := range problems() {
		colour := "orange"
		if p.critical {
			colour = "red"
		}
		mapping[p.id] = options{"text": p.words, "color": colour, "index": i}
	}
	return options{"type": "value", "options": mapping}
}

// attention is the table of everything that a person should look at.
func attention() *panel {
	targets := `label_replace(label_replace(count by (group_id, group_name, detail) (` + unreadable("1 + 0 * "+byTarget+" ("+ofTarget("target_up")+")") +
		`), "problem", "targetunreadable", "", ""), "severity", "warning", "", "")`
	return table("What needs attention",
		"Every case, critical ones first, then the longest. Since: the failure, the start of the unfinished job, the last reading, or, where something does not happen, the last success or the cluster's creation. "+
			"Unreadable targets are one row for each project, collector and reason. A problem leads to its runbook.",
		"Nothing needs attention, or no exporter is scraped: then the numbers above say no data.",
		[]column{
			labelColumn("Severity", "severity", width(110), coloured("color-text"), mappings(values("critical", "critical", "red", "warning", "warning", "orange"))),
			labelColumn("Problem", "problem", width(220), coloured("color-text"), mappings(problemMapping()), runbookLink()),
			projectColumn(), clusterColumn(),
			labelColumn("Detail", "detail", property{"custom.minWidth", 200}, mappings(missing("-"), empty("-"))),
			durationColumn("Since", rows(problems()), mappings(values(0, "never read", neutral), missing("-"))),
			valueColumn("Targets", unitCount, targets, width(85)),
		}, order{"Severity", false}, order{"Since", true})
}
