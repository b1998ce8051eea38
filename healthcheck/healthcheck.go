// Package healthcheck asks a running exporter whether it is alive, for container images that have no shell and no HTTP
// client to do so.
package healthcheck

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// timeout is far longer than an answer that needs no reading takes, and shorter than who asks is ready to wait.
const timeout = 3 * time.Second

// Ask returns nil when the exporter at the address ("host:port") answers 200 on /-/healthy within three seconds. It asks by
// plain HTTP, without credentials and without a proxy.
func Ask(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/healthy", http.NoBody)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	client := http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		// An exporter does not redirect; whatever does is something else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", request.URL, response.Status)
	}
	return nil
}
