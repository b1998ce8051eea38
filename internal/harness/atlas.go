package harness

import (
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// StartAtlas serves a simulated Atlas until the test ends.
func StartAtlas(t testing.TB, org *atlassim.Organization, options atlassim.Options) *atlassim.Server {
	t.Helper()
	server := atlassim.NewServer(org, options)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}
