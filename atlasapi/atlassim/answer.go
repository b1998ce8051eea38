package atlassim

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer answers an authenticated request.
func (s *Server) answer(c *call) reply {
	if c.resource == nil {
		if c.otherVerb {
			return failure(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
		}
		return failure(http.StatusNotFound, "RESOURCE_NOT_FOUND", c.request.URL.Path)
	}
	limitHeader, limited := s.takeToken(c)
	var answer reply
	if limited != nil {
		answer = *limited
	} else {
		answer = s.answerAdmitted(c)
	}
	maps.Copy(answer.header, limitHeader)
	if d, ok := s.options.Deprecations[c.resource.operation]; ok {
		if !d.Deprecated.IsZero() {
			answer.header.Set("Deprecation", httpDate(d.Deprecated))
		}
		if !d.Sunset.IsZero() {
			answer.header.Set("Sunset", httpDate(d.Sunset))
		}
	}
	return answer
}

// answerAdmitted answers a request that the rate limits allow.
func (s *Server) answerAdmitted(c *call) reply {
	version, refused := negotiate(c.request.Header.Values("Accept"), c.resource.versions)
	if refused != nil {
		return *refused
	}
	c.version = version
	if refused := c.parseQuery(); refused != nil {
		return *refused
	}
	if c.resource.paged {
		s.mu.Lock()
		hook := s.beforePage
		s.mu.Unlock()
		if hook != nil {
			hook(c.resource.operation, c.page.number)
		}
	}
	if c.resource.operation == OpTriggerPipeline {
		return s.trigger(c)
	}
	var answer reply
	s.org.view(func(now time.Time) {
		c.now = now
		if refused := s.locate(c); refused != nil {
			answer = *refused
			return
		}
		answer = c.resource.answer(s, c)
	})
	if pretty, err := strconv.ParseBool(c.query.Get("pretty")); err == nil && pretty {
		var indented bytes.Buffer
		if json.Indent(&indented, answer.body, "", "  ") == nil {
			answer.body = indented.Bytes()
		}
	}
	return answer
}

// locate finds the project, cluster or pipeline of the path, and checks whether the credential may see it.
func (s *Server) locate(c *call) *reply {
	if c.groupID == "" {
		return nil
	}
	if !isObjectID(c.groupID) {
		return refuse(failure(http.StatusNotFound, "INVALID_GROUP_ID", c.groupID))
	}
	c.project = s.org.project(c.groupID)
	if c.project == nil {
		return refuse(failure(http.StatusNotFound, "GROUP_NOT_FOUND", c.groupID))
	}
	if refusal := c.project.Refusal; refusal.Status != 0 {
		return refuse(failure(refusal.Status, refusal.Code, c.groupID))
	}
	if c.principal.role < c.resource.role {
		return refuse(failure(s.options.RoleMissing.Status, s.options.RoleMissing.Code, c.groupID))
	}
	if c.clusterName != "" {
		c.cluster = c.project.cluster(c.clusterName)
		if c.cluster == nil && c.project.flexCluster(c.clusterName) != nil {
			return refuse(failure(http.StatusBadRequest, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", c.clusterName))
		}
		if c.cluster == nil {
			return refuse(failure(http.StatusNotFound, "CLUSTER_NOT_FOUND", c.clusterName, c.groupID))
		}
		if gone := s.org.CollectionRestoresGone; gone != 0 && c.resource.operation == OpListCollectionRestores {
			return refuse(goneFailure(gone, c))
		}
		if refusal := c.cluster.backupRefusal(); refusal.Status != 0 {
			return refuse(failure(refusal.Status, refusal.Code, c.clusterName))
		}
	}
	switch c.resource.set {
	case SetPipelines:
		if s.org.PipelinesGone != 0 {
			return refuse(goneFailure(s.org.PipelinesGone, c))
		}
	case SetFlexClusters, SetFlexSnapshots, SetFlexRestores:
		return s.locateFlex(c)
	default:
	}
	if c.pipelineName != "" {
		c.pipeline = c.project.pipeline(c.pipelineName)
		if c.pipeline == nil {
			return refuse(failure(http.StatusNotFound, "RESOURCE_NOT_FOUND", c.pipelineName))
		}
	}
	return nil
}

// goneFailure returns the answer for a resource that Atlas has ended, or does not have.
func goneFailure(status int, c *call) reply {
	code := "RESOURCE_NOT_FOUND"
	switch status {
	case http.StatusGone:
		code = "VERSION_GONE"
	case http.StatusMethodNotAllowed:
		code = "METHOD_NOT_ALLOWED"
	}
	return failure(status, code, c.version, c.request.URL.Path)
}

func refuse(answer reply) *reply { return &answer }

// parseQuery parses the query and refuses parameters that the resource does not have.
func (c *call) parseQuery() *reply {
	query, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		return refuse(failure(http.StatusBadRequest, "INVALID_QUERY_PARAMETER", c.request.URL.RawQuery))
	}
	known := slices.Clone(c.resource.query)
	if !c.resource.bare {
		known = append(known, "envelope", "pretty")
	}
	if c.resource.paged {
		known = append(known, "pageNum", "itemsPerPage")
		if !c.resource.bare {
			known = append(known, "includeCount")
		}
	}
	for name := range query {
		if !slices.Contains(known, name) {
			return refuse(failure(http.StatusBadRequest, "INVALID_QUERY_PARAMETER", name))
		}
	}
	c.query = query
	if c.resource.paged {
		return c.page.parse(query)
	}
	return nil
}

// negotiate returns the newest version of a resource that is not newer than the requested one.
func negotiate(accept, versions []string) (string, *reply) {
	for mediaType := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		mediaType, _, _ = strings.Cut(strings.TrimSpace(mediaType), ";")
		date, ok := strings.CutPrefix(mediaType, "application/vnd.atlas.")
		if !ok {
			continue
		}
		date, ok = strings.CutSuffix(date, "+json")
		if !ok {
			continue
		}
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return "", refuse(failure(http.StatusBadRequest, "INVALID_VERSION_DATE", date))
		}
		for _, version := range slices.Backward(versions) {
			if version <= date {
				return version, nil
			}
		}
	}
	return "", refuse(failureBody(wireError{
		Error: http.StatusNotAcceptable, Reason: http.StatusText(http.StatusNotAcceptable),
		Detail: "The Accept header must name a version of this resource.",
	}))
}

// object returns an answer with one object.
func (s *Server) object(c *call, body []byte) reply {
	return reply{
		status: http.StatusOK, header: http.Header{}, body: body,
		contentType: "application/vnd.atlas." + c.version + "+json;charset=utf-8",
	}
}

func (s *Server) listProjects(c *call) reply {
	projects := s.org.listedProjects()
	return s.list(c, len(projects), func(b []byte, place int) []byte { return projects[place].appendJSON(b, s.base()) })
}

func (s *Server) getProject(c *call) reply {
	return s.object(c, c.project.appendJSON(nil, s.base()))
}

func (s *Server) listClusters(c *call) reply {
	if refusal := c.project.ClustersRefusal; refusal.Status != 0 {
		return failure(refusal.Status, refusal.Code, c.groupID)
	}
	return listOf(s, c, &c.project.clusters)
}

func (s *Server) listExports(c *call) reply  { return listOf(s, c, &c.cluster.exports) }
func (s *Server) listRestores(c *call) reply { return listOf(s, c, &c.cluster.restores) }
func (s *Server) getExport(c *call) reply    { return oneOf(s, c, &c.cluster.exports) }
func (s *Server) getRestore(c *call) reply   { return oneOf(s, c, &c.cluster.restores) }
func (s *Server) getRun(c *call) reply       { return oneOf(s, c, &c.pipeline.runs) }

func (s *Server) getSchedule(c *call) reply {
	return s.object(c, encode(c.cluster.wireSchedule(s.base(), c.now)))
}

func (s *Server) listPipelines(c *call) reply {
	pipelines := make([]wirePipeline, len(c.project.pipelines))
	for i, pl := range c.project.pipelines {
		pipelines[i] = pl.wire()
	}
	return s.object(c, encode(pipelines))
}

func (s *Server) listRuns(c *call) reply {
	runs := &c.pipeline.runs
	if !c.query.Has("createdBefore") {
		return listOf(s, c, runs)
	}
	before, err := time.Parse(time.RFC3339, c.query.Get("createdBefore"))
	if err != nil {
		return failure(http.StatusBadRequest, "INVALID_QUERY_PARAMETER", "createdBefore")
	}
	var places []int
	for place := range runs.len() {
		if runs.at(place).created().Before(before) {
			places = append(places, place)
		}
	}
	return s.list(c, len(places), func(b []byte, place int) []byte {
		return runs.at(places[place]).appendJSON(b, s.base())
	})
}

func oneOf[T listed](s *Server, c *call, items *list[T]) reply {
	if !isObjectID(c.id) {
		return failure(http.StatusBadRequest, "INVALID_PATH_PARAMETER", c.id)
	}
	item, ok := items.find(c.id)
	if !ok {
		return failure(http.StatusNotFound, "RESOURCE_NOT_FOUND", c.id)
	}
	return s.object(c, item.appendJSON(nil, s.base()))
}
