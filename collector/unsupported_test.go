package collector_test

import (
	"net/http"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// TestUnsupportedIsSaidOfTheTargetAlone has the request for a token refused in the words with which Atlas says of a target
// that it does not serve it: a missing token says nothing of pipelines, whose series would else be gone for an hour.
func TestUnsupportedIsSaidOfTheTargetAlone(t *testing.T) {
	t.Parallel()
	for _, refusal := range []struct {
		collector, endpoint, want string
		failure                   atlasapi.Error
	}{
		{collector.CollectorPipelines, "list_pipelines", "feature_gone", atlasapi.Error{Status: http.StatusNotFound, Kind: atlasapi.KindNotFound}},
		{collector.CollectorPipelines, "list_pipelines", "feature_gone", atlasapi.Error{Status: http.StatusGone}},
		{collector.BackupExports, "list_backup_exports", "backup_disabled", atlasapi.Error{Kind: atlasapi.KindBackupDisabled}},
		{collector.BackupExports, "list_backup_exports", "flex", atlasapi.Error{Kind: atlasapi.KindFlex}},
	} {
		for endpoint, want := range map[string]string{refusal.endpoint: refusal.want, "token": ""} {
			failure := refusal.failure
			failure.Endpoint = endpoint
			if got := collector.Unsupported(refusal.collector, &failure); got != want {
				t.Errorf("%s of %s, status %d: %q, want %q", endpoint, refusal.collector, failure.Status, got, want)
			}
		}
	}
}
