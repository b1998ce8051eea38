package atlassim

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The names of the operations, for counting requests and for faults.
const (
	OpListProjects       = "list_projects"
	OpGetProject         = "get_project"
	OpListClusters       = "list_clusters"
	OpListPipelines      = "list_pipelines"
	OpListPipelineRuns   = "list_pipeline_runs"
	OpGetPipelineRun     = "get_pipeline_run"
	OpListBackupExports  = "list_backup_exports"
	OpGetBackupExport    = "get_backup_export"
	OpListBackupRestores = "list_backup_restores"
	OpGetBackupRestore   = "get_backup_restore"
	OpGetBackupSchedule  = "get_backup_schedule"
	OpTriggerPipeline    = "trigger_pipeline"

	OpListBackupSnapshots        = "list_backup_snapshots"
	OpListShardedBackupSnapshots = "list_sharded_backup_snapshots"
	OpListCollectionRestores     = "list_collection_restores"
	OpListFlexClusters           = "list_flex_clusters"
	OpListFlexSnapshots          = "list_flex_snapshots"
	OpListFlexRestores           = "list_flex_restores"
	OpListExportBuckets          = "list_export_buckets"

	OpToken       = "token"
	OpRevokeToken = "revoke_token"
	OpUnknown     = "unknown"
)

// Route is an endpoint of the server.
type Route struct {
	// Operation is its name, such as OpListProjects.
	Operation, Method string
	// Path is the URL path. A segment in braces, such as {group}, is a parameter.
	Path string
	// Set is the token bucket that its requests share with others.
	Set EndpointSet
}

// Routes lists the endpoints of the server.
func Routes() []Route {
	var routes []Route
	for _, r := range resources() {
		routes = append(routes, Route{Operation: r.operation, Method: r.method, Path: r.path, Set: r.set})
	}
	return routes
}

// resource is an endpoint with its path and its properties.
type resource struct {
	operation string
	method    string
	path      string   // segments in braces stand for parameters
	versions  []string // dates of the resource's versions, the oldest first
	set       EndpointSet
	role      Role
	paged     bool
	bare      bool     // accepts no parameters except pageNum and itemsPerPage, if it is paged
	query     []string // parameters besides those that every resource has
	answer    func(s *Server, c *call) reply
}

func resources() []resource {
	const (
		groups    = basePath + "/groups"
		group     = groups + "/{group}"
		backup    = group + "/clusters/{cluster}/backup"
		pipelines = group + "/pipelines"
		flex      = group + "/flexClusters"
	)
	first, flexVersions := []string{"2023-01-01"}, []string{"2024-11-13"}
	return []resource{
		{operation: OpToken, method: http.MethodPost, path: "/api/oauth/token"},
		{operation: OpRevokeToken, method: http.MethodPost, path: "/api/oauth/revoke"},
		{
			operation: OpListProjects, method: http.MethodGet, path: groups, versions: first, set: SetListProjects,
			paged: true, answer: (*Server).listProjects,
		},
		{
			operation: OpGetProject, method: http.MethodGet, path: group, versions: first, set: SetProjects, role: ProjectReadOnly,
			answer: (*Server).getProject,
		},
		{
			operation: OpListClusters, method: http.MethodGet, path: group + "/clusters",
			versions: []string{"2023-01-01", "2023-02-01", "2024-08-05"}, set: SetClusters, role: ProjectReadOnly, paged: true,
			query: []string{"includeDeletedWithRetainedBackups"}, answer: (*Server).listClusters,
		},
		{
			operation: OpListBackupExports, method: http.MethodGet, path: backup + "/exports", versions: first,
			set: SetCloudBackups, role: ProjectBackupManager, paged: true, answer: (*Server).listExports,
		},
		{
			operation: OpGetBackupExport, method: http.MethodGet, path: backup + "/exports/{id}", versions: first,
			set: SetCloudBackups, role: ProjectBackupManager, answer: (*Server).getExport,
		},
		{
			operation: OpListBackupRestores, method: http.MethodGet, path: backup + "/restoreJobs", versions: first,
			set: SetCloudBackups, role: ProjectBackupManager, paged: true, answer: (*Server).listRestores,
		},
		{
			operation: OpGetBackupRestore, method: http.MethodGet, path: backup + "/restoreJobs/{id}", versions: first,
			set: SetCloudBackups, role: ProjectBackupManager, answer: (*Server).getRestore,
		},
		{
			operation: OpGetBackupSchedule, method: http.MethodGet, path: backup + "/schedule",
			versions: []string{"2023-01-01", "2024-08-05"}, set: SetCloudBackups, role: ProjectReadOnly, answer: (*Server).getSchedule,
		},
		{
			operation: OpListBackupSnapshots, method: http.MethodGet, path: backup + "/snapshots", versions: first,
			set: SetCloudBackups, role: ProjectReadOnly, paged: true, answer: (*Server).listSnapshots,
		},
		{
			operation: OpListShardedBackupSnapshots, method: http.MethodGet, path: backup + "/snapshots/shardedClusters",
			versions: first, set: SetCloudBackups, role: ProjectReadOnly, answer: (*Server).listShardedSnapshots,
		},
		{
			operation: OpListCollectionRestores, method: http.MethodGet, path: group + "/clusters/{cluster}/collectionRestoreJobs",
			versions: []string{"2025-03-12"}, set: SetCloudBackups, role: ProjectBackupManager, paged: true, bare: true,
			answer: (*Server).listCollectionRestores,
		},
		{
			operation: OpListExportBuckets, method: http.MethodGet, path: group + "/backup/exportBuckets",
			versions: []string{"2023-01-01", "2024-05-30"}, set: SetCloudBackups, role: ProjectReadOnly, paged: true,
			answer: (*Server).listBuckets,
		},
		{
			operation: OpListFlexClusters, method: http.MethodGet, path: flex, versions: flexVersions, set: SetFlexClusters,
			role: ProjectReadOnly, paged: true, answer: (*Server).listFlexClusters,
		},
		{
			operation: OpListFlexSnapshots, method: http.MethodGet, path: flex + "/{flex}/backup/snapshots", versions: flexVersions,
			set: SetFlexSnapshots, role: ProjectReadOnly, paged: true, answer: (*Server).listFlexSnapshots,
		},
		{
			operation: OpListFlexRestores, method: http.MethodGet, path: flex + "/{flex}/backup/restoreJobs", versions: flexVersions,
			set: SetFlexRestores, role: ProjectReadOnly, paged: true, answer: (*Server).listFlexRestores,
		},
		{
			operation: OpListPipelines, method: http.MethodGet, path: pipelines, versions: first, set: SetPipelines, role: ProjectReadOnly,
			answer: (*Server).listPipelines,
		},
		{
			operation: OpListPipelineRuns, method: http.MethodGet, path: pipelines + "/{pipeline}/runs", versions: first,
			set: SetPipelines, role: ProjectReadOnly, paged: true, query: []string{"createdBefore"}, answer: (*Server).listRuns,
		},
		{
			operation: OpGetPipelineRun, method: http.MethodGet, path: pipelines + "/{pipeline}/runs/{id}", versions: first,
			set: SetPipelines, role: ProjectReadOnly, answer: (*Server).getRun,
		},
		{
			operation: OpTriggerPipeline, method: http.MethodPost, path: pipelines + "/{pipeline}/trigger", versions: first,
			set: SetPipelines, role: ProjectOwner, answer: (*Server).triggerPipeline,
		},
	}
}

// call is a request that is being answered.
type call struct {
	request   *http.Request
	resource  *resource // nil if no path matches
	otherVerb bool      // the path exists, but not with this method
	principal principal
	query     url.Values
	version   string
	page      pageRequest
	now       time.Time

	groupID, clusterName, flexName, pipelineName, id string

	project     *Project
	cluster     *Cluster
	flexCluster *FlexCluster
	pipeline    *Pipeline
}

func (c *call) operation() string {
	if c.resource == nil {
		return OpUnknown
	}
	return c.resource.operation
}

// newCall finds the resource of a request. It splits the path as it was sent and unescapes the segments afterwards,
// because a pipeline's name may contain escaped characters that have a meaning in a path.
func (s *Server) newCall(r *http.Request) *call {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	c := &call{request: r}
	for i := range s.resources {
		candidate := &s.resources[i]
		if !c.matches(strings.Split(candidate.path, "/"), segments) {
			continue
		}
		if candidate.method == r.Method {
			c.resource, c.otherVerb = candidate, false
			return c
		}
		c.otherVerb = true
	}
	return c
}

// matches compares a path with a pattern, and stores the parameters.
func (c *call) matches(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, want := range pattern {
		if !strings.HasPrefix(want, "{") {
			if segments[i] != want {
				return false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return false
		}
		switch want {
		case "{group}":
			c.groupID = value
		case "{cluster}":
			c.clusterName = value
		case "{flex}":
			c.flexName = value
		case "{pipeline}":
			c.pipelineName = value
		case "{id}":
			c.id = value
		}
	}
	return true
}
