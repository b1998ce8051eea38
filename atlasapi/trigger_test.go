package atlasapi_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// ingest starts an ingestion with a role that may.
func (w *world) ingest(i atlasapi.Ingestion) (atlasapi.PipelineRun, error) {
	w.server.AllowServiceAccount(atlassim.ServiceAccount{ClientID: clientID, ClientSecret: clientSecret, Role: atlassim.ProjectOwner})
	w.server.AllowAPIKey(atlassim.APIKey{PublicKey: publicKey, PrivateKey: privateKey, Role: atlassim.ProjectOwner})
	return atlasapi.NewTrigger(w.client).Start(w.t.Context(), w.project.ID, pipelineName, i)
}

func TestIngestionBody(t *testing.T) {
	t.Parallel()
	snapshot := objectID(jobID)
	for want, ingestion := range map[string]atlasapi.Ingestion{
		`{"snapshotId":"` + jobID + `"}`: {SnapshotID: snapshot},
		`{"snapshotId":"` + jobID + `","datasetRetentionPolicy":{"units":"WEEKS","value":4}}`: {
			SnapshotID: snapshot, Retention: set(atlasapi.RetentionPolicy{Units: "WEEKS", Value: 4}),
		},
	} {
		if got := string(ingestion.Body()); got != want {
			t.Errorf("the body is %s, want %s", got, want)
		}
	}
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	withEachScheme(t, func(w *world) {
		t := w.t
		w.answers(atlassim.OpTriggerPipeline, fixture(t, "run.json"))
		sent := w.requests(func(r *http.Request) string {
			if !strings.HasSuffix(r.URL.Path, "/trigger") {
				return "" // the token endpoint reads its body itself
			}
			body, _ := io.ReadAll(r.Body)
			return r.Header.Get("Content-Type") + " " + string(body)
		})
		ingestion := atlasapi.Ingestion{SnapshotID: objectID(jobID)}
		run, err := w.ingest(ingestion)
		if err != nil || run.ID.String() != jobID || run.State != "PENDING" || run.Phase != "SNAPSHOT" {
			t.Fatalf("%+v (%v)", run, err)
		}
		const v1 = "application/vnd.atlas.2023-01-01+json"
		if all := sent(); all[len(all)-1] != v1+" "+string(ingestion.Body()) || w.server.Answered(atlassim.OpTriggerPipeline) != 1 {
			t.Errorf("sent %q", all)
		}
		requests := w.server.Requests()
		got := requests[len(requests)-1]
		want := atlassim.Request{
			Operation: atlassim.OpTriggerPipeline, Method: http.MethodPost,
			Path:   "/api/atlas/v2/groups/" + w.project.ID + "/pipelines/a%3Fb%23c%25d%20%C3%A9/trigger",
			Accept: v1, UserAgent: userAgent, Authenticated: true, Status: http.StatusOK, At: got.At,
		}
		if got != want {
			t.Errorf("sent %+v\nwant %+v", got, want)
		}
		shown := atlasapi.NewTrigger(w.client).Request(w.project.ID, pipelineName, ingestion)
		if shown.Method != got.Method || shown.URL != w.server.URL()+got.Path || shown.ContentType != v1 || string(shown.Body) != string(ingestion.Body()) {
			t.Errorf("shown as %+v, sent as %+v", shown, got)
		}
	})
}

// TestTriggerForReal checks that the simulated Atlas, which reads the body, starts the run.
func TestTriggerForReal(t *testing.T) {
	t.Parallel()
	withEachScheme(t, func(w *world) {
		t := w.t
		run, err := w.ingest(atlasapi.Ingestion{
			SnapshotID: objectID(jobID), Retention: set(atlasapi.RetentionPolicy{Units: "MONTHS", Value: 6}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if run.SnapshotID.String() != jobID || run.RetentionPolicy.Value.Units != "MONTHS" || run.RetentionPolicy.Value.Value != 6 {
			t.Errorf("%+v", run)
		}
		if runs := w.pipeline.Runs(); len(runs) != 1 || runs[0].ID != run.ID.String() {
			t.Errorf("%d runs", len(runs))
		}
	})
}

// TestTriggerIsSentOnce checks that the request is not retried after any failure: the ingestion may have begun.
func TestTriggerIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, test := range passing() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setup) { s.client.MaxRetries, s.client.RequestTimeout = 3, 500*time.Millisecond })
			w.mustReadProject(t) // leaves a used connection
			fault := test.fault
			fault.Operation, fault.Authenticated = atlassim.OpTriggerPipeline, true
			w.server.Inject(fault)
			_, err := w.ingest(atlasapi.Ingestion{SnapshotID: objectID(jobID)})
			wantFailure(t, err, atlassim.OpTriggerPipeline, test.kind)
			again := slices.ContainsFunc(w.watch.retried(), func(retry string) bool { return strings.HasPrefix(retry, atlassim.OpTriggerPipeline) })
			if got := w.server.Answered(atlassim.OpTriggerPipeline); got != 1 || again {
				t.Errorf("sent %d times, retries observed: %v", got, w.watch.retried())
			}
		})
	}
}

func TestTriggerFails(t *testing.T) {
	t.Parallel()
	for _, body := range append(badDocuments(), `{}`, `{"_id":null}`, `{"id":"`+jobID+`"}`, `{"_id":"`+jobID+`"}x`) {
		w := newWorld(t)
		w.answers(atlassim.OpTriggerPipeline, body)
		_, err := w.ingest(atlasapi.Ingestion{SnapshotID: objectID(jobID)})
		if err == nil {
			t.Errorf("%q is accepted as an answer", body)
			continue
		}
		wantFailure(t, err, atlassim.OpTriggerPipeline, atlasapi.KindBadResponse)
	}
	w := newWorld(t)
	_, err := atlasapi.NewTrigger(w.client).Start(t.Context(), "0123456789abcdef01234567", pipelineName, atlasapi.Ingestion{})
	wantFailure(t, err, atlassim.OpTriggerPipeline, atlasapi.KindNotFound)
}
