package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// tokenMargin is how long before its end a token is replaced, or a tenth of its life if that is shorter.
	tokenMargin = time.Minute
	// tokenErrorPause is how long all requests share the error of a failed request for a token, so that a hundred
	// targets do not request a token a hundred times.
	tokenErrorPause = 5 * time.Second
	// replacePause is the pause after a replaced token was refused as well, because Atlas allows only 100 unexpired
	// tokens.
	replacePause = time.Minute
)

// ServiceAccount signs requests with a bearer token. It requests the token with OAuth 2.0 client credentials, and keeps
// it until shortly before it expires.
type ServiceAccount struct {
	clientID string
	renewing singleflight.Group

	mu           sync.Mutex
	secret       Secret
	token        string
	until        time.Time
	failed       error     // of the last request for a token
	retryAt      time.Time // until then, all requests fail with failed
	refusedAgain time.Time // when a replaced token was last refused as well
}

// NewServiceAccount returns the credentials of an Atlas service account.
func NewServiceAccount(clientID string, clientSecret Secret) *ServiceAccount {
	return &ServiceAccount{clientID: clientID, secret: clientSecret}
}

// Format writes only the client id, whatever the verb.
func (a *ServiceAccount) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "service account ", a.clientID)
}

func (a *ServiceAccount) secrets() []Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []Secret{a.secret, Secret(a.token), Secret(basicAuth(a.clientID, a.secret))}
}

func (a *ServiceAccount) authorize(ctx context.Context, via *Client, r *request) (*answer, error) {
	token, err := a.current(ctx, via)
	if err != nil {
		return nil, err
	}
	answered, err := a.send(ctx, via, r, token)
	if !isTokenRefused(err) || !a.mayReplace(token) {
		return answered, err
	}
	replacement, tokenErr := a.current(ctx, via)
	if tokenErr != nil {
		return nil, tokenErr
	}
	answered, err = a.send(ctx, via, r, replacement)
	if isTokenRefused(err) {
		a.noteRefusedAgain()
	}
	return answered, err
}

func (*ServiceAccount) send(ctx context.Context, via *Client, r *request, token string) (*answer, error) {
	ctx, cancel := via.timed(ctx)
	defer cancel()
	return via.send(ctx, r, "Bearer "+token)
}

// isTokenRefused reports whether a 401 is about the token, not about a role or an address.
func isTokenRefused(err error) bool {
	refused := refusal(err)
	return refused != nil && refused.Kind == KindUnauthorized
}

// current returns the token, and requests one if there is none. Concurrent callers share one request. Each stops
// waiting for it when its own context ends.
func (a *ServiceAccount) current(ctx context.Context, via *Client) (string, error) {
	if token, err, known := a.last(); known {
		return token, err
	}
	renewed := a.renewing.DoChan("", func() (any, error) {
		if token, err, known := a.last(); known { // another request for one ended in the meantime
			return token, err
		}
		return a.renew(context.WithoutCancel(ctx), via)
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case result := <-renewed:
		token, _ := result.Val.(string)
		return token, result.Err
	}
}

// last returns the token or the error of the last request for one, as long as it is valid.
func (a *ServiceAccount) last() (token string, err error, known bool) { //nolint:revive // err is a result here, not a failure
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.token != "" && time.Now().Before(a.until):
		return a.token, nil, true
	case a.failed != nil && time.Now().Before(a.retryAt):
		return "", a.failed, true
	}
	return "", nil, false
}

// renew requests a token. If Atlas rejects the secret, it reads the secret again and tries once more.
func (a *ServiceAccount) renew(ctx context.Context, via *Client) (string, error) {
	a.mu.Lock()
	secret := a.secret
	a.mu.Unlock()
	fresh, err := via.newToken(ctx, a.clientID, secret)
	if kind, _ := KindOf(err); err != nil && kind == KindUnauthorized {
		if another, changed := via.refreshSecret(ctx, secret); changed {
			secret = another
			fresh, err = via.newToken(ctx, a.clientID, secret)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secret, a.failed = secret, err
	if err != nil {
		a.retryAt = time.Now().Add(tokenErrorPause)
		if failure, ok := errors.AsType[*Error](err); ok && failure.RetryAt.After(a.retryAt) {
			a.retryAt = failure.RetryAt
		}
		return "", err
	}
	a.token = fresh.value
	a.until = fresh.ends.Add(-min(tokenMargin, time.Until(fresh.ends)/10))
	return a.token, nil
}

// mayReplace reports whether to replace a refused token, and if so, drops it. Another request may have replaced it
// already.
func (a *ServiceAccount) mayReplace(refused string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != refused {
		return true
	}
	if time.Since(a.refusedAgain) < replacePause {
		return false
	}
	a.token = ""
	return true
}

// noteRefusedAgain records that a new token was refused like the old one.
func (a *ServiceAccount) noteRefusedAgain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refusedAgain = time.Now()
}
