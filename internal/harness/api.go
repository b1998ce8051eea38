package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// api calls the HTTP interface of Prometheus or Alertmanager.
type api struct {
	base string
}

// call sends form values, or nothing, and decodes a JSON answer into result unless that is nil. Any status but 200 is an
// error with the body's words.
func (a api) call(ctx context.Context, method, path string, form url.Values, result any) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	target := a.base + path
	var body io.Reader
	if method == http.MethodGet {
		target += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, strings.TrimSpace(string(content)))
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(content, result); err != nil {
		return fmt.Errorf("%s %s: %w in %s", method, path, err, content)
	}
	return nil
}

// prometheus calls Prometheus' own API, whose answers are wrapped in {"status": "success", "data": ...}.
func (a api) prometheus(ctx context.Context, path string, values url.Values, data any) error {
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	method := http.MethodGet
	if values.Has("query") {
		method = http.MethodPost // an expression may be longer than a URL
	}
	if err := a.call(ctx, method, path, values, &answer); err != nil {
		return err
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return fmt.Errorf("%s: %w in %s", path, err, answer.Data)
	}
	return nil
}

// awaitReady returns when the server calls itself ready, which it may some time after it listens.
func awaitReady(t testing.TB, p *process, a api) {
	t.Helper()
	eventually(t, p, "/-/ready",
		func(ctx context.Context) (struct{}, error) {
			return struct{}{}, a.call(ctx, http.MethodGet, "/-/ready", nil, nil)
		},
		func(struct{}) error { return nil },
	)
}

// eventually reads until accept is content with what was read. It fails the test when the process ends or time is up.
func eventually[T any](t testing.TB, p *process, what string, read func(context.Context) (T, error), accept func(T) error) T {
	t.Helper()
	var value T
	err := poll(t, p.done, func() (err error) {
		if value, err = read(t.Context()); err == nil {
			err = accept(value)
		}
		return err
	})
	if err == nil {
		return value
	}
	select {
	case <-p.done:
		t.Fatalf("%s ended (%v) while waiting for %s: %v", p.name, p.err, what, err)
	default:
		t.Fatalf("%s: waited in vain for %s: %v\nlast read: %+v", p.name, what, err, value)
	}
	return value
}
