package collector_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestReloadToAllProjectsKeepsWhatWasRead changes the configuration from a named project to all projects, and back, while
// Atlas is unreachable: the project keeps its values, under its newest name.
func TestReloadToAllProjectsKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	project := org.AddProject("before")
	project.AddCluster("one", atlassim.ClusterOptions{}).AddExport(atlassim.Export{})
	w := newWorld(t, org)
	e, client := w.exporter, w.client
	all := config.Default(collector.All().Config())
	all.Refresh.MinInterval, all.Refresh.DiscoveryInterval = 0, 0
	named := all
	named.Projects = []config.Project{{ID: project.ID}}

	e.Configure(all, client)
	gather(t.Context(), t, e, collector.Selection{})
	e.Configure(named, client)
	org.Do(func() { project.Name = "after" })
	gather(t.Context(), t, e, collector.Selection{})
	_ = w.server.Close()
	want := `mongodbatlas_backup_export_jobs{cl_name="one",group_id="` + project.ID + `",group_name="after",state="Queued"} 1` + "\n"
	for _, reload := range []struct {
		name string
		to   config.Config
	}{{"all projects", all}, {"the named project", named}, {"all projects again", all}} {
		e.Configure(reload.to, client)
		if got := gather(t.Context(), t, e, collector.Selection{}); !strings.Contains(got, want) {
			t.Errorf("after a reload to %s this is missing: %sof\n%s", reload.name, want, got)
		}
	}
}

// TestReloadKeepsDiscoveryGoing reloads from all projects to a named one, and then deletes a cluster: the 404 of its lists
// triggers a discovery at once, by the current discovery and not the one from before the reload.
func TestReloadKeepsDiscoveryGoing(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	project := org.AddProject("project")
	project.AddCluster("goes", atlassim.ClusterOptions{})
	project.AddCluster("stays", atlassim.ClusterOptions{})
	w := newWorld(t, org)
	e, client := w.exporter, w.client
	all := config.Default(collector.All().Config())
	all.Refresh.MinInterval = 0
	named := all
	named.Projects = []config.Project{{ID: project.ID}}

	e.Configure(all, client)
	gather(t.Context(), t, e, collector.Selection{})
	e.Configure(named, client)
	gather(t.Context(), t, e, collector.Selection{})
	org.Do(func() { org.RemoveProject(project) })
	before := w.server.Count(atlassim.OpGetProject)
	for range 3 { // 404 of the lists of jobs, then of the list of clusters: the project itself may be gone
		gather(t.Context(), t, e, collector.Selection{})
	}
	if w.server.Count(atlassim.OpGetProject) == before {
		t.Error("the project was not read again after its lists answered 404")
	}
}

// TestRestart replaces the account while the old one lists its projects: the new one is asked at once, without a scrape, and
// the old answer is dropped. A later restart starts a discovery as well, although none is due.
func TestRestart(t *testing.T) {
	t.Parallel()
	worldOf := func(name string) (*world, string) {
		org := atlassim.NewOrganization(atlassim.WallClock{})
		return newWorld(t, org), org.AddProject(name).ID
	}
	first, old := worldOf("old")
	second, replacement := worldOf("new")
	listing, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	first.server.SetBeforePage(func(operation string, _ int) {
		if operation == atlassim.OpListProjects {
			once.Do(func() { close(listing); <-release })
		}
	})
	e, c := first.exporter, config.Default(collector.All().Config())
	shows := func(id string) {
		t.Helper()
		harness.Eventually(t, func() error {
			if got := e.Projects(); !slices.Equal(got, []string{id}) {
				return fmt.Errorf("the projects are %v, want %s", got, id)
			}
			return nil
		})
	}
	e.Configure(c, first.client)
	e.Discover()
	<-listing
	e.Restart(c, second.client)
	shows(replacement)
	close(release)
	e.Restart(c, first.client)
	shows(old)
	e.Restart(c, second.client)
	shows(replacement)
}
