package main

import (
	"context"
	"net/url"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

const (
	clientID     = "mdb_sa_id_benchmark"
	clientSecret = "mdb_sa_sk_benchmark"
	inFlight     = 16
)

// startAtlas serves an organization. It keeps each page that it made where they are read several times: the largest
// organization has more of them than memory should hold.
func startAtlas(size atlassim.LargeOptions, latency time.Duration, keepPages bool) (*atlassim.Server, error) {
	server := atlassim.NewServer(atlassim.Large(atlassim.WallClock{}, size), atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret}},
		APIKeys:         []atlassim.APIKey{{PublicKey: clientID, PrivateKey: clientSecret}},
		Latency:         func(string) time.Duration { return latency },
		CachePages:      keepPages,
		NoRateLimits:    true,
		RecordLimit:     1,
	})
	return server, server.Start()
}

// newExporter returns an exporter of export jobs that has read nothing yet.
func newExporter(base string, minInterval time.Duration) (e *collector.Exporter, end func(), err error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, nil, err
	}
	c := config.Default(collector.All().Config())
	c.Atlas.MaxConcurrentRequests = inFlight
	c.Collectors.Enable("backup_restores", false)
	c.Collectors.Enable("pipeline_runs", false)
	c.Refresh.MinInterval = minInterval
	for _, name := range c.Collectors.Names() { // what is measured after the first reading must not be due again meanwhile
		c.Collectors.SetMinInterval(name, minInterval)
	}
	api := collector.NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry())
	client := atlasapi.New(atlasapi.Options{
		BaseURL: u, Credentials: atlasapi.NewServiceAccount(clientID, clientSecret),
		MaxConcurrentRequests: inFlight, Observer: api,
	})
	e = collector.New(log.NewNopLogger(), api, collector.All())
	e.Configure(c, client)
	return e, func() { e.Close(); client.Close() }, nil
}

// readAll reads everything that is due.
func readAll(ctx context.Context, e *collector.Exporter) {
	e.Refresh(ctx, collector.Selection{Collectors: []string{"backup_exports"}})
}
