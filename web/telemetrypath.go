package web

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckTelemetryPath returns why a path cannot be that of the metrics, or nil.
func CheckTelemetryPath(path string) error {
	taken := []string{"/", "/probe", "/sd", "/-/healthy", "/-/ready", "/-/reload"}
	switch {
	case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "{} \t\r\n?#"):
		return errors.New("a path such as /metrics is expected")
	case slices.Contains(taken, path):
		return fmt.Errorf("%s serves something else: choose a path such as /metrics", path)
	}
	return nil
}
