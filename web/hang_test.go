package web_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestProbesWhileAtlasHangs checks that the probes of many projects are all answered with the last values, and report the
// failure, while Atlas accepts requests and never answers.
func TestProbesWhileAtlasHangs(t *testing.T) {
	t.Parallel()
	const projects = 250
	org := atlassim.NewOrganization(atlassim.WallClock{})
	for i := range projects {
		org.AddProject(fmt.Sprintf("project-%d", i)).AddCluster("cluster", atlassim.ClusterOptions{}).AddExport(atlassim.Export{State: atlassim.ExportQueued})
	}
	e := start(t, org, func(c *config.Config) {
		for _, name := range c.Collectors.Names() {
			c.Collectors.Enable(name, name == "backup_exports")
		}
		c.Atlas.MaxConcurrentRequests, c.Atlas.RequestTimeout = 256, time.Second
	})
	harness.Eventually(t, func() error { // on a busy machine a reading may take longer than a request may
		e.read(t)
		got := e.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "60")
		if n := strings.Count(got.body, "\nmongodbatlas_backup_export_first_job_created_timestamp_seconds{"); n != projects {
			return fmt.Errorf("%d of %d clusters are read", n, projects)
		}
		return nil
	})
	_, end := hang(e)
	defer end()
	var wg sync.WaitGroup
	for _, project := range org.Projects() {
		wg.Go(func() {
			got, err := e.do(t.Context(), http.MethodGet, "/probe?target="+project.ID, "X-Prometheus-Scrape-Timeout-Seconds", "2")
			if err != nil || got.status != http.StatusOK || !strings.Contains(got.body, "\nmongodbatlas_backup_export_jobs{") {
				t.Errorf("a probe answers %d, %v, without the last values: %.200s", got.status, err, got.body)
			}
		})
	}
	wg.Wait()
	want := fmt.Sprintf(`{cl_name="cluster",collector="backup_exports",group_id=%q,group_name=%q,pipeline=""`, org.Projects()[0].ID, org.Projects()[0].Name)
	harness.Eventually(t, func() error {
		got := e.get(t, "/probe?target="+org.Projects()[0].ID, "X-Prometheus-Scrape-Timeout-Seconds", "2")
		for _, line := range []string{
			"\nmongodbatlas_target_up" + want + "} 0\n",
			"\nmongodbatlas_target_last_error_info" + want + `,reason="timeout"} 1` + "\n",
			`mongodbatlas_backup_export_jobs{cl_name="cluster",group_id="` + org.Projects()[0].ID + `",group_name="project-0",state="Queued"} 1`,
		} {
			if got.status != http.StatusOK || !strings.Contains(got.body, line) {
				return fmt.Errorf("the probe answers %d without %s", got.status, line)
			}
		}
		return nil
	})
}

// TestEveryPathWhileAtlasHangs checks that each path answers while Atlas hangs: from the start, and after everything was read.
// Requests to Atlas may take longer than the test waits for an answer.
func TestEveryPathWhileAtlasHangs(t *testing.T) {
	t.Parallel()
	change := func(c *config.Config) {
		c.Atlas.RequestTimeout, c.Refresh.DiscoveryInterval = 10*time.Minute, 0
	}
	statuses := func(t *testing.T, e *exporter, want map[string]int) {
		t.Helper()
		for range 2 { // the second request may wait for what the first one began
			for path, status := range want {
				method := http.MethodGet
				if path == "/-/reload" {
					method = http.MethodPost
				}
				got, err := e.do(t.Context(), method, path, "X-Prometheus-Scrape-Timeout-Seconds", "1")
				if err != nil || got.status != status {
					t.Errorf("%s %s answers %d %.100s, %v, want %d", method, path, got.status, got.body, err, status)
				}
			}
		}
	}
	for _, authenticated := range []bool{true, false} {
		t.Run(fmt.Sprintf("from the start, tokens %v", authenticated), func(t *testing.T) {
			t.Parallel()
			org, first, _ := small()
			e := start(t, org, change)
			hanging, end := hangWith(e, authenticated)
			defer end()
			statuses(t, e, map[string]int{
				"/": 200, "/metrics": 200, "/probe?target=" + first.ID: 503, "/sd": 503, "/-/healthy": 200, "/-/ready": 503, "/-/reload": 200,
			})
			if hanging() == 0 {
				t.Error("Atlas got no request")
			}
		})
		t.Run(fmt.Sprintf("later, tokens %v", authenticated), func(t *testing.T) {
			t.Parallel()
			org, first, _ := small()
			e := start(t, org, change)
			e.read(t)
			if !authenticated {
				e.atlas.ForgetTokens()
			}
			hanging, end := hangWith(e, authenticated)
			defer end()
			statuses(t, e, map[string]int{
				"/": 200, "/metrics": 200, "/probe?target=" + first.ID: 200, "/sd": 200, "/-/healthy": 200, "/-/ready": 200, "/-/reload": 200,
			})
			if hanging() == 0 {
				t.Error("Atlas got no request")
			}
		})
	}
}

// TestReloadThatBlocks checks that a reload whose files cannot be read answers with the reason, within the server's time
// limit.
func TestReloadThatBlocks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for the whole time limit of a reload; the tests of daemon check the limit")
	}
	org, _, _ := small()
	pipe := filepath.Join(t.TempDir(), "secret")
	e := start(t, org, nil)
	e.configure(func(c *config.Config) error {
		c.Atlas.ServiceAccount = &config.ServiceAccount{ClientID: clientID, ClientSecretFile: pipe}
		return syscall.Mkfifo(pipe, 0o600)
	})
	got, err := e.do(t.Context(), http.MethodPost, "/-/reload")
	if err != nil || got.status != http.StatusInternalServerError || !strings.Contains(got.body, pipe+": could not be read within 10s") {
		t.Errorf("the reload answers %d %s, %v", got.status, got.body, err)
	}
}
