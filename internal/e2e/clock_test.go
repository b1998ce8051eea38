package e2e_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// clockWorld returns an organization whose clock stands still at a time, with an export, a restore and a run in progress, and
// one of each that ended an hour before, and the dates that must be exported.
func clockWorld(now time.Time) (org *atlassim.Organization, want map[string]time.Time) {
	org = atlassim.NewOrganization(atlassim.NewManualClock(now))
	project := org.AddProject("clocks")
	cluster := project.AddCluster("c", atlassim.ClusterOptions{Created: now.Add(-48 * time.Hour)})
	pipeline := project.AddPipeline("p", atlassim.PipelineOptions{})
	begun, ended := now.Add(-90*time.Minute), now.Add(-time.Hour)
	cluster.AddExport(atlassim.Export{CreatedAt: begun, FinishedAt: ended})
	cluster.AddExport(atlassim.Export{CreatedAt: now, State: atlassim.ExportInProgress})
	cluster.AddRestore(atlassim.Restore{CreatedAt: begun, FinishedAt: ended})
	cluster.AddRestore(atlassim.Restore{CreatedAt: now})
	pipeline.AddRun(atlassim.Run{CreatedDate: ended, State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
	pipeline.AddRun(atlassim.Run{CreatedDate: now, State: atlassim.RunInProgress, Phase: atlassim.PhaseExport})
	return org, map[string]time.Time{
		"mongodbatlas_cluster_created_timestamp_seconds":                              now.Add(-48 * time.Hour),
		"mongodbatlas_backup_export_last_success_timestamp_seconds":                   ended,
		"mongodbatlas_backup_export_first_job_created_timestamp_seconds":              begun,
		"mongodbatlas_backup_export_last_job_created_timestamp_seconds":               now,
		"mongodbatlas_backup_export_oldest_unfinished_job_created_timestamp_seconds":  now,
		"mongodbatlas_backup_restore_last_success_timestamp_seconds":                  ended,
		"mongodbatlas_backup_restore_oldest_unfinished_job_created_timestamp_seconds": now,
		"mongodbatlas_pipeline_last_success_timestamp_seconds":                        ended,
		"mongodbatlas_pipeline_last_run_created_timestamp_seconds":                    now,
		"mongodbatlas_pipeline_oldest_unfinished_run_created_timestamp_seconds":       now,
	}
}

// TestClocks checks that the exported dates of jobs depend on Atlas's clock alone: not on the exporter's, which may be hours
// behind or ahead, nor on its time zone, including the hour that occurs twice at the end of daylight saving time.
func TestClocks(t *testing.T) {
	harness.NotShort(t, "it starts ten exporters")
	goRoot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	zones := "ZONEINFO=" + filepath.Join(strings.TrimSpace(string(goRoot)), "lib", "time", "zoneinfo.zip")
	for name, now := range map[string]time.Time{
		"the hour that Berlin has twice":  time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
		"Atlas is three hours ahead":      time.Now().Add(3 * time.Hour).Truncate(time.Second),
		"Atlas is a day behind":           time.Now().Add(-24 * time.Hour).Truncate(time.Second),
		"Atlas is years ahead":            time.Date(2031, 3, 1, 0, 0, 0, 0, time.UTC),
		"the second behind a leap second": time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, want := clockWorld(now)
			configFile := writeConfig(t, startServer(t, org).URL(), "")
			var first []string
			for _, zone := range []string{"UTC", "Europe/Berlin"} {
				exporter := harness.StartExporterEnv(t, []string{"TZ=" + zone, zones}, "--config.file="+configFile)
				_, body := harness.Get(t, exporter.URL()+"/metrics")
				jobs := slices.DeleteFunc(strings.Split(body, "\n"), func(line string) bool {
					return !strings.HasPrefix(line, "mongodbatlas_backup_") && !strings.HasPrefix(line, "mongodbatlas_pipeline_") &&
						!strings.HasPrefix(line, "mongodbatlas_cluster_")
				})
				for family, at := range want {
					if line := onlyLine(jobs, family); !strings.HasSuffix(line, fmt.Sprintf("} %v", float64(at.Unix()))) {
						t.Errorf("%s: %q, want %v", zone, line, float64(at.Unix()))
					}
				}
				if first == nil {
					first = jobs
				} else if !slices.Equal(jobs, first) {
					t.Errorf("%s and UTC differ:\n%s\n%s", zone, strings.Join(jobs, "\n"), strings.Join(first, "\n"))
				}
			}
		})
	}
}

// onlyLine returns the line of a family that has one series.
func onlyLine(lines []string, family string) string {
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, family+"{") })
	if i < 0 {
		return ""
	}
	return lines[i]
}
