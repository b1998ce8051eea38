package collector

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// collectionRestoreNewest has the values that the metrics show about the newest collection restore alone.
type collectionRestoreNewest struct{ restored, documents, failedIndexes atlasapi.Optional[int64] }

type collectionRestoreSummary = summary[struct{}, collectionRestoreNewest]

// collectionRestoreJobs is the kind of job that restores collections of a snapshot. States are in Atlas's spelling. The
// order of the list was never recorded, so it is always read in full.
func collectionRestoreJobs() *jobKind[atlasapi.CollectionRestore, struct{}, collectionRestoreNewest] {
	states := statesOf(
		jobState{"INITIALIZING", OutcomeUnfinished},
		jobState{"IN_PROGRESS", OutcomeUnfinished},
		jobState{"FINALIZING", OutcomeUnfinished},
		jobState{"SUCCESSFUL", OutcomeSucceeded},
		jobState{"CANCELED", OutcomeNeither},
		jobState{"FAILED", OutcomeFailed},
	)
	return &jobKind[atlasapi.CollectionRestore, struct{}, collectionRestoreNewest]{
		states:     states,
		onlyListed: true,
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.CollectionRestore] {
			return c.CollectionRestores(groupID, cluster)
		},
		keep: func(j *atlasapi.CollectionRestore, _ *interner) job[struct{}] {
			return job[struct{}]{
				id:      j.ID,
				created: firstValid(j.CreatedAt, j.ID.Time()),
				ended:   secondsOf(j.FinishedAt),
				state:   states.index(j.State),
			}
		},
		takeNewest: func(j *atlasapi.CollectionRestore, newest *collectionRestoreNewest) {
			*newest = collectionRestoreNewest{j.RestoredDocuments, j.TotalDocuments, j.FailedIndexCollections}
		},
		common: commonFamilies{
			prefix: "mongodbatlas_collection_restore", item: "job", noun: "collection restore job",
			counts:      "Collection restore jobs that Atlas lists for the snapshots of the cluster, by state.",
			stateSource: "results[].state", createdSource: "results[].createdAt, else the time in id", endedSource: "results[].finishedAt",
		},
		families: []family[*collectionRestoreSummary]{
			number("mongodbatlas_collection_restore_last_job_restored_documents",
				"Documents that the newest collection restore job has restored so far.",
				"results[].restoredDocuments",
				func(s *collectionRestoreSummary) (float64, bool) { return count(s.details.restored) }),
			number("mongodbatlas_collection_restore_last_job_documents",
				"Documents that the newest collection restore job is to restore. Atlas may estimate them.",
				"results[].totalDocuments",
				func(s *collectionRestoreSummary) (float64, bool) { return count(s.details.documents) }),
			number("mongodbatlas_collection_restore_last_job_failed_index_collections",
				"Collections of the newest collection restore job whose indexes could not be built.",
				"results[].indexStatus.failedCollectionCount",
				func(s *collectionRestoreSummary) (float64, bool) { return count(s.details.failedIndexes) }),
		},
		progress: func(s *collectionRestoreSummary) string {
			restored, ok := count(s.details.restored)
			if documents, known := count(s.details.documents); ok && known {
				return inWords(restored) + " of " + inWords(documents) + " documents"
			}
			return ""
		},
	}
}

func collectionRestores(clusters *Declaration) *Declaration {
	return collectionRestoreJobs().declare(&Declaration{
		Name: "collection_restores", Title: "Collection restore jobs", Noun: "collection restore", Role: backupManager, Parent: clusters,
		Step: StepRestore, Alert: "CollectionRestore",
		Row: RowWithJobs, MinInterval: 5 * time.Minute, mayEnd: true,
		Patience: Patience{News: 24 * time.Hour, Stuck: 12 * time.Hour},
	})
}
