package harness

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
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
	server := &AlertmanagerServer{startProcess(t, "alertmanager", syscall.SIGKILL, os.Environ(), path,
		"--config.file="+WriteFile(t, filepath.Join(t.TempDir(), "alertmanager.yml"), config),
		"--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
		"--cluster.listen-address=", // no cluster
	)}
	server.awaitReady(t)
	return server
}

// Eventually polls the active alerts, including silenced and inhibited ones, until accept returns nil. It returns the
// accepted alerts. It fails the test with the last error of accept after two minutes, or when the server exits.
func (s *AlertmanagerServer) Eventually(t testing.TB, accept func([]Alert) error) (alerts []Alert) {
	t.Helper()
	s.eventually(t, func() error {
		alerts = nil
		if err := s.call(t.Context(), http.MethodGet, "/api/v2/alerts", &alerts); err != nil {
			return err
		}
		return accept(alerts)
	})
	return alerts
}

// Notification is one request of Alertmanager to a webhook.
type Notification struct {
	Arrived time.Time
	Alerts  []NotifiedAlert
}

// NotifiedAlert is an alert in a notification.
type NotifiedAlert struct {
	// Status is "firing" or "resolved".
	Status   string
	Labels   map[string]string
	StartsAt time.Time
	// Fingerprint identifies the label set.
	Fingerprint string
}

// Webhook receives the notifications of an Alertmanager.
type Webhook struct {
	URL string

	mu       sync.Mutex
	received []Notification
}

// StartWebhook listens for notifications until the test ends.
func StartWebhook(t testing.TB) *Webhook {
	t.Helper()
	w := &Webhook{}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// ServeHTTP receives a notification.
func (w *Webhook) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	n := Notification{Arrived: time.Now()}
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received = append(w.received, n)
}

// Received returns the notifications so far, in the order of their arrival.
func (w *Webhook) Received() []Notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.received)
}
