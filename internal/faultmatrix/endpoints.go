package faultmatrix

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// endpoint is an endpoint of the Atlas API, with the names of the metrics that the exporter reads from it. To add a
// collector, add an entry to endpoints and data to newOrganization.
type endpoint struct {
	atlassim.Route
	// name is the name of the collector, except for token and project.
	name string
	// families are the prefixes of the metric names. jobs is the metric that counts the jobs by state.
	families []string
	jobs     string
	parent   string // the collector that discovers the targets, if they disappear with it
}

// Endpoints with special rules.
const (
	token    = "token"
	projects = "projects"
	project  = "project"
	exports  = "backup_exports"
)

// endpoints returns the table of the endpoints.
//
//nolint:gochecknoglobals // a constant table
var endpoints = sync.OnceValue(func() []endpoint {
	var all []endpoint
	for _, row := range [...]struct{ operation, name, jobs, parent, families string }{
		{atlassim.OpToken, token, "", "", ""},
		{atlassim.OpListProjects, projects, "", "", "project_"},
		{atlassim.OpGetProject, project, "", "", ""},
		{atlassim.OpListClusters, "clusters", "", "", "cluster_"},
		{atlassim.OpGetBackupSchedule, "backup_schedule", "", "", "backup_export_auto_enabled " +
			"backup_export_expected_interval_seconds backup_snapshot_expected_interval_seconds backup_snapshot_policy_items " +
			"backup_snapshot_next_timestamp_seconds backup_restore_window_seconds"},
		{atlassim.OpListPipelines, "pipelines", "", "", "pipeline_state pipeline_info"},
		{atlassim.OpListBackupExports, exports, "backup_export_jobs", "", "backup_export_"},
		{atlassim.OpListBackupRestores, "backup_restores", "backup_restore_jobs", "", "backup_restore_"},
		{atlassim.OpListPipelineRuns, "pipeline_runs", "pipeline_runs", "pipelines", "pipeline_"},
		{atlassim.OpListBackupSnapshots, "backup_snapshots", "backup_snapshots", "", "backup_snapshot"},
		{atlassim.OpListCollectionRestores, "collection_restores", "collection_restore_jobs", "", "collection_restore_"},
		{atlassim.OpListExportBuckets, "export_buckets", "", "", "backup_export_bucket_found"},
		{atlassim.OpListFlexClusters, "flex_clusters", "", "", "flex_cluster_ flex_snapshot_expected_interval_seconds"},
		{atlassim.OpListFlexSnapshots, "flex_snapshots", "flex_snapshots", "flex_clusters", "flex_snapshot"},
		{atlassim.OpListFlexRestores, "flex_restores", "flex_restore_jobs", "flex_clusters", "flex_restore_"},
	} {
		routes := atlassim.Routes()
		all = append(all, endpoint{
			Route: routes[slices.IndexFunc(routes, func(r atlassim.Route) bool { return r.Operation == row.operation })],
			name:  row.name, jobs: row.jobs, parent: row.parent, families: strings.Fields(row.families),
		})
	}
	return all
})

// endpointOf returns the endpoint with a name.
func endpointOf(name string) endpoint {
	all := endpoints()
	return all[slices.IndexFunc(all, func(e endpoint) bool { return e.name == name })]
}

// target is one target. name is that of a cluster or a pipeline; it is "" for a target of the project, whose group is "" if it
// is the list of projects.
type target struct{ collector, group, name string }

// String formats the target for messages.
func (t target) String() string { return strings.TrimRight(t.collector+" "+t.group+" "+t.name, " ") }

// target returns the target with this name in a project. A token has no target.
func (e endpoint) target(group, name string) target {
	switch {
	case e.name == token:
		return target{}
	case e.name == project:
		return target{projects, group, ""}
	case strings.Count(e.Path, "{") == 1:
		name = ""
	}
	return target{e.name, group, name}
}

// path returns the path of the request for a target.
func (e endpoint) path(t target) string {
	name := url.PathEscape(t.name)
	return strings.NewReplacer("{group}", t.group, "{cluster}", name, "{flex}", name, "{pipeline}", name).Replace(e.Path)
}

// endpoint returns the target's endpoint. The group distinguishes one project from the list of projects.
func (t target) endpoint() endpoint {
	if t.collector == projects && t.group != "" {
		return endpointOf(project)
	}
	return endpointOf(t.collector)
}

// owner returns the target that a metric is read from, by the longest matching prefix. It is zero if the metric is about the
// exporter itself.
func owner(name string, labels map[string]string) target {
	name = strings.TrimPrefix(name, "mongodbatlas_")
	var from endpoint
	longest := ""
	for _, e := range endpoints() {
		for _, family := range e.families {
			if strings.HasPrefix(name, family) && len(family) > len(longest) {
				from, longest = e, family
			}
		}
	}
	if longest == "" {
		return target{}
	}
	return from.target(labels["group_id"], labels["cl_name"]+labels["pipeline"])
}
