package atlasapi

import (
	"fmt"
	"net/url"
	"strings"
)

// CheckProxy returns an error where a proxy variable of the environment is no address of a proxy: Go would ignore it,
// or connect to a host that is part of it. The error does not show the value, which may hold a password.
func CheckProxy(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if value := getenv(name); value != "" && !isProxy(value) {
			return fmt.Errorf("%s is no address such as http://user:password@host:3128: "+
				"in the user and the password, percent-encode what is no letter and no digit", name)
		}
	}
	return nil
}

// isProxy reports whether Go reads an address as it was meant: with a scheme that it knows or none, a host, and nothing
// behind it, where the rest of a password that was not encoded would be.
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
