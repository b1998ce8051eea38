package main

func overview() dashboard {
	var l layout
	for _, p := range problems() {
		colour := "orange"
		if p.severe {
			colour = "red"
		}
		l.add(3, 4, stat(p.title, p.description, unitCount, query{expr: orZero("count(" + p.expr + ")"), legend: p.title}).
			limits(1, colour).option("colorMode", "background_solid"))
	}

	attention := table("What needs attention",
		"Every case behind the numbers above, the newest first. Age: of the failure, of the unfinished job, of the last reading, or of the last successful export.",
		[]column{
			{title: "Problem", label: "problem", expr: "", properties: []property{width(120), coloured("color-text"), mappings(problemMapping())}},
			labelColumn("Project", "group_name", property{"links", projectLink()}, width(90), mappings(missing("all"), empty("all"))),
			labelColumn("Cluster or pipeline", "name", mappings(missing("all"), empty("all"))),
			durationColumn("Age", allProblems(), mappings(values(0, "never read", neutral))),
		}, "Age", false).standard("noValue", "Nothing needs attention.")
	l.add(9, 12, attention)
	l.add(15, 12, clusters())

	l.row("Jobs")
	for _, kind := range kinds() {
		l.add(8, 8, timeseries("Newest "+kind.name+" by state",
			"How many "+kind.owners+" have their newest "+kind.name+" in each state; the areas sum up to all that ever had one.", unitCount,
			query{"sum by (state) (max by (group_id, " + kind.key + ", state) (" + kind.filter(kind.set) + "))", "{{state}}"}).
			stacked().colouredByState())
	}
	for _, kind := range kinds() {
		l.add(8, 8, timeseries(kind.plural+" by state",
			"All "+kind.name+"s that Atlas lists, by the states that occur. The scale is logarithmic, so that a few failures show beside many successes.", unitCount,
			query{orZero("sum by (state) (max by (group_id, " + kind.key + ", state) (" + kind.filter(kind.count) + ")) > 0"), "{{state}}"}).
			logarithmic().colouredByState())
	}
	l.add(8, 8, timeseries("Collections of exports in flight",
		"Collections exported so far and in total, summed over the export jobs that are under way. Jobs without a count, as Atlas often sends it, add 0 to both.", unitCount,
		query{orZero("sum(" + inFlight("backup_export_last_job_exported_collections") + ")"), "exported"},
		query{orZero("sum(" + inFlight("backup_export_last_job_collections") + ")"), "total"}))
	l.add(8, 8, timeseries("Bytes of the newest run per pipeline",
		"What the newest run of each pipeline has exported so far. It begins at 0 with each run.", unitBytes,
		query{pipeline("pipeline_last_run_exported_bytes"), "{{group_name}}/{{pipeline}}"}))
	l.add(8, 8, timeseries("Documents of the newest run per pipeline",
		"How many documents the newest run of each pipeline has exported so far. It begins at 0 with each run.", "short",
		query{pipeline("pipeline_last_run_documents"), "{{group_name}}/{{pipeline}}"}))

	return newDashboard(overviewUID, "MongoDB Atlas backup / Overview",
		"Backup exports, restores and Data Lake pipelines of all MongoDB Atlas projects: what needs a person now, and how it got there.", l.panels)
}

// clusters is the table of all clusters, the most overdue first.
func clusters() panel {
	share := "(" + baselineAge() + ") / " + interval()
	return table("Clusters by age of the last successful export",
		"Age against the interval at which an export is expected, which is the configured one or that of the cluster's export policy. 1 is one interval; where no export ever succeeded, "+
			"it counts from the first job or the cluster's creation. Late: past the interval. Overdue: past it by the smaller of itself and two days. "+
			"Not judged: paused, switched on or unreadable lately.",
		[]column{
			labelColumn("Project", "group_name", property{"links", projectLink()}, width(90)),
			labelColumn("Cluster", "cl_name"),
			valueColumn("Exports", unitCount, timeliness(), timelinessProperties()...),
			valueColumn("Age / interval", unitCount, share, property{"decimals", 2}, width(125), mappings(missing("-"))),
			durationColumn("Last success", lastExport(), width(100), mappings(values(-1, "never", "orange"), missing("-"))),
			durationColumn("Every", interval(), width(80), mappings(missing("-"))),
			stateColumn("Newest job", "state", told(keyOfCluster, "state", ofCluster("backup_export_last_job_state"))),
			valueColumn("Auto export", unitCount, cluster("backup_export_auto_enabled"), onOff("orange")...),
		}, "Age / interval", true)
}

func timelinessProperties() []property {
	return []property{
		width(105), coloured("color-background"),
		mappings(values(onTime, "on time", "green", late, "late", "orange", overdue, "overdue", "red", notJudged, "not judged", "blue",
			paused, "paused", neutral, withoutBackup, "no backup", neutral, noneExpected, "none expected", neutral)),
	}
}

func onOff(off string) []property {
	return []property{width(95), coloured("color-text"), mappings(values(1, "on", "green", 0, "off", off), missing("-"))}
}

func problemMapping() options {
	mapping := options{}
	for i, p := range problems() {
		colour := "orange"
		if p.severe {
			colour = "red"
		}
		mapping[p.name] = options{"color": colour, "index": i}
	}
	return options{"type": "value", "options": mapping}
}

// kind is one of the three kinds of jobs.
type kind struct {
	name, plural, owners string
	key                  string
	set, count           string
	filter               func(metric string, matchers ...string) string
}

func kinds() []kind {
	return []kind{
		{"export", "Exports", "clusters", "cl_name", "backup_export_last_job_state", "backup_export_jobs", ofCluster},
		{"restore", "Restores", "clusters and delivery types", "cl_name, delivery_type", "backup_restore_last_job_state", "backup_restore_jobs", ofCluster},
		{"run", "Pipeline runs", "pipelines", "pipeline", "pipeline_last_run_state", "pipeline_runs", ofPipeline},
	}
}

// inFlight is a metric of the newest job where that job is under way.
func inFlight(metric string) string {
	return cluster(metric) + " and on (group_id, cl_name) " + ofCluster("backup_export_last_job_state", `state=~"Queued|InProgress"`) + " == 1"
}
