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
type AlertmanagerServer struct{ *process }

// Alert is an alert that Alertmanager holds.
type Alert struct{ Labels, Annotations map[string]string }

// StartAlertmanager runs an Alertmanager without peers, and returns when it is ready. The configuration is YAML. The
// test's cleanup kills it and removes its data.
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

// Eventually reads the alerts that have not ended, silenced and inhibited ones included, again and again until accept
// returns nil, and returns those that it accepted. It fails the test, with accept's last error, when that takes minutes or
// the server ends.
func (s *AlertmanagerServer) Eventually(t testing.TB, accept func([]Alert) error) []Alert {
	t.Helper()
	read := func(ctx context.Context) (alerts []Alert, err error) {
		err = s.call(ctx, http.MethodGet, "/api/v2/alerts", &alerts)
		return alerts, err
	}
	return eventually(t, s.process, "alerts", read, accept)
}
