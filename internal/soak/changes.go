package soak

import (
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// change is a change to the projects, clusters or pipelines.
type change struct {
	what     string
	possible bool
	make     func()
}

// change makes one random change. It is called within Organization.Do, while the clock is stopped and the exporter has read
// everything.
func (a *atlas) change() {
	impossible := func(c change) bool { return !c.possible }
	chosen := pick(a, slices.DeleteFunc(a.changes(pick(a, a.listedProjects()...)), impossible)...)
	chosen.make()
	a.done[chosen.what]++
}

// changes lists changes to a visible project, and the possible return of projects that are gone.
func (a *atlas) changes(p *atlassim.Project) []change {
	full := len(a.org.Projects()) >= a.projects
	hidden := pick(a, slices.DeleteFunc(a.org.Projects(), func(p *atlassim.Project) bool { return !p.Unlisted })...)
	// A project that the configuration names would be down, and not disappear.
	mayGo := !slices.Contains(a.oracle.settings.named, p.ID) && len(a.listedProjects()) > 2
	changes := []change{
		{"project created", !full, a.addProject},
		{"project deleted", full && mayGo, func() { a.org.RemoveProject(p) }},
		{"project hidden", hidden == nil && mayGo, func() { p.Hide(atlassim.NotInGroup()) }},
		{"project visible again", hidden != nil, func() { hidden.Show() }},
		{"project renamed", true, func() { p.Name = a.name("renamed") }},
		{"order of clusters changed", true, func() { p.OrderClusters(a.anyOrder()) }},
	}
	for _, of := range a.parents() {
		things := thingsOf(p, of.collector)
		one := pick(a, things...)
		changes = append(changes,
			change{of.noun + " created", len(things) < of.each, func() { of.add(p) }},
			change{of.noun + " deleted", len(things) >= of.each, one.remove},
			change{"order of jobs changed", one.owner != nil, func() { a.shuffle(of.collector, one.owner) }},
		)
	}
	if c := pick(a, p.Clusters()...); c != nil {
		changes = append(changes, a.clusterChanges(p, c)...)
	}
	if f := pick(a, p.FlexClusters()...); f != nil {
		changes = append(changes, change{"Flex backup on or off", true, func() { f.BackupEnabled = !f.BackupEnabled }})
	}
	if pl := pick(a, p.Pipelines()...); pl != nil {
		changes = append(changes, change{"pipeline paused or resumed", true, func() { pl.State = pick(a, "ACTIVE", "PAUSED") }})
	}
	return changes
}

func (a *atlas) clusterChanges(p *atlassim.Project, c *atlassim.Cluster) []change {
	isStale := slices.ContainsFunc(kindsOf(clusters), func(k jobKind) bool {
		return a.oracle.stale[list{c, k.collector}].jobs != nil
	})
	return []change{
		{"cluster recreated with the same name", true, func() { // without jobs
			p.RemoveCluster(c)
			a.shuffle(clusters, p.AddCluster(c.Name, atlassim.ClusterOptions{
				Created: a.clock.Now(), Schedule: atlassim.Schedule{NextSnapshot: c.Schedule.NextSnapshot},
			}))
		}},
		// Without backup, no jobs are listed, so that the exporter would never notice.
		{"backup on or off", c.Provider == "AWS" && !isStale, func() { c.BackupEnabled = !c.BackupEnabled }},
		{"export policy changed", true, func() {
			c.Schedule.AutoExportEnabled = !c.Schedule.AutoExportEnabled
			c.Schedule.ExportFrequency = pick(a, "daily", "weekly", "monthly", "yearly", "")
		}},
		{"cluster paused or resumed", true, func() { c.Paused = !c.Paused && a.chance(40) }},
	}
}

// longestList is about the number of jobs in a list. Atlas drops the oldest jobs beyond it, so that memory does not grow
// with the number of jobs. Lists of several pages are exempt.
const longestList = 40

// drop removes old jobs from lists, or deletes a dataset before its date. The exporter notices either at the next full read
// of the list. A list gets only one of the two changes, because the exporter might notice only one of them.
func (a *atlas) drop() {
	for _, k := range jobKinds() {
		for _, t := range a.served(k.parent) {
			of := list{t.owner, k.collector}
			if a.oracle.stale[of].jobs != nil || !a.chance(50) {
				continue
			}
			var changed []job
			jobs := k.list(t.owner)
			if n := len(jobs) - longestList; n > 0 && n < 4*longestList {
				ended := pickJobs(jobs, func(j job) bool { return j.outcome != "" && j.outcome != unfinished })
				slices.SortFunc(ended, byCreation)
				changed = ended[:min(n, len(ended))]
			}
			for _, j := range changed {
				j.remove()
				a.done[k.collector+" dropped by Atlas"]++
			}
			if len(changed) == 0 {
				changed = a.deleteDataset(jobs)
			}
			if len(changed) > 0 {
				a.oracle.stale[of] = staleJobs{time.Now().Add(a.oracle.settings.relistInterval), changed}
			}
		}
	}
}

// deleteDataset deletes the dataset of a run, if the jobs are runs. It returns the run as it was before.
func (a *atlas) deleteDataset(jobs []job) []job {
	done := pick(a, pickJobs(jobs, in("DONE"))...)
	r, ok := done.listed.(*atlassim.Run)
	if !ok {
		return nil
	}
	r.State, r.LastUpdatedDate = "DATASET_DELETED", a.clock.Now()
	a.done["dataset deleted by hand"]++
	return []job{done}
}
