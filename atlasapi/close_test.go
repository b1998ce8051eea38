package atlasapi_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestCloseLeavesNoConnection closes a client in the middle of a list, as a reload does with the old client: the read
// continues to its end, and no connection stays open after it.
func TestCloseLeavesNoConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster.GenerateExports(1200, func(n int) atlassim.Export {
		return atlassim.Export{CreatedAt: noon().Add(time.Duration(n-1200) * time.Hour), State: atlassim.ExportSuccessful}
	})
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	server := httptest.NewUnstartedServer(w.server)
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if open[conn] = true; state == http.StateClosed {
			delete(open, conn)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := w.connect(atlasapi.Options{
		BaseURL: parseURL(t, server.URL), Credentials: atlasapi.NewServiceAccount(clientID, clientSecret),
	})

	jobs := 0
	for _, err := range client.ExportJobs(w.project.ID, clusterName).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if jobs++; jobs == 1 {
			client.Close()
		}
	}
	if jobs != 1200 {
		t.Fatalf("read %d jobs, want 1200", jobs)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		left := len(open)
		mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open after the last reading of a closed client", left)
		}
	}
}
