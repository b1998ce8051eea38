package atlasapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// tokenServer is a token endpoint that records when it was requested.
type tokenServer struct {
	mu     sync.Mutex
	asked  []time.Time
	answer func(n int, req *http.Request) *http.Response // to the nth request
}

func (s *tokenServer) serve(req *http.Request) *http.Response {
	if !strings.HasSuffix(req.URL.Path, tokenPath) {
		return answering(http.StatusUnauthorized, nil, nil) // every token is refused
	}
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	n := len(s.asked)
	s.mu.Unlock()
	return s.answer(n, req)
}

// busiestMinute returns the maximum number of requests within a minute.
func (s *tokenServer) busiestMinute() int {
	most := 0
	for i, from := range s.asked {
		n := 0
		for _, at := range s.asked[i:] {
			if at.Sub(from) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

const goodToken = `{"access_token":"t","token_type":"Bearer","expires_in":3600}`

// TestTokenLimit combines everything that could cause too many token requests. There may be at most 10 requests in any minute,
// although targets are read all the time and the configuration is reloaded, and there must be some.
func TestTokenLimit(t *testing.T) {
	t.Parallel()
	status := func(status int, body string) func(int, *http.Request) *http.Response {
		return func(int, *http.Request) *http.Response { return answering(status, nil, []byte(body)) }
	}
	for name, answer := range map[string]func(int, *http.Request) *http.Response{
		"unavailable":             status(503, ""),
		"wrong secret":            status(401, `{"error":"invalid_client"}`),
		"no token":                status(200, `{}`),
		"cut short":               func(int, *http.Request) *http.Response { return brokenOff() },
		"tokens that are refused": status(200, goodToken),
		"tokens of a second":      status(200, `{"access_token":"t","expires_in":1}`),
		"too many requests":       status(429, `{"error":429,"errorCode":"RATE_LIMITED"}`),
		"too many tokens":         status(403, `{"error":"access_denied"}`),
		"in turn": func(n int, _ *http.Request) *http.Response {
			return answering([]int{200, 503, 429, 401}[n%4], nil, []byte(goodToken))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &tokenServer{answer: answer}
				limits := NewLimits()
				ends := time.Now().Add(30 * time.Minute)
				for i := 0; time.Now().Before(ends); i++ {
					// Each minute the configuration is reloaded with another secret, which may be a wrong one.
					c := clientOn(t, Options{
						Credentials: NewServiceAccount("mdb_sa_id_1", "mdb_sa_sk_1"), Limits: limits, MaxRetries: 3,
						RefreshSecret: func(context.Context) (Secret, error) { return Secret("mdb_sa_sk_" + time.Now().String()), nil },
					}, server.serve)
					for next := time.Now().Add(time.Minute); time.Now().Before(next); {
						if _, err := c.Projects().Page(t.Context(), 1, 1); err == nil {
							t.Fatal("no error")
						}
						time.Sleep(time.Second)
					}
				}
				if most := server.busiestMinute(); most > 10 || len(server.asked) < 4 {
					t.Errorf("%d requests, %d of them within a minute", len(server.asked), most)
				}
			})
		})
	}
}

// brokenOff is an answer that ends early.
func brokenOff() *http.Response {
	resp := answering(http.StatusOK, nil, nil)
	resp.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	return resp
}

// TestRefusedTokensGrow checks the waits if the token endpoint throttles requests: they grow from a minute on, no request is
// retried at once, and Retry-After applies if it is longer.
func TestRefusedTokensGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &tokenServer{}
		server.answer = func(n int, _ *http.Request) *http.Response {
			switch n {
			case 3:
				return answering(429, http.Header{"Retry-After": {"600"}}, nil)
			case 6:
				return answering(200, nil, []byte(goodToken))
			}
			return answering(429, http.Header{"Retry-After": {"0"}}, nil)
		}
		a := NewServiceAccount("id", "secret")
		c := clientOn(t, Options{Credentials: a, MaxRetries: 3}, server.serve)
		var failure *Error
		for range 120 * 60 {
			if _, err := a.current(t.Context(), c); err == nil {
				break
			} else if !errors.As(err, &failure) || failure.Kind != KindRateLimited || !IsOfToken(err) || failure.RetryAt.Before(time.Now()) {
				t.Fatalf("%+v", err)
			}
			time.Sleep(time.Second)
		}
		var waits []time.Duration
		for i := 1; i < len(server.asked); i++ {
			waits = append(waits, server.asked[i].Sub(server.asked[i-1]).Round(time.Second))
		}
		want := []time.Duration{time.Minute, 2 * time.Minute, 10 * time.Minute, 8 * time.Minute, 16 * time.Minute}
		if len(waits) != len(want) {
			t.Fatalf("waited %s, want %s", waits, want)
		}
		for i := range want {
			if off := waits[i] - want[i]; off < 0 || off > 2*time.Second {
				t.Errorf("wait %d is %s, want %s", i, waits[i], want[i])
			}
		}
	})
}

// TestTokenErrors checks errors of the token endpoint in the format of OAuth and in Atlas's.
func TestTokenErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status       int
		header, body string
		kind         Kind
		code, detail string
	}{
		{401, "", `{"error":"invalid_client","error_description":"no such client"}`, KindUnauthorized, "invalid_client", "no such client"},
		{400, "", `{"error":"invalid_grant"}`, KindUnauthorized, "invalid_grant", ""},
		{400, "", `{"error":"unsupported_grant_type"}`, KindBadResponse, "unsupported_grant_type", ""},
		{403, "", `{"error":"access_denied","error_description":"too many tokens"}`, KindForbidden, "access_denied", "too many tokens"},
		{429, "", `{"detail":"Slow down.","error":429,"errorCode":"RATE_LIMITED","reason":"Too Many Requests"}`, KindRateLimited, "RATE_LIMITED", "Slow down."},
		{403, "", `{"detail":"d","error":403,"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST"}`, KindIPNotAllowed, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "d"},
		{403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", `{"error":403}`, KindIPNotAllowed, "IP_ADDRESS_NOT_ON_ACCESS_LIST", ""},
		{403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "<html>", KindIPNotAllowed, "IP_ADDRESS_NOT_ON_ACCESS_LIST", ""},
		{401, "", `{"error":401,"errorCode":null,"detail":null}`, KindUnauthorized, "", ""},
		{500, "", `{"error":{"code":5}}`, KindServerError, "", ""},
	} {
		t.Run(test.body, func(t *testing.T) {
			t.Parallel()
			server := &tokenServer{answer: func(int, *http.Request) *http.Response {
				header := http.Header{}
				if test.header != "" {
					header.Set("X-Error-Code", test.header)
				}
				return answering(test.status, header, []byte(test.body))
			}}
			c := clientOn(t, Options{Credentials: NewServiceAccount("id", "secret")}, server.serve)
			_, err := c.Projects().Page(t.Context(), 1, 1)
			failure, ok := errors.AsType[*Error](err)
			if !ok || !IsOfToken(err) || failure.Kind != test.kind || failure.Status != test.status || failure.Code != test.code || failure.Detail != test.detail {
				t.Errorf("%+v", err)
			}
		})
	}
}

// TestSecretIsReadAgain checks that the secret is read from its file again if Atlas rejects the old one.
func TestSecretIsReadAgain(t *testing.T) {
	t.Parallel()
	const old, replaced = "mdb_sa_sk_old", "mdb_sa_sk_new"
	basic := "Basic " + basicAuth("id", replaced)
	for _, test := range []struct {
		name  string
		read  func(context.Context) (Secret, error)
		good  bool
		reads int // for two requests
	}{
		{"another", func(context.Context) (Secret, error) { return replaced, nil }, true, 1},
		{"the same", func(context.Context) (Secret, error) { return old, nil }, false, 2},
		{"empty", func(context.Context) (Secret, error) { return "", nil }, false, 2},
		{"an error", func(context.Context) (Secret, error) { return replaced, errors.New("no such file") }, false, 2},
		{"another wrong one", func(context.Context) (Secret, error) { return "wrong", nil }, false, 2},
		{"a pipe that nobody writes", func(ctx context.Context) (Secret, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, false, 2},
		{"none", nil, false, 0},
	} {
		for _, key := range []bool{false, true} {
			t.Run(test.name+map[bool]string{true: " by digest"}[key], func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var reads atomic.Int32
					o := Options{Credentials: NewServiceAccount("id", old), RequestTimeout: 10 * time.Second}
					if key {
						o.Credentials = NewAPIKey("abcdefgh", old)
					}
					if test.read != nil {
						o.RefreshSecret = func(ctx context.Context) (Secret, error) {
							reads.Add(1)
							return test.read(ctx)
						}
					}
					c := clientOn(t, o, func(req *http.Request) *http.Response {
						switch authorization := req.Header.Get("Authorization"); {
						case strings.HasSuffix(req.URL.Path, tokenPath) && authorization == basic:
							return answering(http.StatusOK, nil, []byte(goodToken))
						case authorization == "Bearer t" || key && isAnsweredWith(req, "abcdefgh", replaced):
							return answering(http.StatusOK, nil, []byte(`{"results":[]}`))
						}
						return answering(http.StatusUnauthorized, http.Header{"Www-Authenticate": {plainChallenge}}, nil)
					})
					for range 2 {
						_, err := c.Projects().Page(t.Context(), 1, 1)
						if kind, _ := KindOf(err); (err == nil) != test.good || err != nil && kind != KindUnauthorized {
							t.Errorf("%v", err)
						}
						time.Sleep(tokenErrorPause)
					}
					if got := int(reads.Load()); got != test.reads {
						t.Errorf("the secret was read %d times again, want %d", got, test.reads)
					}
				})
			})
		}
	}
}

const plainChallenge = `Digest realm="r", nonce="n"`

// isAnsweredWith reports whether a request answers plainChallenge with a key.
func isAnsweredWith(req *http.Request, public, private string) bool {
	h := digestHash("MD5")
	response := h(h(public, "r", private), "n", h(req.Method, req.URL.RequestURI()))
	return strings.Contains(req.Header.Get("Authorization"), response)
}
