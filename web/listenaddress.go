package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// CheckListenAddress returns an error if the server cannot listen on an address because of its form. It leaves vsock
// addresses to the exporter toolkit.
func CheckListenAddress(ctx context.Context, address string) error {
	if strings.HasPrefix(address, "vsock://") {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		if _, err = net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
			return fmt.Errorf("%s is no port: a number from 0 to 65535 is expected", port)
		}
		return nil
	}
	_, noPort := net.DefaultResolver.LookupPort(ctx, "tcp", address)
	switch {
	case address == "":
		return errors.New("an address such as :9972 is expected, but it is empty")
	case noPort == nil:
		return fmt.Errorf("%s has no colon: write :%s", address, address)
	case strings.Contains(address, "://"):
		return fmt.Errorf("%s is a URL: an address such as :9972 or 127.0.0.1:9972 is expected", address)
	case net.ParseIP(strings.Trim(address, "[]")) != nil:
		return fmt.Errorf("%s has no port: write %s", address, net.JoinHostPort(strings.Trim(address, "[]"), "9972"))
	case strings.Contains(address, ":"):
		return fmt.Errorf("%s is no address: :9972, 127.0.0.1:9972 or [::1]:9972 is expected", address)
	}
	return fmt.Errorf("%s has no port: write %s:9972", address, address)
}
