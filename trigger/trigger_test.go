package trigger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/trigger"
)

// parse reads flags as the program does.
func parse(args ...string) (trigger.Options, error) {
	var o trigger.Options
	app := kingpin.New("test", "").Terminate(nil).UsageWriter(io.Discard).ErrorWriter(io.Discard)
	trigger.AddFlags(app.Command("trigger", trigger.Help), &o)
	_, err := app.Parse(append([]string{"trigger"}, args...))
	return o, err
}

func TestFlags(t *testing.T) {
	t.Parallel()
	const id = "32b6e34b3d91647abb20e7b8"
	for retention, want := range map[string]atlasapi.RetentionPolicy{
		"1d": {Units: "DAYS", Value: 1}, "30d": {Units: "DAYS", Value: 30}, "4w": {Units: "WEEKS", Value: 4},
		"6mo": {Units: "MONTHS", Value: 6}, "2147483647d": {Units: "DAYS", Value: 2147483647},
	} {
		t.Run(retention, func(t *testing.T) {
			o, err := parse("--project="+id, "--pipeline=a?b #%é", "--snapshot-id="+snapshotID, "--retention="+retention, "--dry-run", "--format=json")
			if err != nil || o.GroupID != id || o.Pipeline != "a?b #%é" || o.Ingestion.SnapshotID.String() != snapshotID ||
				o.Ingestion.Retention.Value != want || !o.Ingestion.Retention.Set || !o.DryRun || o.Format != "json" {
				t.Errorf("%+v (%v)", o, err)
			}
		})
	}
	if o, err := parse("--project="+id, "--pipeline=p", "--snapshot-id="+snapshotID); err != nil || o.Ingestion.Retention.Set || o.DryRun || o.Format != "table" {
		t.Errorf("%+v (%v)", o, err)
	}
	if _, err := parse("--project="+id, "--pipeline="+strings.Repeat("é", 64), "--snapshot-id="+snapshotID); err != nil {
		t.Errorf("the longest name of a pipeline: %v", err)
	}
	for _, test := range []struct{ project, pipeline, snapshot, more, want string }{
		{"x", "p", snapshotID, "", `--project: "x" is not a project id`},
		{"32B6E34B3D91647ABB20E7B8", "p", snapshotID, "", "--project: "},
		{id, "", snapshotID, "", "--pipeline: "},
		{id, "a/b", snapshotID, "", "--pipeline: "},
		{id, `a\b`, snapshotID, "", "--pipeline: "},
		{id, "a$b", snapshotID, "", "--pipeline: "},
		{id, `a"b`, snapshotID, "", "--pipeline: "},
		{id, "a\nb", snapshotID, "", "--pipeline: "},
		{id, "\xff", snapshotID, "", "--pipeline: "},
		{id, strings.Repeat("é", 65), snapshotID, "", "--pipeline: "},
		{id, "p", "zz", "", `--snapshot-id: "zz" is not a snapshot's id`},
		{id, "p", "../../groups", "", "--snapshot-id: "},
		{id, "p", snapshotID, "--retention=5y", `--retention: "5y": not a retention`},
		{id, "p", snapshotID, "--retention=0d", "--retention: "},
		{id, "p", snapshotID, "--retention=-1d", "--retention: "},
		{id, "p", snapshotID, "--retention=d", "--retention: "},
		{id, "p", snapshotID, "--retention=30", "--retention: "},
		{id, "p", snapshotID, "--retention=1.5d", "--retention: "},
		{id, "p", snapshotID, "--retention=30d ", "--retention: "},
		{id, "p", snapshotID, "--retention=2147483648d", "--retention: "},
		{id, "p", snapshotID, "--retention=1m", "--retention: "},
		{id, "p", snapshotID, "--format=yaml", "enum value"},
	} {
		args := []string{"--project=" + test.project, "--pipeline=" + test.pipeline, "--snapshot-id=" + test.snapshot}
		if test.more != "" {
			args = append(args, test.more)
		}
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if _, err := parse(args...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for i := range 3 {
		args := []string{"--project=" + id, "--pipeline=p", "--snapshot-id=" + snapshotID}
		if _, err := parse(append(args[:i:i], args[i+1:]...)...); err == nil {
			t.Errorf("accepted without %s", args[i])
		}
	}
}

// TestAccepted checks that a run starts, for each kind of credentials and of output.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, digest := range []bool{false, true} {
		t.Run(fmt.Sprintf("digest: %t", digest), func(t *testing.T) {
			w := newWorld(t)
			w.digest = digest
			o, err := parse("--project="+w.project.ID, "--pipeline="+pipelineName, "--snapshot-id="+snapshotID, "--retention=6mo")
			if err != nil {
				t.Fatal(err)
			}
			retained := func(into *trigger.Options) { into.Ingestion = o.Ingestion }
			printed, err := w.run(t.Context(), retained)
			if err != nil || w.runs() != 1 || printed.notes != "" {
				t.Fatalf("%v, %d runs, notes %q", err, w.runs(), printed.notes)
			}
			started := w.pipeline.Runs()[0]
			for _, want := range []string{started.ID, "PENDING", "SNAPSHOT", w.project.ID, pipelineName, snapshotID, "6 months", started.DatasetName} {
				if !strings.Contains(printed.out, want) {
					t.Errorf("%q is not in\n%s", want, printed.out)
				}
			}
			printed, err = w.run(t.Context(), asJSON)
			var document map[string]any
			if err != nil || json.Unmarshal([]byte(printed.out), &document) != nil || w.runs() != 2 {
				t.Fatalf("%v, %d runs, %s", err, w.runs(), printed.out)
			}
			run, _ := document["run"].(map[string]any)
			if document["outcome"] != "accepted" || document["message"] != "" || run["_id"] != w.pipeline.Runs()[1].ID || run["state"] != "PENDING" ||
				run["snapshotId"] != snapshotID || !reflect.DeepEqual(run["datasetRetentionPolicy"], map[string]any{"units": "DAYS", "value": 14.0}) {
				t.Errorf("%s", printed.out)
			}
		})
	}
}

// TestDryRun checks that nothing at all is sent, and that the printed request is the one that would be.
func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dry := func(o *trigger.Options) { o.DryRun = true }
	printed, err := w.run(t.Context(), dry)
	url := w.server.URL() + "/api/atlas/v2/groups/" + w.project.ID + "/pipelines/orders%3Fdaily%231%25/trigger"
	want := "POST " + url + "\nAccept: application/vnd.atlas.2023-01-01+json\nContent-Type: application/vnd.atlas.2023-01-01+json\n\n" +
		`{"snapshotId":"` + snapshotID + `"}` + "\n"
	if err != nil || printed.out != want || printed.notes != "" {
		t.Errorf("%v, %q\n%s\nwant\n%s", err, printed.notes, printed.out, want)
	}
	printed, err = w.run(t.Context(), dry, asJSON)
	var document struct {
		Outcome string
		Request struct {
			Method, URL string
			ContentType string `json:"content_type"`
			Body        map[string]any
		}
		Run any
	}
	if err != nil || json.Unmarshal([]byte(printed.out), &document) != nil || document.Outcome != "dry_run" || document.Run != nil ||
		document.Request.Method != http.MethodPost || document.Request.URL != url || document.Request.Body["snapshotId"] != snapshotID {
		t.Errorf("%v\n%s", err, printed.out)
	}
	// A reviewer may have no credentials.
	printed, err = w.run(t.Context(), dry, func(o *trigger.Options) {
		o.Load = func() (config.Config, error) { return config.Default(collector.All().Config()), nil }
	})
	if err != nil || !strings.Contains(printed.out, "https://cloud.mongodb.com/api/atlas/v2/") || !strings.Contains(printed.notes, "no credentials") {
		t.Errorf("%v, %+v", err, printed)
	}
	if got := w.server.Count(""); got != 0 {
		t.Errorf("%d requests were sent", got)
	}
}

// TestConfiguration checks the messages about faults of the configuration.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := errors.New("config.yml: line 3: broken")
	for want, load := range map[string]func() (config.Config, error){
		"line 3: broken": func() (config.Config, error) { return config.Config{}, broken },
		"no credentials": func() (config.Config, error) { return config.Default(collector.All().Config()), nil },
		"plain http": func() (config.Config, error) {
			return config.Config{Atlas: config.Atlas{BaseURL: "http://192.0.2.1"}}, nil
		},
	} {
		if printed, err := w.run(t.Context(), func(o *trigger.Options) { o.Load = load }); err == nil || !strings.Contains(err.Error(), want) || printed.out != "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if got := w.server.Count(""); got != 0 {
		t.Errorf("%d requests were sent", got)
	}
}

// TestRefused checks what the user reads, for every reason that Atlas has to refuse.
func TestRefused(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string) func(*world) {
		return func(w *world) {
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpTriggerPipeline, Authenticated: true, Status: status, Code: code})
		}
	}
	for _, test := range []struct {
		name    string
		prepare func(*world)
		want    string
	}{
		{"role", func(w *world) {
			w.server.AllowServiceAccount(atlassim.ServiceAccount{ClientID: clientID, ClientSecret: clientSecret, Role: atlassim.ProjectBackupManager})
		}, "the credentials need the role Project Owner in the project "},
		{"membership", func(w *world) { w.project.Hide(atlassim.NotInGroup()) }, "the credentials need the role Project Owner in the project "},
		{"secret", func(w *world) { w.wrong = "x" }, "Atlas rejects the credentials (HTTP status 401 invalid_client"},
		{"key", func(w *world) { w.wrong, w.digest = "x", true }, "Atlas rejects the credentials (HTTP status 401"},
		{"address", answer(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), "not on the IP access list of the credentials"},
		{"no token", func(w *world) {
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Status: 403, Body: `{"error":"access_denied"}`})
		}, "Atlas grants no token (HTTP status 403"},
		{"no token endpoint", func(w *world) {
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Status: 404})
		}, "check atlas.base_url: this server has no token endpoint (/api/oauth/token) (HTTP status 404"},
		{"snapshot", func(w *world) { w.pipeline.Snapshots = []string{} }, "Atlas has no such snapshot for this pipeline (HTTP status 404 SNAPSHOT_NOT_FOUND"},
		{"pipeline", func(w *world) { w.project.RemovePipeline(w.pipeline) }, "Atlas knows no such project or pipeline"},
		{"project", func(w *world) { w.org.RemoveProject(w.project) }, "GROUP_NOT_FOUND"},
		{"gone", func(w *world) { w.org.PipelinesGone = 410 }, "Atlas does not serve Data Lake pipelines any more (HTTP status 410 VERSION_GONE"},
		{"not allowed", func(w *world) { w.org.PipelinesGone = 405 }, "Atlas does not serve Data Lake pipelines any more"},
		{"conflict", answer(409, "PIPELINE_PAUSED"), "Atlas refuses the request (HTTP status 409 PIPELINE_PAUSED"},
		{"rate limit", answer(429, "RATE_LIMITED"), "the rate limit of the project is used up"},
		{"redirect", answer(307, ""), "HTTP status 307"},
		{"choices", answer(300, ""), "HTTP status 300"},
		{"fields", func(w *world) {
			w.server.Inject(atlassim.Fault{
				Operation: atlassim.OpTriggerPipeline, Authenticated: true, Status: 400,
				Body: `{"detail":"Validation failed.","error":400,"errorCode":"VALIDATION_ERROR","badRequestDetail":{"fields":[` +
					`{"field":"snapshotId","description":"must be 24 hexadecimal digits"},{"field":"a","description":"b\u001b[2J"}]}}`,
			})
		}, "Atlas objects to the request: snapshotId must be 24 hexadecimal digits; a b\ufffd[2J (HTTP status 400 VALIDATION_ERROR: Validation failed.)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.prepare(w)
			printed, err := w.run(t.Context(), asJSON)
			if err == nil || !strings.HasPrefix(err.Error(), "nothing was started: ") || !strings.Contains(err.Error(), test.want) || w.runs() != 0 {
				t.Errorf("%v, %d runs", err, w.runs())
			}
			var document struct {
				Outcome, Message string
				Run              any
			}
			if jsonErr := json.Unmarshal([]byte(printed.out), &document); jsonErr != nil || document.Outcome != "refused" || document.Message != err.Error() || document.Run != nil {
				t.Errorf("%v: %s", jsonErr, printed.out)
			}
			if printed, _ := w.run(t.Context()); printed.out != "" || printed.notes != "" {
				t.Errorf("the table says %q, the notes %q", printed.out, printed.notes)
			}
		})
	}
}

// TestNobodyThere checks that a request that could not be sent, because nothing listens, is not reported as unclear.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	for _, digest := range []bool{false, true} {
		w := newWorld(t)
		w.digest = digest
		o := w.options()
		_ = w.server.Close()
		printed, err := w.run(t.Context(), func(changed *trigger.Options) { changed.Load = o.Load })
		if err == nil || !strings.HasPrefix(err.Error(), "nothing was started: no usable answer came") || printed.notes != "" {
			t.Errorf("%v, %q", err, printed.notes)
		}
	}
}

// TestTokenIsReplaced checks that a token that ends before the request is replaced: no ingestion has begun, and the request is
// sent again.
func TestTokenIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpTriggerPipeline, Status: http.StatusUnauthorized, Times: 1})
	if _, err := w.run(t.Context()); err != nil || w.runs() != 1 || w.server.Mints() != 2 || w.server.Count(atlassim.OpTriggerPipeline) != 2 {
		t.Errorf("%v, %d runs, %d tokens, %d requests", err, w.runs(), w.server.Mints(), w.server.Count(atlassim.OpTriggerPipeline))
	}
}
