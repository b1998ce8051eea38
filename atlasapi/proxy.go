package atlasapi

import (
	"fmt"
	"net/url"
	"strings"
)

// CheckProxy returns an error if a proxy variable of the environment is not the URL of a proxy. Go would ignore it, or
// connect to a wrong host. The error does not contain the value, which may hold a password.
func CheckProxy(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if value := getenv(name); value != "" && !isProxy(value) {
			return fmt.Errorf("%s is not a URL such as http://user:password@host:3128: "+
				"in the user and the password, percent-encode what is no letter and no digit", name)
		}
	}
	return nil
}

// isProxy reports whether Go will understand a proxy URL as the user meant it: a known scheme or none, a host, and
// nothing after the host. Something after it may be the rest of a password that was not percent-encoded.
func isProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return true
	}
	return false
}
