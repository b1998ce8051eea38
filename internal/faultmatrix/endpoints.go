package main

import (
	"net/http"
	"net/url"
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
)

// collector is the name under which the exporter shows how the endpoint's targets were read; a token has no target.
func (e endpoint) collector() string {
	switch e {
	case projects, project:
		return "projects"
	case clusters, pipelines:
		return string(e)
	case schedule:
		return "backup_schedule"
	case exports:
		return "backup_exports"
	case restores:
		return "backup_restores"
	case runs:
		return "pipeline_runs"
	case token:
	}
	return ""
}

// isPaged tells whether the endpoint answers a list page by page.
func (e endpoint) isPaged() bool {
	switch e {
	case projects, clusters, exports, restores, runs:
		return true
	default:
		return false
	}
}

// idMember is the member that holds the id of an item.
func (e endpoint) idMember() string {
	if e == runs || e == pipelines {
		return "_id"
	}
	return "id"
}

// bucket names the token bucket of Atlas's rate limits in which the endpoint's requests for one project count.
func (e endpoint) bucket() string {
	switch e {
	case schedule, exports, restores:
		return "backups"
	case pipelines, runs:
		return "pipelines"
	default:
		return string(e)
	}
}

// target is one thing that is read, as the labels of mongodbatlas_target_up name it.
type target struct{ collector, group, cluster, pipeline string }

func (t target) String() string {
	parts := []string{t.collector}
	for _, part := range []string{t.group, t.cluster, t.pipeline} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// endpoint is where the target is read; lists of all projects and single ones are told apart by the group.
func (t target) endpoint() endpoint {
	for _, e := range []endpoint{clusters, schedule, pipelines, exports, restores, runs} {
		if e.collector() == t.collector {
			return e
		}
	}
	if t.group == "" {
		return projects
	}
	return project
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
	var s []string
	if rest != "" {
		for segment := range strings.SplitSeq(rest[1:], "/") {
			plain, err := url.PathUnescape(segment)
			if err != nil {
				return "", target{}
			}
			s = append(s, plain)
		}
	}
	e, t := endpoint(""), target{}
	switch {
	case len(s) == 0:
		e = projects
	case len(s) == 1:
		e, t = project, target{group: s[0]}
	case len(s) == 2 && s[1] == "clusters":
		e, t = clusters, target{group: s[0]}
	case len(s) == 2 && s[1] == "pipelines":
		e, t = pipelines, target{group: s[0]}
	case len(s) == 4 && s[1] == "pipelines" && s[3] == "runs":
		e, t = runs, target{group: s[0], pipeline: s[2]}
	case len(s) == 5 && s[1] == "clusters" && s[3] == "backup":
		t = target{group: s[0], cluster: s[2]}
		switch s[4] {
		case "schedule":
			e = schedule
		case "exports":
			e = exports
		case "restoreJobs":
			e = restores
		}
	}
	t.collector = e.collector()
	return e, t
}
