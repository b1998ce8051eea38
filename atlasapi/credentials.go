package atlasapi

import (
	"context"
	"errors"
	"net/http"
)

// Credentials sign requests. They cache a token or the server's challenges, so keep them across a reload of the
// configuration if they have not changed.
type Credentials interface {
	// authorize signs a request and sends it. If Atlas demands a new token or a fresh digest answer, it sends the
	// request once more. It returns the last result.
	authorize(ctx context.Context, via *Client, r *request) (*answer, error)
	// secrets lists the strings that must never appear in a message.
	secrets() []Secret
}

// refusal returns err as an *Error if it is an answer with status 401, else nil.
func refusal(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return e
	}
	return nil
}

// refreshSecret reads the secret again after Atlas rejected this one, and reports whether it differs. Concurrent requests
// share one read. It is bounded by the request timeout.
func (c *Client) refreshSecret(ctx context.Context, rejected Secret) (another Secret, changed bool) {
	if c.readSecret == nil {
		return "", false
	}
	ctx, cancel := c.timed(ctx)
	defer cancel()
	read := c.secretReads.DoChan("", func() (any, error) { return c.readSecret(ctx) })
	select {
	case <-ctx.Done():
		return "", false
	case result := <-read:
		another, _ = result.Val.(Secret)
		return another, result.Err == nil && another != "" && another != rejected
	}
}
