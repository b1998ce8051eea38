package atlasapi

import (
	"context"
	"errors"
	"net/http"
)

// Credentials sign requests. They keep what signing needs, a token or the server's challenges, and so are worth
// keeping over a reload of the configuration.
type Credentials interface {
	// authorize sends a request once, or again with fresh proof where Atlas asks for it. It returns what the last
	// sending returned.
	authorize(ctx context.Context, via *Client, r *request) (*answer, error)
	// secrets lists what must never show in a message.
	secrets() []Secret
}

// refusal returns the error of an answer with status 401, or nil.
func refusal(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return e
	}
	return nil
}

// reread reads the secret again after Atlas rejected this one, and reports whether it is another. Requests at the same
// time share one reading, which takes no longer than a request may.
func (c *Client) reread(ctx context.Context, rejected Secret) (another Secret, changed bool) {
	if c.refresh == nil {
		return "", false
	}
	ctx, cancel := c.timed(ctx)
	defer cancel()
	reading := c.refreshing.DoChan("", func() (any, error) { return c.refresh(ctx) })
	select {
	case <-ctx.Done():
		return "", false
	case result := <-reading:
		another, _ = result.Val.(Secret)
		return another, result.Err == nil && another != "" && another != rejected
	}
}
