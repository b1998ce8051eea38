package dashboards_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// scrapes returns a configuration of Prometheus in which jobs of the given names scrape one exporter.
func scrapes(interval string, exporter *harness.Exporter, jobs ...string) string {
	config := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %[1]s}\nscrape_configs:\n", interval)
	for _, job := range jobs {
		config += fmt.Sprintf("- {job_name: %s, static_configs: [{targets: [%q]}]}\n", job, strings.TrimPrefix(exporter.URL(), "http://"))
	}
	return config
}

// startFleet runs an exporter of a fleet; in the first projects, the role is missing that exports and schedules require.
func startFleet(t *testing.T, size atlassim.FleetOptions, unreadable int) *harness.Exporter {
	t.Helper()
	account := atlassim.ServiceAccount{ClientID: "mdb_sa_id_fleet", ClientSecret: "mdb_sa_sk_fleet"}
	org := atlassim.Fleet(atlassim.WallClock{}, size)
	atlas := harness.StartAtlas(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{account}, NoRateLimits: true})
	for _, p := range org.Projects()[:unreadable] {
		for _, operation := range []string{atlassim.OpListBackupExports, atlassim.OpGetBackupSchedule} {
			atlas.Inject(atlassim.Fault{Project: p.ID, Operation: operation, Authenticated: true, Status: http.StatusForbidden, Code: "USER_UNAUTHORIZED"})
		}
	}
	file := filepath.Join(t.TempDir(), "config.yml")
	config := fmt.Sprintf("atlas:\n  base_url: %s\n  allow_insecure_http: true\n  service_account: {client_id: %s, client_secret: %s}\n",
		atlas.URL(), account.ClientID, account.ClientSecret)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return harness.StartExporter(t, "--config.file="+file)
}

// TestUnreadable counts the unreadable targets by project and collector: a missing role of a hundred clusters is one row.
func TestUnreadable(t *testing.T) {
	prometheus := harness.StartPrometheus(t, scrapes("1s", startFleet(t, atlassim.FleetOptions{Projects: 3, ClustersPerProject: 4}, 2), "a", "b"), nil)
	for _, d := range load(t) {
		for _, p := range d.Panels {
			if p.Title != "What needs attention" {
				continue
			}
			for _, q := range p.Targets {
				if !strings.Contains(q.Expr, `"targetunreadable"`) {
					continue
				}
				t.Run(d.UID+"/"+q.RefID, func(t *testing.T) {
					samples := prometheus.Eventually(t, substitute(q.Expr), func(samples []harness.Sample) error {
						unreadable := map[string]int{}
						for _, s := range samples {
							if s.Labels["problem"] == "targetunreadable" {
								unreadable[s.Labels["detail"]]++
							}
						}
						if unreadable["backup_exports: forbidden"] != 2 || unreadable["backup_schedule: forbidden"] != 2 || len(unreadable) != 2 {
							return fmt.Errorf("unreadable: %v", unreadable)
						}
						return nil
					})
					for _, s := range samples {
						if countsTargets(q.Expr) && (s.Value < 1 || s.Value > 4) {
							t.Errorf("%v: %g targets of 4 clusters", s.Labels, s.Value)
						}
					}
					checkRows(t, p, q, samples)
				})
			}
		}
	}
}
