package atlassim_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestConcurrently reads the demo from several clients while time passes, faults come and go and the organization changes, for
// the race detector.
func TestConcurrently(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Demo(clock)
	c := serve(t, org, atlassim.Options{NoRateLimits: true, TokenLifetime: 365 * 24 * time.Hour})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, p := range c.all("/groups") {
				for _, cluster := range c.all("/groups/" + text(p, "id") + "/clusters") {
					path := "/groups/" + text(p, "id") + "/clusters/" + text(cluster, "name") + "/backup/exports"
					if response, _ := c.get(path); response.StatusCode == http.StatusInternalServerError {
						t.Errorf("%s answers %d", path, response.StatusCode)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		readers.Wait()
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		clock.Advance(time.Second)
		remove := c.server.Inject(atlassim.Fault{Operation: atlassim.OpGetProject, Status: http.StatusBadGateway})
		org.Do(func() {
			cluster := org.Projects()[0].Clusters()[0]
			cluster.Paused = !cluster.Paused
			cluster.RemoveExport(cluster.AddExport(atlassim.Export{}))
		})
		_ = c.server.Requests()
		remove()
	}
	if len(c.server.Requests()) < 4*14 {
		t.Errorf("only %d requests", len(c.server.Requests()))
	}
}
