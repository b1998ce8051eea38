package atlasapi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestRedirectsAreNotFollowed checks that redirects to another host, and to another path of the same host, are not followed.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	const unreadable = "://" + marker
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{elsewhere(t) + "/" + marker + "?a=" + marker, "/api/atlas/v2/groups?" + marker, "", unreadable} {
			redirected := func(t *testing.T, w *world, operation string, requests int) {
				t.Helper()
				w.server.Inject(atlassim.Fault{
					Operation: operation, Status: status, Body: marker, Header: http.Header{"Location": {location}},
				})
				failure := failedAs(t, w.readProject(t.Context()), operation, atlasapi.KindBadResponse)
				if failure.Status != status && location != unreadable {
					t.Errorf("%+v", failure)
				}
				if got := w.server.Count(""); got > requests || !w.digest && got != requests {
					t.Errorf("%d requests, want %d", got, requests)
				}
			}
			t.Run(fmt.Sprintf("%d to %q", status, location), func(t *testing.T) {
				withEachScheme(t, func(w *world) { redirected(w.t, w, atlassim.OpGetProject, 2) })
				t.Run("token", func(t *testing.T) { redirected(t, newWorld(t), atlassim.OpToken, 1) })
			})
		}
	}
}

// secrets are the credentials of the world's client, the beginning of its tokens included.
func (w *world) secrets() []string {
	if w.digest {
		return []string{privateKey}
	}
	return []string{clientSecret, "simulated-token-"}
}

// wantRedacted checks that no way of printing a failure, and no other text, shows the credentials of the world's client.
func (w *world) wantRedacted(t *testing.T, failure *atlasapi.Error, others ...string) {
	t.Helper()
	for _, shown := range append(others, failure.Error(), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure)) {
		for _, secret := range w.secrets() {
			if strings.Contains(shown, secret) {
				t.Errorf("%q shows %q", shown, secret)
			}
		}
	}
}

// TestErrorsAreRedacted checks that credentials that an answer repeats are hidden, in every part of it that is shown.
func TestErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	withEachScheme(t, func(w *world) {
		t := w.t
		w.serves(func(out http.ResponseWriter, r *http.Request) {
			bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			echo := strings.ReplaceAll(bearer, `"`, "") + " " + clientSecret + " " + privateKey
			out.Header().Set("X-Error-Code", echo)
			out.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(out, strings.ReplaceAll(`{"detail":"refused: ECHO","errorCode":"ECHO","error":400,"reason":"ECHO",`+
				`"badRequestDetail":{"fields":[{"field":"ECHO","description":"ECHO"},{"field":"name","description":"too long"}]}}`, "ECHO", echo))
		})
		failure, ok := errors.AsType[*atlasapi.Error](w.readProject(t.Context()))
		if !ok {
			t.Fatal("no error")
		}
		w.wantRedacted(t, failure)
		if failure.Code != "" {
			t.Errorf("the code is %q", failure.Code)
		}
		if text := failure.Error(); !strings.Contains(text, "refused: ") || !strings.Contains(text, "name: too long") {
			t.Errorf("%q does not contain Atlas's message", text)
		}
	})
}

// TestSpentTokenIsRedacted checks that a token that an answer repeats is hidden after another request has had it replaced.
func TestSpentTokenIsRedacted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustReadProject(t)
	arrived, replaced := make(chan struct{}), make(chan struct{})
	w.breaks(atlassim.Fault{Times: 1, Handler: func(out http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-replaced
		out.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(out, `{"detail":"refused: %s","errorCode":"X","error":403}`, r.Header.Get("Authorization"))
	}})
	failed := make(chan error)
	go func() { failed <- w.readProject(t.Context()) }()
	<-arrived
	w.server.ForgetTokens()
	w.mustReadProject(t) // which has the token replaced
	close(replaced)
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "refused: Bearer <secret>") {
		t.Errorf("%v", err)
	}
}

// TestBrokenHTTPIsRedacted checks that credentials are hidden if the answer is not HTTP: Go's errors quote what it cannot
// parse.
func TestBrokenHTTPIsRedacted(t *testing.T) {
	t.Parallel()
	for broken, answer := range map[string]string{
		"status line": "ECHO\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: ECHO\r\n\r\n",
		"header":      "HTTP/1.1 200 OK\r\nECHO\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: ECHO\r\n\r\n",
	} {
		t.Run(broken, func(t *testing.T) {
			withEachScheme(t, func(w *world) {
				t := w.t
				w.serves(func(out http.ResponseWriter, r *http.Request) {
					_, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
					echo := "x " + strings.NewReplacer(":", "", `"`, "").Replace(proof) + " " + w.secrets()[0]
					breaking(strings.ReplaceAll(answer, "ECHO", echo), closes)(out, r)
				})
				failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindNetwork)
				w.wantRedacted(t, failure, fmt.Sprintf("%#v", failure.Err))
			})
		})
	}
}
