//go:build show

package dashboards_test

import (
	"flag"
	"os"
	"os/signal"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

var show = flag.String("show", "demo", "what to look at: demo or fleet") //nolint:gochecknoglobals // a flag

// TestShow is not a test: it runs a Prometheus that a Grafana can read, until it is interrupted:
//
//	go test ./dashboards -tags show -run TestShow -show fleet -timeout 0 -v
func TestShow(t *testing.T) {
	var exporter *harness.Exporter
	switch *show {
	case "demo":
		exporter = harness.StartExporter(t, "demo")
	case "fleet":
		exporter = startFleet(t, atlassim.FleetOptions{}, 3)
	default:
		t.Fatalf("-show %s: neither demo nor fleet", *show)
	}
	prometheus := harness.StartPrometheus(t, scrapes("5s", exporter, "mongodbatlas"), nil)
	t.Logf("exporter %s, Prometheus %s", exporter.URL(), prometheus.URL())
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
}
