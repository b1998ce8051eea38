package collector

import (
	"net/url"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestQuietProjectCost counts the requests for a quiet project as large as Atlas allows, scraped every 30 seconds at the
// defaults: Atlas grants 500 a minute to everybody who asks about the project.
func TestQuietProjectCost(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	project := org.AddProject("quiet")
	for range 25 {
		c := project.AddCluster("cluster-"+string(rune('a'+len(project.Clusters()))), atlassim.ClusterOptions{})
		c.AddExport(atlassim.Export{})
	}
	account := atlassim.NewServiceAccount()
	server := harness.StartAtlas(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{account}, NoRateLimits: true})
	base, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := atlasapi.New(atlasapi.Options{
		BaseURL: base, Credentials: atlasapi.NewServiceAccount(account.ClientID, atlasapi.Secret(account.ClientSecret)),
	})
	t.Cleanup(client.Close)
	table := All()
	e := New(log.NewNopLogger(), NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry()), table)
	t.Cleanup(e.Close)
	e.Configure(config.Default(table.Config()), client)

	const scrapes, interval, most = 40, 30 * time.Second, 130
	e.Refresh(t.Context(), Selection{})
	before := len(server.Requests())
	for range scrapes {
		for _, t := range e.inventory.all() { // the interval passes
			t.mu.Lock()
			t.status.attempted = t.status.attempted.Add(-interval)
			t.mu.Unlock()
		}
		e.Refresh(t.Context(), Selection{})
	}
	minutes := (scrapes * interval).Minutes()
	perMinute := float64(len(server.Requests())-before) / minutes
	if perMinute > most || perMinute < 100 {
		t.Errorf("%.1f requests a minute, want at most %d, and no fewer than the exports and restores take", perMinute, most)
	}
	t.Logf("%.1f requests a minute", perMinute)
}
