package harness

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// AlertmanagerServer is a running Alertmanager of one test's own.
type AlertmanagerServer struct {
	process *process
	api     api
}

// StartAlertmanager runs an Alertmanager without peers, and returns when it is ready. The configuration is YAML. The
// test's cleanup kills it and removes its data.
func StartAlertmanager(t testing.TB, config string) *AlertmanagerServer {
	t.Helper()
	path := Alertmanager(t)
	dir := t.TempDir()
	writeFile(t, dir, "alertmanager.yml", config)
	server := &AlertmanagerServer{}
	server.process = startProcess(t, "alertmanager", syscall.SIGKILL, os.Environ(), path,
		"--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
		"--cluster.listen-address=", // no cluster
	)
	server.api = api{base: server.process.listening(t)}
	awaitReady(t, server.process, server.api)
	return server
}

// URL is where the server answers, without a trailing slash.
func (s *AlertmanagerServer) URL() string { return s.api.base }

// Logs is everything that the server has logged so far.
func (s *AlertmanagerServer) Logs() string { return s.process.logs.String() }

// Alerts returns the alerts that have not ended, silenced and inhibited ones included.
func (s *AlertmanagerServer) Alerts(ctx context.Context) ([]Alert, error) {
	var alerts []Alert
	err := s.api.call(ctx, http.MethodGet, "/api/v2/alerts", nil, &alerts)
	return alerts, err
}

// Eventually reads the alerts again and again until accept returns nil, and returns those that it accepted. It fails the
// test, with accept's last error, when that takes minutes or the server ends.
func (s *AlertmanagerServer) Eventually(t testing.TB, accept func([]Alert) error) []Alert {
	t.Helper()
	return eventually(t, s.process, "alerts", s.Alerts, accept)
}
