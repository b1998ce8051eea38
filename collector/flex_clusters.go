package collector

import (
	"context"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// flexClusters is the parent of the collectors for Flex clusters. The filters of clusters apply to Flex clusters, too.
func flexClusters() *Declaration {
	d := &Declaration{Name: "flex_clusters", Title: "Flex clusters", Noun: "Flex cluster", Role: readOnly, mayEnd: true}
	d.entries = &entryList{
		label:    clusterLabel,
		filter:   func(d *config.Discovery) *config.Filter { return &d.Clusters },
		filterOf: func(p *config.Project) *config.Filter { return &p.Clusters },
		list: func(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error) {
			return listAll(ctx, c.FlexClusters(groupID), func(c *atlasapi.FlexCluster) Entry {
				return Entry{ID: c.ID, Name: c.Name, deleting: c.StateName == "DELETING"}
			})
		},
	}
	d.entryFamilies = bind(d.entryLabels(),
		flag("mongodbatlas_flex_cluster_backup_enabled",
			"1 when backup of the Flex cluster is on.",
			"flexClusters: backupSettings.enabled", func(v *entryView) atlasapi.Optional[bool] { return flexOf(v.entry).BackupEnabled }),
		timestamp("mongodbatlas_flex_cluster_created_timestamp_seconds",
			"When the Flex cluster was created.",
			"flexClusters: createDate", func(v *entryView) seconds { return flexCreated(v.entry) }),
	)
	return d
}

func flexOf(e *entry) *atlasapi.FlexCluster { return itemOf[atlasapi.FlexCluster](e) }

func flexCreated(e *entry) seconds { return firstValid(flexOf(e).CreateDate, flexOf(e).ID.Time()) }

// flexStates are the states of a snapshot and of a restore job of a Flex cluster, in Atlas's spelling.
func flexStates() jobStates {
	return statesOf(
		jobState{"PENDING", OutcomeUnfinished},
		jobState{"QUEUED", OutcomeUnfinished},
		jobState{"RUNNING", OutcomeUnfinished},
		jobState{"FAILED", OutcomeFailed},
		jobState{"COMPLETED", OutcomeSucceeded},
	)
}
