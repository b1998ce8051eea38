package collector

// All returns all collectors, in the order of all output. Register new ones here.
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
