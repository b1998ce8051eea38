package atlasapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestExchanges checks what the observer gets for a request.
func TestExchanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) {
		s.sim.Deprecations = map[string]atlassim.Deprecation{
			atlassim.OpListClusters: {Deprecated: noon(), Sunset: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)},
		}
	})
	if err := failureOf(w.client.Clusters(w.project.ID).All(t.Context())); err != nil {
		t.Fatal(err)
	}
	got := w.watch.of(atlassim.OpListClusters)
	if len(got) != 1 {
		t.Fatalf("%d exchanges: %+v", len(got), got)
	}
	if got[0].Duration <= 0 {
		t.Errorf("it took %s", got[0].Duration)
	}
	got[0].Duration = 0
	want := atlasapi.Exchange{
		Endpoint: atlassim.OpListClusters, Method: http.MethodGet, Path: "/api/atlas/v2/groups/" + w.project.ID + "/clusters",
		GroupID: w.project.ID, Version: "2024-08-05", Status: http.StatusOK,
		RateLimit: set(atlasapi.RateLimit{Limit: 10000, Remaining: 9999}), Sunset: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC),
	}
	if got[0] != want {
		t.Errorf("observed %+v\nwant     %+v", got[0], want)
	}
	if token := w.watch.of(atlassim.OpToken); len(token) != 1 || token[0].Method != http.MethodPost || token[0].Status != http.StatusOK ||
		token[0].Path != "/api/oauth/token" || token[0].GroupID != "" || token[0].Version != "" || token[0].RateLimit.Set || !token[0].Sunset.IsZero() {
		t.Errorf("observed of the token %+v", token)
	}
}

// TestSegments reads pipelines whose names contain special characters of a path.
func TestSegments(t *testing.T) {
	t.Parallel()
	withEachScheme(t, func(w *world) {
		t := w.t
		for _, name := range []string{".", "..", "...", "%2F", "a/b", "a;b,c=d&e+f", "ünï\u00a0cödé", "a:b@c!*'()", `\`} {
			run := w.project.AddPipeline(name, atlassim.PipelineOptions{}).AddRun(atlassim.Run{})
			runs, err := collect(w.client.PipelineRuns(w.project.ID, name).All(t.Context()))
			if err != nil || len(runs) != 1 || runs[0].ID.String() != run.ID {
				t.Errorf("the pipeline %q has the runs %v, want %s (%v)", name, runs, run.ID, err)
			}
		}
	})
}

// TestBasePath reads from a base URL with a path, like that of a gateway.
func TestBasePath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/a%2Fgate%20way", "/a%2Fgate%20way/"} {
		options := w.options
		options.BaseURL = parseURL(t, w.server.URL()+path)
		options.Credentials = atlasapi.NewServiceAccount(clientID, clientSecret)
		_, err := w.connect(options).Project(t.Context(), w.project.ID)
		wantFailure(t, err, atlassim.OpToken, atlasapi.KindUnauthorized) // the simulated Atlas has no such path
		requests := w.server.Requests()
		if got := requests[len(requests)-1].Path; got != "/a%2Fgate%20way/api/oauth/token" {
			t.Errorf("the token is requested at %s", got)
		}
		options.Credentials = atlasapi.NewAPIKey(publicKey, privateKey)
		_, err = w.connect(options).Project(t.Context(), w.project.ID)
		wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindNotFound)
		requests = w.server.Requests()
		if got := requests[len(requests)-1]; got.Path != "/a%2Fgate%20way/api/atlas/v2/groups/"+w.project.ID || !got.Authenticated {
			t.Errorf("the project is requested at %+v", got)
		}
	}
}
