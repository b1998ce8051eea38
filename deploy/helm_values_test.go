package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// at returns the part of a manifest at a path such as "spec.containers.0.args", or nil if it is absent. A dot in a key is
// written `\.`.
func at(document any, path string) any {
	const dot = "\x00"
	for key := range strings.SplitSeq(strings.ReplaceAll(path, `\.`, dot), ".") {
		key = strings.ReplaceAll(key, dot, ".")
		switch node := document.(type) {
		case map[string]any:
			document = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil
			}
			document = node[i]
		default:
			return nil
		}
	}
	return document
}

// TestChartValues renders the chart with values and checks their effect.
func TestChartValues(t *testing.T) {
	const (
		pod       = "spec.template.spec."
		container = pod + "containers.0."
		scrape    = "example\\.com/scrape"
	)
	// want is the YAML expected at path in the manifest of the kind; empty if it must be absent.
	type want struct{ kind, path, yaml string }
	for _, test := range []struct {
		name string
		args []string
		want []want
	}{
		{"default security contexts", []string{values("demo")}, []want{
			{"Deployment", pod + "securityContext", `{runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}`},
			{"Deployment", container + "securityContext", `{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}`},
		}},
		{"OpenShift chooses the user", []string{values("openshift")}, []want{
			{"Deployment", pod + "securityContext", `{runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}`},
			{"Pod", "spec.securityContext", `{runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}`},
			{"Deployment", container + "securityContext.readOnlyRootFilesystem", `true`},
		}},
		{"no security contexts", []string{values("demo"), "--set-json=podSecurityContext=null", "--set-json=securityContext=null"}, []want{
			{"Deployment", pod + "securityContext", ``},
			{"Deployment", container + "securityContext", ``},
			{"Pod", "spec.securityContext", ``},
			{"Pod", "spec.containers.0.securityContext", ``},
		}},
		{"further volumes", []string{values("everything")}, []want{
			{"Deployment", pod + "volumes.3", `{name: authority, configMap: {name: authority}}`},
			{"Deployment", container + "volumeMounts.3", `{name: authority, mountPath: /etc/authority, readOnly: true}`},
			{"Deployment", container + "env.0", `{name: SSL_CERT_DIR, value: /etc/authority}`},
			{"Deployment", container + "envFrom", `[{configMapRef: {name: proxy}}]`},
		}},
		{"further volumes alone", []string{values("demo"), `--set-json=extraVolumes=[{"name": "a", "emptyDir": {}}]`, `--set-json=extraVolumeMounts=[{"name": "a", "mountPath": "/a"}]`}, []want{
			{"Deployment", pod + "volumes", `[{name: a, emptyDir: {}}]`},
			{"Deployment", container + "volumeMounts", `[{name: a, mountPath: /a}]`},
		}},
		{"annotations and strategy", []string{values("everything")}, []want{
			{"Deployment", "metadata.annotations", `{example.com/reload: "true"}`},
			{"Deployment", "spec.strategy", `{type: Recreate}`},
			{"Deployment", "spec.template.metadata.annotations." + scrape, `"false"`},
			{"Service", "metadata.annotations", `{example.com/owner: databases}`},
			{"ServiceAccount", "metadata.annotations", `{example.com/team: databases}`},
		}},
		{"name in the labels", []string{values("openshift")}, []want{
			{"Deployment", "metadata.name", `backups-atlas-backups`},
			{"Deployment", "spec.selector.matchLabels", `{app.kubernetes.io/name: atlas-backups, app.kubernetes.io/instance: backups}`},
			{"Service", "spec.selector", `{app.kubernetes.io/name: atlas-backups, app.kubernetes.io/instance: backups}`},
		}},
		{"name of every object", []string{values("demo"), "--set=fullnameOverride=exporter"}, []want{
			{"Deployment", "metadata.name", `exporter`},
			{"Service", "metadata.name", `exporter`},
			{"ServiceAccount", "metadata.name", `exporter`},
			{"Pod", "metadata.name", `exporter-healthy`},
		}},
		{"flags", []string{values("openshift")}, []want{
			{"Deployment", container + "args", `[serve, --config.file=/etc/mongodbatlas_backup_exporter/config.yml, "--web.listen-address=:9972",
				--log.level=info, --log.format=logfmt, "--web.external-url=https://exporter.example.com/backups/", --config.auto-reload-interval=30s]`},
		}},
		{"runbooks of one's own", []string{values("demo"), "--set=prometheusRule.runbookUrl=https://wiki.example/#"}, []want{
			{"Deployment", container + "args", `[demo, "--web.listen-address=:9972", --log.level=info, --log.format=logfmt, "--web.runbook-url=https://wiki.example/#"]`},
		}},
		{"the page of Atlas for Government", []string{values("demo"), "--set=prometheusRule.atlasUrl=https://cloud.mongodbgov.com/"}, []want{
			{"Deployment", container + "args", `[demo, "--web.listen-address=:9972", --log.level=info, --log.format=logfmt, "--web.atlas-url=https://cloud.mongodbgov.com"]`},
		}},
		{"the cluster's DNS", []string{values("service-account")}, []want{
			{"NetworkPolicy", "spec.egress.0.ports", `[{port: 53, protocol: UDP}, {port: 53, protocol: TCP}, {port: 5353, protocol: UDP}, {port: 5353, protocol: TCP}]`},
		}},
		{"helm test passes the NetworkPolicy", []string{values("openshift")}, []want{
			{"NetworkPolicy", "spec.ingress.0.from.1.podSelector.matchLabels", `{app.kubernetes.io/name: atlas-backups-test, app.kubernetes.io/instance: backups}`},
			{"Pod", "metadata.labels", `{app.kubernetes.io/name: atlas-backups-test, app.kubernetes.io/instance: backups}`},
		}},
		{"ServiceMonitor", []string{values("everything")}, []want{
			{"ServiceMonitor", "metadata.namespace", `prometheus`},
			{"ServiceMonitor", "spec.namespaceSelector.matchNames", `[monitoring]`},
			{"ServiceMonitor", "spec.endpoints.0.relabelings", `[{action: replace, targetLabel: job, replacement: mongodbatlas}, {sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: node}]`},
			{"ServiceMonitor", "spec.endpoints.0.metricRelabelings", `[{sourceLabels: [__name__], regex: go_.*, action: drop}]`},
			{"ServiceMonitor", "spec.endpoints.0.scrapeTimeout", `1m`},
		}},
		{"PodMonitor", []string{values("podmonitor")}, []want{
			{"PodMonitor", "metadata.namespace", `prometheus`},
			{"PodMonitor", "metadata.labels.release", `kube-prometheus-stack`},
			{"PodMonitor", "spec.namespaceSelector.matchNames", `[monitoring]`},
			{"PodMonitor", "spec.selector.matchLabels", `{app.kubernetes.io/name: mongodbatlas-backup-exporter, app.kubernetes.io/instance: backups}`},
			{"PodMonitor", "spec.podMetricsEndpoints", `[{port: http, scheme: https, interval: 15s, scrapeTimeout: 15s, tlsConfig: {insecureSkipVerify: true},
				basicAuth: {username: {name: scrape, key: username}, password: {name: scrape, key: password}},
				relabelings: [{action: replace, targetLabel: job, replacement: mongodbatlas}, {sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: node}],
				metricRelabelings: [{sourceLabels: [__name__], regex: go_.*, action: drop}]}]`},
		}},
		{"default timeout", []string{values("service-account")}, []want{
			{"ServiceMonitor", "spec.endpoints.0.interval", `1m`},
			{"ServiceMonitor", "spec.endpoints.0.scrapeTimeout", `30s`},
		}},
		{"timeout of a short interval", []string{values("service-account"), "--set=serviceMonitor.interval=1s500ms"}, []want{
			{"ServiceMonitor", "spec.endpoints.0.scrapeTimeout", `1s500ms`},
		}},
		{"timeout as long as the interval", []string{values("service-account"), "--set=serviceMonitor.interval=1h30m,serviceMonitor.scrapeTimeout=90m"}, []want{
			{"ServiceMonitor", "spec.endpoints.0.scrapeTimeout", `90m`},
		}},
		{"helm test over TLS", []string{values("everything")}, []want{
			{"Pod", "spec.containers.0.args", `[healthcheck, "--address=https://backups-mongodbatlas-backup-exporter:80"]`},
		}},
		{"helm test without TLS", []string{values("demo")}, []want{
			{"Pod", "spec.containers.0.args", `[healthcheck, "--address=http://backups-mongodbatlas-backup-exporter:9972"]`},
		}},
		{"probes", []string{values("demo")}, []want{
			{"Deployment", container + "livenessProbe.httpGet", `{path: /-/healthy, port: http, scheme: HTTP}`},
			{"Deployment", container + "readinessProbe.httpGet", `{path: /-/ready, port: http, scheme: HTTP}`},
		}},
		{"probes over TLS", []string{values("demo"), "--set=web.existingSecret=a,web.scheme=HTTPS"}, []want{
			{"Deployment", container + "livenessProbe.exec.command", `[/mongodbatlas_backup_exporter, healthcheck, "--address=https://127.0.0.1:9972"]`},
			{"Deployment", container + "readinessProbe.httpGet", `{path: /-/ready, port: http, scheme: HTTPS}`},
		}},
		{"probes without a password", []string{values("podmonitor")}, []want{
			{"Deployment", container + "livenessProbe.exec.command", `[/mongodbatlas_backup_exporter, healthcheck, "--address=https://127.0.0.1:9972"]`},
			{"Deployment", container + "readinessProbe.exec.command", `[/mongodbatlas_backup_exporter, healthcheck, "--address=https://127.0.0.1:9972"]`},
		}},
		{"the password only where it is needed", []string{values("everything")}, []want{
			{"Deployment", container + "livenessProbe.httpGet", ``},
			{"Deployment", container + "readinessProbe.httpGet.httpHeaders", `[{name: Authorization, value: Basic cHJvYmU6cHJvYmU=}]`},
		}},
		{"probes of one's own", []string{values("demo"), "--set=livenessProbe.tcpSocket.port=http,readinessProbe.tcpSocket.port=http"}, []want{
			{"Deployment", container + "livenessProbe", `{tcpSocket: {port: http}}`},
			{"Deployment", container + "readinessProbe", `{tcpSocket: {port: http}}`},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			manifests := render(t, test.args...)
			for _, want := range test.want {
				if len(manifests[want.kind]) == 0 {
					t.Errorf("there is no %s", want.kind)
					continue
				}
				var expected any
				unmarshal(t, want.yaml, &expected)
				if got := at(manifests[want.kind][0].Document, want.path); !reflect.DeepEqual(got, expected) {
					t.Errorf("%s: %s is %v, want %v", want.kind, want.path, got, expected)
				}
			}
		})
	}
}

// TestChartSchemaHasEveryKey compares the schema of config with the keys in docs/configuration.md, which are those of the
// program.
func TestChartSchemaHasEveryKey(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(readFile(t, chart, "values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var keys []string
	var walk func(node any, path string)
	walk = func(node any, path string) {
		if reference, ok := at(node, "$ref").(string); ok {
			node = at(schema, strings.ReplaceAll(strings.TrimPrefix(reference, "#/"), "/", "."))
		}
		properties, _ := at(node, "properties").(map[string]any)
		items := at(node, "items")
		if properties == nil && (items == nil || at(items, "properties") == nil) {
			keys = append(keys, strings.TrimPrefix(path, "."))
		}
		for key, property := range properties {
			walk(property, path+"."+key)
		}
		if items != nil && at(items, "properties") != nil {
			walk(items, path+"[]")
		}
	}
	walk(at(schema, "properties.config"), "")

	var documented []string
	row := regexp.MustCompile("(?m)^\\| `((?:atlas|projects|discovery|collectors|refresh)[a-z_.\\[\\]]*)` ")
	for _, match := range row.FindAllStringSubmatch(readFile(t, "../docs/configuration.md"), -1) {
		documented = append(documented, match[1])
	}
	if len(documented) < 20 {
		t.Fatalf("docs/configuration.md has the keys %q", documented)
	}
	// A ConfigMap must not contain a secret.
	secrets := []string{"atlas.service_account.client_secret", "atlas.api_key.private_key"}
	for _, key := range documented {
		if slices.Contains(keys, key) == slices.Contains(secrets, key) {
			t.Errorf("the key %s: in the schema %v", key, slices.Contains(keys, key))
		}
	}

	collectors, _ := at(schema, "properties.config.properties.collectors.properties").(map[string]any)
	want := map[string]any{}
	for _, declaration := range collector.All().Configurable() {
		reference := "#/definitions/collector"
		if declaration.ExpectedIntervals {
			reference = "#/definitions/collectorWithIntervals"
		}
		want[declaration.Name] = map[string]any{"$ref": reference}
	}
	if !reflect.DeepEqual(collectors, want) {
		t.Errorf("the schema has the collectors %v, the program %v", collectors, want)
	}
}

// TestRolesAreReal checks that docs/atlas-access.md names the role of each collector.
func TestRolesAreReal(t *testing.T) {
	page := readFile(t, "../docs/atlas-access.md")
	for _, declaration := range collector.All().Configurable() {
		if !regexp.MustCompile("(?m)^\\|.*`" + declaration.Name + "`.*\\| " + declaration.Role + " \\|$").MatchString(page) {
			t.Errorf("no row says that %s needs %s", declaration.Name, declaration.Role)
		}
	}
}

// TestChartKeepsIDs checks that an id that consists of digits reaches the exporter's configuration unchanged. Without quotes
// it is refused: helm would parse it as a number and lose its last digits.
func TestChartKeepsIDs(t *testing.T) {
	configuration := render(t, values("collectors"))["ConfigMap"][0].Data["config.yml"]
	var parsed map[string]any
	unmarshal(t, configuration, &parsed)
	for path, want := range map[string]string{
		"projects.0.id": "123456789012345678901234",
		"projects.1.id": "12345678901234567890e234",
		"collectors.backup_exports.expected_intervals.0.group_id": "123456789012345678901234",
	} {
		if got := at(parsed, path); got != want {
			t.Errorf("%s is %v, want %s", path, got, want)
		}
	}
	for path, set := range map[string]string{
		"/config/projects/0/id": `config.projects=[{"id": 123456789012345678901234}]`,
		"/config/collectors/backup_exports/expected_intervals/0/group_id": `config.collectors.backup_exports.expected_intervals=[{"group_id": 12345678901234567890e234, "interval": "1d"}]`,
	} {
		_, stderr, err := helm(t, "template", "backups", chart, "--kube-version=1.34.0", values("demo"), "--set-json="+set)
		if err == nil || !strings.Contains(stderr, path) {
			t.Errorf("%s: %v %s, want an error that says %q", set, err, stderr, path)
		}
	}
}

// TestChartExamples renders the chart with the values in docs/deploy.md.
func TestChartExamples(t *testing.T) {
	count := 0
	for _, match := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readFile(t, "../docs/deploy.md"), -1) {
		var document map[string]any
		unmarshal(t, match[1], &document)
		if document["atlas"] != nil || document["apiVersion"] != nil { // the exporter's configuration, or a manifest
			continue
		}
		count++
		file := filepath.Join(t.TempDir(), "values.yaml")
		writeFile(t, match[1], file)
		args := []string{"--values=" + file}
		if document["credentials"] == nil {
			args = append([]string{values("service-account")}, args...)
		}
		render(t, args...)
	}
	if count < 5 {
		t.Errorf("only %d examples were found", count)
	}
}
