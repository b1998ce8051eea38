// Package healthcheck implements the command healthcheck: it asks a running exporter whether it is alive. Container
// images without a shell and an HTTP client need it.
package healthcheck

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// timeout is much longer than the exporter needs for this answer, and shorter than the usual timeouts of health checks.
const timeout = 3 * time.Second

// Ask returns nil if the exporter at an address ("host:port", or "https://host:port" if it serves TLS) is alive: if it
// answers /-/healthy within three seconds with 200, or with 401 because it wants a password. Ask uses no proxy and
// verifies no certificate. It fails if the exporter requires client certificates.
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
			// The certificate is for the name that other clients use, and neither the request nor the answer is secret.
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, //nolint:gosec // for the reason above
		},
		// The exporter never redirects, so a redirect comes from something else.
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
	case http.StatusBadRequest: // net/http's answer to plain HTTP on a TLS port
		return fmt.Errorf("%s answers %s: if the exporter serves TLS, begin the address with https://", request.URL, response.Status)
	}
	return fmt.Errorf("%s answers %s", request.URL, response.Status)
}
