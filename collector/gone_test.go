package collector_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestGoneProjectLeavesNoRateLimit removes a project while its jobs are being read: a late answer must not bring the series of
// its rate limit back.
func TestGoneProjectLeavesNoRateLimit(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	stays, goes := org.AddProject("stays"), org.AddProject("goes")
	stays.AddCluster("one", atlassim.ClusterOptions{})
	goes.AddCluster("two", atlassim.ClusterOptions{})
	w := newWorld(t, org)
	e := w.exporter
	reading, removed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.server.SetBeforePage(func(operation string, _ int) {
		if operation == atlassim.OpListBackupExports {
			once.Do(func() { close(reading) })
			<-removed
		}
	})
	c := config.Default(collector.All().Config())
	c.Refresh.DiscoveryInterval = 0
	e.Configure(c, w.client)

	var scrape sync.WaitGroup
	scrape.Go(func() { e.Refresh(t.Context(), collector.Selection{}) })
	<-reading
	org.Do(func() { org.RemoveProject(goes) })
	for e.Discover(); len(e.Projects()) != 1; e.Discover() {
		time.Sleep(time.Millisecond)
	}
	close(removed)
	scrape.Wait()

	harness.Eventually(t, func() error { // reads of the discovery may still be in progress
		limits := 0
		for _, family := range families(t, w.registry) {
			if !strings.HasPrefix(family.GetName(), "mongodbatlas_api_ratelimit_") {
				continue
			}
			for _, m := range family.GetMetric() {
				limits++
				for _, label := range m.GetLabel() {
					if label.GetValue() == goes.ID {
						return fmt.Errorf("%s of the removed project is still shown: %v", family.GetName(), m)
					}
				}
			}
		}
		if limits == 0 {
			return errors.New("no rate limit is shown at all")
		}
		return nil
	})
}
