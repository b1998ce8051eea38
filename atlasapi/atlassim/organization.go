package atlassim

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Organization is a simulated Atlas organization. The package comment says when you may read and change it.
type Organization struct {
	// ID and Name identify the organization.
	ID, Name string
	// PipelinesGone is the status (404, 405 or 410) of all pipeline paths after Atlas has ended Data Lake pipelines; 0
	// serves them.
	PipelinesGone int
	// CollectionRestoresGone and FlexGone are the same for collection restores and for all paths of Flex clusters.
	CollectionRestoresGone, FlexGone int

	clock     Clock
	scale     float64
	mu        sync.RWMutex
	events    eventQueue
	planned   uint64
	happening time.Time
	projects  []*Project
}

// OrganizationOption is an option of NewOrganization.
type OrganizationOption func(*Organization)

// WithTimeScale divides every duration of the routines by factor, so that a day passes in minutes.
func WithTimeScale(factor float64) OrganizationOption {
	return func(o *Organization) { o.scale = factor }
}

// NewOrganization returns an organization without projects. All ids are the same in every run that adds the same
// objects at the same times.
func NewOrganization(clock Clock, options ...OrganizationOption) *Organization {
	o := &Organization{Name: "Simulated Organization", clock: clock, scale: 1}
	o.ID = objectID(time.Date(2021, 3, 1, 9, 0, 0, 0, time.UTC), mix(seedOf("organization")))
	for _, option := range options {
		option(o)
	}
	return o
}

// Clock returns the organization's clock.
func (o *Organization) Clock() Clock { return o.clock }

// Projects returns the organization's projects in the order in which they were added.
func (o *Organization) Projects() []*Project { return slices.Clone(o.projects) }

// AddProject adds a project. Its id depends only on its name.
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

// project returns the project with an id, or nil.
func (o *Organization) project(id string) *Project {
	for _, p := range o.projects {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// listedProjects returns the projects of GET /groups, sorted by name as Atlas does.
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

// Refusal is an error that Atlas answers instead of the requested object.
type Refusal struct {
	// Status is the HTTP status; 0 refuses nothing.
	Status int
	// Code is Atlas's error code. It may be empty.
	Code string
}

// NotInGroup is a possible answer for a project that the credential has no access to.
func NotInGroup() Refusal { return Refusal{Status: 401, Code: "NOT_IN_GROUP"} }

// UserUnauthorized is a possible answer for a credential without the required role.
func UserUnauthorized() Refusal { return Refusal{Status: 401, Code: "USER_UNAUTHORIZED"} }

// Project is a project ("group") of the organization.
type Project struct {
	// ID, Name and Created identify the project.
	ID, Name string
	Created  time.Time
	// Unlisted leaves the project out of GET /groups.
	Unlisted bool
	// Refusal, if it has a status, is the answer to every request for something in the project.
	Refusal Refusal
	// ClustersRefusal, if it has a status, is the answer to the list of clusters. Atlas refuses the list of the whole
	// project with 400 CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API while one of its clusters is upgraded to Flex.
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

// Hide makes the project invisible: it is not listed, and all requests for it are refused.
func (p *Project) Hide(refusal Refusal) { p.Unlisted, p.Refusal = true, refusal }

// Show undoes Hide.
func (p *Project) Show() { p.Unlisted, p.Refusal = false, Refusal{} }

// Clusters returns the project's clusters in the order in which they were added.
func (p *Project) Clusters() []*Cluster { return slices.Clone(p.clusters.stored) }

// Pipelines returns the project's pipelines in the order of the list.
func (p *Project) Pipelines() []*Pipeline { return slices.Clone(p.pipelines) }

// OrderClusters sets the order of the list of clusters. At first it is AsAdded.
func (p *Project) OrderClusters(order Order) { p.clusters.setOrder(order) }

// RemoveCluster deletes a cluster with its jobs.
func (p *Project) RemoveCluster(c *Cluster) { p.clusters.remove(c.ID) }

// RemovePipeline deletes a pipeline with its runs.
func (p *Project) RemovePipeline(pl *Pipeline) {
	p.pipelines = slices.DeleteFunc(p.pipelines, func(other *Pipeline) bool { return other == pl })
}

// cluster returns the cluster with a name, or nil.
func (p *Project) cluster(name string) *Cluster {
	for _, c := range p.clusters.stored {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// pipeline returns the pipeline with a name, or nil.
func (p *Project) pipeline(name string) *Pipeline {
	for _, pl := range p.pipelines {
		if pl.Name == name {
			return pl
		}
	}
	return nil
}
