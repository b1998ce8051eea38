// Package healthcheck asks a running exporter whether it is alive, for container images that have no shell and no HTTP
// client to do so.
package healthcheck

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// timeout is far longer than an answer that needs no reading takes, and shorter than who asks is ready to wait.
const timeout = 3 * time.Second

// Ask returns nil when the exporter at the address ("host:port", or "https://host:port" where it serves TLS) shows within three
// seconds that it is alive: by 200 on /-/healthy, or by 401, which is how one answers that wants a password, and Ask has none.
// It uses no proxy, and looks at no certificate. It fails where the exporter demands one of its clients.
func Ask(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/-/healthy", http.NoBody)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			// The certificate is for the name by which others know the exporter, and what is asked is no secret.
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, //nolint:gosec // as said above
		},
		// An exporter does not redirect; whatever does is something else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK, http.StatusUnauthorized:
		return nil
	case http.StatusBadRequest: // what net/http answers to plain HTTP where it serves TLS
		return fmt.Errorf("%s answers %s: where the exporter serves TLS, the address begins with https://", request.URL, response.Status)
	}
	return fmt.Errorf("%s answers %s", request.URL, response.Status)
}
