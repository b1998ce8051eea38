package verdict_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/situations"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

// TestSituations checks that the verdict on each situation names the alerts that should fire, based on what the real
// collectors read of a simulated Atlas.
func TestSituations(t *testing.T) {
	t.Parallel()
	all := situations.All()
	org, stages := situations.Build(atlassim.WallClock{}, all)
	e := startExporter(t, org)
	read(t, e, nil)
	situations.Go(org, stages, all)
	read(t, e, all)
	o := e.Overview()
	now := time.Now()
	for i := range all {
		t.Run(all[i].Name, func(t *testing.T) {
			t.Parallel()
			p := o.Projects[slices.IndexFunc(o.Projects, func(p collector.ProjectView) bool { return p.Name == all[i].Name })]
			var alerts []string
			for j := range p.Targets {
				judged := verdict.Of(now, &p.Targets[j])
				alerts = append(alerts, judged.Alerts()...)
			}
			slices.Sort(alerts)
			if alerts = slices.Compact(alerts); !slices.Equal(alerts, all[i].Alerts) {
				t.Errorf("%s: the verdict names %q, want %q", all[i].Story, alerts, all[i].Alerts)
			}
		})
	}
}

// startExporter starts the collectors with a simulated Atlas.
func startExporter(t *testing.T, org *atlassim.Organization) *collector.Exporter {
	t.Helper()
	atlas := harness.StartAtlas(t, org, atlassim.Options{
		APIKeys: []atlassim.APIKey{{PublicKey: "key", PrivateKey: "secret"}}, NoRateLimits: true,
	})
	base, err := url.Parse(atlas.URL())
	if err != nil {
		t.Fatal(err)
	}
	metrics := collector.NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry())
	client := atlasapi.New(atlasapi.Options{BaseURL: base, Credentials: atlasapi.NewAPIKey("key", "secret"), Observer: metrics})
	e := collector.New(log.NewNopLogger(), metrics, collector.All())
	c := config.Default(collector.All().Config())
	c.Refresh.MinInterval, c.Refresh.DiscoveryInterval = 0, 0
	for _, name := range c.Collectors.Names() {
		c.Collectors.SetMinInterval(name, 0)
	}
	e.Configure(c, client)
	t.Cleanup(func() {
		e.Close()
		client.Close()
	})
	return e
}

// read reads until every target has been read, after now if a change is awaited.
func read(t *testing.T, e *collector.Exporter, changed []situations.Situation) {
	t.Helper()
	begin := time.Now()
	harness.Eventually(t, func() error {
		e.Refresh(t.Context(), collector.Selection{})
		o := e.Overview()
		if len(o.Projects) == 0 {
			return fmt.Errorf("no project was found")
		}
		for _, p := range o.Projects {
			for i := range p.Targets {
				v := &p.Targets[i]
				old := changed != nil && v.Condition == collector.Up && v.Refreshed.Before(begin)
				if v.Condition == collector.Pending || old {
					return fmt.Errorf("%s of %s %s is %v, read %v", v.Name, p.Name, v.Entry, v.Condition, v.Refreshed)
				}
			}
		}
		return nil
	})
}
