package atlassim_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestFaults(t *testing.T) {
	_, org, p, cluster := small()
	c := serve(t, org, atlassim.Options{})
	remove := c.server.Inject(atlassim.Fault{
		Operation: atlassim.OpListBackupExports, Status: 503, Code: "SERVICE_UNAVAILABLE", Skip: 1, Times: 2,
		Header: http.Header{"Retry-After": {"4"}},
	})
	c.page(exports(cluster))
	for range 2 {
		c.fails(exports(cluster), http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
	}
	c.page(exports(cluster))
	remove()

	remove = c.server.Inject(atlassim.Fault{
		Path: "/api/atlas/v2/groups/*/clusters", Method: http.MethodGet, Status: 200, Body: "<html>",
		Header: http.Header{"Content-Type": {"text/html"}},
	})
	response, body := c.get("/groups/" + p.ID + "/clusters")
	if response.StatusCode != http.StatusOK || string(body) != "<html>" || response.Header.Get("Content-Type") != "text/html" {
		t.Errorf("answers %d %s", response.StatusCode, body)
	}
	c.page(exports(cluster)) // another path
	remove()
	c.page("/groups/" + p.ID + "/clusters")

	remove = c.server.Inject(atlassim.Fault{
		Match: func(r *http.Request) bool { return r.URL.Query().Get("pageNum") == "2" },
		Handler: func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = connection.Close()
		},
	})
	c.page("/groups?pageNum=1")
	request := c.request(http.MethodGet, "/api/atlas/v2/groups?pageNum=2", nil)
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("a connection that was cut has an answer")
	}
	remove()
}

func TestFaultAfterSignIn(t *testing.T) {
	_, org, _, _ := small()
	c := serve(t, org, atlassim.Options{})
	c.server.Inject(atlassim.Fault{Authenticated: true, Status: 403, Code: "IP_ADDRESS_NOT_ON_ACCESS_LIST"})
	response, _ := c.send(c.request(http.MethodGet, "/api/atlas/v2/groups", nil))
	if response.StatusCode != http.StatusUnauthorized || response.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("without credentials: %d", response.StatusCode)
	}
	c.signIn() // the access list is checked when a token is used
	c.fails("/groups", http.StatusForbidden, "IP_ADDRESS_NOT_ON_ACCESS_LIST")
}

func TestDelay(t *testing.T) {
	_, org, _, _ := small()
	c := serve(t, org, atlassim.Options{})
	remove := c.server.Inject(atlassim.Fault{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	response, err := http.DefaultClient.Do(c.request(http.MethodGet, "/api/atlas/v2/groups", nil).WithContext(ctx))
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a delayed request ends with %v", err)
	}
	remove()
	c.page("/groups")
}

func TestRequests(t *testing.T) {
	_, org, p, _ := small()
	c := serve(t, org, atlassim.Options{RecordLimit: 5})
	c.server.ResetRequests()
	request := c.request(http.MethodGet, "/api/atlas/v2/groups/"+p.ID+"/pipelines/a%2Fb/runs?pageNum=3", nil)
	request.Header.Set("User-Agent", "tester/1")
	_, body := c.send(request)
	got := c.server.Requests()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	want := atlassim.Request{
		Operation: atlassim.OpListPipelineRuns, Method: "GET", Path: "/api/atlas/v2/groups/" + p.ID + "/pipelines/a%2Fb/runs",
		Query: "pageNum=3", Accept: newest, UserAgent: "tester/1", Status: 401, At: got[0].At,
	}
	if got[0] != want {
		t.Errorf("recorded %+v", got[0])
	}
	if c.server.BytesSent() != int64(len(body)) {
		t.Errorf("%d bytes sent, want %d", c.server.BytesSent(), len(body))
	}
	for range 23 {
		c.page("/groups")
	}
	if got := c.server.Requests(); len(got) != 5 || !got[4].Authenticated || got[4].Status != 200 {
		t.Errorf("the record contains %d requests: %+v", len(got), got)
	}
	if c.server.Count("") != 24 || c.server.Answered("") != 23 {
		t.Errorf("%d requests counted, %d signed in", c.server.Count(""), c.server.Answered(""))
	}
}
