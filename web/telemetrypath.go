package web

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// ownPaths returns the fixed paths of the exporter.
func ownPaths() []string {
	return []string{"/", "/probe", "/sd", "/-/healthy", "/-/ready", "/-/reload"}
}

// CheckTelemetryPath returns an error if a path cannot be the path of the metrics.
func CheckTelemetryPath(given string) error {
	decoded, err := url.PathUnescape(given)
	switch {
	case err != nil || !strings.HasPrefix(given, "/") || strings.ContainsAny(given, "{} \t\r\n?#"):
		return errors.New("a path such as /metrics is expected")
	case slices.Contains(ownPaths(), path.Clean(decoded)):
		return fmt.Errorf("%s serves something else: choose a path such as /metrics", given)
	case path.Clean(given) != strings.TrimSuffix(given, "/"): // ServeMux cleans the path of a request, too
		return fmt.Errorf("%s is another way to write %s", given, path.Clean(given))
	}
	return nil
}
