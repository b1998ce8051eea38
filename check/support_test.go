package check_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	clientID     = "mdb_sa_id_65e2c0ffee"
	clientSecret = "mdb_sa_sk_VeryPrivate-1_2"
	publicKey    = "abcdefgh"
	privateKey   = "11111111-2222-3333-4444-VeryPrivate"
	nowhere      = "32b6e34b3d91647abb20e7b8" // the id of no project
)

// world is a simulated Atlas, and a configuration that reads it sequentially.
type world struct {
	t      *testing.T
	org    *atlassim.Organization
	server *atlassim.Server
	digest bool   // sign in with an API key
	wrong  string // is added to the secret
	more   string // further configuration
}

// newWorld starts a server of an empty organization.
func newWorld(t *testing.T, options atlassim.Options) *world {
	t.Helper()
	w := &world{t: t, org: atlassim.NewOrganization(atlassim.NewManualClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)))}
	options.ServiceAccounts = []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret, Role: atlassim.ProjectBackupManager}}
	options.APIKeys = []atlassim.APIKey{{PublicKey: publicKey, PrivateKey: privateKey, Role: atlassim.ProjectBackupManager}}
	w.server = harness.StartAtlas(t, w.org, options)
	return w
}

// role gives the service account this role.
func (w *world) role(role atlassim.Role) {
	w.server.AllowServiceAccount(atlassim.ServiceAccount{ClientID: clientID, ClientSecret: clientSecret, Role: role})
}

func (w *world) options() check.Options {
	text := fmt.Sprintf("atlas:\n  base_url: %s\n  max_concurrent_requests: 1\n  max_retries: 0\n  service_account: {client_id: %s, client_secret: %s}\n%s",
		w.server.URL(), clientID, clientSecret+w.wrong, w.more)
	if w.digest {
		text = fmt.Sprintf("atlas:\n  base_url: %s\n  max_concurrent_requests: 4\n  max_retries: 0\n  api_key: {public_key: %s, private_key: %s}\n%s",
			w.server.URL(), publicKey, privateKey+w.wrong, w.more)
	}
	return check.Options{
		Table:      collector.All(),
		ConfigFile: "config.yml", Format: "json", UserAgent: "test",
		Getenv: func(string) string { return "" },
		Load:   func() (config.Config, error) { return config.Parse([]byte(text), collector.All().Config()) },
	}
}

// run runs the check and returns its output. It fails if the output contains a secret.
func (w *world) run(change ...func(*check.Options)) (output string, ok bool) {
	w.t.Helper()
	var out, progress strings.Builder
	o := w.options()
	o.Out, o.Progress = &out, &progress
	for _, c := range change {
		c(&o)
	}
	ok, err := check.Run(context.WithoutCancel(w.t.Context()), o)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, secret := range []string{clientSecret, privateKey, "simulated-token-"} {
		if strings.Contains(out.String()+progress.String(), secret) {
			w.t.Errorf("a secret is printed: %s", out.String())
		}
	}
	return out.String(), ok
}

// report runs the check and returns the report.
func (w *world) report(change ...func(*check.Options)) check.Report {
	w.t.Helper()
	output, ok := w.run(change...)
	var r check.Report
	if err := json.Unmarshal([]byte(output), &r); err != nil {
		w.t.Fatalf("%v: %s", err, output)
	}
	if ok != r.OK {
		w.t.Errorf("success is %t, but it reports %t", ok, r.OK)
	}
	return r
}

// table runs the check and returns the table.
func (w *world) table() string {
	w.t.Helper()
	output, _ := w.run(func(o *check.Options) { o.Format = "table" })
	return output
}

// row returns the row of a target, by its collector and the cluster or the pipeline.
func row(t *testing.T, r *check.Report, collector, name string) check.Row {
	t.Helper()
	i := slices.IndexFunc(r.Rows, func(row check.Row) bool { return row.Collector == collector && row.Cluster+row.Pipeline == name })
	if i < 0 {
		t.Fatalf("there is no row of %s %s in %+v", collector, name, r.Rows)
	}
	return r.Rows[i]
}
