package collector

// All returns every collector: the only list of them.
func All() Table {
	clusters, flexClusters, pipelines := clusters(), flexClusters(), pipelines()
	buckets, schedules := exportBuckets(), schedules(clusters)
	return Table{
		projects(), clusters, schedules, flexClusters, pipelines, buckets,
		backupSnapshots(clusters, schedules, buckets),
		backupExports(clusters, schedules, buckets),
		backupRestores(clusters),
		collectionRestores(clusters),
		flexSnapshots(flexClusters),
		flexRestores(flexClusters),
		pipelineRuns(pipelines),
	}
}
