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
	authorize(ctx context.Context, via *Client, r *request, send sendFunc) (*answer, error)
	// secrets lists what must never show in a message.
	secrets() []Secret
}

// sendFunc sends a request with this Authorization header; "" sends none.
type sendFunc func(authorization string) (*answer, error)

// refusal returns the error of an answer with status 401, or nil.
func refusal(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return e
	}
	return nil
}
