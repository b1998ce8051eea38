package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// requestLimit bounds one request to a server on this machine.
const requestLimit = 30 * time.Second

// Answer is the answer to one request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Began is the time of the request, and Took the duration until the end of the answer.
	Began time.Time
	Took  time.Duration
}

// Ask sends a request without a body, and returns the whole answer. A timeout above 0 is sent in Prometheus's scrape timeout
// header.
func Ask(ctx context.Context, method, url string, timeout time.Duration) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout+requestLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return Answer{}, err
	}
	if timeout > 0 {
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64))
	}
	a := Answer{Began: time.Now()}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	a.Status, a.Header = response.StatusCode, response.Header
	a.Body, err = io.ReadAll(response.Body)
	a.Took = time.Since(a.Began)
	return a, err
}

// Get requests a page, and returns the status and the body. It fails the test if there is no answer.
func Get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	a, err := Ask(t.Context(), http.MethodGet, url, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a.Status, string(a.Body)
}

// Scrape requests metrics and parses them. Any status but 200 is an error.
func Scrape(ctx context.Context, url string, timeout time.Duration) (Exposition, error) {
	a, err := Ask(ctx, http.MethodGet, url, timeout)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, fmt.Errorf("GET %s: status %d: %s", url, a.Status, bytes.TrimSpace(a.Body))
	}
	e, err := ParseExposition(a.Body)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	return e, nil
}
