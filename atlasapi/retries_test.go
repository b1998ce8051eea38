package atlasapi_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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

// breaking writes the beginning of an answer, and then ends the connection.
func breaking(begin string, end func(net.Conn)) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) {
		if connection, _, err := http.NewResponseController(out).Hijack(); err == nil {
			_, _ = io.WriteString(connection, begin)
			end(connection)
		}
	}
}

func closes(connection net.Conn) { _ = connection.Close() }

func resets(connection net.Conn) {
	_ = connection.(*net.TCPConn).SetLinger(0)
	_ = connection.Close()
}

// passing are the faults that may be temporary, and their kinds if they are not.
func passing() []passingFault {
	const (
		short  = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"id\":\"" + jobID + "\",\"name\":\"" + marker
		chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"id\":\"" + marker
	)
	page := atlassim.Fault{Status: 502, Body: "<html>" + marker, Header: http.Header{"Content-Type": {"text/html"}}}
	return []passingFault{
		{"connection cut", atlassim.Fault{Handler: breaking("", closes)}, atlasapi.KindNetwork, 0},
		{"body cut", atlassim.Fault{Handler: breaking(short, closes)}, atlasapi.KindBadResponse, 0},
		{"chunked body cut", atlassim.Fault{Handler: breaking(chunks, closes)}, atlasapi.KindBadResponse, 0},
		{"silence", atlassim.Fault{Delay: time.Minute}, atlasapi.KindTimeout, 0},
		{"500", atlassim.Fault{Status: 500}, atlasapi.KindServerError, 500},
		{"502", page, atlasapi.KindServerError, 502},
		{"503", atlassim.Fault{Status: 503}, atlasapi.KindServerError, 503},
		{"504", atlassim.Fault{Status: 504}, atlasapi.KindServerError, 504},
		{"429", atlassim.Fault{Status: 429}, atlasapi.KindRateLimited, 429},
	}
}

type passingFault struct {
	name   string
	fault  atlassim.Fault
	kind   atlasapi.Kind
	status int
}

// timeout is short only if the fault is silence: a busy machine may take longer for the requests that are answered.
func (f passingFault) timeout() time.Duration {
	if f.fault.Delay > 0 {
		return 3 * time.Second
	}
	return time.Minute
}

// TestFaultPasses checks that a request succeeds once the fault has passed.
func TestFaultPasses(t *testing.T) {
	t.Parallel()
	for _, test := range passing() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			withEachScheme(t, func(w *world) {
				t := w.t
				// The transport itself retries when a used connection is cut, so this one is new.
				if err := failureOf(w.client.Projects().All(t.Context())); err != nil {
					t.Fatal(err)
				}
				w.client.Close()
				fault := test.fault
				fault.Times = 1
				w.breaks(fault)
				w.mustReadProject(t)
				if got, want := w.watch.retried(), []string{"get_project " + test.kind.String()}; !slices.Equal(got, want) {
					t.Errorf("retries observed: %q, want %q", got, want)
				}
				// A challenge whose request was not answered is not used again: the retry begins with a new one.
				exchanges := slices.DeleteFunc(w.watch.of(atlassim.OpGetProject), func(e atlasapi.Exchange) bool {
					return e.Status == http.StatusUnauthorized
				})
				if len(exchanges) != 2 || exchanges[0].Err == nil || exchanges[1].Err != nil || exchanges[1].Status != http.StatusOK {
					t.Fatalf("observed %+v", exchanges)
				}
				if kind, ok := atlasapi.KindOf(exchanges[0].Err); !ok || kind != test.kind {
					t.Errorf("observed first %v, want kind %s", exchanges[0].Err, test.kind)
				}
				if got := w.server.Answered(atlassim.OpGetProject); got != 2 {
					t.Errorf("%d requests", got)
				}
			}, retrying(3), func(s *setup) { s.client.RequestTimeout = test.timeout() })
		})
	}
}

// TestFaultStays checks that a request fails after its retries.
func TestFaultStays(t *testing.T) {
	t.Parallel()
	for _, test := range passing() {
		for _, retries := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d retries", test.name, retries), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(s *setup) { s.client.MaxRetries, s.client.RequestTimeout = retries, test.timeout() })
				w.breaks(test.fault)
				failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, test.kind)
				if failure.Status != test.status {
					t.Errorf("%+v", failure)
				}
				if sent, again := len(w.watch.of(atlassim.OpGetProject)), len(w.watch.retried()); sent != retries+1 || again != retries {
					t.Errorf("%d exchanges and %d retries observed, want %d", sent, again, retries)
				}
			})
		}
	}
}

// TestRetriesAreBounded counts the requests of three retries, which the error mentions.
func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, retrying(3))
	w.breaks(atlassim.Fault{Status: 500})
	err := w.readProject(t.Context())
	wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindServerError)
	if !strings.HasSuffix(err.Error(), " (4 attempts)") {
		t.Errorf("%q does not say how many attempts there were", err)
	}
	w.wantRequests(t, atlassim.OpGetProject, 4)
	if got := w.watch.retried(); len(got) != 3 {
		t.Errorf("retries observed: %v", got)
	}
}

// TestNotSentAgain checks that failures that a retry cannot correct are not retried.
func TestNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{304, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 418, 451} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			withEachScheme(t, func(w *world) {
				t := w.t
				if err := failureOf(w.client.Projects().All(t.Context())); err != nil {
					t.Fatal(err)
				}
				w.breaks(atlassim.Fault{
					Status: status, Code: "NOT_IN_GROUP",
					Header: http.Header{"Retry-After": {"0"}},
				})
				var failure *atlasapi.Error
				if err := w.readProject(t.Context()); !errors.As(err, &failure) || failure.Status != status {
					t.Error(err)
				}
				if got := w.server.Count(atlassim.OpGetProject); got != 1 || len(w.watch.retried()) != 0 {
					t.Errorf("sent %d times", got)
				}
			}, retrying(3))
		})
	}
}

// TestRetryAfter throttles a request once, with different values of Retry-After.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "0", "1", "-1", "soon", "Fri, 20 Nov 2020 12:00:00 GMT"} {
		t.Run(cmp.Or(value, "none"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, retrying(1))
			header := http.Header{}
			if value != "" {
				header.Set("Retry-After", value)
			}
			w.breaks(atlassim.Fault{Times: 1, Status: 429, Code: "RATE_LIMITED_TOKEN_BUCKET", Header: header})
			w.mustReadProject(t)
			w.wantRequests(t, atlassim.OpGetProject, 2)
			if got := w.watch.waited(atlassim.OpGetProject); got < time.Second {
				t.Errorf("%s of waiting observed, want at least the minimum of a second", got)
			}
			if got, want := w.watch.retried(), []string{"get_project rate_limited"}; !slices.Equal(got, want) {
				t.Errorf("retries observed: %q, want %q", got, want)
			}
		})
	}
}

// isAbout reports whether a wait that began a moment ago ends at this time.
func isAbout(at time.Time, wait time.Duration) bool {
	left := time.Until(at)
	return left <= wait && left > wait-time.Minute
}

// TestRetryAfterIsFar checks a Retry-After that is longer than any request waits: nothing is sent until it is over, and the
// buckets of other projects and other endpoints are not affected.
func TestRetryAfterIsFar(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"3600", "86400", "99999999999", "99999999999999999999999", "Fri, 20 Nov 2099 12:00:00 GMT"} {
		t.Run(value, func(t *testing.T) {
			w := newWorld(t, retrying(3))
			other := w.org.AddProject("other")
			w.breaks(atlassim.Fault{
				Path: "/api/atlas/v2/groups/" + w.project.ID, Status: 429, Code: "RATE_LIMITED_TOKEN_BUCKET",
				Header: http.Header{"Retry-After": {value}},
			})
			// If the header is not understood, this ends the retries.
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			failure := failedAs(t, w.readProject(ctx), atlassim.OpGetProject, atlasapi.KindRateLimited)
			if failure.Status != 429 || !isAbout(failure.RetryAt, time.Hour) {
				t.Errorf("%+v, want a wait of at most an hour", failure)
			}
			again := failedAs(t, w.readProject(ctx), atlassim.OpGetProject, atlasapi.KindRateLimited)
			if again.Status != 0 || !isAbout(again.RetryAt, time.Hour) {
				t.Errorf("then %+v", again)
			}
			if got := w.server.Count(atlassim.OpGetProject); got != 1 || len(w.watch.retried()) != 0 {
				t.Errorf("%d requests, retries observed: %v", got, w.watch.retried())
			}
			if _, err := w.client.Project(t.Context(), other.ID); err != nil {
				t.Errorf("another project: %v", err)
			}
			if _, err := w.client.Schedule(t.Context(), w.project.ID, clusterName); err != nil {
				t.Errorf("another bucket: %v", err)
			}
			options := w.options
			options.Limits = atlasapi.NewLimits()
			w.server.ResetRequests()
			_, err := w.connect(options).Project(ctx, w.project.ID)
			wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindRateLimited)
			w.wantRequests(t, atlassim.OpGetProject, 1)
		})
	}
}

// TestLimitsOutliveTheClient checks that a new client keeps a wait that Atlas asked the old one for.
func TestLimitsOutliveTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) { s.client.Limits = atlasapi.NewLimits() })
	w.breaks(atlassim.Fault{Status: 429, Header: http.Header{"Retry-After": {"600"}}})
	wantFailure(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindRateLimited)
	_, err := w.connect(w.options).Project(t.Context(), w.project.ID)
	wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindRateLimited)
	w.wantRequests(t, atlassim.OpGetProject, 1)
}

// TestServerErrorWithRetryAfter checks a 503 with a long Retry-After.
func TestServerErrorWithRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, retrying(3))
	w.breaks(atlassim.Fault{Status: 503, Header: http.Header{"Retry-After": {"900"}}})
	failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindServerError)
	if !isAbout(failure.RetryAt, 15*time.Minute) || w.server.Count(atlassim.OpGetProject) != 1 {
		t.Errorf("%+v after %d requests", failure, w.server.Count(atlassim.OpGetProject))
	}
}

// TestThrottledToken throttles requests for tokens: that is not the project's rate limit.
func TestThrottledToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Inject(atlassim.Fault{
		Operation: atlassim.OpToken, Status: 429, Body: `{"error":"rate_limited"}`, Header: http.Header{"Retry-After": {"60"}}, Times: 1,
	})
	failure := failedAs(t, w.readProject(t.Context()), atlassim.OpToken, atlasapi.KindRateLimited)
	if !isAbout(failure.RetryAt, time.Minute) {
		t.Errorf("%+v", failure)
	}
	options := w.options
	options.Limits = atlasapi.NewLimits()
	_, err := w.connect(options).Project(t.Context(), w.project.ID)
	wantFailure(t, err, atlassim.OpToken, atlasapi.KindRateLimited) // as remembered
	options.Credentials = atlasapi.NewAPIKey(publicKey, privateKey)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := w.connect(options).Project(ctx, w.project.ID); err != nil {
		t.Errorf("the project is not throttled: %v", err)
	}
}
