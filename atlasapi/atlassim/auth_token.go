package atlassim

import (
	"crypto/rand"
	"crypto/subtle"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// token is an access token that was issued.
type token struct {
	account string
	expires time.Time
}

// wireToken is the answer of the token endpoint.
type wireToken struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	TokenType   string `json:"token_type"`
}

// wireTokenError is an error of the token endpoint. It has OAuth's form, not that of Atlas's other errors.
type wireTokenError struct {
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

// Mints returns the number of access tokens issued so far.
func (s *Server) Mints() int {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	return s.access.mints
}

// ForgetTokens invalidates all access tokens before they expire.
func (s *Server) ForgetTokens() {
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	clear(s.access.tokens)
}

// bearer returns the owner of a token.
func (a *access) bearer(text string, now time.Time) (principal, bool) {
	t, ok := a.tokens[text]
	if !ok || !now.Before(t.expires) {
		return principal{}, false
	}
	return principal{name: t.account, role: a.accounts[t.account].Role}, true
}

// mint issues an access token.
func (a *access) mint(r *http.Request, now time.Time) reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	account, form, refused := a.client(r)
	if refused != nil {
		return *refused
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return tokenFailure(http.StatusBadRequest, "invalid_request", "grant_type is missing")
	default:
		return tokenFailure(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials")
	}
	maps.DeleteFunc(a.tokens, func(_ string, t token) bool { return !now.Before(t.expires) })
	held := 0
	for _, t := range a.tokens {
		if t.account == account.ClientID {
			held++
		}
	}
	if held >= a.tokenLimit {
		return tokenFailure(http.StatusForbidden, "access_denied", "too many active access tokens")
	}
	text := "simulated-token-" + rand.Text()
	a.tokens[text] = token{account: account.ClientID, expires: now.Add(a.tokenLifetime)}
	a.mints++
	return tokenReply(http.StatusOK, wireToken{
		AccessToken: text, ExpiresIn: int(a.tokenLifetime / time.Second), TokenType: "Bearer",
	})
}

// revoke invalidates a token. An unknown token is no error (RFC 7009).
func (a *access) revoke(r *http.Request) reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	account, form, refused := a.client(r)
	if refused != nil {
		return *refused
	}
	text := form.Get("token")
	if text == "" {
		return tokenFailure(http.StatusBadRequest, "invalid_request", "token is missing")
	}
	if a.tokens[text].account == account.ClientID {
		delete(a.tokens, text)
	}
	return tokenReply(http.StatusOK, struct{}{})
}

// client authenticates the service account of a request to the token endpoint, and reads the form in its body.
func (a *access) client(r *http.Request) (ServiceAccount, url.Values, *reply) {
	id, secret, ok := r.BasicAuth()
	// By RFC 6749, section 2.3.1, both are form-encoded, but many clients do not do this. For the credentials that
	// Atlas issues, there is no difference.
	id, secret = unescaped(id), unescaped(secret)
	account, known := a.accounts[id]
	if !ok || !known || subtle.ConstantTimeCompare([]byte(account.ClientSecret), []byte(secret)) != 1 {
		return account, nil, refuse(tokenFailure(http.StatusUnauthorized, "invalid_client", "client authentication failed"))
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return account, nil, refuse(tokenFailure(http.StatusBadRequest, "invalid_request", "the body must be a form"))
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return account, nil, refuse(tokenFailure(http.StatusBadRequest, "invalid_request", "the form cannot be read"))
	}
	return account, r.PostForm, nil
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

func tokenFailure(status int, code, description string) reply {
	return tokenReply(status, wireTokenError{Error: code, ErrorDescription: description})
}

func tokenReply(status int, body any) reply {
	return reply{
		status: status, contentType: "application/json", body: encode(body),
		header: http.Header{"Cache-Control": {"no-store"}},
	}
}
