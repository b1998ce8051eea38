package trigger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/trigger"
)

// unclear are the answers after which it is unknown whether the ingestion began.
func unclear() map[string]http.HandlerFunc {
	status := func(code int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(code)
			_, _ = fmt.Fprint(w, body)
		}
	}
	cut := func(w http.ResponseWriter, head string) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = fmt.Fprint(connection, head)
			_ = connection.Close()
		}
	}
	return map[string]http.HandlerFunc{
		"500":         status(500, "application/json", `{"error":500,"errorCode":"UNEXPECTED_ERROR"}`),
		"502":         status(502, "text/html", "<html>"),
		"503":         status(503, "application/json", `{}`),
		"504":         status(504, "text/html", ""),
		"408":         status(408, "application/json", `{}`),
		"a web page":  status(200, "text/html", "<html>"),
		"no run":      status(200, "application/json", `{}`),
		"not JSON":    status(200, "application/json", `{"_id":`),
		"no content":  status(204, "application/json", ""),
		"lost":        func(w http.ResponseWriter, _ *http.Request) { cut(w, "") },
		"half a head": func(w http.ResponseWriter, _ *http.Request) { cut(w, "HTTP/1.1 200 O") },
		"half a body": func(w http.ResponseWriter, _ *http.Request) {
			cut(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"_id\":")
		},
		"timeout": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
}

// TestUnclearButBegan checks that the command finds a run that began although the answer does not say so, and sends nothing
// again.
func TestUnclearButBegan(t *testing.T) {
	t.Parallel()
	for name, answer := range unclear() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if name == "timeout" {
				w.timeout = "2s"
			}
			w.pipeline.AddRun(atlassim.Run{SnapshotID: snapshotID, CreatedDate: time.Now().Add(-time.Second)}) // another's
			w.answers(func(out http.ResponseWriter, r *http.Request) {
				w.begin()
				answer(out, r)
			})
			printed, err := w.run(t.Context(), asJSON, func(o *trigger.Options) { o.Patience = time.Minute })
			if err != nil || w.runs() != 2 {
				t.Fatalf("%v, %d runs, notes %s", err, w.runs(), printed.notes)
			}
			var document struct {
				Outcome string
				Run     struct {
					ID string `json:"_id"`
				}
			}
			if err := json.Unmarshal([]byte(printed.out), &document); err != nil || document.Outcome != "accepted" || document.Run.ID != w.pipeline.Runs()[1].ID {
				t.Errorf("%v %s", err, printed.out)
			}
			if !strings.Contains(printed.notes, "does not say whether the ingestion began") || !strings.Contains(printed.notes, "nothing was sent again") {
				t.Errorf("notes: %s", printed.notes)
			}
		})
	}
}

// TestUnclearAndDidNotBegin checks that the command reports that no run began. Runs of other snapshots, and earlier ones of
// this snapshot, do not count.
func TestUnclearAndDidNotBegin(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"500", "a web page", "lost", "timeout"} { // each uses up all the patience
		answer := unclear()[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if name == "timeout" {
				w.timeout = "2s"
			}
			w.begin()
			w.answers(func(out http.ResponseWriter, r *http.Request) {
				w.org.Do(func() { w.pipeline.AddRun(atlassim.Run{}) })
				answer(out, r)
			})
			printed, err := w.run(t.Context(), asJSON)
			if err == nil || !strings.Contains(err.Error(), "no run of this snapshot began") || !strings.Contains(printed.out, `"outcome": "not_found"`) || w.runs() != 1 {
				t.Errorf("%v, %d runs, %s", err, w.runs(), printed.out)
			}
		})
	}
}

// TestRunIsListedLate checks that a run is found that is listed only after a while, although reading the list fails once.
func TestRunIsListedLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusBadGateway) })
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpListPipelineRuns, Status: 503, Skip: 2, Times: 1})
	looks := 0
	w.server.SetBeforePage(func(string, int) {
		if looks++; looks == 4 {
			w.pipeline.AddRun(atlassim.Run{SnapshotID: snapshotID})
		}
	})
	if printed, err := w.run(t.Context(), func(o *trigger.Options) { o.Patience = 10 * time.Second }); err != nil || !strings.Contains(printed.out, "PENDING") {
		t.Errorf("%v %+v", err, printed)
	}
	if got := w.server.Count(atlassim.OpListPipelineRuns); got < 5 {
		t.Errorf("the runs were read %d times", got)
	}
}

// TestRunsCannotBeRead checks that the command does not claim what it does not know.
func TestRunsCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		skip, times int // of the requests for the runs
		status      int
		began       bool
		want        string
	}{
		{"after", 1, 0, 503, true, "it is not known whether the ingestion began: Atlas failed (HTTP status 500): the pipeline's runs cannot be read: Atlas failed (HTTP status 503"},
		{"after, for good", 1, 0, 403, true, "it is not known whether the ingestion began"},
		{"before and after", 0, 0, 500, false, "it is not known whether the ingestion began"},
		{"before", 0, 1, 500, true, "the newest run of this snapshot is "},
		{"before, and none is there", 0, 1, 500, false, "no run of this snapshot began"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpListPipelineRuns, Authenticated: true, Status: test.status, Skip: test.skip, Times: test.times})
			w.answers(func(out http.ResponseWriter, _ *http.Request) {
				if test.began {
					w.begin()
				}
				out.WriteHeader(http.StatusInternalServerError)
			})
			printed, err := w.run(t.Context())
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "; and ", ": "), test.want) || printed.out != "" {
				t.Errorf("%v %+v", err, printed)
			}
		})
	}
}

// TestInterrupted interrupts the command before Atlas answers, and while it does.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.run(ended); err == nil || err.Error() != "interrupted: nothing was sent" || w.server.Count(atlassim.OpTriggerPipeline) != 0 {
		t.Errorf("%v", err)
	}
	for _, began := range []bool{false, true} {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		w.answers(func(_ http.ResponseWriter, r *http.Request) {
			if began {
				w.begin()
			}
			cancel()
			<-r.Context().Done()
		})
		printed, err := w.run(ctx, func(o *trigger.Options) { o.Patience = time.Hour })
		if began && (err != nil || !strings.Contains(printed.out, "PENDING")) || !began && (err == nil || !strings.Contains(err.Error(), "no run of this snapshot began")) {
			t.Errorf("began %t: %v %+v", began, err, printed)
		}
		if !strings.Contains(printed.notes, "interrupted before the answer came") {
			t.Errorf("%s", printed.notes)
		}
	}
}

// TestDefaultPatience checks that the runs are read if no patience is given.
func TestDefaultPatience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(func(out http.ResponseWriter, _ *http.Request) {
		w.begin()
		out.WriteHeader(http.StatusBadGateway)
	})
	if printed, err := w.run(t.Context(), func(o *trigger.Options) { o.Patience = 0 }); err != nil || !strings.Contains(printed.out, "PENDING") {
		t.Errorf("%v %+v", err, printed)
	}
}

// TestLastLookEnds checks that an interrupted command does not wait for all its patience while Atlas hangs.
func TestLastLookEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.answers(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpListPipelineRuns, Authenticated: true, Skip: 1, Handler: func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}})
	if _, err := w.run(ctx, func(o *trigger.Options) { o.Patience = time.Hour }); err == nil || !strings.Contains(err.Error(), "cannot be read: no answer in time") {
		t.Errorf("%v", err)
	}
}
