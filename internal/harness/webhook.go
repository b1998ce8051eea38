package harness

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

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
