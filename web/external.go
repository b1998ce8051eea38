package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ParseExternalURL parses the URL under which users and Prometheus reach the exporter. It returns nil for "".
func ParseExternalURL(given string) (*url.URL, error) {
	if given == "" {
		return nil, nil //nolint:nilnil // no address is no error
	}
	u, err := url.Parse(given)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || !isAddress(u.Host):
		return nil, errors.New("a URL such as https://prometheus.example/atlas/ is expected")
	case u.User != nil:
		return nil, errors.New("a URL without user and password is expected: scrape configurations have their own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("a URL without a query and a fragment is expected")
	}
	return u, nil
}

// Address returns the URL of the page, for a browser on this machine, of a server that listens on l.
func Address(l net.Listener, external *url.URL) string {
	if external != nil {
		return external.String()
	}
	u := url.URL{Scheme: "https", Host: l.Addr().String(), Path: "/"}
	if _, plain := l.(*net.TCPListener); plain { // for TLS, the toolkit wraps the listener
		u.Scheme = "http"
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok && (at.IP.IsLoopback() || at.IP.IsUnspecified()) {
		u.Host = net.JoinHostPort("localhost", strconv.Itoa(at.Port))
	}
	return u.String()
}

// pathPrefix returns the unescaped path of an external URL without a trailing slash: "" or "/atlas".
func pathPrefix(external *url.URL) string {
	if external == nil {
		return ""
	}
	return strings.TrimRight(external.Path, "/")
}

// belowPrefix also serves all paths below the prefix, for a proxy that does not remove the prefix.
func belowPrefix(prefix string, h http.Handler) http.Handler {
	if prefix == "" {
		return h
	}
	stripped := http.StripPrefix(prefix, h)
	page := url.URL{Path: prefix + "/"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == prefix: // the page's links are relative to the slash
			http.Redirect(w, r, page.String(), http.StatusTemporaryRedirect)
		case strings.HasPrefix(r.URL.Path, page.Path):
			stripped.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}
