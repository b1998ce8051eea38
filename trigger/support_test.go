package trigger_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/trigger"
)

const (
	clientID     = "mdb_sa_id_65e2c0ffee"
	clientSecret = "mdb_sa_sk_VeryPrivate-1_2"
	publicKey    = "abcdefgh"
	privateKey   = "11111111-2222-3333-4444-VeryPrivate"
	pipelineName = "orders?daily#1%"
	snapshotID   = "6a7953692c88faeba59d5e01"
)

// world is a simulated Atlas with one pipeline, and credentials that may trigger it.
type world struct {
	t        *testing.T
	org      *atlassim.Organization
	project  *atlassim.Project
	pipeline *atlassim.Pipeline
	server   *atlassim.Server
	digest   bool
	timeout  string
	wrong    string // is added to the secret
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, org: atlassim.NewOrganization(atlassim.WallClock{}), timeout: "30s"}
	w.project = w.org.AddProject("payments")
	w.pipeline = w.project.AddPipeline(pipelineName, atlassim.PipelineOptions{})
	w.server = harness.StartAtlas(t, w.org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret, Role: atlassim.ProjectOwner}},
		APIKeys:         []atlassim.APIKey{{PublicKey: publicKey, PrivateKey: privateKey, Role: atlassim.ProjectOwner}},
	})
	return w
}

// begin starts a run of the snapshot, as the request would.
func (w *world) begin() {
	w.org.Do(func() { w.pipeline.AddRun(atlassim.Run{SnapshotID: snapshotID, Frequency: "ON_DEMAND"}) })
}

// runs returns how many runs of the snapshot there are.
func (w *world) runs() int {
	n := 0
	w.org.Do(func() {
		for _, r := range w.pipeline.Runs() {
			if r.SnapshotID == snapshotID {
				n++
			}
		}
	})
	return n
}

// answers answers every authenticated POST with this handler.
func (w *world) answers(handler http.HandlerFunc) {
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpTriggerPipeline, Authenticated: true, Handler: handler})
}

func (w *world) options() trigger.Options {
	credentials := fmt.Sprintf("service_account: {client_id: %s, client_secret: %s}", clientID, clientSecret+w.wrong)
	if w.digest {
		credentials = fmt.Sprintf("api_key: {public_key: %s, private_key: %s}", publicKey, privateKey+w.wrong)
	}
	text := fmt.Sprintf("atlas: {base_url: '%s', max_retries: 0, request_timeout: %s, %s}", w.server.URL(), w.timeout, credentials)
	snapshot, err := atlasapi.ParseObjectID(snapshotID)
	if err != nil {
		w.t.Fatal(err)
	}
	return trigger.Options{
		GroupID: w.project.ID, Pipeline: pipelineName, Ingestion: atlasapi.Ingestion{SnapshotID: snapshot},
		Format: "table", UserAgent: "test", Patience: 1500 * time.Millisecond,
		Getenv: func(string) string { return "" },
		Load:   func() (config.Config, error) { return config.Parse([]byte(text), collector.All().Config()) },
	}
}

// output is what the command printed.
type output struct{ out, notes string }

// run runs the command. It fails if a secret was printed, or the request was sent more than once.
func (w *world) run(ctx context.Context, change ...func(*trigger.Options)) (output, error) {
	w.t.Helper()
	var out, notes strings.Builder
	o := w.options()
	o.Out, o.Notes = &out, &notes
	for _, c := range change {
		c(&o)
	}
	before := w.server.Answered(atlassim.OpTriggerPipeline)
	err := trigger.Run(ctx, o)
	if got := w.server.Answered(atlassim.OpTriggerPipeline) - before; got > 1 {
		w.t.Errorf("the request was sent %d times", got)
	}
	for _, secret := range []string{clientSecret, privateKey, "simulated-token-"} {
		if strings.Contains(fmt.Sprint(out.String(), notes.String(), err), secret) {
			w.t.Errorf("a secret is printed: %s %s %v", &out, &notes, err)
		}
	}
	return output{out.String(), notes.String()}, err
}

func asJSON(o *trigger.Options) { o.Format = "json" }

func TestMain(m *testing.M) { harness.RunWaiting(m) }
