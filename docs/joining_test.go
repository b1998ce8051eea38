package docs_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// node is one process for which the integration serves metrics: one target of Prometheus.
type node struct {
	groupID, cluster, replicaSet, host, port, process string
	disk                                              float64 // bytes
	inserts                                           float64 // a second
	down                                              bool
}

// labels are those of the node's target, and of its series once more.
func (n *node) labels() map[string]string {
	return map[string]string{"group_id": n.groupID, "group_name": "as in Atlas", "org_id": "603cad1038110e21c80b6b0b", "cl_name": n.cluster}
}

// metrics answers like a node of the integration, with the labels that MongoDB documents.
func (n *node) metrics(w http.ResponseWriter, since time.Time) {
	if n.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var own []string
	for name, value := range n.labels() {
		own = append(own, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(own)
	common := strings.Join(own, ",") + fmt.Sprintf(",process_port=%q", n.port)
	process := common + fmt.Sprintf(`,rs_nm=%q,rs_state="1",cl_role=""`, n.replicaSet)
	_, _ = fmt.Fprintf(w, "# TYPE mongodb_up gauge\nmongodb_up{%s} 1\n", process)
	_, _ = fmt.Fprintf(w, "# TYPE mongodb_info gauge\nmongodb_info{%s,process_type=%q,mongodb_version=\"8.0.4\",replica_state_name=\"PRIMARY\"} 1\n", process, n.process)
	_, _ = fmt.Fprintf(w, "# TYPE mongodb_opcounters_insert counter\nmongodb_opcounters_insert{%s} %f\n", process, n.inserts*time.Since(since).Seconds())
	if n.disk > 0 {
		_, _ = fmt.Fprintf(w, "# TYPE hardware_disk_metrics_disk_space_used_bytes gauge\n"+
			"hardware_disk_metrics_disk_space_used_bytes{%s,disk_name=\"nvme1n1\",replica_set_name=%q} %f\n", common, n.replicaSet, n.disk)
	}
}

// startIntegration serves the nodes and returns the Prometheus configuration that scrapes them.
func startIntegration(t *testing.T, nodes []node) string {
	t.Helper()
	since := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, n := range nodes {
			if r.URL.Path == "/"+n.groupID+"/"+n.host+"/"+n.port {
				n.metrics(w, since)
			}
		}
	}))
	t.Cleanup(server.Close)
	var b strings.Builder
	b.WriteString("- job_name: atlas\n  static_configs:\n")
	for _, n := range nodes {
		fmt.Fprintf(&b, "  - targets: [%q]\n    labels:\n      __metrics_path__: /%s/%s/%s\n      instance: %s:%s\n",
			strings.TrimPrefix(server.URL, "http://"), n.groupID, n.host, n.port, n.host, n.port)
		for name, value := range n.labels() {
			fmt.Fprintf(&b, "      %s: %q\n", name, value)
		}
	}
	return b.String()
}

// mongods are the nodes of a replica set. The first is the primary.
func mongods(groupID, cluster, replicaSet string, inserts float64, disks ...float64) []node {
	var nodes []node
	for i, disk := range disks {
		n := node{groupID: groupID, cluster: cluster, replicaSet: replicaSet, host: fmt.Sprintf("%s-%02d.mongodb.invalid", replicaSet, i), port: "27017", process: "mongod", disk: disk}
		if i == 0 {
			n.inserts = inserts
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// joined is an element of an expression's result.
type joined struct {
	labels    map[string]string // among others
	value     float64
	tolerance float64
}

func (j joined) is(s harness.Sample) bool {
	for name, value := range j.labels {
		if s.Labels[name] != value {
			return false
		}
	}
	return math.Abs(s.Value-j.value) <= j.tolerance
}

// TestJoining evaluates every expression of the page in a real Prometheus that scrapes two exporters and a stand-in for the
// integration, and checks what each joins.
func TestJoining(t *testing.T) {
	t.Parallel()
	const (
		many  = 1e6  // inserts a second
		few   = 0.01 // fewer than ten in all the minutes of a test
		other = "65e2c0ffee65e2c0ffee0001"
	)
	org := atlassim.NewOrganization(atlassim.WallClock{})
	payments, analytics := org.AddProject("payments"), org.AddProject("analytics")
	now := time.Now().Truncate(time.Second)
	exported := func(c *atlassim.Cluster, ago, lasted time.Duration) {
		c.AddExport(atlassim.Export{CreatedAt: now.Add(-ago - lasted), FinishedAt: now.Add(-ago)})
	}
	orders := payments.AddCluster("orders", atlassim.ClusterOptions{})
	exported(orders, 72*time.Hour, 2000*time.Second)
	orders.AddExport(atlassim.Export{State: atlassim.ExportFailed, CreatedAt: now.Add(-48 * time.Hour), FinishedAt: now.Add(-47 * time.Hour)})
	users := payments.AddCluster("users", atlassim.ClusterOptions{})
	exported(users, 2*time.Hour, 1000*time.Second)
	sharded := payments.AddCluster("sharded", atlassim.ClusterOptions{Shards: 2})
	exported(sharded, 72*time.Hour, 700*time.Second)
	analytics.AddCluster("orders", atlassim.ClusterOptions{})
	pipeline := payments.AddPipeline("users-daily", atlassim.PipelineOptions{Cluster: "users"})
	pipeline.AddRun(atlassim.Run{State: atlassim.RunDone, CreatedDate: now.Add(-time.Hour), Stats: &atlassim.RunStats{BytesExported: 3e9}})

	nodes := slices.Concat(
		mongods(payments.ID, "orders", "p-orders", many, 100e9, 120e9, 110e9),
		mongods(payments.ID, "users", "p-users", few, 50e9, 50e9, 49e9),
		mongods(payments.ID, "sharded", "p-sharded-shard-0", few, 30e9, 29e9),
		mongods(payments.ID, "sharded", "p-sharded-shard-1", few, 39e9, 40e9),
		mongods(analytics.ID, "orders", "a-orders", many, 1e9),
		mongods(other, "orders", "o-orders", many, 1e9), // in a project that the exporter cannot see
	)
	// On the hosts of the first shard, a mongos counts inserts, too.
	nodes = append(nodes, node{groupID: payments.ID, cluster: "sharded", host: nodes[6].host, port: "27016", process: "mongos", inserts: many})
	nodes[5].down = true

	const id, secret = "mdb_sa_id_docs", "mdb_sa_sk_docs"
	atlas := harness.StartAtlas(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{{ClientID: id, ClientSecret: secret}}})
	environment := []string{"MONGODB_ATLAS_CLIENT_ID=" + id, "MONGODB_ATLAS_CLIENT_SECRET=" + secret, "MONGODB_ATLAS_BASE_URL=" + atlas.URL()}
	first, second := harness.StartExporterEnv(t, environment), harness.StartExporterEnv(t, environment)
	prometheus := harness.StartPrometheus(t, fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: mongodbatlas\n  static_configs: [{targets: [%q, %q]}]\n",
		strings.TrimPrefix(first.URL(), "http://"), strings.TrimPrefix(second.URL(), "http://"))+startIntegration(t, nodes), nil)

	cluster := func(group *atlassim.Project, name string) map[string]string {
		return map[string]string{"group_id": group.ID, "cl_name": name}
	}
	named := func(group *atlassim.Project, name string) joined {
		labels := cluster(group, name)
		labels["group_name"] = group.Name
		return joined{labels: labels, value: 1}
	}
	down := cluster(payments, "users")
	down["instance"] = nodes[5].host + ":27017"
	want := map[string][]joined{
		"Busy and not exported":    {{labels: cluster(payments, "orders"), value: many, tolerance: many}},
		"Not exported at all":      {{labels: cluster(analytics, "orders"), value: 1}},
		"How much data is at risk": {{labels: cluster(payments, "orders"), value: 120e9}},
		"How fast exports are": {
			{labels: cluster(payments, "orders"), value: 6e7, tolerance: 1},
			{labels: cluster(payments, "users"), value: 5e7, tolerance: 1},
			{labels: cluster(payments, "sharded"), value: 1e8, tolerance: 1},
		},
		"Nodes that are down": {{labels: down, value: 2, tolerance: 0.5}},
		"The project's name":  {named(payments, "orders"), named(payments, "users"), named(payments, "sharded"), named(analytics, "orders")},
		"Pipelines": {{
			labels: map[string]string{"group_id": payments.ID, "pipeline": "users-daily", "cl_name": "users"}, value: 3e9,
		}},
	}

	// Both exporters and every node except one have been scraped, and rates have enough samples.
	ready := fmt.Sprintf(`count(mongodbatlas_up == 1) == 2 and count(mongodbatlas_backup_export_last_success_duration_seconds) == 6
		and count(mongodbatlas_pipeline_datasets_bytes) == 2 and count(count_over_time(mongodb_opcounters_insert[5m]) >= 3) == %d`, len(nodes)-1)
	prometheus.Eventually(t, ready, func(samples []harness.Sample) error {
		if len(samples) != 1 {
			return fmt.Errorf("not everything has been scraped")
		}
		return nil
	})
	page := harness.ReadFile(t, "joining.md")
	seen := map[string]bool{}
	for _, b := range blocks(page) {
		if b.language != "promql" {
			continue
		}
		seen[b.heading] = true
		samples, err := prometheus.Query(t.Context(), b.text)
		if err != nil {
			t.Errorf("%s: %v", b.heading, err)
			continue
		}
		missing := slices.Clone(want[b.heading])
		for _, s := range samples {
			i := slices.IndexFunc(missing, func(j joined) bool { return j.is(s) })
			if i < 0 {
				t.Errorf("%s: joins %s", b.heading, s)
				continue
			}
			missing = slices.Delete(missing, i, i+1)
		}
		for _, j := range missing {
			t.Errorf("%s: does not join %v %v, but %v", b.heading, j.labels, j.value, samples)
		}
	}
	for heading := range want {
		if !seen[heading] {
			t.Errorf("the page has no expression under %q", heading)
		}
	}
}

// TestAssumedMetrics checks that the page says which metrics of the integration its expressions need.
func TestAssumedMetrics(t *testing.T) {
	t.Parallel()
	raw := harness.ReadFile(t, "joining.md")
	_, assumed, _ := strings.Cut(raw, "\n## Assumed\n")
	assumed, _, _ = strings.Cut(assumed, "\n## ")
	for _, b := range blocks(raw) {
		if b.language != "promql" {
			continue
		}
		for _, name := range metricPattern().FindAllString(b.text, -1) {
			if !strings.HasPrefix(name, "mongodbatlas_") && !strings.Contains(assumed, "`"+name+"`") {
				t.Errorf("%s: the page does not say that it assumes %s", b.heading, name)
			}
		}
	}
}
