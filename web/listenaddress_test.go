package web

import (
	"strconv"
	"testing"
)

func TestCheckListenAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":9972": "", "127.0.0.1:0": "", "[::1]:9972": "", "localhost:9972": "", "[fe80::1%eth0]:9972": "", "vsock://:9972": "",
		"":                      "an address such as :9972 is expected, but it is empty",
		"9974":                  "9974 has no colon: write :9974",
		"localhost":             "localhost has no port: write localhost:9972",
		"192.0.2.1":             "192.0.2.1 has no port: write 192.0.2.1:9972",
		"[::1]":                 "[::1] has no port: write [::1]:9972",
		"2001:db8::7":           "2001:db8::7 has no port: write [2001:db8::7]:9972",
		"[::1]9972":             "[::1]9972 is no address: :9972, 127.0.0.1:9972 or [::1]:9972 is expected",
		":99999":                "99999 is no port: a number from 0 to 65535 is expected",
		"localhost:-1":          "-1 is no port: a number from 0 to 65535 is expected",
		"http://localhost:9972": "http://localhost:9972 is a URL: an address such as :9972 or 127.0.0.1:9972 is expected",
	} {
		t.Run(strconv.Quote(address), func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := CheckListenAddress(t.Context(), address); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
