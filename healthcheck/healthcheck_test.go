package healthcheck_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/healthcheck"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// serve answers every request with the status, and returns the server's address.
func serve(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/-/healthy" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestAsk(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // must not matter
	for _, test := range []struct {
		status int
		want   string
	}{
		{http.StatusOK, ""},
		{http.StatusNoContent, "204 No Content"},
		{http.StatusFound, "302 Found"},
		{http.StatusUnauthorized, ""}, // it is alive, and requires a password
		{http.StatusForbidden, "403 Forbidden"},
		{http.StatusServiceUnavailable, "503 Service Unavailable"},
	} {
		t.Run(strconv.Itoa(test.status), func(t *testing.T) {
			err := healthcheck.Ask(t.Context(), serve(t, test.status))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.HasSuffix(err.Error(), "/-/healthy answers "+test.want)):
				t.Errorf("got error %v, want one that ends in %q", err, test.want)
			}
		})
	}
}

// TestAskByTLS checks that an exporter that serves TLS is requested by https, whatever its certificate says, and that the
// message says so if https is missing.
func TestAskByTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	status := http.StatusOK
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	if err := healthcheck.Ask(t.Context(), server.URL); err != nil {
		t.Error(err)
	}
	address := strings.TrimPrefix(server.URL, "https://")
	if err := healthcheck.Ask(t.Context(), address); err == nil || !strings.Contains(err.Error(), "begin the address with https://") {
		t.Errorf("got error %v, want one that says how to ask", err)
	}
	status = http.StatusInternalServerError
	if err := healthcheck.Ask(t.Context(), server.URL); err == nil || !strings.HasSuffix(err.Error(), "/-/healthy answers 500 Internal Server Error") {
		t.Errorf("got error %v", err)
	}
}

func TestAskNobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	if err := healthcheck.Ask(t.Context(), address); err == nil {
		t.Error("got no error where nothing listens")
	}
	if err := healthcheck.Ask(t.Context(), "not an address"); err == nil || !strings.Contains(err.Error(), `not an address/-/healthy`) {
		t.Errorf("got error %v, want one that names the address", err)
	}
}

func TestAskGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	if err := healthcheck.Ask(ctx, strings.TrimPrefix(server.URL, "http://")); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that the context was cancelled", err)
	}
}

// TestCommand runs the program's own command against the program.
func TestCommand(t *testing.T) {
	address := strings.TrimPrefix(harness.StartExporter(t, "demo").URL(), "http://")
	if got := harness.RunExporter(t, nil, "healthcheck", "--address="+address); got != (harness.Output{}) {
		t.Errorf("with an exporter: %+v, want exit code 0 and silence", got)
	}
	got := harness.RunExporter(t, nil, "healthcheck", "--address=127.0.0.1:1")
	if got.ExitCode != 1 || got.Stdout != "" || !strings.Contains(got.Stderr, "127.0.0.1:1/-/healthy") || strings.Count(got.Stderr, "\n") != 1 {
		t.Errorf("without one: %+v, want exit code 1 and one line that says why", got)
	}
}
