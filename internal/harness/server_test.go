package harness

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
)

func TestPrometheusScrapesItself(t *testing.T) {
	t.Parallel()
	server := StartPrometheus(t, `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: self
    file_sd_configs: [{files: [targets/*.json]}]
rule_files: [rules.yml]
`, map[string]string{"rules.yml": "groups: []\n", "targets/none.json": "[]"})

	// The port is not known before the start.
	address := strings.TrimPrefix(server.URL(), "http://")
	server.WriteFile(t, "targets/self.json", fmt.Sprintf(`[{"targets": [%q], "labels": {"who": "me"}}]`, address))
	up := server.Eventually(t, `up{job="self"} == 1`, func(samples []Sample) error {
		if len(samples) != 1 {
			return fmt.Errorf("%d targets are up", len(samples))
		}
		return nil
	})
	if got := up[0].Labels; got["who"] != "me" || got["instance"] != address {
		t.Errorf("up has labels %v", got)
	}

	targets, err := server.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) != 1 || targets[0].ScrapePool != "self" || targets[0].LastError != "" {
		t.Errorf("targets: %+v", targets)
	}
	if !strings.Contains(server.Logs(), "Server is ready") {
		t.Errorf("log: %s", server.Logs())
	}
}

func TestPrometheusQueries(t *testing.T) {
	t.Parallel()
	server := StartPrometheus(t, "{}", nil)
	for expr, want := range map[string]float64{"vector(1) + 1": 2, "vector(1) / 0": math.Inf(1)} {
		samples, err := server.Query(t.Context(), expr)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(samples) != 1 || samples[0].Value != want || len(samples[0].Labels) != 0 {
			t.Errorf("%s = %v", expr, samples)
		}
	}
	if samples, err := server.Query(t.Context(), `up{job="nobody"}`); err != nil || len(samples) != 0 {
		t.Errorf("an expression without a result: %v, %v", samples, err)
	}
	for expr, reason := range map[string]string{"1 +": "parse error", "1": "cannot unmarshal"} {
		if _, err := server.Query(t.Context(), expr); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", expr, err, reason)
		}
	}
}

func TestPrometheusReload(t *testing.T) {
	t.Parallel()
	server := StartPrometheus(t, "rule_files: [rules.yml]\n", map[string]string{"rules.yml": "groups: []\n"})
	server.WriteFile(t, "rules.yml", "groups: [{name: g, interval: 1s, rules: [{record: 'a:b', expr: '1'}]}]\n")
	if err := server.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Eventually(t, "a:b", func(samples []Sample) error {
		if len(samples) != 1 {
			return fmt.Errorf("the rule recorded %v", samples)
		}
		return nil
	})
	server.WriteFile(t, prometheusConfigFile, "no_such_key: 1\n")
	if err := server.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "no_such_key") {
		t.Errorf("a bad configuration: %v", err)
	}
}

func TestAlertReachesAlertmanager(t *testing.T) {
	t.Parallel()
	alertmanager := StartAlertmanager(t, "{receivers: [{name: nobody}], route: {receiver: nobody}}\n")
	StartPrometheus(t, fmt.Sprintf(`
global: {evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
`, strings.TrimPrefix(alertmanager.URL(), "http://")), map[string]string{"rules.yml": `
groups:
  - name: g
    rules:
      - alert: Always
        expr: vector(7)
        labels: {severity: info}
        annotations: {summary: "it is {{ $value }}"}
      - alert: Never
        expr: vector(7) > 8
`})

	alerts := alertmanager.Eventually(t, func(alerts []Alert) error {
		if len(alerts) != 1 {
			return fmt.Errorf("%d alerts", len(alerts))
		}
		return nil
	})
	if alert := alerts[0]; alert.Labels["alertname"] != "Always" || alert.Labels["severity"] != "info" || alert.Annotations["summary"] != "it is 7" {
		t.Errorf("Alertmanager has %+v", alert)
	}
}

// TestServersEnd proves that a server stops when its test ends.
func TestServersEnd(t *testing.T) {
	NotShort(t, "it runs prometheus")
	var server *PrometheusServer
	t.Run("inner", func(t *testing.T) { server = StartPrometheus(t, "{}", nil) })
	select {
	case <-server.process.done:
	default:
		t.Error("the process runs on")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL()+"/-/healthy", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("the server still answers")
	}
}
