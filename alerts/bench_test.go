package alerts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// BenchmarkRules measures the processor time that a real Prometheus takes for one evaluation of each rule, and of all, for a
// large organization. Prometheus scrapes its series for nine minutes, then evaluates only what the benchmark requests. Times
// in the rules, and the minute between two scrapes, are divided by a factor: after 90 minutes divided by the factor, every
// range of the rules has as many samples as in production.
func BenchmarkRules(b *testing.B) {
	const (
		clusters = 6250
		factor   = 12
		scraping = 9 * time.Minute
		minute   = time.Minute / factor
	)
	shipped, err := os.ReadFile(rulesPath)
	if err != nil {
		b.Fatal(err)
	}
	rules, err := scale.Rules(shipped, factor)
	if err != nil {
		b.Fatal(err)
	}
	var file struct{ Groups []group }
	if err := yaml.Unmarshal(rules, &file); err != nil {
		b.Fatal(err)
	}
	series := organizationSeries(clusters)
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write(series)
	}))
	defer exporter.Close()
	server := harness.StartPrometheus(b, fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [rules.yml]
scrape_configs: [{job_name: mongodbatlas, static_configs: [{targets: [%[2]q]}]}]
`, minute, exporter.Listener.Addr()), map[string]string{"rules.yml": string(rules)})
	if err := harness.Pause(b.Context(), scraping); err != nil {
		b.Fatal(err)
	}
	own := func(family string) float64 {
		sum := 0.0
		metrics, err := harness.Scrape(b.Context(), server.URL()+"/metrics", 0)
		for name, value := range metrics {
			if harness.Family(name) == family {
				sum += value
			}
		}
		if err != nil || sum == 0 {
			b.Fatal("Prometheus does not return ", family, ": ", err)
		}
		return sum
	}
	groups := own("prometheus_rule_group_last_duration_seconds")
	b.Logf("%d series; the groups of rules took %.1f s", bytes.Count(series, []byte("\n")), groups)
	at := time.Now().Add(-time.Second).Format(time.RFC3339)
	server.WriteFile(b, "prometheus.yml", "")
	if err := server.Reload(b.Context()); err != nil {
		b.Fatal(err)
	}
	measure := func(name string, rules ...rule) {
		b.Run(name, func(b *testing.B) {
			before := own("process_cpu_seconds_total")
			for b.Loop() {
				for _, r := range rules {
					query := url.Values{"query": {r.Expr}, "time": {at}}
					if status, body := harness.Get(b, server.URL()+"/api/v1/query?"+query.Encode()); status != http.StatusOK {
						b.Fatalf("%s: %s", r.name(), body)
					}
				}
			}
			b.ReportMetric((own("process_cpu_seconds_total")-before)/float64(b.N), "CPU-s/op")
		})
	}
	var all []rule
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			measure(r.name(), r)
		}
		all = append(all, group.Rules...)
	}
	measure("all", all...)
}

// organizationSeries returns the series of this many clusters, 25 in a project: one in twenty is paused or off, one in twenty
// has failed exports.
func organizationSeries(clusters int) []byte {
	var out bytes.Buffer
	write := func(name, labels string, value int64) {
		fmt.Fprintf(&out, "mongodbatlas_%s{%s} %d\n", name, labels, value)
	}
	one := func(condition bool) int64 {
		if condition {
			return 1
		}
		return 0
	}
	now := time.Now().Unix()
	for i := range clusters {
		project := fmt.Sprintf(`group_id="p%d",group_name="project-%d"`, i/25, i/25)
		if i%25 == 0 {
			write("project_info", project+`,org_id="o"`, 1)
			write("target_up", project+`,cl_name="",pipeline="",collector="clusters"`, 1)
		}
		cluster := project + fmt.Sprintf(`,cl_name="cluster-%d"`, i)
		off, failed := i%20 == 3, i%20 == 7
		write("cluster_backup_enabled", cluster, 1)
		write("cluster_paused", cluster, one(off))
		write("cluster_created_timestamp_seconds", cluster, now-90*86400)
		write("backup_export_auto_enabled", cluster, 1)
		if !off {
			write("backup_export_expected_interval_seconds", cluster, 86400)
			write("backup_snapshot_expected_interval_seconds", cluster, 21600)
		}
		for _, state := range []string{"Queued", "InProgress", "Successful", "Failed", "Cancelled", "unknown"} {
			write("backup_export_jobs", cluster+`,state="`+state+`"`, 3)
			write("backup_export_last_job_state", cluster+`,state="`+state+`"`, one(state == "Successful"))
		}
		write("backup_export_last_success_timestamp_seconds", cluster, now-7200)
		write("backup_export_last_failure_timestamp_seconds", cluster, one(failed)*now)
		write("backup_export_last_success_duration_seconds", cluster, 900)
		write("backup_export_first_job_created_timestamp_seconds", cluster, now-80*86400)
		write("backup_export_bucket_found", cluster, 1)
		for _, state := range []string{"queued", "inProgress", "completed", "failed", "unknown"} {
			write("backup_snapshots", cluster+`,state="`+state+`"`, 3)
			write("backup_snapshot_last_state", cluster+`,state="`+state+`"`, one(state == "completed"))
		}
		write("backup_snapshot_last_success_timestamp_seconds", cluster, now)
		write("backup_snapshot_last_failure_timestamp_seconds", cluster, 0)
		write("backup_snapshot_policy_items", cluster, 4)
		write("backup_snapshot_next_timestamp_seconds", cluster, now+86400)
		if i%10 == 0 {
			restores := cluster + `,delivery_type="automated"`
			write("backup_restore_last_success_timestamp_seconds", restores, now-7200)
			write("backup_restore_last_failure_timestamp_seconds", restores, 0)
			write("backup_restore_jobs", restores+`,state="failed"`, 0)
			write("backup_export_oldest_unfinished_job_created_timestamp_seconds", cluster, now-600)
		}
		for _, collector := range []string{
			"backup_exports", "backup_restores", "backup_schedule", "backup_snapshots", "collection_restores",
		} {
			target := cluster + `,pipeline="",collector="` + collector + `"`
			write("target_up", target, 1)
			write("target_last_refresh_timestamp_seconds", target, now+86400)
		}
	}
	out.WriteString("mongodbatlas_up 1\n")
	return out.Bytes()
}
