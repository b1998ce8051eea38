package faultmatrix

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// fault is a fault and its expected outcome. Requests get a spoiled answer, or hang, or go to an address without Atlas.
type fault struct {
	name   string
	answer func(x *exchange)
	hang   atlassim.Hang
	points func(*stack) string // base URL
	// makes is the outcome for a struck target, and but has the exceptions. The outcome is zero if the fault makes no sense
	// for an endpoint.
	makes outcome
	but   exceptions
	// retryAfter is the Retry-After of the answers.
	retryAfter time.Duration
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

// upOr is for an answer that one parser accepts and another rejects: the target is up with its true values, or down for one
// of the reasons.
func upOr(reasons ...string) outcome { return outcome{up: true, reasons: reasons} }

// at returns the outcome for a target of an endpoint. If ok is false, the fault makes no sense there.
func (f *fault) at(e endpoint) (o outcome, ok bool) {
	o, isException := f.but[e.title()]
	if !isException {
		o = f.makes
	}
	return o, o.mayStayUp() || o.unsupported != "" || len(o.reasons) > 0
}

// hangs reports whether requests hang. Such a fault is played with a short request timeout.
func (f *fault) hangs() bool { return f.hang != atlassim.NoHang }

// Reasons in the exporter's interface.
const (
	badResponse = "bad_response"
	network     = "network"
	timeout     = "timeout"
	rateLimited = "rate_limited"
	serverError = "server_error"
	notFound    = "not_found"
	featureGone = "feature_gone"
)

// exceptions are outcomes by the titles of endpoints.
type exceptions map[string]outcome

func (e exceptions) and(o outcome, titles ...string) exceptions {
	all := maps.Clone(e)
	for _, title := range titles {
		all[title] = o
	}
	return all
}

// allFaults lists the rows of the matrix.
func allFaults() []fault {
	return slices.Concat(connectionFaults(), statusFaults(), bodyFaults(), itemFaults())
}

func connectionFaults() []fault {
	nowhere := exceptions{projects: down(network)}              // the exporter cannot reach any endpoint
	noName := "https://" + strings.Repeat("a", 64) + ".invalid" // too long for DNS: a lookup fails without a query
	return []fault{
		{name: "connection refused", points: func(*stack) string { return "http://127.0.0.1:1" }, but: nowhere},
		{name: "TLS failure", points: func(s *stack) string { return s.stranger.URL }, but: nowhere},
		{name: "DNS failure", points: func(*stack) string { return noName }, but: nowhere},
		{name: "reset mid-body", answer: resetMidBody, makes: retriedThenDown(network)},
		{name: "body ends early", answer: (*exchange).half, makes: retriedThenDown(badResponse)},
		{name: "no answer", hang: atlassim.HangSilent, makes: retriedThenDown(timeout)},
		{name: "headers and no body", hang: atlassim.HangHeaders, makes: retriedThenDown(timeout)},
		{name: "half a body", hang: atlassim.HangHalfway, makes: retriedThenDown(timeout)},
		{name: "one byte a second", hang: atlassim.HangTrickling, makes: retriedThenDown(timeout)},
	}
}

// statusFaults are answers with an error status.
func statusFaults() []fault {
	ended := outcome{unsupported: featureGone}
	gone := exceptions{}.and(ended, "pipelines", "collection restores", "flex clusters") // Atlas may have removed these
	lists := []string{projects, project, "clusters", "pipelines", "flex clusters", "export buckets"}
	// After a 429, the exporter does not request a token for a minute, whatever Retry-After says.
	tokenLimit := exceptions{token: down(rateLimited)}
	return []fault{
		{name: "302 to another host", answer: redirect, makes: down(badResponse)},
		{name: "400", answer: status(400, "INVALID_QUERY_PARAMETER"), makes: down(badResponse)},
		{
			name: "400 CANNOT_USE_FLEX_CLUSTER…", answer: status(400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"), makes: outcome{unsupported: "flex"},
			but: exceptions{token: {}}.and(down(badResponse), lists...),
		},
		// The exporter requests a new token once, so a single 401 may not show.
		{name: "401", answer: status(401, ""), makes: down("unauthorized")},
		{name: "401 NOT_IN_GROUP", answer: status(401, "NOT_IN_GROUP"), makes: down("forbidden")},
		{name: "403", answer: status(403, "USER_CANNOT_ACCESS_GROUP"), makes: down("forbidden")},
		{name: "403 of the access list", answer: status(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), makes: down("ip_not_allowed")},
		{name: "404", answer: status(404, "RESOURCE_NOT_FOUND"), makes: down(notFound), but: gone},
		{name: "404 GROUP_NOT_FOUND", answer: status(404, "GROUP_NOT_FOUND"), makes: down(notFound)},
		{
			name: "404 BACKUP_CONFIG_NOT_FOUND", answer: status(404, "BACKUP_CONFIG_NOT_FOUND"), makes: outcome{unsupported: "backup_disabled"},
			but: exceptions{token: {}}.and(down(badResponse, notFound), lists...).and(ended, "pipelines", "flex clusters"),
		},
		{name: "408", answer: status(408, ""), makes: down(timeout)},
		{name: "410", answer: status(410, "VERSION_GONE"), makes: down(badResponse), but: gone},
		{name: "429 with Retry-After", answer: status(429, "RATE_LIMITED_TOKEN_BUCKET", "Retry-After", "2"), makes: retriedThenDown(rateLimited), but: tokenLimit, retryAfter: 2 * time.Second},
		{name: "429 without Retry-After", answer: status(429, "RATE_LIMITED_TOKEN_BUCKET"), makes: retriedThenDown(rateLimited), but: tokenLimit},
		{name: "500", answer: status(500, "UNEXPECTED_ERROR"), makes: retriedThenDown(serverError)},
		{name: "502 with HTML", answer: status(502, webPage), makes: retriedThenDown(serverError)},
	}
}

// bodyFaults are answers whose body as a whole is broken or unexpected.
func bodyFaults() []fault {
	fixed := func(contentType, body string) func(*exchange) {
		return func(x *exchange) { x.send(http.StatusOK, contentType, []byte(body)) }
	}
	return []fault{
		{name: "empty body", answer: fixed(jsonType, ""), makes: down(badResponse)},
		{name: "truncated JSON", answer: altered(func(b []byte) []byte { return b[:len(b)/2] }), makes: down(badResponse)},
		{name: "a web page", answer: fixed("text/html; charset=utf-8", "<html><body>log in</body></html>"), makes: down(badResponse)},
		{name: "gzip bomb", answer: bomb(), makes: down(badResponse)},
		{name: "invalid UTF-8", answer: respelt(`^(\[?)\{`, "$1{\"note\":\"\xff\xfe\xc3\x28\","), makes: upOr(badResponse)},
		{name: "duplicate members", answer: respelt(`("\w+":"[^"]*")`, "$1,$1"), makes: upOr(badResponse)},
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
		and(ignored, projects, project, "pipelines", "export buckets").
		and(liesOrDown, "backup schedule", "flex clusters")
	countless := exceptions{token: {up: true}}.
		and(ignored, projects, project, "clusters", "pipelines", "backup restores", "export buckets", "flex clusters", "flex snapshots", "flex restores").
		and(liesOrDown, "backup schedule", "backup snapshots", "collection restores")
	return []fault{
		{
			name:   "wrong types",
			answer: respelt(`"(name|state|status|access_token|autoExportEnabled|cancelled|_id)":("[^"]*"|true|false)`, `"$1":{}`), makes: down(badResponse),
		},
		{name: "items without ids", answer: respelt(`"(_?id|access_token|autoExportEnabled)":`, `"other":`), makes: down(badResponse)},
		{name: "dates in the year 0001", answer: respelt(date, `"0001-01-01T00:00:00Z"`), makes: lies, but: undated},
		{name: "dates in the year 9999", answer: respelt(date, `"9999-12-31T23:59:59Z"`), makes: lies, but: undated},
		{name: "malformed dates", answer: respelt(date, `"yesterday"`), makes: down(badResponse), but: undated},
		{name: "negative counts", answer: respelt(number, `:-5$2`), makes: lies, but: countless},
		{name: "huge counts", answer: respelt(number, `:9223372036854775807$2`), makes: liesOrDown, but: countless},
		{
			name: "an unknown state", answer: respelt(`"(state|status|deliveryType)":"[^"]*"`, `"$1":"Exploding"`), makes: lies,
			but: exceptions{token: {}}.and(ignored, projects, project, "clusters", "backup schedule", "export buckets", "flex clusters"),
		},
	}
}

// altered sends the true answer with a changed body.
func altered(spoil func([]byte) []byte) func(*exchange) {
	return func(x *exchange) {
		truth := x.truth()
		x.send(truth.Code, truth.Header().Get("Content-Type"), spoil(truth.Body.Bytes()))
	}
}

// respelt replaces every match of a pattern in the true answer.
func respelt(pattern, with string) func(*exchange) {
	compiled := regexp.MustCompile(pattern)
	return altered(func(body []byte) []byte { return compiled.ReplaceAll(body, []byte(with)) })
}
