package faultmatrix

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// downloadMarker is part of every download address. Anyone with such an address can fetch the data.
const downloadMarker = "address-of-a-download"

// newOrganization builds an organization whose data does not change, because its clock is stopped. It has three projects. Each
// has a cluster and a pipeline with histories longer than a page, in different orders, and a cluster with few jobs in many
// states. The first project has clusters without backup, too.
func newOrganization() *atlassim.Organization {
	now := time.Now().Truncate(time.Second)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	o := atlassim.Large(atlassim.NewManualClock(now), atlassim.LargeOptions{
		Projects: 3, ClustersPerProject: 1, PipelinesPerProject: 1, FlexClustersPerProject: 1, Order: atlassim.OldestFirst,
		ExportsPerCluster: 27, RestoresPerCluster: 28, SnapshotsPerCluster: 29, CollectionRestoresPerCluster: 27, RunsPerPipeline: 24,
	})
	for _, p := range o.Projects() {
		c := p.AddCluster("short", atlassim.ClusterOptions{
			Created: now.AddDate(0, -3, 0), Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: atlassim.Daily},
		})
		for i, state := range []string{atlassim.ExportSuccessful, atlassim.ExportFailed, atlassim.ExportSuccessful} {
			created, finished := ago(80-20*i), ago(79-20*i)
			c.AddExport(atlassim.Export{
				CreatedAt: created, FinishedAt: finished, State: state, TotalCollections: 9, ExportedCollections: 8,
			})
			c.AddRestore(atlassim.Restore{CreatedAt: created, FinishedAt: finished, Failed: i%2 == 1})
			c.AddCollectionRestore(atlassim.CollectionRestore{
				CreatedAt: created, FinishedAt: finished, RestoredDocuments: 5, TotalDocuments: 5,
				State: []string{atlassim.CollectionSuccessful, atlassim.CollectionFailed}[i%2],
			})
			c.AddSnapshot(atlassim.Snapshot{
				RequestedAt: created, CreatedAt: finished, ExpiresAt: now.AddDate(0, 1, 0),
				Status: []string{atlassim.SnapshotCompleted, atlassim.SnapshotFailed}[i%2],
			})
		}
		c.AddExport(atlassim.Export{CreatedAt: ago(20), State: atlassim.ExportInProgress})
		c.AddRestore(atlassim.Restore{
			CreatedAt: ago(19), DeliveryType: atlassim.RestoreDownload, ExpiresAt: now.AddDate(0, 0, 1),
			DeliveryURLs: []string{"https://short.invalid/" + downloadMarker + ".tar.gz"},
		})
		p.FlexClusters()[0].AddRestore(atlassim.FlexRestore{ScheduledDate: ago(30), FinishedDate: ago(29)})
		pl := p.AddPipeline("b?c#d%", atlassim.PipelineOptions{Cluster: c.Name}) // the name must be escaped in a path
		pl.AddRun(atlassim.Run{CreatedDate: ago(44), State: atlassim.RunFailed, Phase: atlassim.PhaseIngestion})
		pl.AddRun(atlassim.Run{CreatedDate: ago(20), State: atlassim.RunInProgress, Phase: atlassim.PhaseExport})
	}
	p := o.Projects()[0]
	p.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
	p.AddCluster("bare", atlassim.ClusterOptions{BackupDisabled: true})
	c := p.Clusters()[0]
	for _, order := range []func(atlassim.Order){
		c.OrderExports, c.OrderRestores, c.OrderSnapshots, c.OrderCollectionRestores, p.Pipelines()[0].OrderRuns,
	} {
		order(atlassim.NewestFirst)
	}
	return o
}
