package collector_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// twoProjects is an organization of two projects with one cluster each.
func twoProjects() (org *atlassim.Organization, first, second *atlassim.Project) {
	org = atlassim.NewOrganization(atlassim.WallClock{})
	first, second = org.AddProject("first"), org.AddProject("second")
	for _, p := range []*atlassim.Project{first, second} {
		p.AddCluster("cluster", atlassim.ClusterOptions{}).AddExport(atlassim.Export{})
	}
	return org, first, second
}

// onlyExports returns a configuration of one collector, which reads at each scrape, and of named projects.
func onlyExports(ids ...string) config.Config {
	c := config.Default(collector.All().Config())
	for _, n := range c.Collectors.Names() {
		c.Collectors.Enable(n, n == "backup_exports")
	}
	c.Refresh.MinInterval, c.Refresh.DiscoveryInterval = 0, 0
	for _, id := range ids {
		c.Projects = append(c.Projects, config.Project{ID: id})
	}
	return c
}

// lines checks that an exposition contains each line, or, with "!" before it, that none begins with it.
func lines(t *testing.T, exposition string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		prefix, not := strings.CutPrefix(want, "!")
		if strings.Contains("\n"+exposition, "\n"+prefix) == not {
			t.Errorf("%s: want %t of\n%s", prefix, !not, exposition)
		}
	}
}

// TestSelectedProject checks that a scrape of one project reads that project and the discovery, and shows nothing of another.
func TestSelectedProject(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprintf("named %t", named), func(t *testing.T) {
			t.Parallel()
			org, first, second := twoProjects()
			w := newWorld(t, org)
			c := onlyExports()
			if named {
				c = onlyExports(first.ID, second.ID)
			}
			w.exporter.Configure(c, w.client)
			began := time.Now()
			all := gather(t.Context(), t, w.exporter, collector.Selection{})
			const projects = `mongodbatlas_scrape_collector_success{collector="projects"} `
			lines(t, all, "mongodbatlas_up 1\n", projects+"1\n", `mongodbatlas_scrape_collector_success{collector="backup_exports"} 1`)
			for _, p := range []*atlassim.Project{first, second} {
				lines(t, all, `mongodbatlas_backup_export_jobs{cl_name="cluster",group_id="`+p.ID+`",group_name="`+p.Name+`",state="Queued"} 1`,
					`mongodbatlas_project_info{group_id="`+p.ID)
			}
			refreshed := 0
			for line := range strings.Lines(all) {
				if !strings.HasPrefix(line, "mongodbatlas_target_last_refresh_timestamp_seconds{") {
					continue
				}
				refreshed++
				_, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
				at, err := strconv.ParseFloat(value, 64)
				if early := float64(began.UnixMilli()) / 1000; err != nil || at < early || at > early+3600 {
					t.Errorf("%s was refreshed before %s, or long after it", line, began)
				}
			}
			if refreshed == 0 {
				t.Error("no target has the time of its refresh")
			}

			w.server.ResetRequests()
			one := gather(t.Context(), t, w.exporter, collector.Selection{GroupID: first.ID})
			lines(t, one, `mongodbatlas_backup_export_jobs{cl_name="cluster",group_id="`+first.ID, `mongodbatlas_project_info{group_id="`+first.ID,
				`mongodbatlas_target_up{cl_name="cluster",collector="backup_exports",group_id="`+first.ID, "!mongodbatlas_up ")
			if strings.Contains(one, second.ID) {
				t.Errorf("a scrape of one project shows another one:\n%s", one)
			}
			if root := strings.Contains(one, `,collector="projects",`); root != named || strings.Contains(one, projects) != named {
				t.Errorf("the scrape of one project shows the list of all projects, or not its own reading:\n%s", one)
			}
			root := 0
			for _, r := range w.server.Requests() {
				if strings.Contains(r.Path, second.ID) {
					t.Errorf("a scrape of one project reads %s", r.Path)
				}
				if r.Operation == atlassim.OpListProjects || r.Operation == atlassim.OpGetProject {
					root++
				}
			}
			if root != 1 {
				t.Errorf("%d requests for projects, want one", root)
			}
		})
	}
}

// TestNotTriedYet checks that a collector whose jobs Atlas does not answer for has neither failed nor succeeded, and that one
// whose targets have nothing to read has succeeded.
func TestNotTriedYet(t *testing.T) {
	t.Parallel()
	org, _, _ := twoProjects()
	w := newWorld(t, org)
	asked, release := make(chan struct{}, 100), make(chan struct{})
	defer close(release)
	w.server.Inject(atlassim.Fault{Operation: atlassim.OpListBackupExports, Authenticated: true, Handler: func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}})
	w.exporter.Configure(onlyExports(), w.client)
	const success = `mongodbatlas_scrape_collector_success{collector="`
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	lines(t, gather(ended, t, w.exporter, collector.Selection{}), "!"+success+"backup_exports", "!"+success+"projects", "!"+success+"clusters")
	<-asked
	lines(t, gather(ended, t, w.exporter, collector.Selection{}), "!"+success+"backup_exports", success+"projects\"} 1")

	org = atlassim.NewOrganization(atlassim.WallClock{})
	org.AddProject("free").AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT", InstanceSize: "M0"})
	w = newWorld(t, org)
	w.exporter.Configure(onlyExports(), w.client)
	lines(t, gather(t.Context(), t, w.exporter, collector.Selection{}), success+"backup_exports\"} 1")

	w = newWorld(t, atlassim.NewOrganization(atlassim.WallClock{})) // and no project at all
	w.exporter.Configure(onlyExports(), w.client)
	lines(t, gather(t.Context(), t, w.exporter, collector.Selection{}), success+"backup_exports\"} 1", "mongodbatlas_up 0\n")
}

// TestNamedProjectFails checks what is reported if Atlas answers with another project than the named one, or with none.
func TestNamedProjectFails(t *testing.T) {
	t.Parallel()
	const nowhere = "32b6e34b3d91647abb20e7b8"
	org, first, second := twoProjects()
	w := newWorld(t, org)
	w.exporter.Configure(onlyExports(first.ID, nowhere), w.client)
	remove := w.server.Inject(atlassim.Fault{
		Operation: atlassim.OpGetProject, Path: "/api/atlas/v2/groups/" + first.ID, Authenticated: true, Status: http.StatusOK,
		Body: `{"id":"` + second.ID + `","name":"second","orgId":"` + second.ID + `","created":"2026-01-01T00:00:00Z"}`,
	})
	failed := func(id, reason string) string {
		return `mongodbatlas_target_last_error_info{cl_name="",collector="projects",group_id="` + id + `",group_name="",pipeline="",reason="` + reason + `"} 1`
	}
	lines(t, gather(t.Context(), t, w.exporter, collector.Selection{}), failed(first.ID, "bad_response"), failed(nowhere, "not_found"), "mongodbatlas_up 0\n")
	remove()
	gather(t.Context(), t, w.exporter, collector.Selection{})
	limited := func(id string) bool {
		t.Helper()
		families, err := w.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(fmt.Sprint(families), id)
	}
	if !limited(nowhere) {
		t.Fatal("the rate limit of a project that is not found is not shown")
	}
	w.exporter.Configure(onlyExports(first.ID), w.client)
	if limited(nowhere) {
		t.Error("the rate limit of a project that is no longer named is shown")
	}
	if !limited(first.ID) {
		t.Error("the rate limit of a project that stays is gone")
	}
}

// TestQuietScrapesDoNotDiscover checks that scrapes and reloads cause no discovery between its intervals, and that a list that
// is not found causes one of its own project only.
func TestQuietScrapesDoNotDiscover(t *testing.T) {
	t.Parallel()
	org, first, second := twoProjects()
	w := newWorld(t, org)
	c := onlyExports()
	c.Refresh.DiscoveryInterval = time.Hour
	for range 3 {
		w.exporter.Configure(c, w.client)
		gather(t.Context(), t, w.exporter, collector.Selection{})
	}
	for operation, want := range map[string]int{atlassim.OpListProjects: 1, atlassim.OpListClusters: 2, atlassim.OpListBackupExports: 6} {
		if got := w.server.Count(operation); got != want {
			t.Errorf("%s was sent %d times, want %d", operation, got, want)
		}
	}

	c = onlyExports(first.ID, second.ID)
	c.Refresh.DiscoveryInterval = time.Hour
	w = newWorld(t, org)
	w.exporter.Configure(c, w.client)
	gather(t.Context(), t, w.exporter, collector.Selection{})
	lines(t, gather(t.Context(), t, w.exporter, collector.Selection{}), "mongodbatlas_up 1\n")
	w.server.ResetRequests()
	org.Do(func() { org.RemoveProject(second) })
	for range 3 { // the job list, the list of clusters, the project
		gather(t.Context(), t, w.exporter, collector.Selection{})
	}
	for _, r := range w.server.Requests() {
		if r.Operation != atlassim.OpListBackupExports && strings.Contains(r.Path, first.ID) {
			t.Errorf("%s was sent for a healthy project", r.Operation)
		}
	}
	if w.server.Count(atlassim.OpGetProject) == 0 {
		t.Error("the removed project was not looked up")
	}
}

// TestServedAgain turns a cluster's backup off and on: its jobs are read again at once, and the page counts their age from
// then.
func TestServedAgain(t *testing.T) {
	t.Parallel()
	org, first, _ := twoProjects()
	cluster := first.Clusters()[0]
	w := newWorld(t, org)
	c := onlyExports()
	c.Refresh.MinInterval = 10 * time.Minute
	w.exporter.Configure(c, w.client)
	found := func() time.Time {
		for _, p := range w.exporter.Overview().Projects {
			for _, v := range p.Targets {
				if p.ID == first.ID && v.Name == "backup_exports" {
					return v.Found
				}
			}
		}
		t.Fatal("there is no target")
		return time.Time{}
	}
	gather(t.Context(), t, w.exporter, collector.Selection{})
	since := found()
	gather(t.Context(), t, w.exporter, collector.Selection{})
	if got := found(); !got.Equal(since) {
		t.Errorf("found at %s, and then at %s", since, got)
	}
	org.Do(func() { cluster.BackupEnabled = false })
	const exportUp = `mongodbatlas_target_up{cl_name="cluster",collector="backup_exports",group_id="`
	lines(t, gather(t.Context(), t, w.exporter, collector.Selection{}), "!"+exportUp+first.ID)
	org.Do(func() { cluster.BackupEnabled = true })
	before := w.server.Count(atlassim.OpListBackupExports)
	lines(t, gather(t.Context(), t, w.exporter, collector.Selection{}), exportUp+first.ID)
	if got := w.server.Count(atlassim.OpListBackupExports) - before; got != 1 {
		t.Errorf("%d lists of jobs were read after the backup of one cluster was enabled again", got)
	}
	if got := found(); !got.After(since) {
		t.Errorf("found at %s, before its backup was disabled", got)
	}
}
