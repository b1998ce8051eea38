package atlasapi_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// refuses refuses every authenticated request of the project.
func (w *world) refuses(status int, code string) {
	w.org.Do(func() { w.project.Refusal = atlassim.Refusal{Status: status, Code: code} })
}

func TestTokenIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 40 {
		w.mustReadProject(t)
	}
	w.client.Close() // connections go, the token stays
	if _, err := w.connect(w.options).Project(t.Context(), w.project.ID); err != nil {
		t.Error(err)
	}
	w.wantRequests(t, atlassim.OpToken, 1)
	w.wantRequests(t, "", 42)
}

// TestOneMintForAll checks that many concurrent first requests share a token.
func TestOneMintForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) {
		s.client.MaxConcurrentRequests = 32
		s.sim.TokenLimit = 1 << 20
	})
	const rounds = 25
	for range rounds {
		options := w.options
		options.Credentials = atlasapi.NewServiceAccount(clientID, clientSecret)
		client := w.connect(options)
		concurrently(32, func() {
			if _, err := client.Project(t.Context(), w.project.ID); err != nil {
				t.Error(err)
			}
		})
	}
	if got := w.server.Mints(); got != rounds {
		t.Errorf("%d tokens for %d times 32 concurrent requests", got, rounds)
	}
}

// TestTokenIsReplacedBeforeItsEnd uses a token of one second, which this server accepts for ever: if it were used to its end,
// no second one would be requested.
func TestTokenIsReplacedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.sim.TokenLifetime, s.sim.NoRateLimits = time.Second, true })
	for w.server.Mints() < 2 && t.Context().Err() == nil {
		w.mustReadProject(t)
		time.Sleep(5 * time.Millisecond)
	}
	if got := statuses(w.server, atlassim.OpGetProject); got[http.StatusUnauthorized] != 0 {
		t.Errorf("answered %v", got)
	}
}

func TestForgottenToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustReadProject(t)
	w.server.ForgetTokens()
	concurrently(8, func() {
		if err := w.readProject(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if got := w.server.Mints(); got != 2 {
		t.Errorf("%d tokens, want the forgotten one and its replacement", got)
	}
}

// TestTokenIsRefused checks that one replacement is tried, and no more, if every token is refused.
func TestTokenIsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "UNEXPECTED_ERROR"} {
		w := newWorld(t, retrying(3))
		w.refuses(http.StatusUnauthorized, code)
		for range 10 {
			failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindUnauthorized)
			if failure.Status != http.StatusUnauthorized || failure.Code != code {
				t.Errorf("%+v", failure)
			}
		}
		if w.server.Mints() != 2 || w.server.Count(atlassim.OpGetProject) != 11 {
			t.Errorf("%d tokens and %d requests for 10 refusals", w.server.Mints(), w.server.Count(atlassim.OpGetProject))
		}
	}
}

// TestTokenIsRefusedByMany refuses many requests at the same time.
func TestTokenIsRefusedByMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses(http.StatusUnauthorized, "")
	concurrently(64, func() {
		wantFailure(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindUnauthorized)
	})
	if got := w.server.Mints(); got > 4 {
		t.Errorf("%d tokens for 64 refusals", got)
	}
}

// TestTokenIsRefusedHereAndThere checks that clusters that refuse a token that others accept, in turn, do not cost one token
// each: Atlas allows a service account 100 tokens, and soon nothing could be read at all.
func TestTokenIsRefusedHereAndThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 40 {
		bad := fmt.Sprintf("bad-%d", i)
		w.project.AddCluster(bad, atlassim.ClusterOptions{}).BackupRefusal = atlassim.Refusal{Status: http.StatusUnauthorized}
		_, err := w.client.Schedule(t.Context(), w.project.ID, bad)
		wantFailure(t, err, atlassim.OpGetBackupSchedule, atlasapi.KindUnauthorized)
		if _, err := w.client.Schedule(t.Context(), w.project.ID, clusterName); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.server.Mints(); got > 5 {
		t.Errorf("%d tokens for 40 clusters that refuse the token", got)
	}
}

// TestKindsOfRefusal checks that a refusal that is not about the credential does not change how requests are signed.
func TestKindsOfRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		code   string
		kind   atlasapi.Kind
	}{
		{401, "USER_UNAUTHORIZED", atlasapi.KindForbidden},
		{401, "NOT_IN_GROUP", atlasapi.KindForbidden},
		{401, "USER_CANNOT_ACCESS_GROUP", atlasapi.KindForbidden},
		{401, "USER_CANNOT_ACCESS_ORG", atlasapi.KindForbidden},
		{403, "USER_UNAUTHORIZED", atlasapi.KindForbidden},
		{403, "NOT_IN_GROUP", atlasapi.KindForbidden},
		{403, "FEATURE_UNSUPPORTED", atlasapi.KindForbidden},
		{403, "", atlasapi.KindForbidden},
		{401, "API_KEY_ACCESS_LIST_ACCESS_DENIED", atlasapi.KindIPNotAllowed},
		{401, "IP_ADDRESS_NOT_ON_ACCESS_LIST", atlasapi.KindIPNotAllowed},
		{403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", atlasapi.KindIPNotAllowed},
		{403, "IP_ADDRESS_NOT_ON_WHITELIST", atlasapi.KindIPNotAllowed},
		{403, "RESOURCE_REQUIRES_ACCESS_LIST", atlasapi.KindIPNotAllowed},
		{403, "ORG_REQUIRES_ACCESS_LIST", atlasapi.KindIPNotAllowed},
		{404, "GROUP_NOT_FOUND", atlasapi.KindNotFound},
		{404, "", atlasapi.KindNotFound},
		{404, "BACKUP_CONFIG_NOT_FOUND", atlasapi.KindBackupDisabled},
		{400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", atlasapi.KindFlex},
		{400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", atlasapi.KindFlex},
		{400, "INVALID_QUERY_PARAMETER", atlasapi.KindBadResponse},
		{402, "ACCOUNT_SUSPENDED", atlasapi.KindBadResponse},
		{405, "METHOD_NOT_ALLOWED", atlasapi.KindBadResponse},
		{406, "", atlasapi.KindBadResponse},
		{408, "", atlasapi.KindTimeout},
		{410, "VERSION_GONE", atlasapi.KindBadResponse},
		{500, "UNEXPECTED_ERROR", atlasapi.KindServerError},
		{503, "", atlasapi.KindServerError},
		{599, "", atlasapi.KindServerError},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.code), func(t *testing.T) {
			withEachScheme(t, func(w *world) {
				t := w.t
				if err := failureOf(w.client.Projects().All(t.Context())); err != nil {
					t.Fatal(err)
				}
				w.refuses(test.status, test.code)
				for range 3 {
					failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, test.kind)
					if failure.Status != test.status || failure.Code != test.code {
						t.Errorf("%+v", failure)
					}
					if kind, ok := atlasapi.KindOf(fmt.Errorf("wrapped: %w", failure)); !ok || kind != test.kind {
						t.Errorf("the kind is %s, %t", kind, ok)
					}
				}
				w.wantRequests(t, atlassim.OpGetProject, 3)
				if !w.digest && w.server.Mints() != 1 {
					t.Errorf("%d %s: %d tokens, want 1", test.status, test.code, w.server.Mints())
				}
			})
		})
	}
	if kind, ok := atlasapi.KindOf(nil); ok {
		t.Errorf("nil is of kind %s", kind)
	}
	if kind, ok := atlasapi.KindOf(errors.New("another")); ok {
		t.Errorf("another error is of kind %s", kind)
	}
}

func TestMintFails(t *testing.T) {
	t.Parallel()
	description := "client " + clientID + " with " + clientSecret + " and mdb_sa_sk_OfSomebodyElse is refused"
	for _, test := range []struct {
		name, body string
		status     int
		kind       atlasapi.Kind
	}{
		{"bad secret", `{"error":"invalid_client","error_description":"` + description + `"}`, 401, atlasapi.KindUnauthorized},
		{"bad request", `{"error":"invalid_grant","error_description":"` + description + `"}`, 400, atlasapi.KindUnauthorized},
		{"other client", `{"error":"unauthorized_client"}`, 400, atlasapi.KindUnauthorized},
		{"no body", ` `, 401, atlasapi.KindUnauthorized},
		{"too many tokens", `{"error":"access_denied"}`, 403, atlasapi.KindForbidden},
		{"moved", ` `, 404, atlasapi.KindNotFound},
		{"broken", `{"error":"server_error"}`, 500, atlasapi.KindServerError},
		{"unavailable", `<html>` + marker, 503, atlasapi.KindServerError},
		{"throttled", `{"error":"rate_limited"}`, 429, atlasapi.KindRateLimited},
		{"secret as a code", `{"error":"` + description + `"}`, 400, atlasapi.KindBadResponse},
		{"secret in another error", `{"error":"invalid_request","error_description":"` + description + `"}`, 400, atlasapi.KindBadResponse},
		{"no JSON", marker, 200, atlasapi.KindBadResponse},
		{"no token", `{"token_type":"Bearer","x":"` + marker + `"}`, 200, atlasapi.KindBadResponse},
		{"no object", `["` + marker + `"]`, 200, atlasapi.KindBadResponse},
		{"error with 200", `{"error":"invalid_client","error_description":"` + description + `"}`, 200, atlasapi.KindBadResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Status: test.status, Body: test.body})
			failure := failedAs(t, w.readProject(t.Context()), atlassim.OpToken, test.kind)
			if test.status != http.StatusOK && failure.Status != test.status {
				t.Errorf("%+v", failure)
			}
			if strings.Contains(failure.Error(), "OfSomebodyElse") {
				t.Errorf("%q shows a secret", failure)
			}
			for range 10 { // the failure is returned to later requests, too
				if err := w.readProject(t.Context()); err == nil || err.Error() != failure.Error() {
					t.Errorf("then %v", err)
				}
			}
			w.wantRequests(t, atlassim.OpToken, 1)
			w.wantRequests(t, "", 1)
			for _, e := range w.watch.of(atlassim.OpToken) {
				if e.Status != test.status {
					t.Errorf("observed %+v", e)
				}
			}
		})
	}
}

// TestMintIsSentAgain checks that a token is requested again until the token endpoint recovers.
func TestMintIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 502, 503} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := newWorld(t, retrying(2))
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Status: status, Body: `{"error":"server_error"}`, Times: 1})
			w.mustReadProject(t)
			w.wantRequests(t, atlassim.OpToken, 2)
			if got := w.watch.retried(); len(got) != 1 {
				t.Errorf("retries observed: %v", got)
			}
		})
	}
}

// TestMintHangs checks a token endpoint that does not answer at all. The error counts the attempts once.
func TestMintHangs(t *testing.T) {
	t.Parallel()
	for retries, want := range []string{"token: no answer within 100ms", "token: no answer within 100ms (2 attempts)"} {
		t.Run(strconv.Itoa(retries), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setup) { s.client.RequestTimeout, s.client.MaxRetries = 100*time.Millisecond, retries })
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Delay: time.Minute})
			err := w.readProject(t.Context())
			wantFailure(t, err, atlassim.OpToken, atlasapi.KindTimeout)
			if err != nil && err.Error() != want {
				t.Errorf("%q, want %q", err, want)
			}
		})
	}
}

// TestNoTokenServer checks what happens when nothing listens.
func TestNoTokenServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, w.readProject(t.Context()), atlassim.OpToken, atlasapi.KindNetwork)
}

// TestTokenForm checks how a token is requested and used.
func TestTokenForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent := w.requests(func(r *http.Request) string {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		return r.Method + " " + r.URL.String() + " " + scheme + " " + r.Header.Get("Content-Type")
	})
	w.mustReadProject(t)
	want := []string{
		"POST /api/oauth/token Basic application/x-www-form-urlencoded",
		"GET /api/atlas/v2/groups/" + w.project.ID + " Bearer ",
	}
	if got := sent(); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestTokenBreaksOff checks that a token whose answer breaks off is requested again: such an answer does not come from Atlas.
func TestTokenBreaksOff(t *testing.T) {
	t.Parallel()
	const begin = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"access_token\":\"" + marker
	for _, test := range []struct {
		name string
		end  func(net.Conn)
		kind atlasapi.Kind
	}{{"reset", resets, atlasapi.KindNetwork}, {"closed", closes, atlasapi.KindBadResponse}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fault := atlassim.Fault{Operation: atlassim.OpToken, Handler: breaking(begin, test.end)}
			w := newWorld(t)
			w.server.Inject(fault)
			wantFailure(t, w.readProject(t.Context()), atlassim.OpToken, test.kind)

			again := newWorld(t, retrying(1))
			fault.Times = 1
			again.server.Inject(fault)
			again.mustReadProject(t)
			again.wantRequests(t, atlassim.OpToken, 2)
		})
	}
}
