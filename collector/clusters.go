package collector

import (
	"context"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// clusters is the parent of the collectors for dedicated clusters.
func clusters() *Declaration {
	d := &Declaration{Name: "clusters", Title: "Clusters", Noun: "cluster", Role: readOnly}
	d.entries = &entryList{
		label:    clusterLabel,
		filter:   func(d *config.Discovery) *config.Filter { return &d.Clusters },
		filterOf: func(p *config.Project) *config.Filter { return &p.Clusters },
		list: func(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error) {
			return listAll(ctx, c.Clusters(groupID), clusterEntry)
		},
		running: func(e *Entry) bool { return !e.item.(*atlasapi.Cluster).Paused.Value },
	}
	d.entryFamilies = bind(d.entryLabels(),
		flag("mongodbatlas_cluster_backup_enabled",
			"1 when cloud backup of the cluster is on.",
			"clusters: backupEnabled", func(v *entryView) atlasapi.Optional[bool] { return clusterOf(v).BackupEnabled }),
		flag("mongodbatlas_cluster_paused",
			"1 when the cluster is paused.",
			"clusters: paused", func(v *entryView) atlasapi.Optional[bool] { return clusterOf(v).Paused }),
		timestamp("mongodbatlas_cluster_created_timestamp_seconds",
			"When the cluster was created.",
			"clusters: createDate", func(v *entryView) seconds { return clusterCreated(v.entry) }),
		flag("mongodbatlas_cluster_pit_enabled",
			"1 when continuous backup of the cluster is on: it can be restored to any point in time of the restore window.",
			"clusters: pitEnabled", func(v *entryView) atlasapi.Optional[bool] { return clusterOf(v).PITEnabled }),
		// It is about exports, but comes with every collector that shows the cluster.
		flag("mongodbatlas_backup_export_bucket_found",
			"1 when the bucket that the backup schedule names is among the project's export buckets, 0 when it is not.",
			"backup schedule: export.exportBucketId; exportBuckets: _id", bucketFound).
			query(`mongodbatlas_backup_export_bucket_found == 0`),
	)
	return d
}

func clusterEntry(c *atlasapi.Cluster) Entry {
	e := Entry{ID: c.ID, Name: c.Name, deleting: c.StateName == "DELETING"}
	switch {
	case slices.Contains(c.Providers, "TENANT"):
		e.Unsupported = FreeTier
	case slices.Contains(c.Providers, "FLEX"):
		e.Unsupported = Flex
	case c.BackupEnabled.Set && !c.BackupEnabled.Value:
		e.Unsupported = BackupDisabled
	}
	return e
}

func clusterOf(v *entryView) *atlasapi.Cluster { return itemOf[atlasapi.Cluster](v.entry) }

func clusterCreated(e *entry) seconds {
	c := itemOf[atlasapi.Cluster](e)
	return firstValid(c.CreateDate, c.ID.Time())
}
