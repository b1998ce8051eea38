package main

import "slices"

func overview() dashboard {
	var l layout
	snapshots, flex := kindOf("backup_snapshots"), kindOf("flex_snapshots")

	l.row("How much would I lose now?")
	const restorable, needs = "Restorable moment by cluster", "What needs attention"
	l.add(4, 4, stat("Largest loss", "How much data you would lose now in the worst case: the highest age of a newest snapshot, over all clusters and Flex clusters that have snapshots and expect more. Clusters with continuous backup would lose less.", unitDuration,
		query{"max(" + age(snapshots.value(lastSuccess)) + " and " + onCluster + " " + snapshots.value(interval) + "\n  or " + age(flex.value(lastSuccess)) + " and " + onCluster + " " + flex.value(interval) + ")", "age"}).
		standard("decimals", 1).standard("color", fixed("text")).standard("links", []options{toPanel(restorable)}))
	l.add(4, 4, count("Snapshots overdue", "Clusters and Flex clusters whose newest snapshot is older than the interval plus a grace, or that never had one.", cases("snapshotoverdue"), "red", needs))
	l.add(4, 4, count("Exports overdue", "Clusters without a successful export for longer than the interval plus a grace. The grace is the interval again, but at most two days.", cases("exportoverdue"), "red", needs))
	l.add(3, 4, count("Failed restores", "Last finished restores of each delivery type that failed within a day; of clusters, collections and Flex clusters.", cases("restorefailed"), "red", needs))
	l.add(3, 4, count("Failed jobs", "Last finished snapshots, exports and pipeline runs that failed.", cases("snapshotfailed", "exportfailed", "runfailed"), "orange", needs))
	l.add(3, 4, count("Stuck jobs", "Jobs of every kind that have been unfinished for too long.", cases("stuck"), "orange", needs))
	l.add(3, 4, count("Unreadable", "Targets that the exporter cannot read now, counted by project, collector and reason. This dashboard shows their last good values, which become outdated.", cases("targetunreadable"), "orange", needs))
	l.add(24, 10, restorableTable(restorable))
	l.add(24, 12, attention())

	l.row("Exports")
	l.add(24, 9, exportsTable("Exports by cluster", "Age of the last success, compared with the interval; the most overdue first."))

	l.row("Restores")
	l.add(24, 8, restoresTable("Restores by cluster and delivery type"))

	l.row("Flex clusters")
	l.add(24, 7, flexTable("Flex snapshots by cluster", flex))

	coverage(&l)
	history(&l)
	pipelines(&l)
	return newDashboard(overviewUID, "MongoDB Atlas backup / Overview",
		"Snapshots, exports and restores of all MongoDB Atlas projects: how much would be lost now, what needs a person, and how it got there.", l)
}

func restorableTable(title string) *panel {
	k := kindOf("backup_snapshots")
	return table(title,
		"Age of the newest snapshot that can be restored, compared with the interval of the backup policy; the most overdue first. "+
			"Late: older than the interval. Overdue: older than the interval plus the grace. "+
			"With continuous backup, you can restore any moment of its window, so you lose less. Not judged: paused or unreadable lately.",
		"No clusters are read: no exporter is scraped, or the filters above match none.",
		append(k.lateness("Snapshots", k.lossColumn()),
			durationColumn("Continuous", cluster("backup_restore_window_seconds")+"\nor 0 * ("+cluster("cluster_pit_enabled")+" == 0)", mappings(values(0, "off", neutral), missing("-")), width(120)),
			k.newestColumn("Newest"),
			durationColumn("Next in", k.value("next_timestamp_seconds")+" - time()", mappings(between(-1e12, 0, "due", "orange"), missing("-")), width(100)),
			durationColumn("Back to", age(k.value("oldest_success_timestamp_seconds")), width(100)),
		), descending("Age / interval"))
}

// lateness are the columns that compare the age of the last success with the interval.
func (k kind) lateness(title string, since column) []column {
	verdicts := values(onTime, "on time", "green", late, "late", "orange", overdue, "overdue", "red", notJudged, "not judged", "blue",
		paused, "paused", neutral, withoutBackup, "no backup", neutral, noneExpected, "none expected", neutral)
	return []column{
		projectColumn(), clusterColumn(),
		valueColumn(title, unitCount, k.verdict(), width(115), coloured("color-background"), mappings(verdicts)),
		since,
		durationColumn("Every", k.value(interval), width(95)),
		valueColumn("Age / interval", unitCount, k.share(), property{"decimals", 2}, width(145), coloured("color-text"),
			property{"thresholds", thresholds("text", 1, "orange", 2, "red")}, mappings(between(1e8, 1e12, "never", "red"), missing("-"))),
	}
}

// newestColumn shows the state of the newest job.
func (k kind) newestColumn(title string) column {
	return stateColumn(title, "state", stated(k.key, "state", k.newest()), k.allStates()...)
}

// lossColumn shows how much data would be lost now.
func (k kind) lossColumn() column {
	return durationColumn("Would be lost", k.sinceSuccess(), mappings(values(-1, "never backed up", "red"), missing("-")), width(130))
}

func exportsTable(title, description string, more ...column) *panel {
	k := kindOf("backup_exports")
	return table(title, description+" Not exported: age of the oldest snapshot that auto export should have exported.",
		"No clusters are read: no exporter is scraped, or the filters above match none.",
		slices.Concat(k.lateness("Exports", sinceColumn("Last success", k.sinceSuccess())), []column{
			k.newestColumn("Newest job"),
			durationColumn("Not exported", age(k.value("missing_snapshot_created_timestamp_seconds")), width(135)),
			valueColumn("Auto export", unitCount, cluster("backup_export_auto_enabled"), onOff(neutral)...),
		}, more), descending("Age / interval"))
}

func onOff(off string) []property {
	return []property{width(120), coloured("color-text"), mappings(values(1, "on", "green", 0, "off", off), missing("-"))}
}

// restoresTable shows the restores of all kinds. Collection restores have no delivery type, so they get one here.
func restoresTable(title string) *panel {
	each := func(expr func(k kind) string) string {
		return expr(kindOf("backup_restores")) + "\nor " + labelled(expr(kindOf("collection_restores")), "delivery_type", "collections") + "\nor " + expr(kindOf("flex_restores"))
	}
	return table(title,
		"One row for each cluster whose snapshots are restored and each delivery type; failed and stuck ones first. Atlas sends no state for restores of whole clusters, so the exporter derives it.",
		"No restores are listed.",
		[]column{
			projectColumn(), clusterColumn(),
			labelColumn("Delivery", "delivery_type", width(105)),
			valueColumn("Restores", unitCount, each(func(k kind) string {
				return "3 + 0 * (" + k.lastFailed() + ")\nor 2 + 0 * (" + k.stuck() + ")\nor 1 + 0 * " + k.unfinished() + "\nor 0 * " + k.value(lastSuccess)
			}), width(115), coloured("color-background"), mappings(values(3, "failed", "red", 2, "stuck", "orange", 1, "running", "blue", 0, "well", "green"))),
			stateColumn("Newest job", "state", each(func(k kind) string { return stated(k.key, "state", k.newest()) }),
				slices.Concat(kindOf("backup_restores").allStates(), kindOf("collection_restores").allStates(), kindOf("flex_restores").allStates())...),
			sinceColumn("Last success", each(func(k kind) string { return sinceOrNever(k.value(lastSuccess)) })),
			durationColumn("Took", each(func(k kind) string { return k.value("last_success_duration_seconds") }), width(95)),
			durationColumn("Last failure", each(func(k kind) string { return age(k.value(lastFailure)) })),
			durationColumn("Unfinished", each(func(k kind) string { return age(k.unfinished()) })),
			durationColumn("Began", each(func(k kind) string { return age(k.value("last_job_created_timestamp_seconds")) }), width(110)),
		}, descending("Restores"), ascending("Began"))
}

func flexTable(title string, k kind) *panel {
	return table(title, "Atlas takes one snapshot of a Flex cluster a day. There are no on-demand snapshots.", "No Flex clusters.",
		append(k.lateness("Snapshots", k.lossColumn()),
			k.newestColumn("Newest"),
			durationColumn("Last failure", age(k.value(lastFailure))),
			durationColumn("Kept until", k.value("newest_expiration_timestamp_seconds")+" - time()", mappings(between(-1e12, 0, "expired", "red"), missing("-"))),
		), descending("Age / interval"))
}

// coverage shows which clusters have no backup.
func coverage(l *layout) {
	l.row("Coverage")
	const rows = "Clusters that are not fully covered"
	noBackup := cluster("cluster_backup_enabled") + " == 0 or " + cluster("flex_cluster_backup_enabled") + " == 0"
	withBackup := " unless " + onCluster + " " + cluster("cluster_backup_enabled") + " == 0"
	unscheduled := cluster("backup_snapshot_policy_items") + " == 0" + withBackup
	noExport := cluster("backup_export_auto_enabled") + " == 0" + withBackup
	noContinuous := cluster("cluster_pit_enabled") + " == 0" + withBackup
	noBucket := cluster("backup_export_bucket_found") + " == 0"
	total := cluster("cluster_backup_enabled") + " or " + cluster("flex_cluster_backup_enabled")
	l.add(4, 4, stat("Clusters", "All clusters that the exporter reads, except those of the free tier, which has no backup.", unitCount, query{orZero("count(" + total + ")"), "clusters"}).standard("color", fixed("text")))
	l.add(4, 4, count("Without backup", "Clusters whose backup is off. You can only restore snapshots from before, if Atlas still has them. For some clusters, this is intended.", noBackup, "orange", rows))
	l.add(4, 4, count("Without schedule", "Clusters with backup whose policy schedules no snapshots.", unscheduled, "orange", rows))
	l.add(4, 4, count("Without export", "Clusters with backup whose snapshots are not exported: if the Atlas project is lost, so are they. For some clusters, this is intended.", noExport, "blue", rows))
	l.add(4, 4, count("Without continuous", "Clusters with backup that you can restore only to a snapshot, not to a moment in between.", noContinuous, "blue", rows))
	l.add(4, 4, count("Without their bucket", "Clusters whose schedule exports to a bucket that the project does not have.", noBucket, "red", rows))
	lacking := func(expr string) string {
		return "(" + expr + ")\n  and " + onCluster + " (" + noBackup + " or " + unscheduled + " or " + noExport + " or " + noBucket + ")"
	}
	l.add(24, 8, table(rows, "Clusters without backup, without a schedule, without export or without the bucket that their schedule names. The columns show what each one has.",
		"Every cluster has backup, a schedule and exports.",
		[]column{
			projectColumn(), clusterColumn(),
			valueColumn("Backup", unitCount, lacking(total), onOff("red")...),
			valueColumn("Schedule", unitCount, lacking(cluster("backup_snapshot_policy_items")), width(120), coloured("color-text"),
				mappings(values(0, "nothing", "orange"), missing("-")), property{"thresholds", thresholds("green")}),
			valueColumn("Auto export", unitCount, lacking(cluster("backup_export_auto_enabled")), onOff("orange")...),
			valueColumn("Bucket", unitCount, lacking(cluster("backup_export_bucket_found")), width(100), coloured("color-text"),
				mappings(values(1, "found", "green", 0, "gone", "red"), missing("-"))),
			valueColumn("Continuous", unitCount, lacking(cluster("cluster_pit_enabled")), onOff(neutral)...),
			valueColumn("Paused", unitCount, lacking(cluster("cluster_paused")), width(100), mappings(values(1, "paused", "blue", 0, "no", neutral), missing("-"))),
			durationColumn("Created", lacking("time() - "+byCluster+` ({__name__=~"mongodbatlas_(flex_)?cluster_created_timestamp_seconds",job=~"$job",group_id=~"$project",cl_name=~"$cluster"})`), width(120)),
		}, ascending("Backup"), ascending("Schedule")))
}

// history shows the past of jobs.
func history(l *layout) {
	l.row("History")
	l.add(16, 8, daily())
	l.add(8, 8, alertList("Alerts", "Alerts of the shipped rules that are pending or firing, if Grafana can read the rules of the data source."))
	for _, name := range []string{"backup_snapshots", "backup_exports"} {
		k := kindOf(name)
		// A fleet has too many clusters for one panel. Those without a failure in the selected time are left out,
		// because they all look the same.
		failed := k.by() + " (max_over_time(" + k.newest(k.failed()) + "[$__range] @ end())) == 1"
		l.add(12, 9, stateTimeline("Clusters with failed "+k.nouns(), "The state of the newest job over time, for the clusters in which it failed at some time in the range. The dashboard of a project shows all its clusters.",
			k.timelineMapping(), query{"(" + k.timeline() + ")\nand " + onCluster + " (" + failed + ")", "{{group_name}} / {{cl_name}}"}).
			standard("noValue", "No failures in this time."))
	}
	for _, name := range []string{"backup_snapshots", "backup_exports"} {
		k := kindOf(name)
		l.add(12, 8, timeseries("Newest "+k.nouns()+" by state", "How many clusters have their newest job in each state. Together, the areas are all clusters that ever had a job.", unitCount,
			query{orZero("sum by (state) (max by (" + k.ids() + ", state) (" + k.newest() + "))"), "{{state}}"}).stacked().colouredByState(k.allStates()...))
	}
}

// daily counts the jobs that ended in a day.
func daily() *panel {
	var queries []query
	colours := map[string]string{}
	for _, c := range []struct{ collector, good, bad string }{
		{"backup_snapshots", "green", "red"}, {"backup_exports", "blue", "orange"}, {"backup_restores", "purple", "dark-red"},
	} {
		k := kindOf(c.collector)
		queries = append(queries, query{k.changed(lastSuccess), k.nouns()}, query{k.changed(lastFailure), "failed " + k.nouns()})
		colours[k.nouns()], colours["failed "+k.nouns()] = c.good, c.bad
	}
	p := timeseries("Successes and failures a day", "How many snapshots, exports and restores succeeded and failed in the 24 hours before each bar, as far as the exporter saw it.", unitCount, queries...)
	for _, q := range queries {
		p.override(q.legend, property{"color", fixed(colours[q.legend])})
	}
	for _, t := range p.Targets {
		t["interval"] = "1d"
	}
	return p.custom("drawStyle", "bars", "fillOpacity", 80, "lineWidth", 0, "stacking", options{"mode": "normal", "group": "A"})
}

// pipelines is the last section, and folded, because Atlas has ended pipelines.
func pipelines(l *layout) {
	l.fold("Data Lake pipelines")
	l.add(24, 8, pipelinesTable())
	l.add(12, 8, timeseries("Bytes of the newest run", "Bytes that the newest run of each pipeline has exported so far. Each run starts at 0.", unitBytes,
		query{pipeline("pipeline_last_run_exported_bytes"), "{{group_name}} / {{pipeline}}"}).standard("noValue", noPipelines))
	l.add(12, 8, timeseries("Documents of the newest run", "Documents that the newest run of each pipeline has exported so far.", "short",
		query{pipeline("pipeline_last_run_documents"), "{{group_name}} / {{pipeline}}"}).standard("noValue", noPipelines))
}

const noPipelines = "No Data Lake pipelines."

func pipelinesTable() *panel {
	k := kindOf("pipeline_runs")
	return table("Pipelines",
		"One row for each pipeline with its newest run. Kept: the size of the datasets of successful runs. Deletion in: the time until the next of these datasets expires.", noPipelines,
		[]column{
			projectColumn(),
			labelColumn("Pipeline", "pipeline", minWidth(160)),
			statedColumn("Reads", "cl_name", stated(keyOfPipeline, "cl_name", "mongodbatlas_pipeline_info{cluster}"), minWidth(160)),
			statedColumn("Pipeline is", "state", stated(keyOfPipeline, "state", ofPipeline("pipeline_state{project}")),
				mappings(stateMapping("ACTIVE", "PAUSED")), coloured("color-text"), width(105)),
			// The state of the run needs another label, because the state of the pipeline is called state, too.
			statedColumn("Newest run", "run",
				"max by ("+keyOfPipeline+", run) (label_join("+stated(keyOfPipeline, "state", k.newest())+`, "run", "", "state"))`,
				mappings(stateMapping(k.allStates()...), missing("-")), coloured("color-text"), width(165)),
			statedColumn("Phase", "phase", stated(keyOfPipeline, "phase", ofPipeline("pipeline_last_run_phase{project}")), width(90)),
			valueColumn("Bytes", unitBytes, pipeline("pipeline_last_run_exported_bytes"), width(85)),
			valueColumn("Docs", "short", pipeline("pipeline_last_run_documents"), width(80)),
			sinceColumn("Last success", sinceOrNever(k.value(lastSuccess))),
			durationColumn("Last failure", age(k.value(lastFailure))),
			durationColumn("Unfinished", age(pipeline("pipeline_oldest_unfinished_run_created_timestamp_seconds"))),
			valueColumn("Bytes kept", unitBytes, pipeline("pipeline_datasets_bytes"), width(105)),
			durationColumn("Deletion in", pipeline("pipeline_next_dataset_deletion_timestamp_seconds")+" - time()", mappings(between(-1e12, 0, "due", neutral), missing("-"))),
		}, ascending("Last failure"))
}
