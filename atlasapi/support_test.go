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
	shardedName  = "sharded0"
	flexName     = "flex0"
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
	digest   bool // the client signs in with an API key
}

// newWorld starts a server and returns a client that does not retry by default.
func newWorld(t *testing.T, changes ...func(*setup)) *world {
	t.Helper()
	w := &world{t: t, clock: atlassim.NewManualClock(noon()), watch: &watcher{}}
	w.org = atlassim.NewOrganization(w.clock)
	w.project = w.org.AddProject("payments")
	w.cluster = w.project.AddCluster(clusterName, atlassim.ClusterOptions{})
	w.pipeline = w.project.AddPipeline(pipelineName, atlassim.PipelineOptions{Cluster: clusterName})
	w.project.AddCluster(shardedName, atlassim.ClusterOptions{Shards: 2})
	w.project.AddFlexCluster(flexName, noon())
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
	w.options, w.digest = s.client, s.digest
	w.client = w.connect(s.client)
	return w
}

// connect returns another client.
func (w *world) connect(options atlasapi.Options) *atlasapi.Client {
	client := atlasapi.New(options)
	w.t.Cleanup(client.Close)
	return client
}

// withEachScheme runs a subtest for each way to sign in, in a world of its own, whose t is that of the subtest.
func withEachScheme(t *testing.T, test func(*world), changes ...func(*setup)) {
	t.Helper()
	for name, digest := range map[string]bool{"service account": false, "API key": true} {
		t.Run(name, func(t *testing.T) {
			test(newWorld(t, append(changes, func(s *setup) { s.digest = digest })...))
		})
	}
}

// retrying lets the client send a request again this many times.
func retrying(times int) func(*setup) { return func(s *setup) { s.client.MaxRetries = times } }

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

// breaks injects a fault into every authenticated request for the project.
func (w *world) breaks(fault atlassim.Fault) {
	fault.Operation, fault.Authenticated = atlassim.OpGetProject, true
	w.server.Inject(fault)
}

// serves answers every authenticated request for the project with a function.
func (w *world) serves(handler http.HandlerFunc) { w.breaks(atlassim.Fault{Handler: handler}) }

// requests remembers what a function returns for every request that the server gets from now on.
func (w *world) requests(describe func(*http.Request) string) func() []string {
	var mu sync.Mutex
	var seen []string
	w.server.Inject(atlassim.Fault{Match: func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, describe(r))
		return false
	}})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

// wantRequests checks how many requests of an operation, or of all for "", the server has counted.
func (w *world) wantRequests(t *testing.T, operation string, want int) {
	t.Helper()
	got := w.server.Count(operation)
	if got != want {
		t.Errorf("%d requests of %q, want %d", got, operation, want)
	}
}

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

// concurrently runs a function this many times at once, and waits for the last one.
func concurrently(times int, run func()) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for range times {
		all.Go(func() {
			<-start
			run()
		})
	}
	close(start)
	all.Wait()
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

func objectID(hex string) atlasapi.ObjectID { return must(atlasapi.ParseObjectID(hex)) }

func at(rfc3339 string) time.Time { return must(time.Parse(time.RFC3339, rfc3339)) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
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
