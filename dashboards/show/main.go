// Command show keeps a real Prometheus running over what the dashboards are judged by: the demo, or a fleet as large as
// those of big companies. It prints where Prometheus answers, and ends when it is interrupted.
//
//	go run ./dashboards/show [-fleet] [-rules]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/promtest"
)

func main() {
	fleet := flag.Bool("fleet", false, "show 40 projects with 10 clusters each in place of the demo")
	rules := flag.Bool("rules", false, "evaluate the alerting rules, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := promtest.RunInConsole(ctx, "show", os.Stderr, func(t testing.TB) {
		show(t, os.Stdout, *fleet, *rules)
	})
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(t testing.TB, out io.Writer, fleet, rules bool) {
	t.Helper()
	start := startDemo
	if fleet {
		start = startFleet
	}
	exporter := start(t)
	config := fmt.Sprintf(`
global: {scrape_interval: 5s, evaluation_interval: 15s}
scrape_configs:
- job_name: mongodbatlas
  static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(exporter.URL(), "http://"))
	var files map[string]string
	if rules {
		content, err := os.ReadFile(filepath.Join("alerts", "mongodbatlas.rules.yml"))
		if err != nil {
			t.Fatal(err)
		}
		files = map[string]string{"rules.yml": string(content)}
		config += "rule_files: [rules.yml]\n"
	}
	prometheus := promtest.StartPrometheus(t, config, files)
	_, _ = fmt.Fprintf(out, "exporter %s\nprometheus %s\n", exporter.URL(), prometheus.URL())
	<-t.Context().Done()
}

func startDemo(t testing.TB) *promtest.Exporter {
	t.Helper()
	return promtest.StartExporter(t, "demo")
}

func startFleet(t testing.TB) *promtest.Exporter {
	t.Helper()
	account := atlassim.ServiceAccount{ClientID: "mdb_sa_id_fleet", ClientSecret: "mdb_sa_sk_fleet"}
	atlas := atlassim.NewServer(atlassim.Fleet(atlassim.WallClock{}, atlassim.FleetOptions{}), atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{account}, NoRateLimits: true,
	})
	if err := atlas.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = atlas.Close() })
	file := filepath.Join(t.TempDir(), "config.yml")
	config := fmt.Sprintf(`
atlas:
  base_url: %s
  allow_insecure_http: true
  service_account: {client_id: %s, client_secret: %s}
refresh: {min_interval: %s}
`, atlas.URL(), account.ClientID, account.ClientSecret, time.Minute)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return promtest.StartExporter(t, "--config.file="+file)
}
