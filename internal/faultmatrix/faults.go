package faultmatrix

import (
	"slices"
	"time"
)

// fault is something that goes wrong, and what an honest exporter makes of it.
type fault struct {
	name string
	// connection breaks whole connections. Without it, answer answers the requests that are struck.
	connection breakage
	answer     func(x *exchange)
	// expect tells what becomes of a target of the endpoint; ok is false where the fault makes no sense there.
	expect func(e endpoint) (o outcome, ok bool)
	// slow faults hold requests: they are played with a short request timeout.
	slow bool
	// endless faults make pages up.
	endless bool
	// retryAfter is how long the answers ask the exporter to wait.
	retryAfter time.Duration
	// lasting tells whether the exporter is not itself again when the fault is over: it is then given up after the cell.
	lasting func(e endpoint) bool
}

// breakage is what happens to connections.
type breakage string

const (
	refused breakage = "refused"
	badTLS  breakage = "tls"
	noName  breakage = "dns"
)

// outcome is what may become of a target that is struck at every request.
type outcome struct {
	// up allows the target to stay up with its true values.
	up bool
	// lies has the answer be legal and untrue: the target is up, and its values are any that are plausible.
	lies bool
	// renames has names be legal and untrue: of the project, nothing but the form is judged.
	renames bool
	// first allows other reasons until it is down for one of those below.
	first []string
	// reasons allow the target to be down with its last good values, for one of them.
	reasons []string
	// unsupported allows it to be neither up nor down for this reason.
	unsupported string
	// retried has a single one of these go unnoticed, because the request is sent again at once.
	retried bool
}

func (o outcome) mayStayUp() bool { return o.up || o.lies || o.renames }

func down(reasons ...string) outcome { return outcome{reasons: reasons} }

func retriedThenDown(reason string) outcome { return outcome{reasons: []string{reason}, retried: true} }

// upOr has the target stay up with its true values, or down for a reason: an answer that one reader may take for good
// and another refuse, but nobody for another truth.
func upOr(reasons ...string) outcome { return outcome{up: true, reasons: reasons} }

// The reasons of the exporter's interface that the table uses.
const (
	badResponse  = "bad_response"
	network      = "network"
	timeout      = "timeout"
	rateLimited  = "rate_limited"
	serverError  = "server_error"
	notFound     = "not_found"
	forbidden    = "forbidden"
	unauthorized = "unauthorized"
	notAllowed   = "ip_not_allowed"
	featureGone  = "feature_gone"
)

// everywhere has the same become of every endpoint.
func everywhere(o outcome) func(endpoint) (outcome, bool) {
	return func(endpoint) (outcome, bool) { return o, true }
}

// but has something else become of some endpoints.
func but(otherwise outcome, exceptions map[endpoint]outcome) func(endpoint) (outcome, bool) {
	return func(e endpoint) (outcome, bool) {
		if o, ok := exceptions[e]; ok {
			return o, true
		}
		return otherwise, true
	}
}

// notOf leaves endpoints out where a fault makes no sense.
func notOf(expect func(endpoint) (outcome, bool), without ...endpoint) func(endpoint) (outcome, bool) {
	return func(e endpoint) (outcome, bool) {
		if slices.Contains(without, e) {
			return outcome{}, false
		}
		return expect(e)
	}
}

// allFaults lists the rows of the matrix.
func allFaults() []fault {
	// A connection of HTTP/2 that is reset within an answer looks like an answer that ends early.
	cutOff := outcome{first: []string{badResponse}, reasons: []string{network}, retried: true}
	all := []fault{
		{name: "connection refused", connection: refused, expect: everywhere(cutOff)},
		{name: "TLS failure", connection: badTLS, expect: everywhere(cutOff)},
		{name: "DNS failure", connection: noName, expect: everywhere(down(network))},
		{name: "reset mid-body", answer: resetMidBody, expect: everywhere(retriedThenDown(network))},
		{name: "no answer", answer: hold, slow: true, expect: everywhere(retriedThenDown(timeout))},
		{name: "headers and no body", answer: holdBody, slow: true, expect: everywhere(retriedThenDown(timeout))},
		{name: "half a body", answer: holdMidBody, slow: true, expect: everywhere(retriedThenDown(timeout))},
		{name: "one byte a second", answer: trickle, slow: true, expect: everywhere(retriedThenDown(timeout))},
	}
	all = append(all, statusFaults()...)
	all = append(all, bodyFaults()...)
	return append(all, itemFaults()...)
}
