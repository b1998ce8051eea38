package collector

import (
	"errors"
	"net/http"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// Reason says why a target is not up: its last read failed, or Atlas does not serve it.
type Reason uint8

// The reasons. None is the reason of a target that is up or was not read yet.
const (
	None Reason = iota

	// The last read failed. The last good values stay.
	Unauthorized
	IPNotAllowed
	Forbidden
	NotFound
	RateLimited
	Timeout
	ServerError
	BadResponse
	Network

	// The API does not serve the target: it is neither up nor down.
	FreeTier
	Flex
	BackupDisabled
	FeatureGone
)

// reasonText has the texts of a reason: its label, what a person can do, and for an unsupported target the explanation.
type reasonText struct{ label, remedy, unsupported string }

func reasonTexts() [FeatureGone + 1]reasonText {
	return [...]reasonText{
		Unauthorized: {label: "unauthorized", remedy: "Atlas rejects the credentials: check that id and secret belong together, are complete, not expired and not deleted"},
		IPNotAllowed: {label: "ip_not_allowed", remedy: "add this machine's address to the IP access list of the service account or the API key"},
		Forbidden:    {label: "forbidden"}, // Declaration.Remedy names the role
		NotFound:     {label: "not_found", remedy: "check that it still exists in Atlas, and that the configured id is right"},
		RateLimited:  {label: "rate_limited", remedy: "other clients use the project's rate limit too: raise refresh.min_interval, or lower atlas.max_concurrent_requests"},
		Timeout:      {label: "timeout", remedy: "check the network path to atlas.base_url: DNS, proxy, firewall, certificates"},
		ServerError:  {label: "server_error", remedy: "Atlas reports an internal error: wait, and watch status.mongodb.com"},
		BadResponse:  {label: "bad_response", remedy: "unexpected response: a proxy may have answered instead of Atlas, or the API changed; see the error"},
		Network:      {label: "network", remedy: "check the network path to atlas.base_url: DNS, proxy, firewall, certificates"},

		FreeTier:       {label: "free_tier", unsupported: "Atlas does not back up free clusters"},
		Flex:           {label: "flex", unsupported: "these endpoints do not serve Flex clusters"},
		BackupDisabled: {label: "backup_disabled", unsupported: "cloud backup of the cluster is off"},
		FeatureGone:    {label: "feature_gone", unsupported: "Atlas no longer serves this feature here"},
	}
}

// String returns the reason as the metrics spell it, "" for None.
func (r Reason) String() string { return reasonTexts()[r].label }

// Unsupported reports whether the reason is that the API does not serve the target.
func (r Reason) Unsupported() bool { return r >= FreeTier }

// OfAll reports whether the reason most likely affects every request: Atlas, the network, or the credentials.
func (r Reason) OfAll() bool {
	return slices.Contains([]Reason{Unauthorized, IPNotAllowed, Timeout, ServerError, BadResponse, Network}, r)
}

// Explanation returns a clause that says to people why Atlas does not serve the target, "" for other reasons.
func (r Reason) Explanation() string { return reasonTexts()[r].unsupported }

// reasonOf returns the reason for a kind of failure.
func reasonOf(kind atlasapi.Kind) Reason {
	switch kind {
	case atlasapi.KindUnauthorized:
		return Unauthorized
	case atlasapi.KindIPNotAllowed:
		return IPNotAllowed
	case atlasapi.KindForbidden:
		return Forbidden
	case atlasapi.KindNotFound:
		return NotFound
	case atlasapi.KindRateLimited:
		return RateLimited
	case atlasapi.KindTimeout:
		return Timeout
	case atlasapi.KindServerError:
		return ServerError
	case atlasapi.KindNetwork:
		return Network
	case atlasapi.KindBadResponse, atlasapi.KindFlex, atlasapi.KindBackupDisabled: // the last two cannot be the answer for a whole list
	}
	return BadResponse
}

// isGone reports whether Atlas has ended the feature. MongoDB ended Data Lake pipelines in September 2025, and no answer
// of the API since then is recorded. 404 GROUP_NOT_FOUND says that the project itself is gone.
func isGone(err error) bool {
	answered, ok := errors.AsType[*atlasapi.Error](err)
	if !ok || answered.Code == "GROUP_NOT_FOUND" {
		return false
	}
	switch answered.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return false
}

// errorCode returns Atlas's error code, "" if it sent none.
func errorCode(err error) string {
	if e, ok := errors.AsType[*atlasapi.Error](err); ok {
		return e.Code
	}
	return ""
}

// errorStatus returns the HTTP status of a failure, 0 if there was no answer.
func errorStatus(err error) int {
	if e, ok := errors.AsType[*atlasapi.Error](err); ok {
		return e.Status
	}
	return 0
}
