package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Kind classifies a failure by what it means for the requested object, so that callers can decide what to do.
type Kind uint8

// The kinds of failure. Their names are the reasons that the exporter shows.
const (
	// KindNetwork is a request without an answer: connection refused or reset, no such host, an invalid certificate.
	KindNetwork Kind = iota
	// KindTimeout is a request or an answer that took too long, and status 408.
	KindTimeout
	// KindUnauthorized is a credential that Atlas rejects.
	KindUnauthorized
	// KindIPNotAllowed is a credential whose IP access list does not contain our address.
	KindIPNotAllowed
	// KindForbidden is a credential without the role, or without membership in the project.
	KindForbidden
	// KindNotFound is a project, cluster or pipeline that Atlas does not know.
	KindNotFound
	// KindRateLimited is a request that Atlas refused, or would have refused, because of too many requests.
	KindRateLimited
	// KindServerError is a status of 500 and above.
	KindServerError
	// KindBadResponse is an answer that does not fit the request, such as a web page or another shape of JSON.
	KindBadResponse
	// KindFlex is a cluster that this family of endpoints does not serve (400 CANNOT_USE_*).
	KindFlex
	// KindBackupDisabled is a cluster without backup (404 BACKUP_CONFIG_NOT_FOUND).
	KindBackupDisabled
)

// String returns the kind as a reason: lower case, words joined by underscores.
func (k Kind) String() string {
	switch k {
	case KindNetwork:
		return "network"
	case KindTimeout:
		return "timeout"
	case KindUnauthorized:
		return "unauthorized"
	case KindIPNotAllowed:
		return "ip_not_allowed"
	case KindForbidden:
		return "forbidden"
	case KindNotFound:
		return "not_found"
	case KindRateLimited:
		return "rate_limited"
	case KindServerError:
		return "server_error"
	case KindBadResponse:
		return "bad_response"
	case KindFlex:
		return "flex"
	case KindBackupDisabled:
		return "backup_disabled"
	}
	return "unknown"
}

// Error is the error of every failed call, except when the caller's own context ends: then the call returns the
// context's error.
type Error struct {
	// Endpoint is the name of the operation, such as "list_backup_exports".
	Endpoint string
	// Kind says what the failure means.
	Kind Kind
	// Status is the HTTP status, 0 without an answer.
	Status int
	// Code is Atlas's errorCode, "" if it sent none.
	Code string
	// Detail is Atlas's free text. It may contain addresses: use it in logs, not in labels or pages.
	Detail string
	// Fields are the fields of the request that Atlas rejects, from badRequestDetail.
	Fields []FieldError
	// RetryAt is when to send the request again at the earliest; zero if Atlas asked for no delay.
	RetryAt time.Time
	// Err is the cause of a failure without a status, or of an answer that could not be read.
	Err error

	attempts    int      // 0 without retries
	challenges  []string // WWW-Authenticate
	rejectsKey  bool     // an API key, which answered a challenge made for this request
	sentNothing bool     // refused on this side
}

// FieldError is one field of a request that Atlas rejects.
type FieldError struct{ Field, Description string }

// Error returns a sentence with the endpoint and the reason.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Endpoint)
	b.WriteString(": ")
	if e.Status != 0 {
		fmt.Fprintf(&b, "HTTP status %d", e.Status)
		if e.Code != "" {
			b.WriteString(" " + e.Code)
		}
		if e.Detail != "" {
			b.WriteString(": " + e.Detail)
		}
		for _, field := range e.Fields {
			fmt.Fprintf(&b, "; %s: %s", field.Field, field.Description)
		}
		if e.Err != nil {
			b.WriteString(": ")
		}
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	}
	if e.attempts > 0 {
		fmt.Fprintf(&b, " (%d attempts)", e.attempts)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, and false if err is not an *Error: nil, or the end of a context.
func KindOf(err error) (Kind, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind, true
	}
	return 0, false
}

// HasCode reports whether err is a failure for which Atlas sent this errorCode.
func HasCode(err error, code string) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Code == code
}

// kindOfStatus returns the kind of an answer: by its status first, because Atlas's errorCode may be missing or null,
// and by its code if a status has several meanings.
func kindOfStatus(status int, code string) Kind {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		switch {
		case strings.Contains(code, "ACCESS_LIST") || strings.Contains(code, "WHITELIST"):
			return KindIPNotAllowed
		case status == http.StatusForbidden || isMembershipCode(code):
			return KindForbidden
		}
		return KindUnauthorized
	case status == http.StatusBadRequest && strings.HasPrefix(code, "CANNOT_USE_"):
		return KindFlex
	case status == http.StatusNotFound && code == "BACKUP_CONFIG_NOT_FOUND":
		return KindBackupDisabled
	case status == http.StatusNotFound:
		return KindNotFound
	case status == http.StatusRequestTimeout:
		return KindTimeout
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status >= 500:
		return KindServerError
	}
	return KindBadResponse
}

// isMembershipCode reports whether the code of a 401 is about a missing role or membership, not about the credential
// itself.
func isMembershipCode(code string) bool {
	switch code {
	case "USER_UNAUTHORIZED", "NOT_IN_GROUP", "NOT_IN_ORG", "NOT_ORG_GROUP_CREATOR":
		return true
	}
	return strings.HasPrefix(code, "USER_CANNOT_ACCESS_")
}

// kindOfTransport returns the kind of a failure without a status. ok is false if the caller's own context ended.
func kindOfTransport(ctx context.Context, err error) (kind Kind, ok bool) {
	if errors.Is(context.Cause(ctx), errRequestTimeout) {
		return KindTimeout, true
	}
	if ctx.Err() != nil {
		return 0, false
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return KindTimeout, true
	}
	return KindNetwork, true
}

// IsOfToken reports whether the request for a token failed. Such an error says nothing about the object to read. With
// KindForbidden, the service account has as many unexpired tokens as Atlas allows (100).
func IsOfToken(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Endpoint == opToken.name
}

// retriable reports whether the same request may succeed when it is sent again.
func (e *Error) retriable() bool {
	if e.sentNothing {
		return false
	}
	switch e.Kind {
	case KindNetwork, KindTimeout, KindServerError:
		return e.Status != http.StatusRequestTimeout
	case KindRateLimited:
		return e.Endpoint != opToken.name // its limit is for a minute
	case KindBadResponse:
		return errors.Is(e.Err, errCutShort)
	default:
		return false
	}
}
