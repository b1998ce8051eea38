package faultmatrix

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// statusFaults are answers with a status that is no success.
func statusFaults() []fault {
	gone := func(reason string) func(endpoint) (outcome, bool) {
		return but(down(reason), ending(outcome{unsupported: featureGone}))
	}
	notServed := func(reason string, ofLists map[endpoint]outcome) func(endpoint) (outcome, bool) {
		return notOf(but(outcome{unsupported: reason}, ofLists), token)
	}
	return []fault{
		{name: "302 to another host", answer: redirect, expect: everywhere(down(badResponse))},
		{name: "400", answer: status(400, "INVALID_QUERY_PARAMETER"), expect: everywhere(down(badResponse))},
		{
			name: "400 CANNOT_USE_FLEX_CLUSTER…", answer: status(400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"),
			expect: notServed("flex", map[endpoint]outcome{
				projects: down(badResponse), project: down(badResponse), clusters: down(badResponse), pipelines: down(badResponse),
				flexClusters: down(badResponse), buckets: down(badResponse),
			}),
		},
		// A new token is asked for once, so that a single one may go unnoticed.
		{name: "401", answer: status(401, ""), expect: everywhere(down(unauthorized))},
		{name: "401 NOT_IN_GROUP", answer: status(401, "NOT_IN_GROUP"), expect: everywhere(down(forbidden))},
		{name: "403", answer: status(403, "USER_CANNOT_ACCESS_GROUP"), expect: everywhere(down(forbidden))},
		{name: "403 of the access list", answer: status(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), expect: everywhere(down(notAllowed))},
		{name: "404", answer: status(404, "RESOURCE_NOT_FOUND"), expect: gone(notFound), lasting: ends},
		{name: "404 GROUP_NOT_FOUND", answer: status(404, "GROUP_NOT_FOUND"), expect: everywhere(down(notFound))},
		{
			name: "404 BACKUP_CONFIG_NOT_FOUND", answer: status(404, "BACKUP_CONFIG_NOT_FOUND"), lasting: func(e endpoint) bool { return ends(e) && e != collectionRestores },
			expect: notServed("backup_disabled", map[endpoint]outcome{
				projects: down(badResponse, notFound), project: down(badResponse, notFound), clusters: down(badResponse, notFound),
				pipelines: {unsupported: featureGone}, flexClusters: {unsupported: featureGone}, buckets: down(badResponse, notFound),
			}),
		},
		{name: "405", answer: status(405, ""), expect: gone(badResponse), lasting: ends},
		{name: "406", answer: status(406, ""), expect: everywhere(down(badResponse))},
		{name: "408", answer: status(408, ""), expect: everywhere(down(timeout))},
		{name: "409", answer: status(409, "CANNOT_UPDATE_PAUSED_CLUSTER"), expect: everywhere(down(badResponse))},
		{name: "410", answer: status(410, "VERSION_GONE"), expect: gone(badResponse), lasting: ends},
		{name: "429 with Retry-After", answer: tooMany("2"), expect: everywhere(retriedThenDown(rateLimited)), retryAfter: 2 * time.Second},
		{name: "429 without Retry-After", answer: tooMany(""), expect: everywhere(retriedThenDown(rateLimited))},
		{name: "429 with Retry-After 0", answer: tooMany("0"), expect: everywhere(retriedThenDown(rateLimited))},
		{name: "500", answer: status(500, "UNEXPECTED_ERROR"), expect: everywhere(retriedThenDown(serverError))},
		{name: "502 with HTML", answer: webPage(502), expect: everywhere(retriedThenDown(serverError))},
		{name: "503", answer: status(503, "SERVICE_UNAVAILABLE"), expect: everywhere(retriedThenDown(serverError))},
		{name: "504", answer: status(504, ""), expect: everywhere(retriedThenDown(serverError))},
	}
}

// status answers with an error in the form of Atlas, or of OAuth. It repeats what the request proved itself with and the
// secrets behind that, none of which may show anywhere.
func status(code int, errorCode string) func(*exchange) {
	return func(x *exchange) { x.refuse(code, errorCode, nil) }
}

func tooMany(retryAfter string) func(*exchange) {
	return func(x *exchange) {
		header := http.Header{}
		if retryAfter != "" {
			header.Set("Retry-After", retryAfter)
		}
		x.refuse(http.StatusTooManyRequests, "RATE_LIMITED_TOKEN_BUCKET", header)
	}
}

// refuse answers an error.
func (x *exchange) refuse(code int, errorCode string, header http.Header) {
	echo := "you sent " + x.r.Header.Get("Authorization") + ", as " + x.secrets
	body := map[string]any{
		"error": code, "errorCode": errorCode, "detail": echo, "reason": http.StatusText(code), "parameters": []string{echo},
	}
	if x.endpoint == token {
		if code == http.StatusUnauthorized && errorCode == "" {
			errorCode = "invalid_client"
		}
		body = map[string]any{"error": errorCode, "error_description": echo}
	}
	if errorCode == "" {
		delete(body, "errorCode")
	}
	raw, _ := json.Marshal(body) // plain strings
	maps.Copy(x.w.Header(), header)
	x.send(code, jsonType, raw)
}

func webPage(code int) func(*exchange) {
	return func(x *exchange) {
		x.send(code, "text/html", []byte("<html><body><h1>"+strconv.Itoa(code)+"</h1>"+x.secrets+"</body></html>"))
	}
}

// redirect sends the request to a host that is not Atlas's.
func redirect(x *exchange) {
	x.w.Header().Set("Location", x.elsewhere+x.r.URL.RequestURI())
	x.send(http.StatusFound, jsonType, []byte("{}"))
}
