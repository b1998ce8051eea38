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
	// collector is the label of the health metrics of the targets. A token has no target.
	collector string
	// families are the prefixes of the metric names. jobs is the metric that counts the jobs by state.
	families []string
	jobs     string
	parent   string // the collector that discovers the targets, if they disappear with it
}

// Titles of endpoints with special rules.
const (
	token    = "token"
	projects = "projects"
	project  = "project"
	exports  = "backup exports"
)

// endpoints returns the table of the endpoints, in the order of the columns of the matrix.
//
//nolint:gochecknoglobals // a constant table
var endpoints = sync.OnceValue(func() []endpoint {
	var all []endpoint
	for _, row := range [...]struct{ operation, jobs, parent, families string }{
		{atlassim.OpToken, "", "", ""},
		{atlassim.OpListProjects, "", "", "project_"},
		{atlassim.OpGetProject, "", "", ""},
		{atlassim.OpListClusters, "", "", "cluster_"},
		{atlassim.OpGetBackupSchedule, "", "", "backup_export_auto_enabled backup_export_expected_interval_seconds " +
			"backup_snapshot_expected_interval_seconds backup_snapshot_policy_items backup_snapshot_next_timestamp_seconds backup_restore_window_seconds"},
		{atlassim.OpListPipelines, "", "", "pipeline_state pipeline_info"},
		{atlassim.OpListBackupExports, "backup_export_jobs", "", "backup_export_"},
		{atlassim.OpListBackupRestores, "backup_restore_jobs", "", "backup_restore_"},
		{atlassim.OpListPipelineRuns, "pipeline_runs", "pipelines", "pipeline_"},
		{atlassim.OpListBackupSnapshots, "backup_snapshots", "", "backup_snapshot"},
		{atlassim.OpListCollectionRestores, "collection_restore_jobs", "", "collection_restore_"},
		{atlassim.OpListExportBuckets, "", "", "backup_export_bucket_found"},
		{atlassim.OpListFlexClusters, "", "", "flex_cluster_ flex_snapshot_expected_interval_seconds"},
		{atlassim.OpListFlexSnapshots, "flex_snapshots", "flex_clusters", "flex_snapshot"},
		{atlassim.OpListFlexRestores, "flex_restore_jobs", "flex_clusters", "flex_restore_"},
	} {
		routes := atlassim.Routes()
		e := endpoint{
			Route: routes[slices.IndexFunc(routes, func(r atlassim.Route) bool { return r.Operation == row.operation })],
			jobs:  row.jobs, parent: row.parent, families: strings.Fields(row.families),
		}
		e.collector = strings.ReplaceAll(e.title(), " ", "_")
		switch e.title() {
		case token:
			e.collector = ""
		case project:
			e.collector = projects
		}
		all = append(all, e)
	}
	return all
})

// title returns the endpoint's name in the matrix: the operation without its verb.
func (e endpoint) title() string {
	_, name, hasVerb := strings.Cut(e.Operation, "_")
	if !hasVerb {
		name = e.Operation
	}
	return strings.ReplaceAll(name, "_", " ")
}

// endpointOf returns the endpoint with a title.
func endpointOf(title string) endpoint {
	all := endpoints()
	return all[slices.IndexFunc(all, func(e endpoint) bool { return e.title() == title })]
}

// target is one target, by the labels of mongodbatlas_target_up.
type target struct{ collector, group, cluster, pipeline string }

func (t target) String() string {
	parts := slices.DeleteFunc([]string{t.collector, t.group, t.cluster, t.pipeline}, func(part string) bool { return part == "" })
	return strings.Join(parts, "/")
}

// target returns the target with this name in a project.
func (e endpoint) target(group, name string) target {
	t := target{collector: e.collector, group: group}
	switch {
	case strings.Contains(e.Path, "{pipeline}"):
		t.pipeline = name
	case e.isOf("{cluster}"), e.isOf("{flex}"):
		t.cluster = name
	}
	return t
}

// isOf reports whether the path of the endpoint has a parameter, such as "{cluster}".
func (e endpoint) isOf(parameter string) bool { return strings.Contains(e.Path, parameter) }

// path returns the path of the request for a target.
func (e endpoint) path(t target) string {
	cluster := url.PathEscape(t.cluster)
	return strings.NewReplacer("{group}", t.group, "{cluster}", cluster, "{flex}", cluster, "{pipeline}", url.PathEscape(t.pipeline)).Replace(e.Path)
}

// endpoint returns the target's endpoint. The group distinguishes one project from the list of projects.
func (t target) endpoint() endpoint {
	all := endpoints()
	if t.collector == projects && t.group != "" {
		return endpointOf(project)
	}
	return all[max(0, slices.IndexFunc(all, func(e endpoint) bool { return e.collector == t.collector }))]
}

// owner returns the target that a metric is read from, by the longest matching prefix. It has no collector if the metric is
// about the exporter itself. For a project that is discovered, the group is "".
func owner(name string, labels map[string]string, configured bool) target {
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
	group := labels["group_id"]
	if from.collector == projects && !configured {
		group = ""
	}
	return from.target(group, labels["cl_name"]+labels["pipeline"])
}
