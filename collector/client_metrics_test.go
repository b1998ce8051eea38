package collector_test

import (
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// TestCountersFromTheStart checks that the counters of alerts and dashboards exist before the first event: a counter that
// begins with 1 has no increase.
func TestCountersFromTheStart(t *testing.T) {
	registry := prometheus.NewRegistry()
	collector.NewClientMetrics(log.NewNopLogger(), registry)
	found := map[string]int{}
	for _, family := range families(t, registry) {
		for _, m := range family.GetMetric() {
			if m.GetCounter().GetValue() != 0 {
				t.Errorf("%s begins with %v", family.GetName(), m)
			}
			for _, label := range m.GetLabel() {
				if label.GetName() == "code" && label.GetValue() != "429" {
					t.Errorf("%s begins with code %s", family.GetName(), label.GetValue())
				}
			}
			found[family.GetName()]++
		}
	}
	for _, name := range []string{"mongodbatlas_api_requests_total", "mongodbatlas_api_throttled_seconds_total"} {
		if want := len(atlasapi.Endpoints()); found[name] != want || want == 0 {
			t.Errorf("%s has %d series before the first request, want %d", name, found[name], want)
		}
	}
}
