package soak

import (
	"maps"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// discoveryInterval is the shortest that the exporter's configuration allows.
const discoveryInterval = time.Second

// population is about how many things of each kind there are.
type population struct{ projects, clusters, pipelines int }

func (a *atlas) population() population {
	n := population{projects: len(a.org.Projects())}
	for _, p := range a.org.Projects() {
		n.clusters += len(p.Clusters())
		n.pipelines += len(p.Pipelines())
	}
	return n
}

// change changes something that discovery finds, and returns whether it did. It is called within Organization.Do, while
// the clock stands still and the exporter has read everything.
func (a *atlas) change(usual population) bool {
	now := a.population()
	var done string
	switch a.random.IntN(22) {
	case 0, 1, 2:
		done = a.growOrShrinkClusters(now.clusters >= usual.clusters)
	case 3, 4:
		done = a.growOrShrinkPipelines(now.pipelines >= usual.pipelines)
	case 5:
		done = a.growOrShrinkProjects(now.projects >= usual.projects, usual)
	case 6:
		done = a.renameProject()
	case 7:
		done = a.hideOrShowProject()
	case 8:
		done = a.remakeCluster()
	case 9, 10:
		done = a.switchBackup()
	case 11, 12, 13:
		done = a.switchAutoExport()
	case 14, 15:
		done = a.switchPause()
	case 16, 17:
		done = a.switchPipeline()
	case 18, 19:
		done = a.switchFlex()
	default:
		done = a.reorder()
	}
	if done == "" {
		return false
	}
	a.ledger.discovery[done]++
	a.forget()
	return true
}

// mayGo reports whether a project may disappear: one that the configuration names would be down instead.
func (a *atlas) mayGo(p *atlassim.Project) bool { return !slices.Contains(a.settings.named, p.ID) }

// listedProjects are those that the credentials can see.
func (a *atlas) listedProjects() []*atlassim.Project {
	return slices.DeleteFunc(a.org.Projects(), func(p *atlassim.Project) bool { return p.Unlisted })
}

func (a *atlas) anyProject() *atlassim.Project {
	if projects := a.listedProjects(); len(projects) > 0 {
		return pick(a, projects...)
	}
	return nil
}

func (a *atlas) anyCluster() *atlassim.Cluster {
	if p := a.anyProject(); p != nil && len(p.Clusters()) > 0 {
		return pick(a, p.Clusters()...)
	}
	return nil
}

func (a *atlas) growOrShrinkClusters(shrink bool) string {
	if !shrink {
		if p := a.anyProject(); p != nil {
			a.addCluster(p)
			return "cluster created"
		}
		return ""
	}
	if c := a.anyCluster(); c != nil {
		c.Project().RemoveCluster(c)
		return "cluster deleted"
	}
	return ""
}

func (a *atlas) growOrShrinkPipelines(shrink bool) string {
	p := a.anyProject()
	switch {
	case p == nil:
		return ""
	case !shrink:
		a.addPipeline(p)
		return "pipeline created"
	case len(p.Pipelines()) == 0:
		return ""
	}
	p.RemovePipeline(pick(a, p.Pipelines()...))
	return "pipeline deleted"
}

// growOrShrinkProjects keeps the population: a new project comes with its share of clusters and pipelines.
func (a *atlas) growOrShrinkProjects(shrink bool, usual population) string {
	if !shrink {
		p := a.addProject()
		for range usual.clusters / usual.projects {
			a.addCluster(p)
		}
		for range usual.pipelines / usual.projects {
			a.addPipeline(p)
		}
		a.addFlexCluster(p)
		return "project created"
	}
	if p := a.anyProject(); p != nil && a.mayGo(p) && len(a.listedProjects()) > 2 {
		a.org.RemoveProject(p)
		return "project deleted"
	}
	return ""
}

func (a *atlas) renameProject() string {
	p := a.anyProject()
	if p == nil {
		return ""
	}
	p.Name = a.name("renamed")
	return "project renamed"
}

// hideOrShowProject takes a project out of the credentials' sight, or gives it back.
func (a *atlas) hideOrShowProject() string {
	for _, p := range a.org.Projects() {
		if p.Unlisted {
			p.Show()
			return "project visible again"
		}
	}
	if p := a.anyProject(); p != nil && a.mayGo(p) && len(a.listedProjects()) > 2 {
		p.Hide(atlassim.NotInGroup())
		return "project out of sight"
	}
	return ""
}

// remakeCluster deletes a cluster and makes one anew under its name, which begins without jobs.
func (a *atlas) remakeCluster() string {
	c := a.anyCluster()
	if c == nil {
		return ""
	}
	p := c.Project()
	p.RemoveCluster(c)
	anew := p.AddCluster(c.Name, atlassim.ClusterOptions{Created: a.org.Clock().Now()})
	a.orderCluster(anew)
	anew.Schedule.NextSnapshot = a.org.Clock().Now().Add(24 * time.Hour).Truncate(time.Second)
	return "cluster made anew"
}

// switchBackup switches a cluster's backup off, after which Atlas answers for none of its jobs, or on again.
func (a *atlas) switchBackup() string {
	c := a.anyCluster()
	switch {
	case c == nil || c.Provider != "AWS":
		return ""
	case !c.BackupEnabled:
		c.BackupEnabled = true
		return "backup on"
	}
	if _, unsettled := a.stale[c]; unsettled {
		return ""
	}
	kept := held{}
	for _, l := range ofClusters() {
		if a.read[c][l.collector] {
			kept[l.collector] = l.keep(c)
		}
	}
	a.evidence[c] = kept
	c.BackupEnabled = false
	return "backup off"
}

func (a *atlas) switchAutoExport() string {
	c := a.anyCluster()
	switch {
	case c == nil:
		return ""
	case a.chance(40):
		c.Schedule.ExportFrequency = pick(a, "daily", "weekly", "monthly", "yearly", "")
		return "export policy changed"
	}
	c.Schedule.AutoExportEnabled = !c.Schedule.AutoExportEnabled
	if c.Schedule.AutoExportEnabled {
		return "auto export on"
	}
	return "auto export off"
}

func (a *atlas) switchPause() string {
	c := a.anyCluster()
	if c == nil || !c.Paused && a.chance(60) { // mostly running
		return ""
	}
	if c.Paused = !c.Paused; c.Paused {
		return "cluster paused"
	}
	return "cluster resumed"
}

func (a *atlas) switchPipeline() string {
	p := a.anyProject()
	if p == nil || len(p.Pipelines()) == 0 {
		return ""
	}
	pl := pick(a, p.Pipelines()...)
	if pl.State == "ACTIVE" {
		pl.State = "PAUSED"
		return "pipeline paused"
	}
	pl.State = "ACTIVE"
	return "pipeline resumed"
}

// reorder has Atlas list some jobs in another order from now on, which no document rules out.
func (a *atlas) reorder() string {
	if c := a.anyCluster(); c != nil {
		a.orderCluster(c)
	}
	if p := a.anyProject(); p != nil {
		p.OrderClusters(a.order())
		if len(p.Pipelines()) > 0 {
			pick(a, p.Pipelines()...).OrderRuns(a.order())
		}
	}
	return "lists in another order"
}

// noticed forgets what the exporter must have noticed by a moment.
func (a *atlas) noticed(by time.Time) {
	maps.DeleteFunc(a.stale, func(_ any, s staleJobs) bool { return !s.until.After(by) })
}

// settle notes what the exporter, having read everything since a moment, holds, and what it has forgotten.
func (a *atlas) settle(since time.Time) {
	o := a.oracle(since)
	clear(a.read)
	for _, p := range o.visible() {
		for _, c := range o.clusters(p) {
			a.read[c] = map[string]bool{}
			for _, l := range ofClusters() {
				a.read[c][l.collector] = !a.settings.disabled[l.collector]
			}
		}
	}
	for c, kept := range a.evidence {
		maps.DeleteFunc(kept, func(collector string, _ any) bool { return !a.read[c][collector] })
		if c.BackupEnabled {
			delete(a.evidence, c)
		}
	}
}

// oracle answers what is expected of readings since a moment.
func (a *atlas) oracle(since time.Time) *oracle {
	return &oracle{org: a.org, settings: a.settings, evidence: a.evidence, stale: a.stale, reloaded: a.reloaded, since: since}
}
