package harness

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// AlertmanagerServer is an Alertmanager process that belongs to one test.
type AlertmanagerServer struct{ *process }

// Alert is an alert in Alertmanager.
type Alert struct{ Labels, Annotations map[string]string }

// StartAlertmanager starts an Alertmanager without peers, and returns when it is ready. config is YAML. The cleanup of the
// test kills the process and removes its data.
func StartAlertmanager(t testing.TB, config string) *AlertmanagerServer {
	t.Helper()
	path := Tool(t, "alertmanager")
	dir := t.TempDir()
	writeFile(t, dir, "alertmanager.yml", config)
	server := &AlertmanagerServer{startProcess(t, "alertmanager", syscall.SIGKILL, os.Environ(), path,
		"--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
		"--cluster.listen-address=", // no cluster
	)}
	server.awaitReady(t)
	return server
}

// Eventually polls the active alerts, including silenced and inhibited ones, until accept returns nil. It returns the
// accepted alerts. It fails the test with the last error of accept after two minutes, or when the server exits.
func (s *AlertmanagerServer) Eventually(t testing.TB, accept func([]Alert) error) []Alert {
	t.Helper()
	read := func(ctx context.Context) (alerts []Alert, err error) {
		err = s.call(ctx, http.MethodGet, "/api/v2/alerts", &alerts)
		return alerts, err
	}
	return eventually(t, s.process, "alerts", read, accept)
}
