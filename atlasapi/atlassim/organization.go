package atlassim

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Organization is a simulated Atlas organization. See the package's comment for how it may be read and changed.
type Organization struct {
	// ID and Name are the organization's own.
	ID, Name string
	// PipelinesGone is the status (404, 405 or 410) with which every pipeline path is answered once Atlas has taken Data
	// Lake pipelines out of service; 0 while they are served.
	PipelinesGone int
	// CollectionRestoresGone and FlexGone are the same for collection restores and for every path of flex clusters.
	CollectionRestoresGone, FlexGone int

	clock     Clock
	scale     float64
	mu        sync.RWMutex
	events    eventQueue
	planned   uint64
	happening time.Time
	projects  []*Project
}

// OrganizationOption changes how NewOrganization makes an organization.
type OrganizationOption func(*Organization)

// WithTimeScale divides every duration of the rules by factor, so that what takes a day is acted out in minutes.
func WithTimeScale(factor float64) OrganizationOption {
	return func(o *Organization) { o.scale = factor }
}

// NewOrganization is an organization without projects. Its ids, and those of everything in it, are the same in every
// run that builds the same things at the same times.
func NewOrganization(clock Clock, options ...OrganizationOption) *Organization {
	o := &Organization{Name: "Simulated Organization", clock: clock, scale: 1}
	o.ID = objectID(time.Date(2021, 3, 1, 9, 0, 0, 0, time.UTC), mix(seedOf("organization")))
	for _, option := range options {
		option(o)
	}
	return o
}

// Clock is the clock that the organization goes by.
func (o *Organization) Clock() Clock { return o.clock }

// Projects are the organization's projects, in the order in which they were added.
func (o *Organization) Projects() []*Project { return slices.Clone(o.projects) }

// AddProject adds a project. Its id follows from its name, so that it is the same whenever the organization is built.
func (o *Organization) AddProject(name string) *Project {
	created := time.Date(2021, 6, 1, 9, 0, 0, 0, time.UTC)
	seed := mix(seedOf("project", name))
	p := &Project{
		ID: objectID(created, seed), Name: name, Created: created, org: o, seed: seed,
		clusters: list[*Cluster]{order: AsAdded}, flexClusters: list[*FlexCluster]{order: AsAdded},
	}
	p.AddExportBucket("simulated-exports-" + p.ID[18:])
	o.projects = append(o.projects, p)
	return p
}

// RemoveProject deletes a project with everything in it.
func (o *Organization) RemoveProject(p *Project) {
	o.projects = slices.DeleteFunc(o.projects, func(other *Project) bool { return other == p })
}

// project is the project with an id, or nil.
func (o *Organization) project(id string) *Project {
	for _, p := range o.projects {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// listedProjects are those that GET /groups shows, by name as Atlas sorts them.
func (o *Organization) listedProjects() []*Project {
	shown := make([]*Project, 0, len(o.projects))
	for _, p := range o.projects {
		if !p.Unlisted {
			shown = append(shown, p)
		}
	}
	slices.SortStableFunc(shown, func(a, b *Project) int { return strings.Compare(a.Name, b.Name) })
	return shown
}

// Refusal is an error that Atlas answers instead of what was asked for.
type Refusal struct {
	// Status is the HTTP status; 0 refuses nothing.
	Status int
	// Code is Atlas's error code; it may be empty.
	Code string
}

// NotInGroup is how Atlas may refuse a project that the credential has no access to.
func NotInGroup() Refusal { return Refusal{Status: 401, Code: "NOT_IN_GROUP"} }

// UserUnauthorized is how Atlas may refuse a credential whose role is too small.
func UserUnauthorized() Refusal { return Refusal{Status: 401, Code: "USER_UNAUTHORIZED"} }

// Project is a project ("group") of the organization.
type Project struct {
	// ID, Name and Created are the project's own.
	ID, Name string
	Created  time.Time
	// Unlisted leaves the project out of GET /groups.
	Unlisted bool
	// Refusal, if it has a status, answers every request for something of the project.
	Refusal Refusal
	// ClustersRefusal, if it has a status, answers the list of clusters: Atlas refuses it for the whole project with 400
	// CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API while one of its clusters is upgraded to Flex.
	ClustersRefusal Refusal

	org       *Organization
	seed      uint64
	clusters  list[*Cluster]
	pipelines []*Pipeline

	flexClusters list[*FlexCluster]
	buckets      []*ExportBucket
	bucketsAdded uint64
	bucketReads  atomic.Uint64
}

// Hide makes the project invisible: it is not listed, and requests for it are refused.
func (p *Project) Hide(refusal Refusal) { p.Unlisted, p.Refusal = true, refusal }

// Show undoes Hide.
func (p *Project) Show() { p.Unlisted, p.Refusal = false, Refusal{} }

// Clusters are the project's clusters, in the order in which they were added.
func (p *Project) Clusters() []*Cluster { return slices.Clone(p.clusters.stored) }

// Pipelines are the project's pipelines, in the order in which they are listed.
func (p *Project) Pipelines() []*Pipeline { return slices.Clone(p.pipelines) }

// OrderClusters sets the order of the list of clusters, which is AsAdded at first.
func (p *Project) OrderClusters(order Order) { p.clusters.setOrder(order) }

// RemoveCluster deletes a cluster with its jobs.
func (p *Project) RemoveCluster(c *Cluster) { p.clusters.remove(c.ID) }

// RemovePipeline deletes a pipeline with its runs.
func (p *Project) RemovePipeline(pl *Pipeline) {
	p.pipelines = slices.DeleteFunc(p.pipelines, func(other *Pipeline) bool { return other == pl })
}

// cluster is the cluster with a name, or nil.
func (p *Project) cluster(name string) *Cluster {
	for _, c := range p.clusters.stored {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// pipeline is the pipeline with a name, or nil.
func (p *Project) pipeline(name string) *Pipeline {
	for _, pl := range p.pipelines {
		if pl.Name == name {
			return pl
		}
	}
	return nil
}
