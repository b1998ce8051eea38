package atlasapi_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// breaksMints has the answers to requests for a token broken off in the middle: so many of them, or all for 0.
func (w *world) breaksMints(times int, end func(net.Conn)) {
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Times: times, Handler: func(out http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(out).Hijack()
		if err != nil {
			w.t.Error(err)
			return
		}
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"access_token\":\""+marker)
		end(connection)
	}})
}

func resets(connection net.Conn) {
	_ = connection.(*net.TCPConn).SetLinger(0)
	_ = connection.Close()
}

func closes(connection net.Conn) { _ = connection.Close() }

// TestTokenBreaksOff has a token's answer fail while it is read, which is no answer of Atlas's, and asked for again.
func TestTokenBreaksOff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(net.Conn)
		kind atlasapi.Kind
	}{{"reset", resets, atlasapi.KindNetwork}, {"closed", closes, atlasapi.KindBadResponse}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.breaksMints(0, test.end)
			_ = failedAs(t, w.readProject(t.Context()), atlassim.OpToken, test.kind)

			again := newWorld(t, func(s *setup) { s.client.MaxRetries = 1 })
			again.breaksMints(1, test.end)
			if err := again.readProject(t.Context()); err != nil {
				t.Errorf("one that broke off is not asked for again: %v", err)
			}
			if got := again.server.Count(atlassim.OpToken); got != 2 {
				t.Errorf("%d requests for a token", got)
			}
		})
	}
}
