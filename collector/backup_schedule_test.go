package collector_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestUnknownFrequencyIsLoggedOnce has Atlas use frequencies that nobody knows: nothing can be expected of the cluster,
// which must not go unnoticed.
func TestUnknownFrequencyIsLoggedOnce(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	org.AddProject("payments").AddCluster("odd", atlassim.ClusterOptions{Schedule: atlassim.Schedule{
		AutoExportEnabled: true, ExportFrequency: "fortnightly",
		Items: []atlassim.PolicyItem{{Frequency: "lunar", Interval: 1, RetentionUnit: "days", RetentionValue: 7}},
	}})
	w := newWorld(t, org)
	var out bytes.Buffer
	logger := log.NewLogfmtLogger(log.NewSyncWriter(&out))
	base, err := url.Parse(w.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	metrics := collector.NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry())
	client := atlasapi.New(atlasapi.Options{
		BaseURL: base, Credentials: atlasapi.NewServiceAccount(w.account.ClientID, atlasapi.Secret(w.account.ClientSecret)), Observer: metrics,
	})
	t.Cleanup(client.Close)
	table := collector.All()
	e := collector.New(logger, metrics, table)
	t.Cleanup(e.Close)
	c := config.Default(table.Config())
	c.Refresh.DiscoveryInterval = 0
	e.Configure(c, client)
	for range 3 {
		gather(t.Context(), t, e, collector.Selection{})
	}
	e.Close()
	for _, want := range []string{`frequency="export fortnightly"`, `frequency="snapshot lunar"`} {
		if n := strings.Count(out.String(), want); n != 1 {
			t.Errorf("%s is logged %d times after three readings, want once:\n%s", want, n, out.String())
		}
	}
}
