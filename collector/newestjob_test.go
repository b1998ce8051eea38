package collector_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestCountsOfTheNewestExport checks that the exported counts are those of the newest job, although the history keeps no
// counts of other jobs: while the list is read in part, when a newer job appears, and when the newest one has none or is gone.
func TestCountsOfTheNewestExport(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]atlassim.Order{
		"newest first": atlassim.NewestFirst, "oldest first": atlassim.OldestFirst, "shuffled": atlassim.Shuffled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := atlassim.NewOrganization(atlassim.WallClock{})
			cluster := org.AddProject("p").AddCluster("c", atlassim.ClusterOptions{})
			cluster.OrderExports(order)
			now := time.Now()
			for day := range 60 {
				created := now.Add(-time.Duration(day+1) * 24 * time.Hour)
				cluster.AddExport(atlassim.Export{CreatedAt: created, FinishedAt: created.Add(time.Hour), ExportedCollections: 90 + day, TotalCollections: 99})
			}
			newest := cluster.AddExport(atlassim.Export{CreatedAt: now.Add(-time.Hour), ExportedCollections: 3, TotalCollections: 10, State: atlassim.ExportInProgress})
			w := newWorld(t, org)
			c := config.Default(collector.All().Config())
			c.Refresh.MinInterval = 0
			w.exporter.Configure(c, w.client)
			want := func(when string, exported, collections float64) {
				t.Helper()
				registry := prometheus.NewRegistry()
				registry.MustRegister(w.exporter.Refresh(t.Context(), collector.Selection{Collectors: []string{"backup_exports"}}))
				got := map[string]float64{"mongodbatlas_backup_export_last_job_exported_collections": -1, "mongodbatlas_backup_export_last_job_collections": -1}
				for _, f := range families(t, registry) {
					if _, ok := got[f.GetName()]; ok {
						got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
					}
				}
				if got["mongodbatlas_backup_export_last_job_exported_collections"] != exported || got["mongodbatlas_backup_export_last_job_collections"] != collections {
					t.Errorf("%s: %v, want %v of %v", when, got, exported, collections)
				}
			}
			const none = -1
			want("at first", 3, 10)
			org.Do(func() { newest.ExportedCollections = 7 })
			want("when it has gone on", 7, 10)
			var newer *atlassim.Export
			org.Do(func() {
				newer = cluster.AddExport(atlassim.Export{CreatedAt: now, ExportedCollections: 0, TotalCollections: 20, State: atlassim.ExportQueued})
			})
			want("when a newer one is made", 0, 20)
			org.Do(func() { newer.OmitExportStatus = true })
			want("when Atlas sends none", none, none)
			org.Do(func() { cluster.RemoveExport(newer) })
			want("when the newest is gone", 7, 10)
		})
	}
}
