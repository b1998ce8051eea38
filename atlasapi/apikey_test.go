package atlasapi_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestDigest sends many concurrent requests under each policy for nonces that a server may have.
func TestDigest(t *testing.T) {
	t.Parallel()
	const goroutines, each = 16, 100
	for _, test := range []struct {
		name       string
		policy     atlassim.DigestPolicy
		roundTrips float64 // for each request, at most
	}{
		{"reusable", atlassim.DigestPolicy{}, 1.1},
		{"rising count", atlassim.DigestPolicy{RisingCount: true}, 1.1},
		{"rising count and 1000 uses", atlassim.DigestPolicy{RisingCount: true, Uses: 1000}, 1.1},
		{"short-lived", atlassim.DigestPolicy{Lifetime: 10 * time.Minute}, 1.1},
		{"three uses", atlassim.DigestPolicy{Uses: 3, RisingCount: true}, 1.4},
		{"one use", atlassim.DigestPolicy{Uses: 1}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setup) {
				s.digest, s.sim.Digest, s.sim.NoRateLimits = true, test.policy, true
				s.client.MaxConcurrentRequests = goroutines
			})
			w.server.Inject(atlassim.Fault{Match: func(*http.Request) bool {
				w.clock.Advance(time.Second) // a nonce that lives ten minutes serves 600 requests
				return false
			}})
			concurrently(goroutines, func() {
				for range each {
					if err := w.readProject(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			})
			if got := w.server.Answered(""); got != goroutines*each {
				t.Errorf("%d requests had signed in, want %d", got, goroutines*each)
			}
			if got := float64(w.server.Count("")) / (goroutines * each); got > test.roundTrips {
				t.Errorf("%.2f round trips a request, want at most %.2f", got, test.roundTrips)
			}
		})
	}
}

// authorizations remembers the Authorization header of every request.
func (w *world) authorizations() func() []string {
	return w.requests(func(r *http.Request) string { return r.Header.Get("Authorization") })
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.digest, s.wrong, s.client.MaxRetries = true, true, 3 })
	sent := w.authorizations()
	for range 3 {
		before := len(sent())
		failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindUnauthorized)
		if failure.Status != http.StatusUnauthorized {
			t.Errorf("%+v", failure)
		}
		answers := sent()[before:]
		if len(answers) != 2 || answers[0] != "" || !strings.HasPrefix(answers[1], "Digest ") {
			t.Errorf("sent %q, want nothing and then one answer to the challenge", answers)
		}
	}
}

// TestKeyIsTakenAway checks that a key that is refused for a while is used again when it is valid again.
func TestKeyIsTakenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.digest = true })
	w.mustReadProject(t)
	w.server.Deny(publicKey)
	wantFailure(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindUnauthorized)
	w.wantRequests(t, "", 4)
	w.server.AllowAPIKey(atlassim.APIKey{PublicKey: publicKey, PrivateKey: privateKey})
	if err := w.readProject(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDigestWithoutRole checks that the challenge stays in use although a role is missing.
func TestDigestWithoutRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.digest = true })
	w.server.AllowAPIKey(atlassim.APIKey{PublicKey: publicKey, PrivateKey: privateKey, Role: atlassim.ProjectReadOnly})
	for range 5 {
		_, err := w.exportIDs()
		wantFailure(t, err, atlassim.OpListBackupExports, atlasapi.KindForbidden)
		if err := w.readProject(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.wantRequests(t, "", 11)
}

// TestOtherSchemes checks that a challenge of another scheme, or one that cannot be answered, does not make the client send
// the key.
func TestOtherSchemes(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{
		"", `Basic realm="x"`, "Bearer", `Digest`, `Digest nonsense`, `Digest realm="x"`, "Negotiate",
		`Digest realm="x", nonce="n", algorithm=WHIRLPOOL, qop="auth"`,
	} {
		t.Run(cmp.Or(challenge, "none"), func(t *testing.T) {
			w := newWorld(t, func(s *setup) { s.digest = true })
			sent := w.authorizations()
			w.server.Inject(atlassim.Fault{Handler: func(out http.ResponseWriter, r *http.Request) {
				sent := r.Header.Get("Authorization")
				if strings.HasPrefix(sent, "Basic") || strings.Contains(sent, privateKey) {
					t.Errorf("%q is answered with %q", challenge, sent)
				}
				if challenge != "" {
					out.Header().Set("WWW-Authenticate", challenge)
				}
				out.WriteHeader(http.StatusUnauthorized)
			}})
			err := w.readProject(t.Context())
			wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindUnauthorized)
			if err != nil && challenge == "" && !strings.Contains(err.Error(), "digest") {
				t.Errorf("%q does not say what is missing", err)
			}
			if got := len(sent()); got > 2 {
				t.Errorf("%d requests", got)
			}
		})
	}
}

// TestSeveralSchemes checks that digest is chosen among the schemes that a server offers.
func TestSeveralSchemes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.digest = true })
	w.server.Inject(atlassim.Fault{Times: 1, Handler: func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Add("WWW-Authenticate", `Basic realm="x"`)
		out.Header().Add("WWW-Authenticate", `Digest realm="MMS Public API", domain="", nonce="bm8gc3VjaCBub25jZSwgYWdhaW4uLi4u", algorithm=MD5, qop="auth", stale=false`)
		out.WriteHeader(http.StatusUnauthorized)
	}})
	// The server refuses the answer, because the nonce is not its own, but it must be a digest answer.
	sent := w.authorizations()
	wantFailure(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindUnauthorized)
	if answers := sent(); len(answers) == 0 || !strings.HasPrefix(answers[len(answers)-1], "Digest ") {
		t.Errorf("sent %q", answers)
	}
}
