package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// A chart can read no file outside itself. The rules are generated in its form by alerts/generate.
//go:generate sh -c "cp ../dashboards/*.json helm/mongodbatlas-backup-exporter/files/dashboards/ && cp compose/alertmanager.yml helm/mongodbatlas-backup-exporter/files/"

const chart = "helm/mongodbatlas-backup-exporter"

// The part of the chart's manifests that the tests read.
type (
	manifest struct {
		Kind     string `yaml:"kind"`
		Metadata struct {
			Name      string            `yaml:"name"`
			Namespace string            `yaml:"namespace"`
			Labels    map[string]string `yaml:"labels"`
		} `yaml:"metadata"`
		Data map[string]string `yaml:"data"`
		Spec yaml.Node         `yaml:"spec"`

		Document map[string]any `yaml:"-"` // all of it
	}

	deployment struct {
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"selector"`
		Template struct {
			Metadata struct {
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"metadata"`
			Spec struct {
				Containers []container `yaml:"containers"`
				Volumes    []struct {
					Name   string `yaml:"name"`
					Secret struct {
						SecretName string `yaml:"secretName"`
						Items      []struct {
							Key  string `yaml:"key"`
							Path string `yaml:"path"`
						} `yaml:"items"`
					} `yaml:"secret"`
				} `yaml:"volumes"`
			} `yaml:"spec"`
		} `yaml:"template"`
	}

	container struct {
		Args  []string `yaml:"args"`
		Ports []struct {
			Name          string `yaml:"name"`
			ContainerPort int    `yaml:"containerPort"`
		} `yaml:"ports"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		VolumeMounts   []struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}

	probe struct {
		HTTPGet struct {
			Scheme string `yaml:"scheme"`
		} `yaml:"httpGet"`
	}
)

// helm runs helm as tools/helm pins it.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	watch(t, chart)
	return run(t, harness.Tool(t, "helm"), args...)
}

// render renders the chart and returns its manifests by kind.
func render(t *testing.T, args ...string) map[string][]manifest {
	t.Helper()
	args = append([]string{"template", "backups", chart, "--namespace=monitoring", "--kube-version=1.34.0"}, args...)
	stdout, stderr, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm: %v\n%s", err, stderr)
	}
	manifests := map[string][]manifest{}
	for decoder := yaml.NewDecoder(strings.NewReader(stdout)); ; {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return manifests
		}
		var m manifest
		if err := errors.Join(err, document.Decode(&m), document.Decode(&m.Document)); err != nil {
			t.Fatal(err)
		}
		if m.Kind != "" {
			manifests[m.Kind] = append(manifests[m.Kind], m)
		}
	}
}

func values(name string) string { return "--values=" + filepath.Join(chart, "ci", name+"-values.yaml") }

// one decodes the spec of the only manifest of its kind.
func one(t *testing.T, manifests map[string][]manifest, kind string, spec any) manifest {
	t.Helper()
	if len(manifests[kind]) != 1 {
		t.Fatalf("there are %d manifests of kind %s, want 1", len(manifests[kind]), kind)
	}
	m := manifests[kind][0]
	if err := m.Spec.Decode(spec); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestChartFiles checks that the chart's dashboards are the project's. Its rules are another form of the project's, which
// TestChartCarriesRulesAndDashboards renders.
func TestChartFiles(t *testing.T) {
	originals, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(originals) == 0 {
		t.Fatal(originals, err)
	}
	for _, original := range originals {
		if copied, err := os.ReadFile(filepath.Join(chart, "files/dashboards", filepath.Base(original))); err != nil || !bytes.Equal(copied, []byte(readFile(t, original))) {
			t.Errorf("the chart's copy of %s differs: go generate ./deploy", original)
		}
	}
	if readFile(t, chart, "files/alertmanager.yml") != readFile(t, "compose/alertmanager.yml") {
		t.Error("the chart's copy of compose/alertmanager.yml differs: go generate ./deploy")
	}
	copies, err := filepath.Glob(filepath.Join(chart, "files/dashboards/*"))
	if err != nil || len(copies) != len(originals) {
		t.Errorf("the chart has the files %v, want only copies of %v", copies, originals)
	}
}

// TestChartLints lints the chart with each file of values.
func TestChartLints(t *testing.T) {
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no values", err)
	}
	for _, file := range files {
		if stdout, stderr, err := helm(t, "lint", "--strict", "--values="+file, chart); err != nil {
			t.Errorf("%s: %v\n%s%s", file, err, stdout, stderr)
		}
	}
}

// TestChartRefuses checks that values that cannot work are refused with a reason.
func TestChartRefuses(t *testing.T) {
	for _, test := range []struct{ set, want string }{
		{"demo=false", "there are no credentials"},
		{"credentials.clientID=a", "credentials.existingSecret is missing"},
		{"credentials.existingSecret=a", "credentials.clientID or credentials.publicKey is missing"},
		{"credentials.secretFile=/a", "credentials.clientID or credentials.publicKey is missing"},
		{"credentials.existingSecret=a,credentials.clientID=b,credentials.publicKey=c", "exclude each other"},
		{"credentials.existingSecret=a,credentials.clientID=b,credentials.secretFile=/c", "exclude each other"},
		{"credentials.secretFile=a,credentials.clientID=b", "/credentials/secretFile"},
		{"credentials.existingSecret=a,credentials.clientID=b,credentials.fromEnvironment=true", "two sets of credentials"},
		{"credentials.fromEnvironment=true,config.atlas.api_key.public_key=a,config.atlas.api_key.private_key_file=/a", "two sets of credentials"},
		{"config.atlas.api_key.public_key=a", "missing property 'private_key_file'"},
		{"config.atlas.service_account.client_secret=a", "additional properties 'client_secret' not allowed"},
		{"demo=true,replica=2", "additional properties 'replica' not allowed"},
		{"demo=true,config.discover.projects=a", "additional properties 'discover' not allowed"},
		{"demo=true,config.projects[0].id=32B6E34B3D91647ABB20E7B8", "/config/projects/0/id"},
		{"demo=true,config.projects[0].clusters.include[0]=a", "missing property 'id'"},
		{"demo=true,config.discovery.clusters.includes[0]=a", "additional properties 'includes' not allowed"},
		{"demo=true,config.discovery.clusters.include[0]=", "/config/discovery/clusters/include/0"},
		{"demo=true,config.collectors.backup_export.enabled=true", "additional properties 'backup_export' not allowed"},
		{"demo=true,config.collectors.backup_exports.expected_intervals[0].interval=never", "/config/collectors/backup_exports/expected_intervals/0/interval"},
		{"demo=true,config.collectors.backup_restores.min_interval=banana", "/config/collectors/backup_restores/min_interval"},
		{"demo=true,config.refresh.min_interval=banana", "/config/refresh/min_interval"},
		{"demo=true,config.atlas.request_timeout=30", "/config/atlas/request_timeout"},
		{"demo=true,config.atlas.max_retries=11", "/config/atlas/max_retries"},
		{"demo=true,serviceMonitor.interval=often", "/serviceMonitor/interval"},
		{"demo=true,serviceMonitor.interval=30s1m", "/serviceMonitor/interval"},
		{"demo=true,serviceMonitor.enabled=true,serviceMonitor.interval=15s,serviceMonitor.scrapeTimeout=30s", "scrapeTimeout 30s is longer than interval 15s"},
		{"demo=true,podMonitor.enabled=true,podMonitor.interval=1m,podMonitor.scrapeTimeout=1m1ms", "scrapeTimeout 1m1ms is longer than interval 1m"},
		{"demo=true,serviceMonitor.enabled=true,podMonitor.enabled=true", "both enabled"},
		{"demo=true,autoReloadInterval=sometimes", "/autoReloadInterval"},
	} {
		t.Run(test.set, func(t *testing.T) {
			_, stderr, err := helm(t, "template", "backups", chart, "--kube-version=1.34.0", "--set="+test.set)
			if err == nil || !strings.Contains(stderr, test.want) {
				t.Errorf("%v %s, want an error that says %q", err, stderr, test.want)
			}
		})
	}
}

// TestChartStarts runs the container's command line with the rendered configuration, and the secret in the file or the
// variables of the container.
func TestChartStarts(t *testing.T) {
	for _, test := range []struct {
		name, values, secret string
		file                 string // of the secret in the container
		environment          []string
		set                  []string
	}{
		{name: "demo", values: "demo"},
		{
			name: "service account", values: "service-account", secret: serviceAccountSecret,
			file: "/run/secrets/mongodbatlas_backup_exporter/secret",
			set:  []string{"--set=credentials.clientID=" + serviceAccountID, "--set=web.externalURL=https://exporter.example.com/backups/"},
		},
		{
			name: "API key", values: "everything", secret: privateKey, file: "/run/secrets/mongodbatlas_backup_exporter/secret",
			set: []string{"--set=credentials.publicKey=" + publicKey, "--set-json=config.projects=[]", "--set=web.existingSecret="},
		},
		{
			name: "CSI volume", values: "csi", secret: serviceAccountSecret,
			file: "/mnt/vault/atlas_client_secret", set: []string{"--set=credentials.clientID=" + serviceAccountID},
		},
		{
			name: "configuration alone", values: "demo", secret: privateKey, file: "/vault/secrets/atlas",
			set: []string{"--set=demo=false", "--set=config.atlas.api_key.public_key=" + publicKey, "--set=config.atlas.api_key.private_key_file=/vault/secrets/atlas"},
		},
		{
			name: "environment", values: "environment",
			environment: []string{"MONGODB_ATLAS_CLIENT_ID=" + serviceAccountID, "MONGODB_ATLAS_CLIENT_SECRET=" + serviceAccountSecret},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{values(test.values)}, test.set...)
			demo := test.secret == "" && test.environment == nil
			if !demo {
				args = append(args, "--set=config.atlas.base_url="+startAtlas(t))
			}
			manifests := render(t, args...)
			var d deployment
			one(t, manifests, "Deployment", &d)
			dir := t.TempDir()
			if !demo {
				configuration := manifests["ConfigMap"][0].Data["config.yml"]
				if test.secret != "" {
					writeFile(t, test.secret, dir, "secret")
					configuration = replace(t, configuration, test.file, filepath.Join(dir, "secret"))
				}
				writeFile(t, configuration, dir, "config.yml")
			}
			mounted := false // by the chart itself
			for _, volume := range d.Template.Spec.Volumes {
				mounted = mounted || volume.Name == "credentials"
			}
			if want := strings.HasPrefix(test.file, "/run/secrets/"); mounted != want {
				t.Errorf("a Secret is mounted: %v, want %v", mounted, want)
			}
			var command []string
			for _, arg := range d.Template.Spec.Containers[0].Args {
				command = append(command, strings.Replace(arg, "/etc/mongodbatlas_backup_exporter/", dir+"/", 1))
			}
			startDeployed(t, test.environment, command)
		})
	}
}

// TestChartJoins checks that the manifests agree with each other: labels, ports, probes, names.
func TestChartJoins(t *testing.T) {
	for _, name := range []string{"service-account", "everything"} {
		t.Run(name, func(t *testing.T) {
			manifests := render(t, values(name))
			for kind, all := range manifests {
				for _, m := range all {
					want := "monitoring"
					if name == "everything" && kind == "ServiceMonitor" {
						want = "prometheus"
					}
					if name == "everything" && strings.HasPrefix(m.Metadata.Name, "backups-mongodbatlas-backup-exporter-") && kind == "ConfigMap" {
						want = "grafana"
					}
					if m.Metadata.Namespace != want {
						t.Errorf("%s %s is in the namespace %q, want %s", kind, m.Metadata.Name, m.Metadata.Namespace, want)
					}
				}
			}

			var d deployment
			one(t, manifests, "Deployment", &d)
			pod := d.Template.Metadata.Labels
			exporter := d.Template.Spec.Containers[0]
			if len(exporter.Ports) != 1 || exporter.Ports[0].Name != "http" || fmt.Sprint(exporter.Ports[0].ContainerPort) != defaultPort ||
				!slices.Contains(exporter.Args, "--web.listen-address=:"+defaultPort) {
				t.Errorf("the container has the ports %v and the arguments %q", exporter.Ports, exporter.Args)
			}
			if len(d.Template.Metadata.Annotations["checksum/config"]) != 64 {
				t.Error("a change of the configuration does not replace the pod")
			}
			var service struct {
				Selector map[string]string `yaml:"selector"`
				Ports    []struct {
					Name       string `yaml:"name"`
					TargetPort string `yaml:"targetPort"`
				} `yaml:"ports"`
			}
			serviceManifest := one(t, manifests, "Service", &service)
			if service.Ports[0].Name != "http" || service.Ports[0].TargetPort != "http" {
				t.Errorf("the service has the ports %v", service.Ports)
			}
			var monitor struct {
				Selector struct {
					MatchLabels map[string]string `yaml:"matchLabels"`
				} `yaml:"selector"`
				Endpoints []struct {
					Port   string `yaml:"port"`
					Scheme string `yaml:"scheme"`
				} `yaml:"endpoints"`
			}
			one(t, manifests, "ServiceMonitor", &monitor)
			endpoint := monitor.Endpoints[0]
			if endpoint.Port != "http" || !strings.EqualFold(endpoint.Scheme, exporter.ReadinessProbe.HTTPGet.Scheme) {
				t.Errorf("the ServiceMonitor scrapes %s %s", endpoint.Scheme, endpoint.Port)
			}
			var policy struct {
				PodSelector struct {
					MatchLabels map[string]string `yaml:"matchLabels"`
				} `yaml:"podSelector"`
			}
			one(t, manifests, "NetworkPolicy", &policy)
			for what, selected := range map[string]struct{ selector, labels map[string]string }{
				"Deployment":     {d.Selector.MatchLabels, pod},
				"Service":        {service.Selector, pod},
				"NetworkPolicy":  {policy.PodSelector.MatchLabels, pod},
				"ServiceMonitor": {monitor.Selector.MatchLabels, serviceManifest.Metadata.Labels},
			} {
				if len(selected.selector) == 0 || !contains(selected.labels, selected.selector) {
					t.Errorf("%s selects %v, but the labels are %v", what, selected.selector, selected.labels)
				}
			}
		})
	}
}

func contains(labels, some map[string]string) bool {
	for key, value := range some {
		if labels[key] != value {
			return false
		}
	}
	return true
}
