package check_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// manifold builds projects and clusters with every status: projects that are readable, forbidden and empty, clusters of every
// kind.
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

// TestTable checks the whole table, as users read it.
func TestTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{Deprecations: map[string]atlassim.Deprecation{
		atlassim.OpListClusters: {Sunset: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)},
	}})
	w.manifold()
	w.role(atlassim.ProjectReadOnly)
	harness.Golden(t, "testdata/table.txt", strings.ReplaceAll(w.table(), w.server.URL(), "https://cloud.mongodb.com"))
}

// TestJSON checks the whole JSON form, which scripts rely on.
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

// TestFewestCalls counts the requests, and checks that none of them changes anything.
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

// TestNamedProjects names a project of each kind in the configuration.
func TestNamedProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	good, hidden := w.org.AddProject("good"), w.org.AddProject("hidden")
	good.AddCluster("prod-1", atlassim.ClusterOptions{})
	good.AddCluster("dev-1", atlassim.ClusterOptions{})
	hidden.Hide(atlassim.NotInGroup())
	w.more = "projects: [{id: " + nowhere + "}, {id: " + hidden.ID + "}, {id: " + good.ID + ", clusters: {include: ['prod-.*']}}]\n"
	// The first call fails without saying anything about the credentials.
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

// TestNothingToRead checks that having nothing to read is not a success.
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

// TestUnsupported checks that an unsupported target is not a failure.
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
	// A refusal of the list of clusters is different.
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("payments").ClustersRefusal = atlassim.Refusal{Status: 400, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}
	if r := w.report(); r.OK || row(t, &r, "clusters", "").Status != check.Unreadable || row(t, &r, "clusters", "").Reason != "bad_response" {
		t.Errorf("%+v", r)
	}
}

// TestRoles checks that the missing role is named if the present one is too small.
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

// TestCollectors checks that what no collector needs is neither requested nor shown.
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
			// The row of the project needs no call if all projects are listed.
			if !reflect.DeepEqual(got, test.want) || !r.OK || w.server.Answered("") != len(test.want)-1 || !reflect.DeepEqual(r.Configuration.Collectors, []string{test.on}) {
				t.Errorf("rows of %v after %d calls", got, w.server.Answered(""))
			}
		})
	}
}

// TestHiddenJob checks what is reported if Atlas hides the only job of a page of one, which makes the page empty.
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

// TestSecondProjectProvesCredentials checks that, after a temporary failure of the first call, the second one shows that the
// credentials are accepted, whether the project can be read, is forbidden or does not exist.
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

// TestInterrupted interrupts the check while Atlas does not answer.
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

// TestProgress checks that the progress line is removed in the end, and that it moves.
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

// TestForeignNames checks that a name cannot forge lines of the table.
func TestForeignNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.org.AddProject("pay\x1b[2Jments\nok").AddPipeline("p\rreadable\t", atlassim.PipelineOptions{})
	table := w.table()
	for _, r := range table {
		if r != '\n' && r < ' ' {
			t.Fatalf("%q contains %q", table, r)
		}
	}
	if !strings.Contains(table, "pay\ufffd[2Jments\ufffdok") {
		t.Errorf("%s", table)
	}
}

// TestCannotWrite checks the error if the report cannot be written.
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

// TestEmptyIsShown checks that no key of the JSON form is left out or null, except for rate limits.
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
