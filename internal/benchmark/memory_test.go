package benchmark

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// BenchmarkMemory compares the peak memory of two programs: one reads the largest organization that Atlas allows, project by
// project; the other has nothing to read. Each cluster has daily exports of a year and the snapshots of eight days.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		idle, _ := peak(b, atlassim.LargeOptions{Projects: 1})
		full, exports := peak(b, atlassim.LargeOptions{
			Projects: 250, ClustersPerProject: 25, ExportsPerCluster: 368,
			SnapshotsPerCluster: 192, CollectionRestoresPerCluster: 4, FlexClustersPerProject: 5,
		})
		b.ReportMetric(idle, "MiB-idle")
		b.ReportMetric(full-idle, "MiB-over-idle")
		b.ReportMetric(exports, "exports")
	}
}

// peak runs the program on an organization, and scrapes each project until all its lists are read. It returns the peak
// memory of the program in MiB, and the number of export jobs in the scrapes.
func peak(b *testing.B, size atlassim.LargeOptions) (mib, exports float64) {
	b.Helper()
	server := harness.StartAtlas(b, atlassim.Large(atlassim.WallClock{}, size), atlasOptions(0, false))
	exporter := harness.StartExporterEnv(b, []string{
		"MONGODB_ATLAS_BASE_URL=" + server.URL(),
		"MONGODB_ATLAS_CLIENT_ID=" + clientID, "MONGODB_ATLAS_CLIENT_SECRET=" + clientSecret,
	})
	for _, project := range server.Organization().Projects() {
		var metrics harness.Exposition
		harness.Eventually(b, func() (err error) {
			if metrics, err = harness.Scrape(b.Context(), exporter.URL()+"/probe?target="+project.ID, 0); err != nil {
				return err
			}
			for _, name := range []string{"backup_exports", "backup_snapshots", "collection_restores", "flex_snapshots"} {
				if metrics[harness.Series("mongodbatlas_scrape_collector_success", "collector", name)] != 1 {
					return fmt.Errorf("%s are not read yet", name)
				}
			}
			return nil
		})
		for series, value := range metrics {
			if harness.Family(series) == "mongodbatlas_backup_export_jobs" {
				exports += value
			}
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", exporter.PID()))
	if err != nil {
		b.Fatal("the peak memory of a process is read from /proc, which Linux has: ", err)
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		b.Fatal("/proc tells no peak memory")
	}
	kib, err := strconv.ParseFloat(string(match[1]), 64)
	if err := errors.Join(err, exporter.Stop(b.Context())); err != nil {
		b.Fatal(err)
	}
	return kib / 1024, exports
}
