package collector

import (
	"net/http"
	"slices"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestUnsupportedSaysNothingAboutTokens refuses the request for a token in the words with which Atlas says that it does not
// serve a target: a missing token says nothing about pipelines, whose series would otherwise be gone for an hour.
func TestUnsupportedSaysNothingAboutTokens(t *testing.T) {
	t.Parallel()
	for _, refusal := range []struct {
		name, collector string
		failure         atlasapi.Error
		want, ofToken   Reason
	}{
		{"pipelines 404", "pipelines", atlasapi.Error{Status: http.StatusNotFound, Kind: atlasapi.KindNotFound}, FeatureGone, NotFound},
		{"pipelines 410", "pipelines", atlasapi.Error{Status: http.StatusGone, Kind: atlasapi.KindBadResponse}, FeatureGone, BadResponse},
		{"no such project", "pipelines", atlasapi.Error{Status: http.StatusNotFound, Code: "GROUP_NOT_FOUND", Kind: atlasapi.KindNotFound}, NotFound, NotFound},
		{"backup off", "backup_exports", atlasapi.Error{Kind: atlasapi.KindBackupDisabled}, BackupDisabled, BadResponse},
		{"flex", "backup_exports", atlasapi.Error{Kind: atlasapi.KindFlex}, Flex, BadResponse},
		{"a list of clusters", "clusters", atlasapi.Error{Kind: atlasapi.KindFlex}, BadResponse, BadResponse},
	} {
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			table := All()
			d := table[slices.Index(table.Names(), refusal.collector)]
			for endpoint, want := range map[string]Reason{"list": refusal.want, "token": refusal.ofToken} {
				failure := refusal.failure
				failure.Endpoint = endpoint
				if got := d.Judge(&failure); got != want {
					t.Errorf("%s: %s, want %s", endpoint, got, want)
				}
			}
		})
	}
}
