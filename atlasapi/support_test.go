package atlasapi_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	userAgent    = "mongodbatlas_backup_exporter/1.2.3"
	clientID     = "mdb_sa_id_65e2c0ffee"
	clientSecret = "mdb_sa_sk_VeryPrivate-1_2"
	publicKey    = "abcdefgh"
	privateKey   = "11111111-2222-3333-4444-VeryPrivate"

	clusterName  = "cluster0"
	pipelineName = "a?b#c%d é"
	jobID        = "6a7953692c88faeba59d5e01"

	// marker represents a download URL, which must not be shown.
	marker = "marker-5e4c3b2a"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

// setup contains the options of a world.
type setup struct {
	sim    atlassim.Options
	client atlasapi.Options
	digest bool // sign in with an API key
	wrong  bool // with a key or a secret that the server does not know
}

// world is a simulated Atlas with one project, and a client of it.
type world struct {
	t        *testing.T
	clock    *atlassim.ManualClock
	org      *atlassim.Organization
	project  *atlassim.Project
	cluster  *atlassim.Cluster
	pipeline *atlassim.Pipeline
	server   *atlassim.Server
	client   *atlasapi.Client
	watch    *watcher
	options  atlasapi.Options
}

// newWorld starts a server and returns a client that does not retry by default.
func newWorld(t *testing.T, changes ...func(*setup)) *world {
	t.Helper()
	w := &world{t: t, clock: atlassim.NewManualClock(noon()), watch: &watcher{}}
	w.org = atlassim.NewOrganization(w.clock)
	w.project = w.org.AddProject("payments")
	w.cluster = w.project.AddCluster(clusterName, atlassim.ClusterOptions{})
	w.pipeline = w.project.AddPipeline(pipelineName, atlassim.PipelineOptions{Cluster: clusterName})
	s := setup{client: atlasapi.Options{UserAgent: userAgent, Observer: w.watch}}
	for _, change := range changes {
		change(&s)
	}
	s.sim.ServiceAccounts = append(s.sim.ServiceAccounts, atlassim.ServiceAccount{ClientID: clientID, ClientSecret: clientSecret})
	s.sim.APIKeys = append(s.sim.APIKeys, atlassim.APIKey{PublicKey: publicKey, PrivateKey: privateKey})
	w.server = harness.StartAtlas(t, w.org, s.sim)
	suffix := ""
	if s.wrong {
		suffix = "Wrong"
	}
	if s.client.Credentials == nil {
		s.client.Credentials = atlasapi.NewServiceAccount(clientID, atlasapi.Secret(clientSecret+suffix))
		if s.digest {
			s.client.Credentials = atlasapi.NewAPIKey(publicKey, atlasapi.Secret(privateKey+suffix))
		}
	}
	s.client.BaseURL = parseURL(t, w.server.URL())
	w.options = s.client
	w.client = w.connect(s.client)
	return w
}

// connect returns another client.
func (w *world) connect(options atlasapi.Options) *atlasapi.Client {
	client := atlasapi.New(options)
	w.t.Cleanup(client.Close)
	return client
}

// schemes are the ways to sign in, and whether each uses digest authentication.
func schemes() map[string]bool { return map[string]bool{"service account": false, "API key": true} }

// readProject reads the world's project, which is a single request.
func (w *world) readProject(ctx context.Context) error {
	_, err := w.client.Project(ctx, w.project.ID)
	return err
}

func (w *world) mustReadProject(t *testing.T) {
	t.Helper()
	if err := w.readProject(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// answers answers every authenticated request of an operation with this body.
func (w *world) answers(operation, body string) {
	w.server.Inject(atlassim.Fault{Operation: operation, Authenticated: true, Status: http.StatusOK, Body: body})
}

// endpoint is one read operation of the client.
type endpoint struct {
	operation string
	path      string // below the base path, with %G for the project's id
	accept    string
	query     string
	read      func(context.Context, *world) error
}

// endpoints are all read operations of the client.
func endpoints() []endpoint {
	const (
		v1    = "application/vnd.atlas.2023-01-01+json"
		v2    = "application/vnd.atlas.2024-08-05+json"
		paged = "includeCount=false&itemsPerPage=500&pageNum=1"
		// The pipeline's name, escaped as a path segment according to RFC 3986.
		pipeline = "/groups/%G/pipelines/a%3Fb%23c%25d%20%C3%A9"
	)
	return []endpoint{
		{atlassim.OpListProjects, "/groups", v1, paged, func(ctx context.Context, w *world) error {
			return failureOf(w.client.Projects().All(ctx))
		}},
		{atlassim.OpGetProject, "/groups/%G", v1, "", func(ctx context.Context, w *world) error {
			return w.readProject(ctx)
		}},
		{atlassim.OpListClusters, "/groups/%G/clusters", v2, paged, func(ctx context.Context, w *world) error {
			return failureOf(w.client.Clusters(w.project.ID).All(ctx))
		}},
		{atlassim.OpListBackupExports, "/groups/%G/clusters/cluster0/backup/exports", v1, paged, func(ctx context.Context, w *world) error {
			return failureOf(w.client.ExportJobs(w.project.ID, clusterName).All(ctx))
		}},
		{atlassim.OpListBackupRestores, "/groups/%G/clusters/cluster0/backup/restoreJobs", v1, paged, func(ctx context.Context, w *world) error {
			return failureOf(w.client.RestoreJobs(w.project.ID, clusterName).All(ctx))
		}},
		{atlassim.OpGetBackupSchedule, "/groups/%G/clusters/cluster0/backup/schedule", v2, "", func(ctx context.Context, w *world) error {
			_, err := w.client.Schedule(ctx, w.project.ID, clusterName)
			return err
		}},
		{atlassim.OpListPipelines, "/groups/%G/pipelines", v1, "", func(ctx context.Context, w *world) error {
			_, err := w.client.Pipelines(ctx, w.project.ID)
			return err
		}},
		{atlassim.OpListPipelineRuns, pipeline + "/runs", v1, paged, func(ctx context.Context, w *world) error {
			return failureOf(w.client.PipelineRuns(w.project.ID, pipelineName).All(ctx))
		}},
	}
}

// isList reports whether an endpoint answers with pages.
func (e endpoint) isList() bool { return strings.Contains(e.query, "pageNum") }

// collect reads a whole list. It returns the items before an error, too.
func collect[T any](seq iter.Seq2[T, error]) (items []T, err error) {
	for item, err := range seq {
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

func failureOf[T any](seq iter.Seq2[T, error]) error {
	_, err := collect(seq)
	return err
}

// wantFailure checks that err is an *Error of a kind and an endpoint, without anything secret in its text.
func wantFailure(t *testing.T, err error, endpoint string, kind atlasapi.Kind) {
	t.Helper()
	_ = failedAs(t, err, endpoint, kind)
}

// failedAs is wantFailure, and returns the *Error, or an empty one if there is none.
func failedAs(t *testing.T, err error, endpoint string, kind atlasapi.Kind) *atlasapi.Error {
	t.Helper()
	failure, ok := errors.AsType[*atlasapi.Error](err)
	if !ok {
		t.Errorf("got %v (%T), want an *Error of kind %s", err, err, kind)
		return &atlasapi.Error{}
	}
	if failure.Kind != kind || failure.Endpoint != endpoint {
		t.Errorf("got kind %s of %q, want %s of %q: %v", failure.Kind, failure.Endpoint, kind, endpoint, err)
	}
	if !strings.HasPrefix(err.Error(), endpoint+": ") {
		t.Errorf("%q does not name the endpoint first", err)
	}
	wantNoSecret(t, err.Error())
	return failure
}

// wantNoSecret checks that a text contains neither a credential nor anything marked in a body.
func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{marker, clientSecret, privateKey, "simulated-token-"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows %q", text, secret)
		}
	}
}

// watcher is an Observer that remembers.
type watcher struct {
	mu        sync.Mutex
	exchanges []atlasapi.Exchange
	retries   []string
	throttled map[string]time.Duration
	onRetry   func()
}

func (w *watcher) Exchanged(e atlasapi.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, e)
}

func (w *watcher) Retried(endpoint string, reason atlasapi.Kind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retries = append(w.retries, endpoint+" "+reason.String())
	if w.onRetry != nil {
		w.onRetry()
	}
}

func (w *watcher) Throttled(endpoint string, waited time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.throttled == nil {
		w.throttled = map[string]time.Duration{}
	}
	w.throttled[endpoint] += waited
}

// of returns the exchanges of an operation.
func (w *watcher) of(operation string) []atlasapi.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.exchanges), func(e atlasapi.Exchange) bool { return e.Endpoint != operation })
}

func (w *watcher) retried() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.retries)
}

func (w *watcher) waited(endpoint string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.throttled[endpoint]
}

func parseURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func objectID(t *testing.T, s string) atlasapi.ObjectID {
	t.Helper()
	id, err := atlasapi.ParseObjectID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func at(t *testing.T, rfc3339 string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func set[T any](value T) atlasapi.Optional[T] { return atlasapi.Optional[T]{Value: value, Set: true} }

// statuses counts the statuses with which a server answered an operation.
func statuses(server *atlassim.Server, operation string) map[int]int {
	counts := map[int]int{}
	for _, r := range server.Requests() {
		if r.Operation == operation {
			counts[r.Status]++
		}
	}
	return counts
}

func TestMain(m *testing.M) { harness.RunWaiting(m) }
