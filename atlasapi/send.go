package atlasapi

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	// maxBody bounds an answer. 500 export jobs are about 200 KB, 500 clusters about 3 MB.
	maxBody      = 16 << 20
	maxErrorBody = 64 << 10
	// maxKept bounds a buffer that is kept for the next answer.
	maxKept = 4 << 20
)

var (
	errRequestTimeout = errors.New("request timeout")

	errCutShort = errors.New("the answer ended early")
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	errHTML     = errors.New("the answer is a web page instead of JSON, perhaps from a proxy or a maintenance page")

	// secretShape is the form of a service account's secret, hidden wherever it turns up.
	secretShape = regexp.MustCompile(`mdb_sa_sk_[A-Za-z0-9_-]+`)
)

// answer is the body of a successful HTTP answer, in a pooled buffer.
type answer struct{ bytes.Buffer }

// send sends a request, reads the answer in full, and calls the observer. An answer with a status other than 2xx is an
// *Error. It uses the transport directly, which follows no redirects, so that credentials never reach another host.
func (c *Client) send(ctx context.Context, r *request, authorization string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, &Error{Endpoint: r.op.name, Kind: KindBadResponse, Err: err}
	}
	req.URL = r.url // exactly as escaped here, because digest signs this form
	req.Header.Set("Accept", r.op.accept)
	req.Header.Set("User-Agent", c.userAgent)
	if r.body != nil {
		req.Header.Set("Content-Type", r.contentType)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	into := c.answers.Get().(*answer)
	into.Reset()
	done := Exchange{
		Endpoint: r.op.name, Method: r.method, Path: r.url.EscapedPath(), GroupID: r.groupID, Version: r.op.version(),
	}
	start := time.Now()
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		err = c.transportError(r.op, req, err)
	} else {
		done.Status, done.RateLimit = resp.StatusCode, parseRateLimit(resp.Header)
		done.Sunset = parseSunset(resp.Header.Get("Sunset"))
		err = c.read(r.op, resp, into)
		_ = resp.Body.Close()
	}
	if done.RateLimit.Set {
		r.reported = done.RateLimit
	}
	if c.closed.Load() {
		c.transport.CloseIdleConnections() // including this one, which the transport has just returned to its pool
	}
	done.Err, done.Duration = err, time.Since(start)
	c.observer.Exchanged(done)
	if err != nil {
		c.release(into)
		return nil, err
	}
	return into, nil
}

// release returns a buffer to the pool, unless it has grown beyond the size that answers usually need: a reused buffer
// never shrinks.
func (c *Client) release(a *answer) {
	if a.Cap() <= maxKept {
		c.answers.Put(a)
	}
}

func (c *Client) transportError(op *operation, req *http.Request, err error) error {
	kind, ok := kindOfTransport(req.Context(), err)
	if !ok {
		return req.Context().Err()
	}
	if kind == KindTimeout {
		err = fmt.Errorf("no answer within %s", c.timeout)
	}
	if shown := c.redact(req, err.Error()); shown != err.Error() {
		err = &redactedError{shown, err} // net/http quotes what it cannot parse, which may contain a secret
	}
	return &Error{Endpoint: op.name, Kind: kind, Err: err}
}

// redactedError replaces the text of an error that contains a secret.
type redactedError struct {
	text  string
	cause error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.cause }

// Format writes only the text, whatever the verb.
func (e *redactedError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text) }

// read reads an answer in full. It returns an error if the status or the body is bad.
func (c *Client) read(op *operation, resp *http.Response, into *answer) error {
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return c.readError(op, resp)
	case strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html"):
		return &Error{Endpoint: op.name, Kind: KindBadResponse, Err: errHTML}
	}
	n, err := into.ReadFrom(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case n > maxBody:
		return &Error{Endpoint: op.name, Kind: KindBadResponse, Err: errTooLarge}
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Endpoint: op.name, Kind: KindBadResponse, Err: errCutShort}
	case isCorrupt(err):
		return &Error{Endpoint: op.name, Kind: KindBadResponse, Err: err}
	}
	return c.transportError(op, resp.Request, err)
}

// isCorrupt reports whether err says that a compressed body is corrupt.
func isCorrupt(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}

// redact removes every known secret from a text that came from outside. It also removes the authorization of the
// request itself, because the credentials may have been replaced since.
func (c *Client) redact(req *http.Request, s string) string {
	_, authorization, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	for _, secret := range append(c.credentials.secrets(), Secret(authorization)) {
		if secret != "" {
			s = strings.ReplaceAll(s, secret.Reveal(), redacted)
		}
	}
	return secretShape.ReplaceAllString(s, redacted)
}
