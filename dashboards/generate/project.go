package main

func project() dashboard {
	var l layout
	snapshots, exports := kindOf("backup_snapshots"), kindOf("backup_exports")
	const named = "{{group_name}} / {{cl_name}}"

	l.row("Attention")
	l.add(24, 8, attention())

	l.row("Snapshots")
	l.add(24, 9, restorableTable("Restorable moment by cluster"))
	l.add(24, 8, keptTable())
	l.add(12, 9, stateTimeline("Newest snapshots", "The state of each cluster's newest snapshot over time.", snapshots.timelineMapping(), query{snapshots.timeline(), named}))
	l.add(12, 9, timeseries("Age of the restorable moment", "Falls with each completed snapshot. Clusters that never had one are only in the table.", unitDuration,
		query{age(snapshots.value(lastSuccess)), named}).perCluster())

	l.row("Exports")
	l.add(24, 9, exportsTable("Exports by cluster", "The most overdue first. Error: Atlas's code for the newest failed job, however old.",
		durationColumn("Unfinished", age(exports.unfinished())),
		statedColumn("Error", "error_code", stated(keyOfCluster, "error_code", "mongodbatlas_backup_export_last_failure_info{cluster}"),
			minWidth(250), mappings(missing("-")))))
	l.add(12, 9, stateTimeline("Newest export jobs", "The state of each cluster's newest export job over time.", exports.timelineMapping(), query{exports.timeline(), named}))
	l.add(12, 9, timeseries("Age of the last successful export", "Falls with each successful export. Clusters that never exported are only in the table.", unitDuration,
		query{age(exports.value(lastSuccess)), named}).perCluster())
	l.add(12, 9, timeseries("Duration of exports", "The duration of the last success, and the age of the oldest unfinished job. A job above the dashed line is stuck. "+
		"The line is a multiple of the last duration, but at least some hours.", unitDuration,
		query{exports.value("last_success_duration_seconds"), named + " took"},
		query{orZero(age(exports.unfinished())), named + " unfinished"},
		query{exports.by() + " (" + exports.byLastSuccess() + " * " + exports.on() + " group_left (group_name) (0 * " + exports.value(lastSuccess) + " + 1))", named + " stuck after"}).perCluster().dashed("/ stuck after$/"))
	l.add(12, 9, daily())

	l.row("Restores")
	l.add(24, 7, restoresTable("Restores by cluster and delivery type"))

	l.row("Flex clusters")
	l.add(24, 6, flexTable("Flex snapshots by cluster", kindOf("flex_snapshots")))

	l.row("What the exporter reads")
	l.add(24, 10, targetsTable())
	pipelines(&l)
	return newDashboard(projectUID, "MongoDB Atlas backup / Project",
		"Snapshots, exports, restores and Data Lake pipelines of one project, or several, in detail.", l)
}

// dashed draws the lines with matching names dashed.
func (p *panel) dashed(names string) *panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, options{
		"matcher": options{"id": "byRegexp", "options": names},
		"properties": []property{
			{"custom.lineStyle", options{"fill": "dash", "dash": []int{8, 8}}}, {"custom.lineWidth", 1}, {"color", fixed("orange")},
		},
	})
	return p
}

// keptTable shows which snapshots can be restored.
func keptTable() *panel {
	k := kindOf("backup_snapshots")
	state := func(title, states, colour string) column {
		return valueColumn(title, unitCount, "sum by ("+k.key+") (max by ("+k.key+", state) ("+k.jobs(`state=~"`+states+`"`)+"))", width(115), coloured("color-text"), property{"thresholds", thresholds("text", 1, colour)})
	}
	return table("Kept snapshots", "The snapshots that you can restore. Kept until: when the last one expires, unless Atlas takes another one. Copies: further regions that have the newest snapshot.", "No snapshots are listed.",
		[]column{
			projectColumn(), clusterColumn(),
			state("Completed", "completed", "text"), state("Failed", "failed", "red"), state("Running", "inProgress|queued", "blue"),
			durationColumn("Kept until", k.value("newest_expiration_timestamp_seconds")+" - time()", mappings(between(-1e12, 0, "expired", "red"), missing("-"))),
			valueColumn("Size", unitBytes, k.value("last_success_size_bytes"), width(100)),
			valueColumn("Copies", unitCount, k.value("last_success_copy_regions"), width(90)),
			durationColumn("Last failure", age(k.value(lastFailure))),
			durationColumn("Last fallback", age(k.value("last_fallback_timestamp_seconds"))),
		}, ascending("Kept until"))
}

func targetsTable() *panel {
	return table("Targets",
		"Everything that the exporter reads of the project, and the reason if it cannot read it; targets that are down come first. Unsupported is no fault: the API does not serve it for this cluster.",
		"The exporter reads nothing, or is not scraped.",
		[]column{
			projectColumn(),
			labelColumn("Collector", "collector", width(170)),
			labelColumn("Cluster", "cl_name", minWidth(180)),
			labelColumn("Pipeline", "pipeline", minWidth(120)),
			valueColumn("Target is", unitCount,
				byTarget+" (mongodbatlas_target_up{target})\nor 2 + 0 * "+byTarget+" (mongodbatlas_target_unsupported_info{target})",
				width(110), coloured("color-text"), mappings(values(1, "up", "green", 0, "down", "red", 2, "unsupported", neutral))),
			statedColumn("Reason", "reason",
				stated(keyOfTarget, "reason", "mongodbatlas_target_last_error_info{target} or mongodbatlas_target_unsupported_info{target}"),
				mappings(missing("-")), width(160)),
			durationColumn("Last read", age(byTarget+" (mongodbatlas_target_last_refresh_timestamp_seconds{target})")),
		}, ascending("Target is"), descending("Last read"))
}
