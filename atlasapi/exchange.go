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
	errCutShort = errors.New("the answer ended early")
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	errHTML     = errors.New("the answer is a web page and not JSON: a proxy or a maintenance page may stand between")

	// secretShape is the form of a service account's secret, hidden wherever it turns up.
	secretShape = regexp.MustCompile(`mdb_sa_sk_[A-Za-z0-9_-]+`)
)

// send makes one HTTP exchange and reads its answer whole. An answer with a status other than 2xx is an *Error.
func (c *Client) send(ctx context.Context, r *request, authorization string) (*answer, Optional[RateLimit], error) {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(timed, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, Optional[RateLimit]{}, &Error{Endpoint: r.op.name, Kind: KindBadResponse, Err: err}
	}
	req.URL = r.url // as escaped here, and as digest signs it
	req.Header.Set("Accept", r.op.accept)
	req.Header.Set("User-Agent", c.userAgent)
	if r.body != nil {
		req.Header.Set("Content-Type", r.op.accept)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	buffer := c.buffers.Get().(*bytes.Buffer)
	buffer.Reset()
	var limit Optional[RateLimit]
	err = c.observed(ctx, req, r.op, r.groupID, func(resp *http.Response) error {
		defer func() { _ = resp.Body.Close() }()
		limit = parseRateLimit(resp.Header)
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return c.readError(r.op, resp)
		}
		return c.readBody(ctx, r.op, resp, buffer)
	})
	if err != nil {
		c.release(buffer)
		return nil, limit, err
	}
	return &answer{body: buffer}, limit, nil
}

// release keeps a buffer for another answer, unless it has grown to what hardly an answer needs: in use time and again, it
// would never be given back.
func (c *Client) release(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxKept {
		c.buffers.Put(buffer)
	}
}

// exchange makes one HTTP exchange for a library that reads the answer itself. It is read whole before, so that a failure
// to do so has its kind. Of an answer with a status other than 2xx, the status says enough.
func (c *Client) exchange(req *http.Request, op *operation, groupID string) (resp *http.Response, err error) {
	err = c.observed(req.Context(), req, op, groupID, func(r *http.Response) error {
		defer func(unread io.Closer) { _ = unread.Close() }(r.Body)
		var body bytes.Buffer
		if r.StatusCode < 200 || r.StatusCode > 299 {
			_, _ = body.ReadFrom(io.LimitReader(r.Body, maxErrorBody))
		} else if err := c.readAll(req.Context(), op, r, &body); err != nil {
			return err
		}
		r.Body = io.NopCloser(&body)
		resp = r
		return nil
	})
	return resp, err
}

// observed makes one HTTP exchange, has the answer read, and tells the observer. It goes to the transport itself,
// which follows no redirect, so that credentials stay with the host that they are meant for.
func (c *Client) observed(
	ctx context.Context, req *http.Request, op *operation, groupID string, read func(*http.Response) error,
) error {
	start := time.Now()
	done := Exchange{
		Endpoint: op.name, Method: req.Method, Path: req.URL.EscapedPath(), GroupID: groupID, Version: op.version(),
	}
	resp, err := c.transport.RoundTrip(req) //nolint:bodyclose // read does
	if err != nil {
		err = c.transportError(ctx, op, req, err)
	} else {
		done.Status = resp.StatusCode
		done.RateLimit = parseRateLimit(resp.Header)
		done.Sunset = parseSunset(resp.Header.Get("Sunset"))
		err = read(resp)
	}
	if c.closed.Load() {
		c.transport.CloseIdleConnections() // this one, which the transport has just put back
	}
	done.Err, done.Duration = err, time.Since(start)
	c.observer.Exchanged(done)
	return err
}

func (c *Client) transportError(ctx context.Context, op *operation, req *http.Request, err error) error {
	kind, ok := kindOfTransport(ctx, err)
	if !ok {
		return ctx.Err()
	}
	if kind == KindTimeout {
		err = errNoAnswer(c.timeout)
	}
	if shown := c.redact(req, err.Error()); shown != err.Error() {
		err = &redactedError{shown, err} // Go quotes what it cannot read as HTTP, whatever it is
	}
	return &Error{Endpoint: op.name, Kind: kind, Err: err}
}

// redactedError is an error whose text showed a secret.
type redactedError struct {
	text  string
	cause error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.cause }

// Format shows the text alone, whatever the verb.
func (e *redactedError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text) }

func errNoAnswer(within time.Duration) error { return fmt.Errorf("no answer within %s", within) }

func (c *Client) readBody(ctx context.Context, op *operation, resp *http.Response, into *bytes.Buffer) error {
	if strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html") {
		return &Error{Endpoint: op.name, Kind: KindBadResponse, Err: errHTML}
	}
	return c.readAll(ctx, op, resp, into)
}

// readAll reads a body, whatever it is said to be.
func (c *Client) readAll(ctx context.Context, op *operation, resp *http.Response, into *bytes.Buffer) error {
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
	return c.transportError(ctx, op, resp.Request, err)
}

// isCorrupt reports whether a compressed body cannot be read as such.
func isCorrupt(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}

// redact takes every known secret out of a text that came from outside, and the proof that its request was sent with: the
// credentials may hold another by now.
func (c *Client) redact(req *http.Request, s string) string {
	_, proof, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	for _, secret := range append(c.credentials.secrets(), Secret(proof)) {
		if secret != "" {
			s = strings.ReplaceAll(s, secret.Reveal(), redacted)
		}
	}
	return secretShape.ReplaceAllString(s, redacted)
}
