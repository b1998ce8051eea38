package atlasapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseSunset(t *testing.T) {
	t.Parallel()
	first := time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"Thu, 1 Jul 2027 00:00:00 GMT":    first, // as Atlas writes it
		"Thu, 01 Jul 2027 00:00:00 GMT":   first,
		"Wed, 30 Jun 2027 22:30:00 -0130": first,
		"Tue, 11 Nov 2025 23:59:59 GMT":   time.Date(2025, 11, 11, 23, 59, 59, 0, time.UTC),
		"":                                {},
		"soon":                            {},
		"@1814400000":                     {},
		"2027-07-01T00:00:00Z":            {},
		"Thu, 32 Jul 2027 00:00:00 GMT":   {},
	} {
		t.Run(cmp.Or(text, "none"), func(t *testing.T) {
			if got := parseSunset(text); !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("%q is %s, want %s", text, got, want)
			}
		})
	}
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"1":                              time.Second,
		"120":                            2 * time.Minute,
		"3600":                           time.Hour,
		"3601":                           time.Hour,
		"2147483647":                     time.Hour,
		"2147483648":                     time.Hour,
		"99999999999999999999":           time.Hour,
		"-5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Fri, 20 Nov 2026 12:00:30 GMT":  30 * time.Second,
		"Friday, 20-Nov-26 12:00:30 GMT": 30 * time.Second,
		"Fri Nov 20 12:00:30 2026":       30 * time.Second,
		"Fri, 20 Nov 2026 11:00:00 GMT":  0,
		"Fri, 20 Nov 2099 12:00:00 GMT":  time.Hour,
	} {
		t.Run(cmp.Or(text, "none"), func(t *testing.T) {
			if got := parseRetryAfter(text, now); got != want {
				t.Errorf("%q is %s, want %s", text, got, want)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for retries, mean := range []time.Duration{firstBackoff, 2 * firstBackoff, 4 * firstBackoff, 8 * firstBackoff} {
		least, most := time.Hour, time.Duration(0)
		for range 2000 {
			got := backoff(retries)
			least, most = min(least, got), max(most, got)
		}
		if least < mean/2 || most >= mean*3/2 {
			t.Errorf("retry %d waits from %s to %s, want half of %s to both sides at most", retries, least, most, mean)
		}
		if least > mean*6/10 || most < mean*14/10 {
			t.Errorf("retry %d waits from %s to %s only: many would be sent together", retries, least, most)
		}
	}
	if got := backoff(60); got <= 0 || got > time.Minute {
		t.Errorf("retry 60 waits %s", got)
	}
}

// tokens is a service account with such a token endpoint, and a client of both.
func tokens(t *testing.T, answer func(n int, req *http.Request) *http.Response) (*ServiceAccount, *Client, *tokenServer) {
	t.Helper()
	a, server := NewServiceAccount("id", "secret"), &tokenServer{answer: answer}
	return a, clientOn(t, Options{Credentials: a}, server.serve), server
}

// TestTokenMargin checks that a token is used until a minute before its end, or a tenth of a short life.
func TestTokenMargin(t *testing.T) {
	t.Parallel()
	for expires, want := range map[string]time.Duration{
		`,"expires_in":3600`:  59 * time.Minute,
		`,"expires_in":86400`: 24*time.Hour - time.Minute,
		`,"expires_in":600`:   9 * time.Minute,
		`,"expires_in":100`:   90 * time.Second,
		``:                    59 * time.Minute,
		`,"expires_in":null`:  59 * time.Minute,
	} {
		t.Run(cmp.Or(expires, "none"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, c, _ := tokens(t, func(int, *http.Request) *http.Response {
					return answering(http.StatusOK, nil, []byte(`{"access_token":"t","token_type":"Bearer"`+expires+`}`))
				})
				if _, err := a.current(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if got := time.Until(a.until); got != want {
					t.Errorf("used for %s, want %s", got, want)
				}
			})
		})
	}
}

// TestFailedMintIsForgotten checks that a failed token request is retried after the pause, and that the token is used then.
func TestFailedMintIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, c, server := tokens(t, func(n int, _ *http.Request) *http.Response {
			return answering([]int{http.StatusUnauthorized, http.StatusOK}[n-1], nil, []byte(goodToken))
		})
		for range 4 {
			if _, err := a.current(t.Context(), c); err == nil || len(server.asked) != 1 {
				t.Errorf("requested %d times within the pause (%v)", len(server.asked), err)
			}
		}
		time.Sleep(tokenErrorPause)
		for range 3 {
			if token, err := a.current(t.Context(), c); err != nil || token != "t" {
				t.Errorf("token %q (%v)", token, err)
			}
		}
		if len(server.asked) != 2 || a.failed != nil {
			t.Errorf("requested %d times, want 2; still remembered: %v", len(server.asked), a.failed)
		}
	})
}

// TestRetryAfterBySkewedClock checks that a date in Retry-After is relative to the clock of the server.
func TestRetryAfterBySkewedClock(t *testing.T) {
	t.Parallel()
	theirs := time.Now().Add(5 * time.Hour).UTC().Truncate(time.Second)
	h := http.Header{"Retry-After": {theirs.Add(42 * time.Second).Format(http.TimeFormat)}, "Date": {theirs.Format(http.TimeFormat)}}
	wantRetry(t, retryAt(h), 42*time.Second)
	h.Set("Date", "yesterday")
	wantRetry(t, retryAt(h), retryAfterCeiling)
	h.Set("Retry-After", "0")
	if got := retryAt(h); !got.IsZero() {
		t.Errorf("there is no Retry-After, but the wait ends at %s", got)
	}
}

// wantRetry checks that a request is to be sent again after a wait that began a moment ago.
func wantRetry(t *testing.T, at time.Time, wait time.Duration) {
	t.Helper()
	if left := time.Until(at); left > wait || left < wait-time.Minute {
		t.Errorf("sent again in %s, want %s", left, wait)
	}
}

// TestMintRetryAfter checks a Retry-After of the token endpoint that is longer than the pause after a failed token request.
func TestMintRetryAfter(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, c, server := tokens(t, func(int, *http.Request) *http.Response {
					return answering(status, http.Header{"Retry-After": {"600"}}, nil)
				})
				_, err := a.current(t.Context(), c)
				if failure, ok := errors.AsType[*Error](err); !ok || time.Until(failure.RetryAt) != 10*time.Minute {
					t.Errorf("%+v", err)
				}
				for _, step := range []struct {
					passes time.Duration
					asked  int
				}{{9 * time.Minute, 1}, {time.Minute, 2}} {
					time.Sleep(step.passes)
					if _, err := a.current(t.Context(), c); err == nil || len(server.asked) != step.asked {
						t.Errorf("requested %d times, want %d (%v)", len(server.asked), step.asked, err)
					}
				}
			})
		})
	}
}

// TestReplacementPause checks that a token that is refused again after a minute is replaced again.
func TestReplacementPause(t *testing.T) {
	t.Parallel()
	a := NewServiceAccount("id", "secret")
	a.token, a.until = "t", time.Now().Add(time.Hour)
	a.noteRefusedAgain()
	if a.mayReplace("t") {
		t.Error("replaced at once, although that did not help a moment ago")
	}
	a.refusedAgain = a.refusedAgain.Add(-replacePause)
	if !a.mayReplace("t") || a.token != "" {
		t.Error("not replaced after the pause")
	}
	a.token = "newer"
	if !a.mayReplace("t") || a.token != "newer" {
		t.Error("a token that is newer than the refused one is discarded")
	}
}

func told(limit, remaining float64) Optional[RateLimit] {
	return Optional[RateLimit]{Value: RateLimit{Limit: limit, Remaining: remaining}, Set: true}
}

// admitted reports whether a request of a bucket may be sent at once, or nearly so.
func admitted(t *testing.T, l *Limits, key bucketKey) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := l.wait(ctx, key)
	return err == nil
}

// known returns limits that contain one bucket, and its key.
func known(t *testing.T, limit, remaining float64) (*Limits, bucketKey) {
	t.Helper()
	l, key := NewLimits(), bucketKey{setBackups, "g"}
	if !admitted(t, l, key) {
		t.Fatal("a request of an unknown bucket is not admitted")
	}
	l.sent(key, told(limit, remaining))
	return l, key
}

// TestOvertakenAnswer checks that a late answer is ignored if it was made before one that is known.
func TestOvertakenAnswer(t *testing.T) {
	t.Parallel()
	l, key := known(t, 1200, 1200)
	for range 2 {
		if !admitted(t, l, key) {
			t.Fatal("not admitted")
		}
	}
	l.sent(key, told(1200, 0)) // the second request's answer
	l.sent(key, told(1200, 1)) // the first one's
	if admitted(t, l, key) {
		t.Error("sent, although Atlas said that nothing remains")
	}
}

// TestRequestsUnderWay checks that requests count that Atlas may not have counted yet.
func TestRequestsUnderWay(t *testing.T) {
	t.Parallel()
	l, key := known(t, 100, 99)
	for range 5 {
		if !admitted(t, l, key) {
			t.Fatal("not admitted")
		}
	}
	l.sent(key, told(100, 4)) // and four are on their way
	if admitted(t, l, key) {
		t.Error("sent, although the requests in flight may use what remains")
	}
	for range 4 {
		l.sent(key, Optional[RateLimit]{})
	}
	if admitted(t, l, key) {
		t.Error("a request without an answer returns its token to the bucket")
	}
}

// TestRefill checks that a bucket refills with time, up to the exporter's share of the limit.
func TestRefill(t *testing.T) {
	t.Parallel()
	l, key := known(t, 1200, 0)
	if admitted(t, l, key) {
		t.Error("an empty bucket admits a request")
	}
	l.buckets[key].at = l.buckets[key].at.Add(-time.Hour) // as if so much time had passed
	sent := 0
	for sent <= 1200 && admitted(t, l, key) {
		sent++
	}
	if sent < 1200*8/10 || sent >= 1200 {
		t.Errorf("a full bucket of 1200 admits %d requests", sent)
	}
}

// TestBlockedBucket checks that a request fails at once if the wait is too long for it, with an error that names the reason.
func TestBlockedBucket(t *testing.T) {
	t.Parallel()
	l, key := known(t, 1200, 1200)
	l.block(key, time.Now().Add(10*time.Minute))
	l.block(key, time.Now().Add(time.Second)) // does not shorten it
	waited, err := l.wait(t.Context(), key)
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != KindRateLimited || time.Until(failure.RetryAt) < 9*time.Minute || waited != 0 || failure.retriable() {
		t.Errorf("waited %s: %+v", waited, err)
	}
	l, key = known(t, 1200, 1200)
	l.block(key, time.Now().Add(5*time.Second))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := l.wait(ctx, key); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestLargeBuffersAreNotKept checks that one answer of an unusual size does not keep its memory for ever.
func TestLargeBuffersAreNotKept(t *testing.T) {
	c := New(Options{})
	for range 3 {
		large := &answer{}
		large.Grow(maxKept + 1)
		c.release(large)
		if got := c.answers.Get().(*answer).Cap(); got > maxKept {
			t.Fatalf("a buffer of %d bytes is kept", got)
		}
	}
}

// TestAPIKeyInFIPSMode signs in with an API key in a mode in which everything that FIPS 140 does not approve panics.
func TestAPIKeyInFIPSMode(t *testing.T) {
	t.Parallel()
	const mode = "fips140=only"
	if os.Getenv("GODEBUG") != mode {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), "GODEBUG="+mode)
		if output, err := command.CombinedOutput(); err != nil || !strings.Contains(string(output), "signed in") {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
	c := clientOn(t, Options{}, func(req *http.Request) *http.Response {
		if req.Header.Get("Authorization") == "" {
			challenge := `Digest realm="MMS Public API", domain="", nonce="n", algorithm=MD5, qop="auth", stale=false`
			return answering(http.StatusUnauthorized, http.Header{"Www-Authenticate": {challenge}}, nil)
		}
		return answering(http.StatusOK, nil, []byte(`{"results":[]}`))
	})
	if _, err := c.Projects().Page(t.Context(), 1, 1); err != nil {
		t.Fatal(err)
	}
	t.Log("signed in")
}
