package collector

import (
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// collectionRestoreExtra is what a summary needs of a collection restore beside what every job has.
type collectionRestoreExtra struct{ restored, documents, failedIndexes wideCount }

type collectionRestoreSummary = summary[collectionRestoreExtra, struct{}]

// collectionRestoreJobs is the kind of job that restores collections of a snapshot. States are in Atlas's spelling. The
// order of the list was never recorded, so it is always read in full.
func collectionRestoreJobs() *jobKind[atlasapi.CollectionRestore, collectionRestoreExtra, struct{}] {
	states := statesOf(
		jobState{"INITIALIZING", unfinished},
		jobState{"IN_PROGRESS", unfinished},
		jobState{"FINALIZING", unfinished},
		jobState{"SUCCESSFUL", succeeded},
		jobState{"CANCELED", cancelled},
		jobState{"FAILED", failed},
	)
	newest := func(of func(*collectionRestoreExtra) wideCount) func(*collectionRestoreSummary) (float64, bool) {
		return func(s *collectionRestoreSummary) (float64, bool) { return of(&s.newest.extra).get() }
	}
	return &jobKind[atlasapi.CollectionRestore, collectionRestoreExtra, struct{}]{
		states:     states,
		labels:     clusterLabels(),
		onlyListed: true,
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.CollectionRestore] {
			return c.CollectionRestores(groupID, cluster)
		},
		keep: func(j *atlasapi.CollectionRestore, _ *interner) job[collectionRestoreExtra] {
			return job[collectionRestoreExtra]{
				id:      j.ID,
				created: firstValid(j.CreatedAt, j.ID.Time()),
				ended:   secondsOf(j.FinishedAt),
				state:   states.index(j.State),
				extra: collectionRestoreExtra{
					restored:      wideCountOf(j.RestoredDocuments),
					documents:     wideCountOf(j.TotalDocuments),
					failedIndexes: wideCountOf(j.FailedIndexCollections),
				},
			}
		},
		families: slices.Concat(common[collectionRestoreExtra, struct{}](commonFamilies{
			prefix: "mongodbatlas_collection_restore", item: "job", noun: "collection restore job",
			counts:      "Collection restore jobs that Atlas lists for the snapshots of the cluster, by state.",
			stateSource: "results[].state", createdSource: "results[].createdAt, else the time in id", endedSource: "results[].finishedAt",
		}, states), []family[*collectionRestoreSummary]{
			number("mongodbatlas_collection_restore_last_job_restored_documents",
				"Documents that the newest collection restore job has restored so far.",
				"results[].restoredDocuments", newest(func(e *collectionRestoreExtra) wideCount { return e.restored })),
			number("mongodbatlas_collection_restore_last_job_documents",
				"Documents that the newest collection restore job is to restore. Atlas may estimate them.",
				"results[].totalDocuments", newest(func(e *collectionRestoreExtra) wideCount { return e.documents })),
			number("mongodbatlas_collection_restore_last_job_failed_index_collections",
				"Collections of the newest collection restore job whose indexes could not be built.",
				"results[].indexStatus.failedCollectionCount", newest(func(e *collectionRestoreExtra) wideCount { return e.failedIndexes })),
		}),
		progress: func(_ *collectionRestoreSummary, j *job[collectionRestoreExtra]) string {
			restored, ok := j.extra.restored.get()
			if documents, known := j.extra.documents.get(); ok && known {
				return shortCount(restored) + "of " + shortCount(documents) + "documents"
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
