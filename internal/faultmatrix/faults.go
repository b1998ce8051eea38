package faultmatrix

import (
	"maps"
	"slices"
	"strings"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// fault is a fault and its expected outcome. Requests get a spoiled answer, or hang, or go to an address without Atlas.
type fault struct {
	Name    string
	answer  func(x *exchange)
	hang    atlassim.Hang
	baseURL func(*exporter) string
	// makes is the outcome for a struck target, and but has the exceptions. The outcome is zero if the fault makes no sense
	// for an endpoint.
	makes outcome
	but   exceptions
}

// outcome is the set of states that a target may have while a fault strikes each of its requests.
type outcome struct {
	// up allows the target to stay up with its true values.
	up bool
	// lies means that the answer is valid but untrue: the target is up, and may have any plausible values.
	lies bool
	// reasons are the reasons for which the target may be down with its last good values.
	reasons []string
	// unsupported is the reason for which the target may be unsupported.
	unsupported string
	// retried means that a single fault does not show, because the exporter repeats the request at once.
	retried bool
}

func (o outcome) mayStayUp() bool { return o.up || o.lies }

func down(reasons ...string) outcome { return outcome{reasons: reasons} }

func retriedThenDown(reason string) outcome { return outcome{reasons: []string{reason}, retried: true} }

// upOr is for an answer that one parser accepts and another rejects: the target is up with its true values, or down for the
// reason.
func upOr(reason string) outcome { return outcome{up: true, reasons: []string{reason}} }

// at returns the outcome for a target of an endpoint.
func (f fault) at(e endpoint) outcome {
	if o, isException := f.but[e.name]; isException {
		return o
	}
	return f.makes
}

// Reasons in the exporter's interface.
const (
	badResponse = "bad_response"
	network     = "network"
	timeout     = "timeout"
	rateLimited = "rate_limited"
	serverError = "server_error"
	notFound    = "not_found"
	forbidden   = "forbidden"
	featureGone = "feature_gone"
)

// exceptions are outcomes by the names of endpoints.
type exceptions map[string]outcome

// and adds an outcome for some endpoints.
func (e exceptions) and(o outcome, names string) exceptions {
	all := exceptions{}
	maps.Copy(all, e)
	for name := range strings.FieldsSeq(names) {
		all[name] = o
	}
	return all
}

// allFaults lists the rows of the matrix.
func allFaults() []fault {
	return slices.Concat(connectionFaults(), statusFaults(), bodyFaults(), itemFaults())
}

func connectionFaults() []fault {
	noName := "https://" + strings.Repeat("a", 64) + ".invalid" // too long for DNS: a lookup fails without a query
	return []fault{
		{Name: "connection refused", baseURL: func(*exporter) string { return "http://127.0.0.1:1" }, makes: down(network)},
		{Name: "TLS failure", baseURL: func(s *exporter) string { return s.elsewhere.URL }, makes: down(network)},
		{Name: "DNS failure", baseURL: func(*exporter) string { return noName }, makes: down(network)},
		{Name: "reset mid-body", answer: resetMidBody, makes: retriedThenDown(network)},
		{Name: "body ends early", answer: half, makes: retriedThenDown(badResponse)},
		{Name: "no answer", hang: atlassim.HangSilent, makes: retriedThenDown(timeout)},
		{Name: "headers and no body", hang: atlassim.HangHeaders, makes: retriedThenDown(timeout)},
		{Name: "half a body", hang: atlassim.HangHalfway, makes: retriedThenDown(timeout)},
		{Name: "one byte a second", hang: atlassim.HangTrickling, makes: retriedThenDown(timeout)},
	}
}

// statusFaults are answers with an error status.
func statusFaults() []fault {
	ended := outcome{unsupported: featureGone}
	gone := exceptions{}.and(ended, "pipelines collection_restores flex_clusters") // Atlas may have removed these
	const lists = "projects project clusters pipelines flex_clusters export_buckets"
	slowDown := status(429, "RATE_LIMITED_TOKEN_BUCKET")
	// After a 429, the exporter does not request a token for a minute, whatever Retry-After says.
	tokenLimit := exceptions{token: down(rateLimited)}
	return []fault{
		{Name: "302 to another host", answer: redirect, makes: down(badResponse)},
		{Name: "400", answer: status(400, "INVALID_QUERY_PARAMETER"), makes: down(badResponse)},
		{
			Name: "400 CANNOT_USE_FLEX_CLUSTER…", answer: status(400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"),
			makes: outcome{unsupported: "flex"}, but: exceptions{token: {}}.and(down(badResponse), lists),
		},
		// The exporter requests a new token once, so a single 401 may not show.
		{Name: "401", answer: status(401, ""), makes: down("unauthorized")},
		{Name: "401 NOT_IN_GROUP", answer: status(401, "NOT_IN_GROUP"), makes: down(forbidden)},
		{Name: "403", answer: status(403, "USER_CANNOT_ACCESS_GROUP"), makes: down(forbidden)},
		{Name: "403 of the access list", answer: status(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), makes: down("ip_not_allowed")},
		{Name: "404", answer: status(404, "RESOURCE_NOT_FOUND"), makes: down(notFound), but: gone},
		{Name: "404 GROUP_NOT_FOUND", answer: status(404, "GROUP_NOT_FOUND"), makes: down(notFound)},
		{
			Name: "404 BACKUP_CONFIG_NOT_FOUND", answer: status(404, "BACKUP_CONFIG_NOT_FOUND"),
			makes: outcome{unsupported: "backup_disabled"},
			but:   exceptions{token: {}}.and(down(badResponse, notFound), lists).and(ended, "pipelines flex_clusters"),
		},
		{Name: "408", answer: status(408, ""), makes: down(timeout)},
		{Name: "410", answer: status(410, "VERSION_GONE"), makes: down(badResponse), but: gone},
		{Name: "429 with Retry-After", answer: func(x *exchange) {
			x.Header().Set("Retry-After", "2")
			slowDown(x)
		}, makes: retriedThenDown(rateLimited), but: tokenLimit},
		{Name: "429 without Retry-After", answer: slowDown, makes: retriedThenDown(rateLimited), but: tokenLimit},
		{Name: "500", answer: status(500, "UNEXPECTED_ERROR"), makes: retriedThenDown(serverError)},
		{Name: "502 with HTML", answer: page(502), makes: retriedThenDown(serverError)},
	}
}

// bodyFaults are answers whose body as a whole is broken or unexpected.
func bodyFaults() []fault {
	return []fault{
		{Name: "empty body", answer: altered(func([]byte) []byte { return nil }), makes: down(badResponse)},
		{Name: "truncated JSON", answer: altered(func(b []byte) []byte { return b[:len(b)/2] }), makes: down(badResponse)},
		{Name: "a web page", answer: page(200), makes: down(badResponse)},
		{Name: "invalid UTF-8", answer: respelt(`^(\[?)\{`, "$1{\"note\":\"\xff\xfe\xc3\x28\","), makes: upOr(badResponse)},
		{Name: "duplicate members", answer: respelt(`("\w+":"[^"]*")`, "$1,$1"), makes: upOr(badResponse)},
	}
}

// itemFaults are answers with the right structure and an impossible or unlikely value in every item.
func itemFaults() []fault {
	const date, number = `"\d{4}-\d\d-\d\dT[0-9:.]+Z"`, `:(\d+)([,}])`
	lies := outcome{lies: true}
	liesOrDown := outcome{lies: true, reasons: []string{badResponse}}
	// The exporter may parse or skip fields that no metric shows.
	ignored := upOr(badResponse)
	undated := exceptions{token: {}}.
		and(ignored, "projects project pipelines export_buckets").
		and(liesOrDown, "backup_schedule flex_clusters")
	countless := exceptions{token: {up: true}}.
		and(ignored, "projects project clusters pipelines backup_restores export_buckets flex_clusters flex_snapshots flex_restores").
		and(liesOrDown, "backup_schedule backup_snapshots collection_restores")
	return []fault{
		{
			Name: "wrong types", makes: down(badResponse),
			answer: respelt(`"(name|state|status|access_token|autoExportEnabled|cancelled|_id)":("[^"]*"|true|false)`, `"$1":{}`),
		},
		{Name: "items without ids", answer: respelt(`"(_?id|access_token|autoExportEnabled)":`, `"other":`), makes: down(badResponse)},
		{Name: "dates in the year 0001", answer: respelt(date, `"0001-01-01T00:00:00Z"`), makes: lies, but: undated},
		{Name: "dates in the year 9999", answer: respelt(date, `"9999-12-31T23:59:59Z"`), makes: lies, but: undated},
		{Name: "malformed dates", answer: respelt(date, `"yesterday"`), makes: down(badResponse), but: undated},
		{Name: "negative counts", answer: respelt(number, `:-5$2`), makes: lies, but: countless},
		{Name: "huge counts", answer: respelt(number, `:9223372036854775807$2`), makes: liesOrDown, but: countless},
		{
			Name: "an unknown state", answer: respelt(`"(state|status|deliveryType)":"[^"]*"`, `"$1":"Exploding"`), makes: lies,
			but: exceptions{token: {}}.and(ignored, "projects project clusters backup_schedule export_buckets flex_clusters"),
		},
	}
}
