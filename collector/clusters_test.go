package collector

import (
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestDeletedCluster checks that a cluster that is being deleted makes room for another of the same name.
func TestDeletedCluster(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]bool{"DELETING": true, "IDLE": false, "": false} {
		if got := clusterEntry(&atlasapi.Cluster{StateName: state}).deleting; got != want {
			t.Errorf("%q: %t", state, got)
		}
	}
}
