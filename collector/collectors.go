package collector

// All returns every collector: the only list of them.
func All() Table {
	clusters, pipelines := clusters(), pipelines()
	schedules := schedules(clusters)
	return Table{
		projects(), clusters, schedules, pipelines,
		backupExports(clusters, schedules),
		backupRestores(clusters),
		pipelineRuns(pipelines),
	}
}
