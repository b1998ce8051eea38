package faultmatrix

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// endpoint is a part of Atlas's API that the exporter asks.
type endpoint string

const (
	token     endpoint = "token"
	projects  endpoint = "projects"
	project   endpoint = "project"
	clusters  endpoint = "clusters"
	schedule  endpoint = "schedule"
	pipelines endpoint = "pipelines"
	exports   endpoint = "exports"
	restores  endpoint = "restores"
	runs      endpoint = "runs"

	snapshots          endpoint = "snapshots"
	collectionRestores endpoint = "collection restores"
	buckets            endpoint = "buckets"
	flexClusters       endpoint = "flex clusters"
	flexSnapshots      endpoint = "flex snapshots"
	flexRestores       endpoint = "flex restores"
)

// resource is what the matrix has to know of an endpoint. A new collector needs an entry in resources, and something to read
// in newOrganization.
type resource struct {
	endpoint endpoint
	// collector is the name under which the exporter shows how the endpoint's targets were read; a token has no target.
	collector string
	// path is below /api/atlas/v2/groups, with {} for the group, the cluster and the pipeline.
	path string
	// paged lists are answered page by page.
	paged bool
	// id is the member that holds the id of an item, and without is what nothing can do without.
	id, without string
	// bucket names the token bucket in which the endpoint's requests for one project count.
	bucket string
	// families begin the names of the metrics that are read from it; jobs are those that count its items.
	families []string
	jobs     string
	// text is a member whose text becomes a label or a state.
	text string
	// ends tells that 404, 405 or 410 means that Atlas has ended the feature; parent is the collector whose list the target is
	// an entry of, and goes with.
	ends   bool
	parent string
	// wrong gives members a type that they cannot have.
	wrong []func(map[string]any)
}

// resources is the only list of the endpoints, in the order of the matrix's columns.
func resources() []resource {
	return []resource{
		{
			endpoint: token, without: "access_token", text: "name",
			wrong: []func(map[string]any){member("access_token", 5), member("expires_in", "soon"), member("access_token", []int{1})},
		},
		{
			endpoint: projects, collector: "projects", paged: true, id: "id", text: "name", families: []string{"project_"},
			wrong: []func(map[string]any){member("name", 5), member("id", 7), member("name", map[string]int{})},
		},
		{
			endpoint: project, collector: "projects", path: "/{group}", id: "id", text: "name",
			wrong: []func(map[string]any){member("name", 5), member("id", []int{})},
		},
		{
			endpoint: clusters, collector: "clusters", path: "/{group}/clusters", paged: true, id: "id", text: "name",
			families: []string{"cluster_"},
			wrong: []func(map[string]any){
				member("name", 5), member("paused", "no"), member("backupEnabled", 1), member("createDate", 17), member("replicationSpecs", 1),
			},
		},
		{
			endpoint: schedule, collector: "backup_schedule", path: "/{group}/clusters/{cluster}/backup/schedule", id: "id",
			without: "autoExportEnabled", bucket: "backups", text: "frequencyType",
			families: []string{
				"backup_export_auto_enabled", "backup_export_expected_interval_seconds", "backup_snapshot_expected_interval_seconds",
				"backup_snapshot_policy_items", "backup_snapshot_next_timestamp_seconds", "backup_restore_window_seconds",
			},
			wrong: []func(map[string]any){
				member("autoExportEnabled", "true"), member("autoExportEnabled", nil), member("export", "daily"),
			},
		},
		{
			endpoint: pipelines, collector: "pipelines", path: "/{group}/pipelines", id: "_id", bucket: "pipelines", text: "name",
			families: []string{"pipeline_state", "pipeline_info"}, ends: true,
			wrong: []func(map[string]any){member("name", []int{}), member("state", 5), member("source", "a")},
		},
		{
			endpoint: exports, collector: "backup_exports", path: "/{group}/clusters/{cluster}/backup/exports", paged: true, id: "id",
			bucket: "backups", text: "state", families: []string{"backup_export_"}, jobs: "backup_export_jobs",
			wrong: []func(map[string]any){
				member("state", 5), member("createdAt", 1786332505), member("finishedAt", map[string]int{}), member("exportStatus", []int{}),
			},
		},
		{
			endpoint: restores, collector: "backup_restores", path: "/{group}/clusters/{cluster}/backup/restoreJobs", paged: true, id: "id",
			bucket: "backups", text: "deliveryType", families: []string{"backup_restore_"}, jobs: "backup_restore_jobs",
			wrong: []func(map[string]any){
				member("cancelled", "no"), member("failed", 1), member("finishedAt", 5), member("deliveryUrl", "https://"+downloadMarker),
			},
		},
		{
			endpoint: runs, collector: "pipeline_runs", path: "/{group}/pipelines/{pipeline}/runs", paged: true, id: "_id",
			bucket: "pipelines", text: "state", families: []string{"pipeline_"}, jobs: "pipeline_runs", parent: "pipelines",
			wrong: []func(map[string]any){
				member("state", map[string]int{}), member("stats", []int{}), member("createdDate", false), member("phase", 5),
			},
		},
		{
			endpoint: snapshots, collector: "backup_snapshots", path: "/{group}/clusters/{cluster}/backup/snapshots", paged: true, id: "id",
			bucket: "backups", text: "status", families: []string{"backup_snapshot"}, jobs: "backup_snapshots",
			wrong: []func(map[string]any){member("status", 5), member("createdAt", 17), member("expiresAt", map[string]int{}), member("copyRegions", 1)},
		},
		{
			endpoint: collectionRestores, collector: "collection_restores", path: "/{group}/clusters/{cluster}/collectionRestoreJobs",
			paged: true, id: "id", bucket: "backups", text: "state", families: []string{"collection_restore_"}, jobs: "collection_restore_jobs",
			ends:  true,
			wrong: []func(map[string]any){member("state", 5), member("createdAt", 17), member("finishedAt", map[string]int{})},
		},
		{
			endpoint: buckets, collector: "export_buckets", path: "/{group}/backup/exportBuckets", paged: true, id: "_id",
			bucket: "backups", text: "bucketName", families: []string{"backup_export_bucket_found"},
			wrong: []func(map[string]any){member("_id", 7), member("_id", []int{})},
		},
		{
			endpoint: flexClusters, collector: "flex_clusters", path: "/{group}/flexClusters", paged: true, id: "id", text: "name",
			families: []string{"flex_cluster_", "flex_snapshot_expected_interval_seconds"}, ends: true,
			wrong: []func(map[string]any){member("name", 5), member("id", 7), member("backupSettings", 1), member("createDate", 17)},
		},
		{
			endpoint: flexSnapshots, collector: "flex_snapshots", path: "/{group}/flexClusters/{cluster}/backup/snapshots", paged: true, id: "id",
			text: "status", families: []string{"flex_snapshot"}, jobs: "flex_snapshots", parent: "flex_clusters",
			wrong: []func(map[string]any){member("status", 5), member("scheduledTime", 17), member("finishTime", map[string]int{})},
		},
		{
			endpoint: flexRestores, collector: "flex_restores", path: "/{group}/flexClusters/{cluster}/backup/restoreJobs", paged: true, id: "id",
			text: "status", families: []string{"flex_restore_"}, jobs: "flex_restore_jobs", parent: "flex_clusters",
			wrong: []func(map[string]any){member("status", 5), member("restoreScheduledDate", 17), member("deliveryType", []int{})},
		},
	}
}

// resource returns what is known of the endpoint.
func (e endpoint) resource() resource {
	for _, r := range resources() {
		if r.endpoint == e {
			return r
		}
	}
	return resource{endpoint: e}
}

func (e endpoint) collector() string { return e.resource().collector }

// ends reports whether Atlas may end the feature.
func ends(e endpoint) bool { return e.resource().ends }

// ending lists the endpoints that Atlas may end, with an outcome.
func ending(o outcome) map[endpoint]outcome {
	all := map[endpoint]outcome{}
	for _, r := range resources() {
		if r.ends {
			all[r.endpoint] = o
		}
	}
	return all
}

// of reports whether the targets are the entries of a list: clusters, flexClusters or pipelines.
func (r resource) of(list string) bool { return strings.Contains(r.path, "/"+list+"/{") }

func (e endpoint) isPaged() bool { return e.resource().paged }

// bucket is the endpoint itself where it shares its rate limit with none.
func (e endpoint) bucket() string {
	if shared := e.resource().bucket; shared != "" {
		return shared
	}
	return string(e)
}

// target is one thing that is read, as the labels of mongodbatlas_target_up name it.
type target struct{ collector, group, cluster, pipeline string }

func (t target) String() string {
	parts := slices.DeleteFunc([]string{t.collector, t.group, t.cluster, t.pipeline}, func(part string) bool { return part == "" })
	return strings.Join(parts, "/")
}

// endpoint is where the target is read; the group tells the list of projects from a single one.
func (t target) endpoint() endpoint {
	if t.collector == projects.collector() && t.group != "" {
		return project
	}
	for _, r := range resources() {
		if r.collector == t.collector {
			return r.endpoint
		}
	}
	return ""
}

// asked tells which endpoint a request is for, and which target. It is "" for a request that the exporter should never
// send.
func asked(r *http.Request) (endpoint, target) {
	path := r.URL.EscapedPath()
	if path == "/api/oauth/token" && r.Method == http.MethodPost {
		return token, target{}
	}
	rest, ok := strings.CutPrefix(path, "/api/atlas/v2/groups")
	if !ok || r.Method != http.MethodGet {
		return "", target{}
	}
	for _, one := range resources() {
		if t, ok := one.match(rest); ok && one.endpoint != token {
			return one.endpoint, t
		}
	}
	return "", target{}
}

// match reads a path by the resource's pattern.
func (r resource) match(path string) (target, bool) {
	t := target{collector: r.collector}
	pattern, parts := strings.Split(r.path, "/"), strings.Split(path, "/")
	if len(pattern) != len(parts) {
		return t, false
	}
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return t, false
		}
		switch pattern[i] {
		case "{group}":
			t.group = plain
		case "{cluster}":
			t.cluster = plain
		case "{pipeline}":
			t.pipeline = plain
		case plain:
		default:
			return t, false
		}
	}
	return t, true
}

// owner is the target that a metric's values are read from. Of projects, the group is "" where they are listed.
func owner(name string, labels map[string]string, configured bool) target {
	name = strings.TrimPrefix(name, "mongodbatlas_")
	var from resource
	longest := ""
	for _, r := range resources() {
		for _, family := range r.families {
			if strings.HasPrefix(name, family) && len(family) > len(longest) {
				from, longest = r, family
			}
		}
	}
	t := target{collector: from.collector}
	if from.endpoint != projects || configured {
		t.group = labels["group_id"]
	}
	if strings.Contains(from.path, "{cluster}") {
		t.cluster = labels["cl_name"]
	}
	if strings.Contains(from.path, "{pipeline}") {
		t.pipeline = labels["pipeline"]
	}
	return t
}
