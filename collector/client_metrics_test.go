package collector_test

import (
	"fmt"
	"strings"
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

// TestRequestsByCode checks how a request without an answer is counted.
func TestRequestsByCode(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := collector.NewClientMetrics(log.NewNopLogger(), registry)
	for _, status := range []int{0, 200, 200, 503} {
		m.Exchanged(atlasapi.Exchange{Endpoint: "list", Status: status})
	}
	var got []string
	for _, family := range families(t, registry) {
		if family.GetName() != "mongodbatlas_api_requests_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[1].GetValue() != "list" {
				continue
			}
			got = append(got, fmt.Sprintf("%s %g", m.GetLabel()[0].GetValue(), m.GetCounter().GetValue()))
		}
	}
	if want := "200 2, 503 1, error 1"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %s", got, want)
	}
}
