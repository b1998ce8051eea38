package drill

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// page is an alert that reached the people on duty: one beginning of one set of labels.
type page struct {
	labels  map[string]string
	starts  time.Time // as Prometheus says
	arrived time.Time
	// resolved is when the end of it arrived, zero while it has not.
	resolved time.Time
}

// receiver takes Alertmanager's webhooks.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	pages  []*page
	byKey  map[string]*page
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{byKey: map[string]*page{}}
	r.server = httptest.NewServer(http.HandlerFunc(r.receive))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) receive(w http.ResponseWriter, request *http.Request) {
	var message struct {
		Alerts []struct {
			Status      string            `json:"status"`
			Labels      map[string]string `json:"labels"`
			StartsAt    time.Time         `json:"startsAt"`
			Fingerprint string            `json:"fingerprint"`
		} `json:"alerts"`
	}
	if err := json.NewDecoder(request.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, alert := range message.Alerts {
		key := alert.Fingerprint + " " + alert.StartsAt.String()
		known := r.byKey[key]
		switch {
		case known == nil && alert.Status == "firing":
			known = &page{labels: alert.Labels, starts: alert.StartsAt, arrived: now}
			r.byKey[key] = known
			r.pages = append(r.pages, known)
		case known != nil && alert.Status == "resolved":
			known.resolved = now
		}
	}
}

// received returns the pages so far, in the order in which they arrived.
func (r *receiver) received() []page {
	r.mu.Lock()
	defer r.mu.Unlock()
	pages := make([]page, len(r.pages))
	for i, p := range r.pages {
		pages[i] = *p
	}
	return slices.Clip(pages)
}
