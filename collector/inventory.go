package collector

import (
	"slices"
	"sync"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// inventory is what there is to read: the projects, their clusters and pipelines, and the targets of each. It is what
// discovery found last, seen through the filters of the configuration.
type inventory struct {
	mu         sync.RWMutex
	settings   *settings
	roots      []*target // of the collector projects
	discovered bool      // one of the roots has been read
	listed     []atlasapi.Project
	projects   map[string]*project  // by group id
	gone       func(groupID string) // is told of each project that is not read any more
}

// project is a project and what discovery found in it.
type project struct {
	info      atlasapi.Project
	named     *config.Project // its entry in the configuration, nil where it was only discovered
	clusters  *target         // nil where no collector needs it
	pipelines *target

	foundClusters  []atlasapi.Cluster
	foundPipelines []atlasapi.Pipeline
	clusterByName  map[string]*cluster
	pipelineByName map[string]*pipeline
}

// cluster is a cluster and its targets.
type cluster struct {
	info                        atlasapi.Cluster
	schedule, exports, restores *target // nil where no collector needs them
}

// pipeline is a Data Lake pipeline and its target.
type pipeline struct {
	info atlasapi.Pipeline
	runs *target
}

func newInventory(gone func(groupID string)) *inventory {
	return &inventory{projects: map[string]*project{}, gone: gone}
}

// configure applies new settings to what is known, and keeps what still applies.
func (inv *inventory) configure(s *settings) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.settings = s
	ids := []string{""} // the list of all projects
	if len(s.config.Projects) > 0 {
		ids = ids[:0]
		for _, p := range s.config.Projects {
			ids = append(ids, p.ID)
		}
	}
	old := inv.roots
	for _, root := range old {
		if root.groupID != "" && !slices.Contains(ids, root.groupID) && inv.projects[root.groupID] == nil {
			inv.gone(root.groupID) // it was named, and never found
		}
	}
	inv.roots = nil
	for _, id := range ids {
		i := slices.IndexFunc(old, func(t *target) bool { return t.groupID == id })
		if i < 0 {
			inv.roots = append(inv.roots, inv.newRoot(id))
			if id == "" {
				inv.relist() // named projects were read until now: the last list is older
			}
		} else {
			inv.roots = append(inv.roots, old[i])
		}
	}
	inv.reconcile()
}

// relist makes the list of projects those that are known, until they are listed: what was read of them stays.
func (inv *inventory) relist() {
	inv.listed = nil
	for _, p := range inv.projects {
		inv.listed = append(inv.listed, p.info)
	}
}

func (inv *inventory) newRoot(groupID string) *target {
	t := &target{collector: CollectorProjects, groupID: groupID}
	if groupID == "" {
		t.reader = &projectsReader{inv}
	} else {
		t.reader = &projectReader{inv, t}
	}
	return t
}

// current returns the settings.
func (inv *inventory) current() *settings {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.settings
}

// reconcile makes the projects those that are configured, or were listed and pass the filters. The lock is held.
func (inv *inventory) reconcile() {
	c := &inv.settings.config
	wanted := map[string]bool{}
	if len(c.Projects) == 0 {
		for _, p := range inv.listed {
			id := p.ID.String()
			if c.Discovery.Projects.Match(id, p.Name) {
				wanted[id] = true
				inv.project(p).named = nil
			}
		}
	}
	for i := range c.Projects {
		named := &c.Projects[i]
		wanted[named.ID] = true // whatever Atlas says of it: who names a project wants to know when it goes
		if p := inv.projects[named.ID]; p != nil {
			p.named = named
		}
	}
	for id, p := range inv.projects {
		if !wanted[id] {
			delete(inv.projects, id)
			inv.gone(id)
			continue
		}
		inv.reconcileProject(id, p)
	}
}

// project returns the project, made new where it was not known, with what was read of it just now.
func (inv *inventory) project(info atlasapi.Project) *project {
	id := info.ID.String()
	p := inv.projects[id]
	if p == nil {
		p = &project{clusterByName: map[string]*cluster{}, pipelineByName: map[string]*pipeline{}}
		inv.projects[id] = p
	}
	p.info = info
	return p
}

func (inv *inventory) reconcileProject(id string, p *project) {
	c := &inv.settings.config.Collectors
	parent := inv.rootOf(id)
	p.clusters = keepTarget(p.clusters, c.Enabled(BackupExports) || c.Enabled(BackupRestores), func() *target {
		t := &target{collector: CollectorClusters, groupID: id, parent: parent}
		t.reader = &clustersReader{inv, id}
		return t
	})
	p.pipelines = keepTarget(p.pipelines, c.Enabled(PipelineRuns), func() *target {
		t := &target{collector: CollectorPipelines, groupID: id, parent: parent}
		t.reader = &pipelinesReader{inv, id}
		return t
	})
	inv.reconcileClusters(id, p)
	inv.reconcilePipelines(id, p)
}

func (inv *inventory) rootOf(groupID string) *target {
	for _, root := range inv.roots {
		if root.groupID == groupID {
			return root
		}
	}
	return inv.roots[0]
}

// forgetUnread tells once more that a project is gone, where it is: a reading of it that was under way has ended.
func (inv *inventory) forgetUnread(groupID string) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	named := slices.ContainsFunc(inv.roots, func(t *target) bool { return t.groupID == groupID })
	if !named && inv.projects[groupID] == nil {
		inv.gone(groupID)
	}
}

// keepTarget returns the target, a new one, or none, as it is wanted.
func keepTarget(t *target, wanted bool, fresh func() *target) *target {
	switch {
	case !wanted:
		return nil
	case t == nil:
		return fresh()
	}
	return t
}

// reconcileClusters makes the clusters those that were found last and pass the filters. A cluster that was made anew
// under an old name begins a history of its own.
func (inv *inventory) reconcileClusters(id string, p *project) {
	if p.clusters == nil {
		p.clusterByName = map[string]*cluster{}
		return
	}
	c := &inv.settings.config
	before := p.clusterByName
	p.clusterByName = make(map[string]*cluster, len(p.foundClusters))
	for _, info := range ChooseClusters(c, p.named, p.foundClusters) {
		cl := before[info.Name]
		if cl == nil || cl.info.ID != info.ID {
			cl = &cluster{}
		}
		cl.info = info
		cl.schedule = keepTarget(cl.schedule, c.Collectors.Enabled(BackupExports), func() *target {
			t := &target{collector: CollectorSchedules, groupID: id, cluster: info.Name, parent: p.clusters}
			t.reader = &scheduleReader{target: t}
			return t
		})
		cl.exports = keepTarget(cl.exports, c.Collectors.Enabled(BackupExports), func() *target {
			t := exportKind.target(BackupExports, id, info.Name, "", p.clusters)
			underWay, schedule := t.busy, cl.schedule.reader.(*scheduleReader)
			t.busy = func() bool { return underWay() || schedule.exportDue(t.reader.(jobs).judged()) }
			return t
		})
		cl.restores = keepTarget(cl.restores, c.Collectors.Enabled(BackupRestores), func() *target {
			return restoreKind.target(BackupRestores, id, info.Name, "", p.clusters)
		})
		for _, t := range cl.targets() {
			t.exclude(NotServed(&info))
		}
		p.clusterByName[info.Name] = cl
	}
}

func (cl *cluster) targets() []*target {
	return slices.DeleteFunc([]*target{cl.exports, cl.restores, cl.schedule}, func(t *target) bool { return t == nil })
}

func (inv *inventory) reconcilePipelines(id string, p *project) {
	if p.pipelines == nil {
		p.pipelineByName = map[string]*pipeline{}
		return
	}
	c := &inv.settings.config
	before := p.pipelineByName
	p.pipelineByName = make(map[string]*pipeline, len(p.foundPipelines))
	for _, info := range ChoosePipelines(c, p.named, p.foundPipelines) {
		pl := before[info.Name]
		if pl == nil || pl.info.ID != info.ID {
			pl = &pipeline{runs: runKind.target(PipelineRuns, id, "", info.Name, p.pipelines)}
		}
		pl.info = info
		p.pipelineByName[info.Name] = pl
	}
}

// all lists every target.
func (inv *inventory) all() []*target {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	targets := slices.Clone(inv.roots)
	for _, p := range inv.projects {
		targets = p.appendTargets(targets)
	}
	return targets
}

// discovery lists the targets that find clusters and pipelines.
func (p *project) discovery() []*target {
	return slices.DeleteFunc([]*target{p.clusters, p.pipelines}, func(t *target) bool { return t == nil })
}

func (p *project) appendTargets(targets []*target) []*target {
	targets = append(targets, p.discovery()...)
	for _, cl := range p.clusterByName {
		targets = append(targets, cl.targets()...)
	}
	for _, pl := range p.pipelineByName {
		targets = append(targets, pl.runs)
	}
	return targets
}

// children lists what the reading of a target found. Only a root finds anything outside of its own project.
func (inv *inventory) children(parent *target) []*target {
	var targets []*target
	switch parent.collector {
	case CollectorProjects:
		targets = inv.all()
	case CollectorClusters, CollectorPipelines:
		inv.mu.RLock()
		if p := inv.projects[parent.groupID]; p != nil {
			targets = p.appendTargets(nil)
		}
		inv.mu.RUnlock()
	}
	return slices.DeleteFunc(targets, func(t *target) bool { return t.parent != parent })
}

// groupName returns the name of a project as it was last read, "" where it never was.
func (inv *inventory) groupName(groupID string) string {
	if p := inv.projects[groupID]; p != nil {
		return p.info.Name
	}
	return ""
}

// foundProjects takes over the list of all projects.
func (inv *inventory) foundProjects(listed []atlasapi.Project) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.discovered = true
	inv.listed = listed
	inv.reconcile()
}

// foundProject takes over one project that the configuration names.
func (inv *inventory) foundProject(info atlasapi.Project) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.discovered = true
	inv.project(info)
	inv.reconcile()
}

// foundClusters takes over the clusters of a project.
func (inv *inventory) foundClusters(groupID string, clusters []atlasapi.Cluster) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if p := inv.projects[groupID]; p != nil {
		p.foundClusters = clusters
		inv.reconcileClusters(groupID, p)
	}
}

// foundPipelines takes over the pipelines of a project.
func (inv *inventory) foundPipelines(groupID string, pipelines []atlasapi.Pipeline) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if p := inv.projects[groupID]; p != nil {
		p.foundPipelines = pipelines
		inv.reconcilePipelines(groupID, p)
	}
}
