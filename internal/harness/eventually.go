package harness

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

const (
	// eventuallyLimit is far longer than anything that a test waits for takes on a loaded machine: a few scrapes and rule
	// evaluations.
	eventuallyLimit = 2 * time.Minute
	// requestLimit bounds one request to a server on this machine.
	requestLimit = 30 * time.Second
	pollInterval = 100 * time.Millisecond
)

// Eventually calls check until it returns nil. It fails the test, with check's last error, when that takes minutes.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	if err := poll(t, nil, check); err != nil {
		t.Fatal(err)
	}
}

// poll calls check until it returns nil, and returns its last error when done is closed before that, or when time is up.
func poll(t testing.TB, done <-chan struct{}, check func() error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), eventuallyLimit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return err
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

// Get asks for a page, and returns its status and body. A request that is not answered fails the test.
func Get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}
