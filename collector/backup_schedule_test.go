package collector_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-kit/log"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestUnknownFrequencyIsLoggedOnce checks that frequencies that the exporter does not know are logged: it cannot expect
// anything of the cluster, and somebody has to learn of that.
func TestUnknownFrequencyIsLoggedOnce(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	org.AddProject("payments").AddCluster("odd", atlassim.ClusterOptions{Schedule: atlassim.Schedule{
		AutoExportEnabled: true, ExportFrequency: "fortnightly",
		Items: []atlassim.PolicyItem{{Frequency: "lunar", Interval: 1, RetentionUnit: "days", RetentionValue: 7}},
	}})
	var out bytes.Buffer
	w := newLoggingWorld(t, org, log.NewLogfmtLogger(log.NewSyncWriter(&out)))
	c := config.Default(collector.All().Config())
	c.Refresh.DiscoveryInterval = 0
	w.exporter.Configure(c, w.client)
	for range 3 {
		gather(t.Context(), t, w.exporter, collector.Selection{})
	}
	w.exporter.Close()
	for _, want := range []string{`frequency="export fortnightly"`, `frequency="snapshot lunar"`} {
		if n := strings.Count(out.String(), want); n != 1 {
			t.Errorf("%s is logged %d times after three readings, want once:\n%s", want, n, out.String())
		}
	}
}
