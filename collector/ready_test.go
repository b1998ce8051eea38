package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestSlowDiscovery checks that a first discovery which Atlas does not answer looks different from one that has just begun.
func TestSlowDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := All()
		e := New(log.NewNopLogger(), NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry()), table)
		defer e.Close()
		c := config.Default(table.Config())
		c.Projects = []config.Project{{ID: "32b6e34b3d91647abb20e7b8"}, {ID: "32b6e34b3d91647abb20e7b9"}}
		e.Configure(c, nil)
		const begun = "the first discovery is in progress"
		ready := func(want string) {
			t.Helper()
			if err := e.Ready(); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		ready(begun)
		for _, root := range e.inventory.roots {
			root.status.attempted = time.Now()
			time.Sleep(3 * time.Second)
		}
		ready(begun)
		time.Sleep(100 * time.Second)
		ready("the first discovery has been in progress for 1m46s")
	})
}
