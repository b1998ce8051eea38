package atlasapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
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
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			for name, digest := range schemes() {
				t.Run(name, func(t *testing.T) {
					other, count := elsewhere(t)
					for _, location := range []string{other + "/" + marker + "?a=" + marker, "/api/atlas/v2/groups?" + marker, "", unreadable} {
						for _, operation := range []string{atlassim.OpGetProject, atlassim.OpToken} {
							if digest && operation == atlassim.OpToken {
								continue
							}
							w := newWorld(t, func(s *setup) { s.digest = digest })
							w.server.Inject(atlassim.Fault{
								Operation: operation, Status: status, Body: marker, Header: http.Header{"Location": {location}},
							})
							failure := failedAs(t, w.readProject(t.Context()), operation, atlasapi.KindBadResponse)
							if failure.Status != status && location != unreadable {
								t.Errorf("%d to %q: %+v", status, location, failure)
							}
							if got := w.server.Count(""); got != map[string]int{atlassim.OpGetProject: 2, atlassim.OpToken: 1}[operation] && !digest || got > 2 {
								t.Errorf("%d to %q: %d requests", status, location, got)
							}
						}
					}
					if count.Load() != 0 {
						t.Errorf("%d requests went elsewhere", count.Load())
					}
				})
			}
		})
	}
}

// TestErrorsAreRedacted checks that credentials that an answer repeats are hidden, in every part of it that is shown.
func TestErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	for name, digest := range schemes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *setup) { s.digest = digest })
			w.server.Inject(atlassim.Fault{
				Operation: atlassim.OpGetProject, Authenticated: true,
				Handler: func(out http.ResponseWriter, r *http.Request) {
					bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
					echo := strings.NewReplacer(`"`, "").Replace(bearer) + " " + clientSecret + " " + privateKey
					out.Header().Set("X-Error-Code", echo)
					out.WriteHeader(http.StatusBadRequest)
					_, _ = fmt.Fprintf(out, `{"detail":"refused: %s","errorCode":"%s","error":400,"reason":"%s",`+
						`"badRequestDetail":{"fields":[{"field":"%s","description":"%s"},{"field":"name","description":"too long"}]}}`,
						echo, echo, echo, echo, echo)
				},
			})
			err := w.readProject(t.Context())
			failure, ok := errors.AsType[*atlasapi.Error](err)
			if !ok {
				t.Fatal(err)
			}
			hidden := []string{clientSecret, "simulated-token-"}
			if digest {
				hidden = []string{privateKey}
			}
			for _, secret := range hidden {
				for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure)} {
					if strings.Contains(shown, secret) {
						t.Errorf("%q shows %q", shown, secret)
					}
				}
			}
			if failure.Code != "" {
				t.Errorf("the code is %q", failure.Code)
			}
			if !strings.Contains(err.Error(), "refused: ") || !strings.Contains(err.Error(), "name: too long") {
				t.Errorf("%q does not contain Atlas's message", err)
			}
		})
	}
}

// TestSpentTokenIsRedacted checks that a token that an answer repeats is hidden after another request has had it replaced.
func TestSpentTokenIsRedacted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustReadProject(t)
	arrived, replaced := make(chan struct{}), make(chan struct{})
	w.server.Inject(atlassim.Fault{
		Operation: atlassim.OpGetProject, Times: 1,
		Handler: func(out http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-replaced
			out.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(out, `{"detail":"refused: %s","errorCode":"X","error":403}`, r.Header.Get("Authorization"))
		},
	})
	failed := make(chan error)
	go func() { failed <- w.readProject(t.Context()) }()
	<-arrived
	w.server.ForgetTokens()
	if err := w.readProject(t.Context()); err != nil { // which has the token replaced
		t.Fatal(err)
	}
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
		"status line": "%s\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"header":      "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
	} {
		t.Run(broken, func(t *testing.T) {
			for name, digest := range schemes() {
				t.Run(name, func(t *testing.T) {
					hidden := []string{clientSecret, "simulated-token-"}
					if digest {
						hidden = []string{privateKey}
					}
					w := newWorld(t, func(s *setup) { s.digest = digest })
					w.server.Inject(atlassim.Fault{
						Operation: atlassim.OpGetProject, Authenticated: true,
						Handler: func(out http.ResponseWriter, r *http.Request) {
							connection, buffered, err := http.NewResponseController(out).Hijack()
							if err != nil {
								t.Error(err)
								return
							}
							defer func() { _ = connection.Close() }()
							_, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
							_, _ = fmt.Fprintf(buffered, answer, "x "+strings.NewReplacer(":", "", `"`, "").Replace(proof)+" "+hidden[0])
							_ = buffered.Flush()
						},
					})
					err := w.readProject(t.Context())
					failure := failedAs(t, err, atlassim.OpGetProject, atlasapi.KindNetwork)
					for _, secret := range hidden {
						for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure), fmt.Sprintf("%#v", failure.Err)} {
							if strings.Contains(shown, secret) {
								t.Errorf("%q shows %q", shown, secret)
							}
						}
					}
				})
			}
		})
	}
}
