package collector_test

import (
	"net/url"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// world is a simulated Atlas and an exporter for it that is not configured yet.
type world struct {
	server   *atlassim.Server
	account  atlassim.ServiceAccount
	client   *atlasapi.Client
	exporter *collector.Exporter
	registry *prometheus.Registry // of what the exporter knows of its calls
}

func newWorld(t *testing.T, org *atlassim.Organization) *world {
	t.Helper()
	return newLoggingWorld(t, org, log.NewNopLogger())
}

func newLoggingWorld(t *testing.T, org *atlassim.Organization, logger log.Logger) *world {
	t.Helper()
	w := &world{account: atlassim.NewServiceAccount(), registry: prometheus.NewRegistry()}
	w.server = harness.StartAtlas(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{w.account}})
	base, err := url.Parse(w.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	api := collector.NewClientMetrics(log.NewNopLogger(), w.registry)
	w.client = atlasapi.New(atlasapi.Options{
		BaseURL: base, Credentials: atlasapi.NewServiceAccount(w.account.ClientID, atlasapi.Secret(w.account.ClientSecret)), Observer: api,
	})
	w.exporter = collector.New(logger, api, collector.All())
	t.Cleanup(func() {
		w.exporter.Close()
		w.client.Close()
	})
	return w
}

func families(t *testing.T, registry prometheus.Gatherer) []*dto.MetricFamily {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}
