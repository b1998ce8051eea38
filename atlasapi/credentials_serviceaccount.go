package atlasapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

const (
	tokenPath = "/api/oauth/token"
	// tokenMargin is how long before its end a token is replaced, or a tenth of its life where that is shorter.
	tokenMargin = time.Minute
	// mintPause is how long a failed mint speaks for all requests, so that a hundred targets do not ask a hundred times.
	mintPause = 5 * time.Second
	// replacePause is how long a replacement that did not help keeps from another: Atlas allows 100 unexpired tokens.
	replacePause = time.Minute
)

// ServiceAccount signs requests with a bearer token that it mints by OAuth 2.0 client credentials and keeps until
// shortly before its end.
type ServiceAccount struct {
	clientID     string
	clientSecret Secret

	minting singleflight.Group

	mu       sync.Mutex
	token    string
	until    time.Time
	failed   error     // of the last mint
	failedAt time.Time // of the last mint
	vain     time.Time // when a replacement last did not help
}

// NewServiceAccount returns the credentials of an Atlas service account.
func NewServiceAccount(clientID string, clientSecret Secret) *ServiceAccount {
	return &ServiceAccount{clientID: clientID, clientSecret: clientSecret}
}

// Format shows the client id alone, whatever the verb.
func (a *ServiceAccount) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "service account ", a.clientID)
}

func (a *ServiceAccount) secrets() []Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	basic := url.QueryEscape(a.clientID) + ":" + url.QueryEscape(a.clientSecret.Reveal()) // as the mint signs in
	return []Secret{a.clientSecret, Secret(a.token), Secret(base64.StdEncoding.EncodeToString([]byte(basic)))}
}

func (a *ServiceAccount) authorize(ctx context.Context, via *Client, _ *request, send sendFunc) (*answer, error) {
	token, err := a.current(ctx, via)
	if err != nil {
		return nil, err
	}
	answered, err := send("Bearer " + token)
	if !isTokenRefused(err) || !a.mayReplace(token) {
		return answered, err
	}
	replacement, mintErr := a.current(ctx, via)
	if mintErr != nil {
		return nil, mintErr
	}
	answered, err = send("Bearer " + replacement)
	if isTokenRefused(err) {
		a.replacedInVain()
	}
	return answered, err
}

// isTokenRefused tells a 401 about the token from one about a role or an address.
func isTokenRefused(err error) bool {
	refused := refusal(err)
	return refused != nil && refused.Kind == KindUnauthorized
}

// current returns the token, minting one where there is none. Requests at the same time share one mint, and none of
// them waits for it beyond its own context.
func (a *ServiceAccount) current(ctx context.Context, via *Client) (string, error) {
	if token, err, known := a.last(); known {
		return token, err
	}
	minted := a.minting.DoChan("", func() (any, error) {
		if token, err, known := a.last(); known { // another mint has ended since
			return token, err
		}
		fresh, err := via.mint(context.WithoutCancel(ctx), a)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.failed, a.failedAt = err, time.Now(); err != nil {
			return "", err
		}
		a.token = fresh.AccessToken
		life := time.Until(fresh.Expiry)
		a.until = fresh.Expiry.Add(-min(tokenMargin, life/10))
		return a.token, nil
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case result := <-minted:
		token, _ := result.Val.(string)
		return token, result.Err
	}
}

// last returns what the last mint came to, if that still holds.
func (a *ServiceAccount) last() (token string, err error, known bool) { //nolint:revive // err is a result here, not a failure
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.token != "" && time.Now().Before(a.until):
		return a.token, nil, true
	case a.failed != nil && time.Since(a.failedAt) < max(mintPause, retryAfter(a.failed)):
		return "", a.failed, true
	}
	return "", nil, false
}

// retryAfter returns how long Atlas asked us to wait with a failure.
func retryAfter(err error) time.Duration {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.RetryAfter
	}
	return 0
}

// mayReplace decides whether a token that was refused is worth replacing, and forgets it if so. Another request may
// have replaced it already.
func (a *ServiceAccount) mayReplace(refused string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != refused {
		return true
	}
	if time.Since(a.vain) < replacePause {
		return false
	}
	a.token = ""
	return true
}

// replacedInVain notes that a new token was refused like the old one.
func (a *ServiceAccount) replacedInVain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.vain = time.Now()
}

// mint asks for a token, and again where the request failed for a reason that may pass.
func (c *Client) mint(ctx context.Context, a *ServiceAccount) (*oauth2.Token, error) {
	source := clientcredentials.Config{
		ClientID:     a.clientID,
		ClientSecret: a.clientSecret.Reveal(),
		TokenURL:     c.base.JoinPath(tokenPath).String(),
		AuthStyle:    oauth2.AuthStyleInHeader,
	}
	var token *oauth2.Token
	err := c.retry(ctx, opToken, func() error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		var err error
		token, err = source.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
			Transport:     mintTransport{c},
			CheckRedirect: refuseRedirect,
		}))
		if err != nil {
			return c.mintError(ctx, err)
		}
		if now := time.Now(); !token.Expiry.After(now) {
			// RFC 6749 leaves expires_in to the server; Atlas says 3600. A life below 0 would have every request mint.
			token.Expiry = now.Add(time.Hour)
		}
		return nil
	})
	return token, err
}

// mintError gives the failure of a mint a kind. The body of the answer is never shown.
func (c *Client) mintError(ctx context.Context, err error) error {
	failure := &Error{Endpoint: opToken.name}
	var answered *oauth2.RetrieveError
	switch {
	case !errors.As(err, &answered) && ctx.Err() != nil:
		failure.Kind, failure.Err = KindTimeout, errNoAnswer(c.timeout)
	case answered == nil:
		if transport, ok := errors.AsType[*Error](err); ok {
			return transport
		}
		failure.Kind, failure.Err = KindBadResponse, errors.New("the answer is no token")
	case answered.Response.StatusCode < 300:
		failure.Kind, failure.Err = KindBadResponse, errors.New("the answer is no token")
	default:
		failure.Status = answered.Response.StatusCode
		failure.Code = errorCode(c.redact(answered.Response.Request, answered.ErrorCode))
		failure.Detail = c.redact(answered.Response.Request, answered.ErrorDescription)
		failure.RetryAfter = askedWait(answered.Response.Header)
		switch failure.Kind = kindOfStatus(failure.Status, failure.Code); failure.Code {
		case "invalid_client", "unauthorized_client", "invalid_grant":
			failure.Kind = KindUnauthorized
		}
	}
	return failure
}

// mintTransport observes the exchanges that the OAuth library makes, and gives their failures a kind.
type mintTransport struct{ c *Client }

func (t mintTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", t.c.userAgent)
	return t.c.exchange(req, opToken, "")
}
