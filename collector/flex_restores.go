package collector

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// flexRestoreJobs is the kind of job that restores a snapshot of a Flex cluster. Its label is the delivery type.
func flexRestoreJobs() *jobKind[atlasapi.FlexRestore, struct{}, struct{}] {
	states := flexStates()
	return &jobKind[atlasapi.FlexRestore, struct{}, struct{}]{
		states:    states,
		groupedBy: "delivery_type",
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.FlexRestore] {
			return c.FlexRestores(groupID, cluster)
		},
		keep: func(j *atlasapi.FlexRestore, words *interner) job[struct{}] {
			return job[struct{}]{
				id:      j.ID,
				created: firstValid(j.ScheduledAt, j.ID.Time()),
				ended:   secondsOf(j.FinishedAt),
				state:   states.index(j.Status),
				label:   words.index(j.DeliveryType),
			}
		},
		open: func(j *job[struct{}], _ seconds) bool { return !states.isFinal(j.state) },
		common: commonFamilies{
			prefix: "mongodbatlas_flex_restore", item: "job", noun: "Flex restore job",
			counts:      "Restore jobs of a Flex cluster that Atlas lists, by state.",
			stateSource: "results[].status", createdSource: "results[].restoreScheduledDate, else the time in id",
			endedSource: "results[].restoreFinishedDate",
		},
	}
}

func flexRestores(flexClusters *Declaration) *Declaration {
	return flexRestoreJobs().declare(&Declaration{
		Name: "flex_restores", Title: "Flex restore jobs", Noun: "Flex restore", Role: readOnly, Parent: flexClusters,
		Step: StepRestore, Alert: "FlexRestore",
		Row: RowWithJobs, MinInterval: 5 * time.Minute, showsParent: true,
		Patience: Patience{News: 24 * time.Hour, Stuck: 12 * time.Hour},
	})
}
