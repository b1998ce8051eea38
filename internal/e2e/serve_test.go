package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// value accepts one sample of this value.
func value(want float64) func([]harness.Sample) error {
	return func(samples []harness.Sample) error {
		if len(samples) != 1 || samples[0].Value != want {
			return fmt.Errorf("got %v, want one sample of value %v", samples, want)
		}
		return nil
	}
}

// TestPrometheusScrapesDemo scrapes the demo with a real Prometheus, as a whole and by project, and queries it.
func TestPrometheusScrapesDemo(t *testing.T) {
	harness.NotShort(t, "it runs Prometheus")
	exporter := harness.StartExporter(t, "demo")
	prometheus := harness.StartPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
- job_name: mongodbatlas
  static_configs: [{targets: [%q]}]
- job_name: projects
  http_sd_configs: [{url: %s/sd, refresh_interval: 1s}]
`, strings.TrimPrefix(exporter.URL(), "http://"), exporter.URL()), nil)

	prometheus.Eventually(t, `mongodbatlas_up{job="mongodbatlas"}`, value(1))
	prometheus.Eventually(t, `count(mongodbatlas_project_info{job="mongodbatlas"})`, value(demoProjects))
	prometheus.Eventually(t, `count(count by (instance, group_id) (mongodbatlas_project_info{job="projects"}))`, value(demoProjects))
	for _, query := range []string{
		`min(min by (collector) (mongodbatlas_scrape_collector_success{job="mongodbatlas"}))`,
		// Every state set sums to 1.
		`min(sum without (state) (mongodbatlas_backup_export_last_job_state{job="mongodbatlas"}))`,
		`max(sum without (state) (mongodbatlas_backup_restore_last_job_state{job="mongodbatlas"}))`,
		`max(sum without (phase) (mongodbatlas_pipeline_last_run_phase{job="mongodbatlas"}))`,
		// Both jobs see the same histories.
		`clamp_max(count(mongodbatlas_backup_export_first_job_created_timestamp_seconds{job="mongodbatlas"}
		  == on (group_id, cl_name) mongodbatlas_backup_export_first_job_created_timestamp_seconds{job="projects"}), 1)`,
		// The demo has problems for the alerts.
		`clamp_max(count(mongodbatlas_backup_export_last_failure_timestamp_seconds > mongodbatlas_backup_export_last_success_timestamp_seconds{job="mongodbatlas"}), 1)`,
		`clamp_max(count(time() - mongodbatlas_backup_export_oldest_unfinished_job_created_timestamp_seconds{job="mongodbatlas"} > 43200), 1)`,
		`clamp_max(count(mongodbatlas_backup_export_auto_enabled{job="mongodbatlas"} == 0), 1)`,
	} {
		prometheus.Eventually(t, query, value(1))
	}
	// No date is in the future, with a tolerance of a minute for skew.
	prometheus.Eventually(t, `count({__name__=~"mongodbatlas_.*_(created|finished|success|failure)_timestamp_seconds"} > time() + 60) or vector(0)`, value(0))
	// The scrape of a project contains no metrics of the process.
	prometheus.Eventually(t, `count({job="projects", __name__=~"(go|process)_.*|mongodbatlas_(api|exporter)_.*|mongodbatlas_up"}) or vector(0)`, value(0))
}

// TestCheckMetrics lints the real output with promtool.
func TestCheckMetrics(t *testing.T) {
	harness.NotShort(t, "it runs promtool")
	exporter := harness.StartExporter(t, "demo")
	_, body := harness.Get(t, exporter.URL()+"/metrics")
	cmd := exec.CommandContext(t.Context(), harness.Tool(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for _, family := range []string{"mongodbatlas_backup_export_jobs", "mongodbatlas_backup_restore_jobs", "mongodbatlas_pipeline_runs", "go_goroutines", "mongodbatlas_exporter_build_info"} {
		if !strings.Contains(body, "\n"+family+"{") && !strings.Contains(body, "\n"+family+" ") {
			t.Errorf("the output has no %s", family)
		}
	}
}

const (
	clientID     = "mdb_sa_id_test"
	clientSecret = "mdb_sa_sk_test-secret"
)

// startAtlas starts a simulated Atlas and returns it with a configuration file for it.
func startAtlas(t *testing.T, extra string) (server *atlassim.Server, configFile string) {
	t.Helper()
	server = startServer(t, atlassim.Demo(atlassim.WallClock{}))
	return server, writeConfig(t, server.URL(), extra)
}

func startServer(t *testing.T, org *atlassim.Organization) *atlassim.Server {
	t.Helper()
	return harness.StartAtlas(t, org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret}},
	})
}

func writeConfig(t *testing.T, baseURL, extra string) string {
	t.Helper()
	dir := t.TempDir()
	secretFile := filepath.Join(dir, "secret")
	harness.WriteFile(t, secretFile, clientSecret+"\n")
	configFile := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("atlas:\n  base_url: %s\n  service_account: {client_id: %s, client_secret_file: %s}\n%s", baseURL, clientID, secretFile, extra)
	harness.WriteFile(t, configFile, text)
	return configFile
}

// TestShardedExporters divides the projects between two exporters with a real Prometheus, with the configuration in the
// documentation, and checks that each project is scraped once.
func TestShardedExporters(t *testing.T) {
	harness.NotShort(t, "it runs Prometheus")
	const projects = 12 // enough that each exporter gets some, whatever the hash
	org := atlassim.NewOrganization(atlassim.WallClock{})
	for i := range projects {
		org.AddProject(fmt.Sprintf("project-%d", i)).AddCluster("cluster", atlassim.ClusterOptions{})
	}
	configFile := writeConfig(t, startServer(t, org).URL(), "")
	first := harness.StartExporter(t, "--config.file="+configFile)
	second := harness.StartExporter(t, "--config.file="+configFile)
	prometheus := harness.StartPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
- job_name: mongodbatlas
  http_sd_configs:
  - {url: %[1]s/sd, refresh_interval: 1s}
  - {url: %[2]s/sd, refresh_interval: 1s}
  relabel_configs:
  - {source_labels: [__param_target], modulus: 2, target_label: __tmp_shard, action: hashmod}
  - {source_labels: [__tmp_shard, __meta_url], regex: "0;%[1]s/sd|1;%[2]s/sd", action: keep}
`, first.URL(), second.URL()), nil)
	prometheus.Eventually(t, `count(mongodbatlas_project_info)`, value(projects))
	prometheus.Eventually(t, `count(count by (group_id) (mongodbatlas_project_info))`, value(projects))
	prometheus.Eventually(t, `count(up) == count(up == 1)`, value(projects))
	for _, e := range []*harness.Exporter{first, second} {
		host := strings.TrimPrefix(e.URL(), "http://")
		prometheus.Eventually(t, `clamp_max(count(up{instance=~'`+host+`/.*'}), 1)`, value(1))
	}
}

// TestStartsWhileAtlasIsDown checks that the exporter serves while Atlas is down, says so, and reads once Atlas is up.
func TestStartsWhileAtlasIsDown(t *testing.T) {
	t.Parallel()
	server := startServer(t, atlassim.Demo(atlassim.WallClock{}))
	up := server.Inject(atlassim.Fault{Status: http.StatusServiceUnavailable})
	exporter := harness.StartExporter(t, "--config.file="+writeConfig(t, server.URL(), "  max_retries: 0\nrefresh: {min_interval: 0s}\n"))
	if status, _ := harness.Get(t, exporter.URL()+"/-/healthy"); status != http.StatusOK {
		t.Errorf("/-/healthy answers %d", status)
	}
	for _, path := range []string{"/sd", "/probe?target=32b6e34b3d91647abb20e7b8"} {
		if status, body := harness.Get(t, exporter.URL()+path); status != http.StatusServiceUnavailable {
			t.Errorf("%s answers %d %s, want 503 before the first discovery", path, status, body)
		}
	}
	answer, err := harness.Ask(t.Context(), http.MethodGet, exporter.URL()+"/metrics", 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	metrics := string(answer.Body)
	for _, want := range []string{
		"\nmongodbatlas_up 0\n",
		`mongodbatlas_target_last_error_info{cl_name="",collector="projects",group_id="",group_name="",pipeline="",reason="server_error"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no line %q", strings.TrimSpace(want))
		}
	}
	if status, body := harness.Get(t, exporter.URL()+"/-/ready"); status != http.StatusServiceUnavailable || !strings.Contains(body, "server_error") {
		t.Errorf("/-/ready answers %d %q, want 503 with the reason", status, body)
	}
	up()
	harness.Eventually(t, func() error {
		if _, metrics := harness.Get(t, exporter.URL()+"/metrics"); !strings.Contains(metrics, "\nmongodbatlas_up 1\n") {
			return fmt.Errorf("mongodbatlas_up is not 1")
		}
		return nil
	})
	if status, _ := harness.Get(t, exporter.URL()+"/-/ready"); status != http.StatusOK {
		t.Errorf("/-/ready answers %d once Atlas is up", status)
	}
}

// TestReload checks the reload: an invalid file changes nothing and the answer says why, a valid one keeps what was read.
func TestReload(t *testing.T) {
	t.Parallel()
	server, configFile := startAtlas(t, "refresh: {min_interval: 15m}\n")
	exporter := harness.StartExporter(t, "--config.file="+configFile)
	harness.Eventually(t, func() error {
		if _, metrics := harness.Get(t, exporter.URL()+"/metrics"); strings.Count(metrics, "mongodbatlas_backup_export_last_success_timestamp_seconds{") < 8 {
			return fmt.Errorf("the histories are not read yet")
		}
		return nil
	})
	good, err := os.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	reload := func() (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, exporter.URL()+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	harness.WriteFile(t, configFile, string(good)+"refesh: {}\n")
	if status, body := reload(); status != http.StatusInternalServerError || !strings.Contains(body, "line 5: refesh: unknown key") {
		t.Errorf("a bad file answers %d %q", status, body)
	}
	_, metrics := harness.Get(t, exporter.URL()+"/metrics")
	if !strings.Contains(metrics, "\nmongodbatlas_exporter_config_last_reload_successful 0\n") || !strings.Contains(metrics, "\nmongodbatlas_up 1\n") {
		t.Error("the metrics do not show the bad file, or the old configuration was lost")
	}
	harness.WriteFile(t, configFile, string(good)+"discovery: {projects: {exclude: [payments]}}\n")
	lists := server.Count(atlassim.OpListBackupExports)
	if status, body := reload(); status != http.StatusOK {
		t.Errorf("a good file answers %d %q", status, body)
	}
	_, metrics = harness.Get(t, exporter.URL()+"/metrics")
	if strings.Contains(metrics, `group_name="payments"`) {
		t.Error("an excluded project is still there")
	}
	if !strings.Contains(metrics, `mongodbatlas_backup_export_jobs{cl_name="platform`) {
		t.Error("a project that stays lost its series")
	}
	if got := server.Count(atlassim.OpListBackupExports); got != lists {
		t.Errorf("%d lists were read again after a reload, want none", got-lists)
	}
	if got := server.Mints(); got != 1 {
		t.Errorf("%d tokens were requested, want 1: a reload keeps the token", got)
	}
}

// TestDemoTellsWhereToLook checks that the demo's log ends with the address of its page, and that other machines cannot reach
// it.
func TestDemoTellsWhereToLook(t *testing.T) {
	exporter := harness.StartExporter(t, "demo")
	_, port, _ := strings.Cut(strings.TrimPrefix(exporter.URL(), "http://"), ":")
	harness.Eventually(t, func() error {
		if !strings.Contains(exporter.Logs(), `msg="demo: open http://localhost:`+port+`/"`) {
			return errors.New("the demo does not say where its page is")
		}
		return nil
	})
	_, path := webConfig(t, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
	exporter = harness.StartExporter(t, "demo", "--web.config.file="+path)
	harness.Eventually(t, func() error {
		if !strings.Contains(exporter.Logs(), `msg="demo: open https://localhost:`) {
			return errors.New("the demo does not say where its page is")
		}
		return nil
	})
	// Without an address it listens on the port of the loopback interface, which is in use by now.
	if taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:9972"); err == nil {
		defer func() { _ = taken.Close() }()
	}
	if out := harness.RunExporter(t, nil, "demo"); out.ExitCode != 1 || !strings.Contains(out.Stderr, "listen tcp 127.0.0.1:9972: bind: address already in use") {
		t.Errorf("exit code %d: %s", out.ExitCode, out.Stderr)
	}
}

// demoProjects is the number of projects in the demo.
const demoProjects = 6

// TestNoRequestWithoutPort checks that an exporter that cannot listen sends nothing to Atlas, and so uses up no token.
func TestNoRequestWithoutPort(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	server, configFile := startAtlas(t, "")
	for range 5 {
		out := harness.RunExporter(t, nil, "--config.file="+configFile, "--web.listen-address="+taken.Addr().String())
		if out.ExitCode != 1 || !strings.Contains(out.Stderr, "address already in use") {
			t.Errorf("exit code %d: %s", out.ExitCode, out.Stderr)
		}
	}
	if got := server.Requests(); len(got) != 0 {
		t.Errorf("Atlas got %d requests: %v", len(got), got)
	}
}

func TestMain(m *testing.M) { harness.RunWaiting(m) }
