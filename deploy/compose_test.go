package deploy_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// composeFile is the part of compose.yml that must agree with other files.
type composeFile struct {
	Services map[string]struct {
		Image   string   `yaml:"image"`
		Build   string   `yaml:"build"`
		Ports   []string `yaml:"ports"`
		Volumes []string `yaml:"volumes"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

// replace replaces every occurrence of old, which must occur.
func replace(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, replacement)
}

// TestComposeAlerts runs Prometheus and Alertmanager with the shipped configuration files, except for the addresses, beside
// the exporter's demo: the alerts must arrive at the receiver for their severity.
func TestComposeAlerts(t *testing.T) {
	exporter := harness.StartExporter(t, "demo")
	alertmanager := harness.StartAlertmanager(t, readFile(t, "compose/alertmanager.yml"))
	configuration := readFile(t, "compose/prometheus.yml")
	configuration = replace(t, configuration, "exporter:"+defaultPort, strings.TrimPrefix(exporter.URL(), "http://"))
	configuration = replace(t, configuration, "alertmanager:9093", strings.TrimPrefix(alertmanager.URL(), "http://"))
	const rules = "mongodbatlas.rules.yml"
	prometheus := harness.StartPrometheus(t, configuration, map[string]string{rules: readFile(t, "../alerts", rules)})

	prometheus.Eventually(t, `mongodbatlas_up{job="mongodbatlas", instance="exporter"}`, func(samples []harness.Sample) error {
		if len(samples) != 1 || samples[0].Value != 1 {
			return fmt.Errorf("got %v, want that the exporter is up", samples)
		}
		return nil
	})
	alerts := alertmanager.Eventually(t, func(alerts []harness.Alert) error {
		for _, want := range []string{"MongoDBAtlasBackupExportFailed", "MongoDBAtlasBackupExportStuck", "MongoDBAtlasBackupRestoreFailed"} {
			if !slices.ContainsFunc(alerts, func(a harness.Alert) bool { return a.Labels["alertname"] == want }) {
				return errors.New(want + " has not arrived")
			}
		}
		return nil
	})
	for _, alert := range alerts {
		if alert.Labels["alertname"] == "MongoDBAtlasExporterDown" {
			t.Errorf("the rules do not select the exporter by its job: %v", alert)
		}
	}

	receivers := map[string]string{"critical": "page", "warning": "ticket", "info": "ticket"}
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	writeFile(t, readFile(t, "compose/alertmanager.yml"), file)
	for severity, want := range receivers {
		got, stderr, err := run(t, harness.Tool(t, "amtool"), "config", "routes", "test", "--config.file="+file, "severity="+severity)
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("an alert with severity %s goes to %q (%v, %s), want %s", severity, got, err, stderr, want)
		}
	}
}

// TestComposeAgrees checks that what compose.yml mounts exists, and that names and ports are those of the other files.
func TestComposeAgrees(t *testing.T) {
	var compose composeFile
	unmarshal(t, readFile(t, "compose/compose.yml"), &compose)
	mounts := map[string]string{} // from the path in the container to that in the project
	for name, service := range compose.Services {
		if service.Build == "" && !strings.Contains(service.Image, ":") {
			t.Errorf("%s: the image %q has no version", name, service.Image)
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: the port %s is open to other machines", name, port)
			}
		}
		for _, volume := range service.Volumes {
			source, target, _ := strings.Cut(volume, ":")
			target, mode, _ := strings.Cut(target, ":")
			if _, named := compose.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join("compose", source)); err != nil || mode != "ro" {
				t.Errorf("%s: mount %s: %v, want that it exists and is read-only", name, volume, err)
			}
			mounts[target] = filepath.Join("compose", source)
		}
	}
	if _, err := os.Stat(filepath.Join("compose", compose.Services["exporter"].Build, "Dockerfile")); err != nil {
		t.Error(err)
	}
	for name, port := range map[string]string{"exporter": defaultPort, "prometheus": "9090", "alertmanager": "9093", "grafana": "3000"} {
		if want := []string{"127.0.0.1:" + port + ":" + port}; !slices.Equal(compose.Services[name].Ports, want) {
			t.Errorf("%s has the ports %q, want %q", name, compose.Services[name].Ports, want)
		}
	}

	var sources struct {
		Datasources []struct {
			URL string `yaml:"url"`
		} `yaml:"datasources"`
	}
	unmarshal(t, readFile(t, mounts["/etc/grafana/provisioning/datasources/mongodbatlas.yml"]), &sources)
	if len(sources.Datasources) != 1 || sources.Datasources[0].URL != "http://prometheus:9090" {
		t.Errorf("Grafana's data sources are %+v", sources)
	}
	var dashboards struct {
		Providers []struct {
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	unmarshal(t, readFile(t, mounts["/etc/grafana/provisioning/dashboards/mongodbatlas.yml"]), &dashboards)
	if len(dashboards.Providers) != 1 {
		t.Fatalf("Grafana's dashboards come from %+v", dashboards)
	}
	path := dashboards.Providers[0].Options.Path
	if found, err := filepath.Glob(filepath.Join(mounts[path], "*.json")); err != nil || len(found) == 0 {
		t.Errorf("Grafana finds no dashboard at %s", path)
	}
}
