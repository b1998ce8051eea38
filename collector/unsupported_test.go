package collector

import (
	"net/http"
	"slices"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestWhichListsMayEnd checks, for each list of the backup chain, what its refusals mean: some features are not offered
// everywhere, and the lists of the others are known to exist.
func TestWhichListsMayEnd(t *testing.T) {
	t.Parallel()
	refusals := map[string]*atlasapi.Error{
		"404":                 {Status: http.StatusNotFound, Code: "RESOURCE_NOT_FOUND", Kind: atlasapi.KindNotFound},
		"404 GROUP_NOT_FOUND": {Status: http.StatusNotFound, Code: "GROUP_NOT_FOUND", Kind: atlasapi.KindNotFound},
		"405":                 {Status: http.StatusMethodNotAllowed, Kind: atlasapi.KindBadResponse},
		"410":                 {Status: http.StatusGone, Code: "VERSION_GONE", Kind: atlasapi.KindBadResponse},
		"400":                 {Status: http.StatusBadRequest, Kind: atlasapi.KindBadResponse},
		"403":                 {Status: http.StatusForbidden, Kind: atlasapi.KindForbidden},
	}
	ends := map[string]Reason{"404": FeatureGone, "405": FeatureGone, "410": FeatureGone}
	stays := map[string]Reason{"404": NotFound, "405": BadResponse, "410": BadResponse}
	for collector, want := range map[string]map[string]Reason{
		"pipelines": ends, "flex_clusters": ends, "collection_restores": ends,
		"clusters": stays, "export_buckets": stays, "backup_schedule": stays, "backup_snapshots": stays, "backup_exports": stays,
		"backup_restores": stays, "flex_snapshots": stays, "flex_restores": stays, "pipeline_runs": stays,
	} {
		t.Run(collector, func(t *testing.T) {
			d := All()[slices.Index(All().Names(), collector)]
			for name, refusal := range refusals {
				expected := map[string]Reason{"400": BadResponse, "403": Forbidden, "404 GROUP_NOT_FOUND": NotFound}[name]
				if expected == None {
					expected = want[name]
				}
				if got := d.ReasonFor(refusal); got != expected {
					t.Errorf("%s means %s, want %s", name, got, expected)
				}
			}
		})
	}
}

// TestUnsupportedSaysNothingAboutTokens refuses the request for a token with the error that Atlas uses for a target that it
// does not support: this must not mark pipelines as unsupported, which would drop their series for an hour.
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
				if got := d.ReasonFor(&failure); got != want {
					t.Errorf("%s: %s, want %s", endpoint, got, want)
				}
			}
		})
	}
}
