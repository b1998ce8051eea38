package main

func project() dashboard {
	var l layout
	l.row("Exports")
	l.add(24, 9, exportsTable())
	l.add(8, 8, timeseries("Time since the last successful export",
		"Grows until an export succeeds. Clusters that never exported are left out; the table has them.", unitDuration,
		query{age(cluster("backup_export_last_success_timestamp_seconds")), "{{cl_name}}"}).standard("decimals", 1))
	l.add(8, 8, timeseries("Collections of the export in flight",
		"Collections exported so far and in total of each cluster's newest job while it is under way; 0 and 0 where Atlas sends no count.", unitCount,
		query{orZero(byCluster + " (" + inFlight("backup_export_last_job_exported_collections") + ")"), "exported {{cl_name}}"},
		query{orZero(byCluster + " (" + inFlight("backup_export_last_job_collections") + ")"), "total {{cl_name}}"}))
	l.add(8, 8, timeseries("Exports by state",
		"All export jobs that Atlas lists, by the states that occur, on a logarithmic scale.", unitCount,
		query{orZero("sum by (state) (max by (group_id, cl_name, state) (" + ofCluster("backup_export_jobs") + ")) > 0"), "{{state}}"}).
		logarithmic().colouredByState())

	l.row("Restores")
	l.add(16, 8, restoresTable())
	l.add(8, 8, timeseries("Restores by delivery type and state",
		"Restore jobs that Atlas lists; only states that occur.", unitCount,
		query{orZero("sum by (delivery_type, state) (max by (group_id, cl_name, delivery_type, state) (" + ofCluster("backup_restore_jobs") + ") > 0)"), "{{delivery_type}} {{state}}"}).
		logarithmic())

	l.row("Data Lake pipelines")
	l.add(24, 8, pipelinesTable())
	l.add(12, 8, timeseries("Bytes of the newest run", "What the newest run of each pipeline has exported so far. It begins at 0 with each run.", unitBytes,
		query{pipeline("pipeline_last_run_exported_bytes"), "{{pipeline}}"}))
	l.add(12, 8, timeseries("Documents of the newest run", "How many documents the newest run of each pipeline has exported so far.", "short",
		query{pipeline("pipeline_last_run_documents"), "{{pipeline}}"}))

	l.row("What the exporter reads")
	l.add(24, 12, targetsTable())
	return newDashboard(projectUID, "MongoDB Atlas backup / Project",
		"Exports, restores and Data Lake pipelines of one project, or several, in detail.", l.panels)
}

func exportsTable() panel {
	return table("Exports per cluster",
		"One row for each cluster. Every: how often an export is expected. Error: Atlas's code for the newest failed job, however old. Unfinished: age of the oldest job that is Queued or InProgress.",
		[]column{
			labelColumn("Project", "group_name", width(90)),
			labelColumn("Cluster", "cl_name"),
			valueColumn("Exports", unitCount, timeliness(), timelinessProperties()...),
			stateColumn("Newest job", "state", told(keyOfCluster, "state", ofCluster("backup_export_last_job_state"))),
			durationColumn("Last success", lastExport(), mappings(values(-1, "never", "orange"), missing("-"))),
			durationColumn("Duration", cluster("backup_export_last_success_duration_seconds"), mappings(missing("-"))),
			durationColumn("Last failure", age(cluster("backup_export_last_failure_timestamp_seconds")), mappings(missing("-"))),
			{
				title: "Error", label: "error_code", expr: told(keyOfCluster, "error_code", ofCluster("backup_export_last_failure_info")),
				properties: []property{width(250), mappings(missing("-"))},
			},
			durationColumn("Unfinished", age(cluster("backup_export_oldest_unfinished_job_created_timestamp_seconds")), mappings(missing("-"))),
			valueColumn("Auto export", unitCount, cluster("backup_export_auto_enabled"), onOff("orange")...),
			durationColumn("Every", interval(), mappings(missing("-"))),
		}, "Cluster", false)
}

func restoresTable() panel {
	return table("Restores by delivery type",
		"One row for each cluster and delivery type that Atlas lists. A restore counts for the cluster whose snapshot it restores; its state is derived, as Atlas sends none.",
		[]column{
			labelColumn("Project", "group_name", width(90)),
			labelColumn("Cluster", "cl_name"),
			labelColumn("Delivery", "delivery_type", width(95)),
			stateColumn("Newest job", "state", told(keyOfRestore, "state", ofCluster("backup_restore_last_job_state"))),
			durationColumn("Last success", sinceOrNever(restore("backup_restore_last_success_timestamp_seconds")), mappings(values(-1, "never", "orange"), missing("-"))),
			durationColumn("Duration", restore("backup_restore_last_success_duration_seconds"), mappings(missing("-"))),
			durationColumn("Last failure", age(restore("backup_restore_last_failure_timestamp_seconds")), mappings(missing("-"))),
			durationColumn("Unfinished", age(restore("backup_restore_oldest_unfinished_job_created_timestamp_seconds")), mappings(missing("-"))),
			valueColumn("Failed", unitCount, restore("backup_restore_jobs", `state="failed"`), width(70)),
		}, "Cluster", false)
}

func pipelinesTable() panel {
	return table("Pipelines",
		"One row for each pipeline and the newest run of it. Kept: what the datasets of successful runs hold now. Deletion in: until the next of these datasets expires.",
		[]column{
			labelColumn("Project", "group_name", width(90)),
			labelColumn("Pipeline", "pipeline", width(120)),
			{title: "Reads", label: "cl_name", expr: told(keyOfPipeline, "cl_name", ofCluster("pipeline_info")), properties: []property{width(150)}},
			{
				title: "Pipeline is", label: "state", expr: told(keyOfPipeline, "state", ofPipeline("pipeline_state")),
				properties: []property{mappings(stateMapping()), coloured("color-text"), width(85)},
			},
			// The state of the run, under a label of its own: the pipeline's is called state, too.
			{
				title: "Newest run", label: "run", expr: "max by (" + keyOfPipeline + ", run) (label_join(" + told(keyOfPipeline, "state", ofPipeline("pipeline_last_run_state")) + `, "run", "", "state"))`,
				properties: []property{mappings(stateMapping(), missing("-")), coloured("color-text"), width(145)},
			},
			{title: "Phase", label: "phase", expr: told(keyOfPipeline, "phase", ofPipeline("pipeline_last_run_phase")), properties: []property{width(90)}},
			valueColumn("Bytes", unitBytes, pipeline("pipeline_last_run_exported_bytes"), width(75), mappings(missing("-"))),
			valueColumn("Docs", "short", pipeline("pipeline_last_run_documents"), width(75), mappings(missing("-"))),
			durationColumn("Last success", sinceOrNever(pipeline("pipeline_last_success_timestamp_seconds")), mappings(values(-1, "never", "orange"), missing("-"))),
			durationColumn("Last failure", age(pipeline("pipeline_last_failure_timestamp_seconds")), mappings(missing("-"))),
			durationColumn("Unfinished", age(pipeline("pipeline_oldest_unfinished_run_created_timestamp_seconds")), mappings(missing("-"))),
			valueColumn("Bytes kept", unitBytes, pipeline("pipeline_datasets_bytes"), width(85), mappings(missing("-"))),
			valueColumn("Docs kept", "short", pipeline("pipeline_datasets_documents"), width(80), mappings(missing("-"))),
			durationColumn("Deletion in", pipeline("pipeline_next_dataset_deletion_timestamp_seconds")+" - time()", mappings(between(-1e12, 0, "due", neutral), missing("-"))),
		}, "Pipeline", false)
}

func targetsTable() panel {
	return table("Targets",
		"Everything that the exporter reads of the project, and why it cannot where it cannot. Unsupported is no fault: the API does not serve it for this cluster.",
		[]column{
			labelColumn("Project", "group_name", width(90)),
			labelColumn("Collector", "collector"),
			labelColumn("Cluster", "cl_name"),
			labelColumn("Pipeline", "pipeline"),
			valueColumn("Target is", unitCount,
				byTarget+" ("+ofTarget("target_up")+")\nor 2 * "+byTarget+" ("+ofTarget("target_unsupported_info")+")",
				coloured("color-text"), mappings(values(1, "up", "green", 0, "down", "red", 2, "unsupported", neutral))),
			{
				title: "Reason", label: "reason",
				expr:       told(keyOfTarget, "reason", ofTarget("target_last_error_info")+" or "+ofTarget("target_unsupported_info")),
				properties: []property{mappings(missing("-"))},
			},
			durationColumn("Last read", age(byTarget+" ("+ofTarget("target_last_refresh_timestamp_seconds")+")"), mappings(missing("-"))),
		}, "Target is", false)
}
