package web

import (
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// idle is a daemon that gets no requests.
type idle struct {
	Daemon

	registry *prometheus.Registry
}

func (d idle) Registry() *prometheus.Registry { return d.registry }

// TestCheckTelemetryPath also checks that every accepted path can be served beside the others.
func TestCheckTelemetryPath(t *testing.T) {
	for path, want := range map[string]string{
		"/metrics": "", "/a/b/": "", "/-/": "", "/m%65trics": "", "/%2Fmetrics": "", "/é": "", "/...": "",
		"metrics": "is expected", "": "is expected", "/m etrics": "is expected", "/{m}": "is expected", "/m?x": "is expected", "/m%6": "is expected",
		"/": "serves something else", "/sd": "serves something else", "/%73d": "serves something else",
		"//": "serves something else", "/a//b": "another way to write /a/b", "/a/../sd": "serves something else", "/sd/": "serves something else", "/a/../b": "another way to write /b", "/./m": "another way to write /m",
	} {
		t.Run(strconv.Quote(path), func(t *testing.T) {
			err := CheckTelemetryPath(path)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want %q", err, want)
			}
			if err == nil {
				handler(idle{registry: prometheus.NewRegistry()}, Options{TelemetryPath: path}) // panics where patterns conflict
			}
		})
	}
}
