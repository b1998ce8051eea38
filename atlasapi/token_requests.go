package atlasapi

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-faster/jx"
)

const (
	tokenPath = "/api/oauth/token"
	// tokenRequestsPerMinute is the maximum number of token requests in a minute. Atlas allows 10 a minute for each
	// address and client. The rest is left to check, or to another exporter.
	tokenRequestsPerMinute = 8
	// shortestRefusal is the minimum wait after the token endpoint answered 429. It doubles with each refusal, up to
	// longestRefusal.
	shortestRefusal = time.Minute
	longestRefusal  = 16 * time.Minute
	// usualLife is the lifetime of a token if Atlas sends none. It usually sends 3600 s.
	usualLife = time.Hour
	// longestLife bounds the lifetime of a token, so that no number overflows.
	longestLife = 30 * 24 * time.Hour
)

var (
	opToken          = &operation{name: "token", accept: "application/json"}
	errNoToken       = errors.New("the answer is not a token")
	errTokenRequests = errors.New("not sent: too many token requests within a minute")
)

// tokenRequests records the token requests of one client id.
type tokenRequests struct {
	sent     [tokenRequestsPerMinute]time.Time // a ring
	next     int
	refusals int
	blocked  time.Time
}

// allowTokenRequest allows a request for a token, or returns when the next one is allowed.
func (l *Limits) allowTokenRequest(client string) (retryAt time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.tokenRequests[client]
	if m == nil {
		m = &tokenRequests{}
		l.tokenRequests[client] = m
	}
	now := time.Now()
	if now.Before(m.blocked) {
		return m.blocked
	}
	if free := m.sent[m.next].Add(time.Minute); now.Before(free) {
		return free
	}
	m.sent[m.next] = now
	m.next = (m.next + 1) % len(m.sent)
	return time.Time{}
}

// noteTokenRequest records how a request for a token ended. In a failure it sets when the next request is allowed.
func (l *Limits) noteTokenRequest(client string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.tokenRequests[client]
	failure, failed := errors.AsType[*Error](err)
	switch {
	case err == nil:
		m.refusals = 0
	case failed && failure.Kind == KindRateLimited:
		wait := min(shortestRefusal<<min(m.refusals, 10), longestRefusal)
		m.refusals++
		if at := time.Now().Add(wait); failure.RetryAt.Before(at) {
			failure.RetryAt = at
		}
		m.blocked = failure.RetryAt
	case failed && !failure.RetryAt.IsZero():
		m.blocked = failure.RetryAt
	}
}

// accessToken is a token and when it expires.
type accessToken struct {
	value string
	ends  time.Time
}

// newToken requests a token. It retries after a temporary failure, within tokenRequestsPerMinute.
func (c *Client) newToken(ctx context.Context, clientID string, secret Secret) (accessToken, error) {
	var token accessToken
	var failure *Error
	err := c.retry(ctx, opToken, func() error {
		if at := c.limits.allowTokenRequest(clientID); !at.IsZero() {
			if failure == nil {
				failure = &Error{Endpoint: opToken.name, Kind: KindRateLimited, Err: errTokenRequests}
			}
			unsent := *failure // the earlier failure says more than "not sent"
			unsent.RetryAt, unsent.sentNothing = at, true
			return &unsent
		}
		var err error
		token, err = c.requestToken(ctx, clientID, secret)
		c.limits.noteTokenRequest(clientID, err)
		failure, _ = errors.AsType[*Error](err)
		return err
	})
	return token, err
}

// basicAuth returns the Authorization header of a client, by RFC 6749.
func basicAuth(clientID string, secret Secret) string {
	pair := url.QueryEscape(clientID) + ":" + url.QueryEscape(secret.Reveal())
	return base64.StdEncoding.EncodeToString([]byte(pair))
}

// requestToken sends one request for a token.
//
// POST /api/oauth/token.
func (c *Client) requestToken(ctx context.Context, clientID string, secret Secret) (accessToken, error) {
	ctx, cancel := c.timed(ctx)
	defer cancel()
	answered, err := c.send(ctx, &request{
		op: opToken, method: http.MethodPost, url: c.below(tokenPath),
		body: []byte("grant_type=client_credentials"), contentType: "application/x-www-form-urlencoded",
	}, "Basic "+basicAuth(clientID, secret))
	if err != nil {
		return accessToken{}, err
	}
	defer c.release(answered)
	token := accessToken{ends: time.Now().Add(usualLife)}
	// Without the cause, which could contain the token.
	if decodeDocument(answered.Bytes(), decodeToken, &token) != nil || !isToken(token.value) {
		return accessToken{}, &Error{Endpoint: opToken.name, Kind: KindBadResponse, Err: errNoToken}
	}
	return token, nil
}

// isToken reports whether a token can be sent: printable ASCII without spaces.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

// decodeToken reads a token. If the lifetime is not a positive number, it uses usualLife: with 0, each request would
// ask for a new token.
func decodeToken(d *jx.Decoder, token *accessToken) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "access_token":
			return str(d, &token.value)
		case "expires_in":
			if d.Next() != jx.Number {
				return d.Skip()
			}
			number, err := d.Num()
			if life, inexact := number.Int64(); err == nil && inexact == nil && life > 0 {
				token.ends = time.Now().Add(time.Duration(min(life, int64(longestLife/time.Second))) * time.Second)
			}
			return err
		}
		return d.Skip()
	})
}

// decodeTokenError reads an error in OAuth's shape, or in Atlas's, in which "error" is the status.
func decodeTokenError(d *jx.Decoder, e *Error) error {
	var code, detail string
	err := object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "error":
			if d.Next() != jx.String {
				return d.Skip()
			}
			return str(d, &code)
		case "error_description":
			return str(d, &detail)
		case "errorCode":
			return str(d, &e.Code)
		case "detail":
			return str(d, &e.Detail)
		}
		return d.Skip()
	})
	if e.Code == "" {
		e.Code = code
	}
	if e.Detail == "" {
		e.Detail = detail
	}
	return err
}

// isClientCode reports whether an OAuth error code rejects the client itself.
func isClientCode(code string) bool {
	switch code {
	case "invalid_client", "unauthorized_client", "invalid_grant":
		return true
	}
	return false
}
