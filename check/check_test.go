package check_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// manifold builds what has every status: projects that are readable, forbidden and empty, clusters of every kind.
func (w *world) manifold() {
	payments := w.org.AddProject("payments")
	prod := payments.AddCluster("prod", atlassim.ClusterOptions{Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"}})
	prod.AddExport(atlassim.Export{})
	prod.AddRestore(atlassim.Restore{})
	payments.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
	payments.AddCluster("flex", atlassim.ClusterOptions{Provider: "FLEX"})
	payments.AddCluster("off", atlassim.ClusterOptions{BackupDisabled: true})
	payments.AddCluster("scratch-1", atlassim.ClusterOptions{})
	payments.AddPipeline("orders#daily", atlassim.PipelineOptions{Cluster: "prod"}).AddRun(atlassim.Run{})
	deleted := payments.AddCluster("race", atlassim.ClusterOptions{})
	deleted.BackupRefusal = atlassim.Refusal{Status: http.StatusNotFound, Code: "CLUSTER_NOT_FOUND"}
	hidden := w.org.AddProject("hidden")
	hidden.Refusal = atlassim.NotInGroup()
	w.org.AddProject("archive")
	w.more = "discovery: {clusters: {exclude: ['scratch-.*']}}\n"
}

// TestTable holds the whole table, as a person reads it.
func TestTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{Deprecations: map[string]atlassim.Deprecation{
		atlassim.OpListClusters: {Sunset: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)},
	}})
	w.manifold()
	w.role(atlassim.ProjectReadOnly)
	harness.Golden(t, "testdata/table.txt", strings.ReplaceAll(w.table(), w.server.URL(), "https://cloud.mongodb.com"))
}

// TestJSON holds the whole JSON form, which scripts rely on.
func TestJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.manifold()
	output, _ := w.run()
	harness.Golden(t, "testdata/report.json", strings.ReplaceAll(output, w.server.URL(), "https://cloud.mongodb.com"))
	w.wrong = "-wrong"
	output, _ = w.run()
	harness.Golden(t, "testdata/rejected.json", strings.ReplaceAll(output, w.server.URL(), "https://cloud.mongodb.com"))
}

// TestFewestCalls counts what is asked, and that nothing is sent that changes anything.
func TestFewestCalls(t *testing.T) {
	t.Parallel()
	for _, digest := range []bool{false, true} {
		w := newWorld(t, atlassim.Options{})
		w.digest = digest
		project := w.org.AddProject("payments")
		for _, name := range []string{"a", "b", "c"} {
			c := project.AddCluster(name, atlassim.ClusterOptions{})
			c.GenerateExports(2000, func(int) atlassim.Export {
				return atlassim.Export{CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
			})
		}
		project.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
		project.AddPipeline("p", atlassim.PipelineOptions{})
		if r := w.report(); !r.OK || r.Totals[check.Readable] != 22 || r.Totals[check.Unsupported] != 5 {
			t.Errorf("%+v", r)
		}
		for operation, want := range map[string]int{
			atlassim.OpListProjects: 1, atlassim.OpGetProject: 0, atlassim.OpListClusters: 1, atlassim.OpListPipelines: 1,
			atlassim.OpGetBackupSchedule: 3, atlassim.OpListBackupExports: 3, atlassim.OpListBackupRestores: 3, atlassim.OpListPipelineRuns: 1,
			atlassim.OpListBackupSnapshots: 3, atlassim.OpListCollectionRestores: 3, atlassim.OpListFlexClusters: 1, atlassim.OpListExportBuckets: 1,
			"": 21,
		} {
			if got := w.server.Answered(operation); got != want {
				t.Errorf("digest %t: %d calls of %q, want %d", digest, got, operation, want)
			}
		}
		for _, request := range w.server.Requests() {
			isList := slices.Contains([]string{atlassim.OpListBackupExports, atlassim.OpListBackupRestores, atlassim.OpListPipelineRuns}, request.Operation)
			if isList && !strings.Contains(request.Query, "itemsPerPage=1&") || request.Method != http.MethodGet && request.Operation != atlassim.OpToken {
				t.Errorf("sent %+v", request)
			}
		}
	}
}

// TestNamedProjects has the configuration name a project of each kind.
func TestNamedProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	good, hidden := w.org.AddProject("good"), w.org.AddProject("hidden")
	good.AddCluster("prod-1", atlassim.ClusterOptions{})
	good.AddCluster("dev-1", atlassim.ClusterOptions{})
	hidden.Hide(atlassim.NotInGroup())
	w.more = "projects: [{id: " + nowhere + "}, {id: " + hidden.ID + "}, {id: " + good.ID + ", clusters: {include: ['prod-.*']}}]\n"
	// The first call meets a fault that says nothing of the credentials.
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpGetProject, Authenticated: true, Status: http.StatusInternalServerError, Times: 1})
	r := w.report()
	if r.Credentials.Status != check.Accepted || r.Credentials.Reason != "" {
		t.Errorf("%+v", r.Credentials)
	}
	if r.Rows[0].Status != check.Unreadable || r.Rows[0].Reason != "server_error" || r.Rows[0].GroupID != nowhere {
		t.Errorf("%+v", r.Rows[0])
	}
	r = w.report()
	if got := r.Rows[0]; got.Status != check.Gone || got.Reason != "not_found" || got.Code != "GROUP_NOT_FOUND" {
		t.Errorf("%+v", got)
	}
	if got := r.Rows[1]; got.Status != check.Forbidden || got.MissingRole != "Project Read Only" || got.Code != "NOT_IN_GROUP" {
		t.Errorf("%+v", got)
	}
	if got := r.Rows[2]; got.Status != check.Readable || got.GroupName != "good" {
		t.Errorf("%+v", got)
	}
	if got := row(t, &r, "clusters", "").Message; got != "1 of 2 clusters pass the filters" {
		t.Errorf("%q", got)
	}
	if r.OK || r.Totals[check.Gone] != 1 || w.server.Count(atlassim.OpListProjects) != 0 {
		t.Errorf("%+v", r)
	}
}

// TestNothingToRead holds that it is no success to have nothing to read.
func TestNothingToRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	if r := w.report(); r.OK || r.Rows[0].Status != check.Forbidden || r.Rows[0].MissingRole != "Project Read Only" || r.Credentials.Status != check.Accepted || len(r.ToDo) != 1 {
		t.Errorf("%+v", r)
	}
	w.org.AddProject("sandbox-1")
	w.more = "discovery: {projects: {exclude: ['sandbox-.*']}}\n"
	if r := w.report(); r.OK || r.Rows[0].Status != check.Unreadable || r.Rows[0].Reason != "filtered" || len(r.ToDo) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestUnsupported holds that what is known not to apply is no failure.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := newWorld(t, atlassim.Options{})
			w.org.PipelinesGone = status
			project := w.org.AddProject("payments")
			project.AddCluster("moved", atlassim.ClusterOptions{}).BackupRefusal = atlassim.Refusal{Status: 400, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}
			project.AddCluster("none", atlassim.ClusterOptions{}).BackupRefusal = atlassim.Refusal{Status: 404, Code: "BACKUP_CONFIG_NOT_FOUND"}
			project.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
			r := w.report()
			if !r.OK || len(r.ToDo) != 0 {
				t.Errorf("%+v", r)
			}
			for name, reason := range map[string]string{"moved": "flex", "none": "backup_disabled", "free": "free_tier"} {
				for _, collector := range []string{"backup_schedule", "backup_exports", "backup_restores"} {
					if got := row(t, &r, collector, name); got.Status != check.Unsupported || got.Reason != reason || got.Message == "" {
						t.Errorf("%+v", got)
					}
				}
			}
			if got := row(t, &r, "pipelines", ""); got.Status != check.Unsupported || got.Reason != "feature_gone" {
				t.Errorf("%+v", got)
			}
		})
	}
	// The whole list of clusters refused so is another matter.
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("payments").ClustersRefusal = atlassim.Refusal{Status: 400, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}
	if r := w.report(); r.OK || row(t, &r, "clusters", "").Status != check.Unreadable || row(t, &r, "clusters", "").Reason != "bad_response" {
		t.Errorf("%+v", r)
	}
}

// TestRoles has the role be too small, and holds that the check names the one that is missing.
func TestRoles(t *testing.T) {
	t.Parallel()
	for _, refusal := range []atlassim.Refusal{atlassim.UserUnauthorized(), {Status: 403}, {Status: 403, Code: "USER_UNAUTHORIZED"}} {
		t.Run(fmt.Sprint(refusal), func(t *testing.T) {
			w := newWorld(t, atlassim.Options{RoleMissing: refusal})
			w.role(atlassim.ProjectReadOnly)
			project := w.org.AddProject("payments")
			project.AddCluster("prod", atlassim.ClusterOptions{})
			r := w.report()
			for _, collector := range []string{"backup_exports", "backup_restores"} {
				if got := row(t, &r, collector, "prod"); got.Status != check.Forbidden || got.MissingRole != "Project Backup Manager" || got.Reason != "forbidden" || got.Code != refusal.Code {
					t.Errorf("%+v", got)
				}
			}
			if got := row(t, &r, "backup_schedule", "prod"); got.Status != check.Readable {
				t.Errorf("%+v", got)
			}
			if want := []string{"give the credentials the role Project Backup Manager in the project: payments"}; r.OK || !reflect.DeepEqual(r.ToDo, want) {
				t.Errorf("%t %q", r.OK, r.ToDo)
			}
		})
	}
}

// TestCollectors holds that what no collector needs is neither asked for nor shown.
func TestCollectors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		on   string
		want []string
	}{
		{"backup_exports", []string{"projects", "projects", "clusters", "backup_schedule", "backup_exports", "export_buckets"}},
		{"backup_restores", []string{"projects", "projects", "clusters", "backup_restores"}},
		{"pipeline_runs", []string{"projects", "projects", "pipelines", "pipeline_runs"}},
	} {
		t.Run(test.on, func(t *testing.T) {
			w := newWorld(t, atlassim.Options{})
			project := w.org.AddProject("payments")
			project.AddCluster("prod", atlassim.ClusterOptions{})
			project.AddPipeline("p", atlassim.PipelineOptions{})
			load := w.options().Load
			r := w.report(func(o *check.Options) {
				o.Load = func() (config.Config, error) {
					c, err := load()
					for _, name := range c.Collectors.Names() {
						c.Collectors.Enable(name, name == test.on)
					}
					return c, err
				}
			})
			var got []string
			for _, row := range r.Rows {
				got = append(got, row.Collector)
			}
			// The project's own row takes no call where all are listed.
			if !reflect.DeepEqual(got, test.want) || !r.OK || w.server.Answered("") != len(test.want)-1 || !reflect.DeepEqual(r.Configuration.Collectors, []string{test.on}) {
				t.Errorf("rows of %v after %d calls", got, w.server.Answered(""))
			}
		})
	}
}

// TestHiddenJob has Atlas hide the only job of a page of one, which leaves the page empty.
func TestHiddenJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{ShortPages: map[string]int{atlassim.OpListBackupExports: 1}})
	c := w.org.AddProject("payments").AddCluster("prod", atlassim.ClusterOptions{})
	for range 3 {
		c.AddExport(atlassim.Export{})
	}
	if r := w.report(); !r.OK || w.server.Answered(atlassim.OpListBackupExports) != 2 {
		t.Errorf("%d calls: %+v", w.server.Answered(atlassim.OpListBackupExports), row(t, &r, "backup_exports", "prod"))
	}
}

// TestOffline holds that nothing is asked, and that the secret files are read all the same.
func TestOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.more = "projects: [{id: " + nowhere + "}]\n"
	offline := func(o *check.Options) { o.Offline = true }
	if r := w.report(offline); !r.OK || !r.Offline || r.Credentials.Status != check.NotTried || !reflect.DeepEqual(r.Configuration.Projects, []string{nowhere}) {
		t.Errorf("%+v", r)
	}
	missing := filepath.Join(t.TempDir(), "secret")
	for _, test := range []struct {
		name, text, config, credentials string
	}{
		{"no secret file", "atlas: {service_account: {client_id: a, client_secret_file: " + missing + "}}", "", "there is no file " + missing},
		{"no credentials", "refresh: {}", "", "no credentials"},
		{"unknown key", "bogus: 1", "line 1: bogus: unknown key", ""},
		{"plain http", "atlas: {base_url: 'http://atlas.example.com'}", "plain http would send credentials in the clear", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := *w
			w.t = t
			load := func(o *check.Options) {
				o.Load = func() (config.Config, error) { return config.Parse([]byte(test.text), collector.All().Config()) }
			}
			r := w.report(offline, load)
			if r.OK || len(r.ToDo) != 1 || !strings.Contains(r.Configuration.Error, test.config) || !strings.Contains(r.Credentials.Message, test.credentials) ||
				r.Configuration.OK != (test.config == "") || (r.Credentials.Status == check.Missing) != (test.credentials != "") {
				t.Errorf("%+v", r)
			}
			table, _ := w.run(offline, load, func(o *check.Options) { o.Format = "table" })
			if !strings.Contains(table, test.config+test.credentials) || strings.Contains(table, "missing:") != (test.credentials != "") {
				t.Error(table)
			}
		})
	}
	if got := w.server.Count(""); got != 0 {
		t.Errorf("%d requests", got)
	}
}

// TestRemedies holds that what to do names the file that is wrong.
func TestRemedies(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nowhere, empty := filepath.Join(folder, "nowhere"), file("empty", "")
	secretIn := func(name, path string) string {
		return file(name, "atlas: {service_account: {client_id: a, client_secret_file: '"+path+"'}}")
	}
	const key = "atlas.service_account.client_secret_file"
	for _, test := range []struct{ file, environment, want string }{
		{nowhere, "", "create " + nowhere + ", or name another file with --config.file"},
		{folder, "", folder + " is a folder: name the file in it with --config.file"},
		{empty + "/x", "", "name a file that can be read with --config.file, instead of " + empty + "/x"},
		{file("wrong.yml", "bogus: 1"), "", "correct the configuration"},
		{secretIn("missing.yml", nowhere), "", "create " + nowhere + " with the secret as its only content, or correct " + key},
		{secretIn("variable.yml", "/$X"), "", "write out the path in " + key + ": /$X"},
		{secretIn("folder.yml", folder), "", "name a file that can be read in " + key + ", instead of " + folder},
		{secretIn("empty.yml", empty), "", "write the secret, and nothing else, into " + empty},
		{secretIn("lines.yml", file("lines", "a\nb")), "", "write the secret, and nothing else, into " + filepath.Join(folder, "lines")},
		{file("nobody.yml", ""), "", "give the exporter credentials, in the configuration file or in the environment"},
		{file("half.yml", ""), "a", "correct the credentials in the environment"},
	} {
		t.Run(test.want, func(t *testing.T) {
			w := newWorld(t, atlassim.Options{})
			r := w.report(func(o *check.Options) {
				o.Offline, o.ConfigFile = true, test.file
				o.Load = func() (config.Config, error) {
					return config.LoadFile(t.Context(), test.file, collector.All().Config())
				}
				o.Getenv = func(name string) string {
					return map[string]string{"MONGODB_ATLAS_CLIENT_ID": test.environment}[name]
				}
			})
			if r.OK || !slices.Equal(r.ToDo, []string{test.want}) {
				t.Errorf("%q, want %q", r.ToDo, test.want)
			}
		})
	}
}

// TestOfflineTable holds that a table with nothing to list has no part for it.
func TestOfflineTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	table, ok := w.run(func(o *check.Options) { o.Offline, o.Format = true, "table" })
	if !ok || strings.Contains(table, "\n\n") || strings.Contains(table, "totals") || strings.Contains(table, "to do") {
		t.Errorf("%t\n%s", ok, table)
	}
}

// TestSecondProjectProvesCredentials has the first call fail in passing: the second shows that the credentials are accepted,
// whether the project can be read, is forbidden or is not there.
func TestSecondProjectProvesCredentials(t *testing.T) {
	t.Parallel()
	for _, want := range []check.Status{check.Readable, check.Forbidden, check.Gone, check.Unreadable} {
		t.Run(string(want), func(t *testing.T) {
			w := newWorld(t, atlassim.Options{})
			second := w.org.AddProject("second")
			second.AddCluster("cluster", atlassim.ClusterOptions{})
			failures := 1
			if want == check.Forbidden {
				second.Hide(atlassim.NotInGroup())
			}
			if want == check.Gone {
				w.org.RemoveProject(second)
			}
			if want == check.Unreadable {
				failures = 2
			}
			w.more = "projects: [{id: " + nowhere + "}, {id: " + second.ID + "}]\n"
			w.server.Inject(atlassim.Fault{Operation: atlassim.OpGetProject, Authenticated: true, Status: http.StatusInternalServerError, Times: failures})
			r := w.report()
			accepted := r.Credentials.Status == check.Accepted
			if got := r.Rows[1].Status; got != want || accepted != (want != check.Unreadable) {
				t.Errorf("the second project is %s, want %s; the credentials are %s", got, want, r.Credentials.Status)
			}
		})
	}
}

// TestOfflineListsEveryMistake holds that one run tells all that there is to correct, each mistake on a line of its own.
func TestOfflineListsEveryMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	const text = "atlas:\n  max_retries: 11\n  request_timeout: 0s\nrefresh:\n  min_intervall: 1s\n"
	mistakes := []string{
		"line 2: atlas.max_retries: a whole number from 0 to 10 is expected here",
		"line 3: atlas.request_timeout: a duration from 1ms to 10m is expected here",
		"line 5: refresh.min_intervall: unknown key: did you mean min_interval? Known here are discovery_interval, min_interval, relist_interval",
	}
	change := func(o *check.Options) {
		o.Offline, o.ConfigFile = true, "c.yml"
		o.Load = func() (config.Config, error) { return config.Parse([]byte(text), collector.All().Config()) }
	}
	if r := w.report(change); r.OK || !slices.Equal(r.Configuration.Errors, mistakes) || r.Configuration.Error != strings.Join(mistakes, "; ") {
		t.Errorf("%+v", r.Configuration)
	}
	table, ok := w.run(change, func(o *check.Options) { o.Format = "table" })
	want := "configuration  not valid: 3 mistakes in c.yml\n               " + strings.Join(mistakes, "\n               ") + "\n"
	if ok || !strings.HasPrefix(table, want) {
		t.Errorf("got\n%s\nwant\n%s", table, want)
	}

	// Both the URL and the credentials in the environment are bad.
	environment := map[string]string{"MONGODB_ATLAS_BASE_URL": "http://atlas.example.com", "MONGODB_ATLAS_CLIENT_ID": "a"}
	r := w.report(change, func(o *check.Options) {
		o.Load = func() (config.Config, error) { return config.Default(collector.All().Config()), nil }
		o.Getenv = func(name string) string { return environment[name] }
	})
	if r.OK || !strings.HasPrefix(r.Configuration.Error, "MONGODB_ATLAS_BASE_URL: plain http") || r.Credentials.Status != check.Missing || len(r.ToDo) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestInterrupted ends the check while Atlas does not answer.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("payments")
	ctx, cancel := context.WithCancel(t.Context())
	w.server.Inject(atlassim.Fault{
		Operation: atlassim.OpListClusters,
		Handler:   func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() },
	})
	var out bytes.Buffer
	o := w.options()
	o.Out = &out
	if ok, err := check.Run(ctx, o); ok || !errors.Is(err, context.Canceled) || out.Len() != 0 {
		t.Errorf("%t, %v, %s", ok, err, &out)
	}
}

// TestProgress holds that the line on the terminal is gone in the end, and that it moves.
func TestProgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("payments").AddCluster("prod", atlassim.ClusterOptions{})
	var progress strings.Builder
	_, _ = w.run(func(o *check.Options) { o.Progress = &progress })
	shown := strings.Split(progress.String(), "\r")
	if last := shown[len(shown)-1]; last != "" || strings.TrimSpace(shown[len(shown)-2]) != "" || strings.Contains(progress.String(), "\n") {
		t.Errorf("%q stays", progress.String())
	}
	for _, want := range []string{"checking the credentials: 0 of 1", "checking lists: 0 of 4", "checking targets: 0 of 5"} {
		if !slices.ContainsFunc(shown, func(line string) bool { return strings.TrimSpace(line) == want }) {
			t.Errorf("%q is not in %q", want, shown)
		}
	}
}

// TestForeignNames has a name that would forge the table.
func TestForeignNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("pay\x1b[2Jments\nok").AddPipeline("p\rreadable\t", atlassim.PipelineOptions{})
	table := w.table()
	for _, r := range table {
		if r != '\n' && r < ' ' {
			t.Fatalf("%q holds %q", table, r)
		}
	}
	if !strings.Contains(table, "pay\ufffd[2Jments\ufffdok") {
		t.Errorf("%s", table)
	}
}

// TestCannotWrite has the report go nowhere.
func TestCannotWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("payments")
	for _, format := range []string{"table", "json"} {
		o := w.options()
		o.Format, o.Out = format, full{}
		if ok, err := check.Run(t.Context(), o); ok || !errors.Is(err, errFull) {
			t.Errorf("%s: %t, %v", format, ok, err)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestEmptyIsShown holds that no key of the JSON form is left out or null, rate limits apart.
func TestEmptyIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	output, _ := w.run(func(o *check.Options) { o.Offline = true })
	var document map[string]any
	if err := json.Unmarshal([]byte(output), &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ok", "offline", "configuration", "base_url", "credentials", "rows", "totals", "endpoints", "to_do"} {
		if document[key] == nil {
			t.Errorf("%s is %v in %s", key, document[key], output)
		}
	}
}
