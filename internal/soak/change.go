package soak

import (
	"maps"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// listedProjects returns the projects that the credentials can see.
func (a *atlas) listedProjects() []*atlassim.Project {
	return slices.DeleteFunc(a.org.Projects(), func(p *atlassim.Project) bool { return p.Unlisted })
}

// population returns the number of projects, clusters, Flex clusters and pipelines.
func (a *atlas) population() map[string]int {
	n := map[string]int{"projects": len(a.org.Projects())}
	for _, p := range a.org.Projects() {
		for _, t := range things(p) {
			n[t.parent]++
		}
	}
	return n
}

// change makes one random change to the projects, clusters or pipelines. It is called within Organization.Do, while the
// clock is stopped and the exporter has read everything.
func (a *atlas) change(usual map[string]int) {
	nouns := map[string]string{clusters: "cluster", flexClusters: "Flex cluster", pipelines: "pipeline"}
	now := a.population()
	p := pick(a, a.listedProjects()...)
	c, f, pl := pick(a, p.Clusters()...), pick(a, p.FlexClusters()...), pick(a, p.Pipelines()...)
	hidden := slices.IndexFunc(a.org.Projects(), func(p *atlassim.Project) bool { return p.Unlisted })
	// A project that the configuration names would be down, and not disappear.
	mayGo := !slices.Contains(a.oracle.settings.named, p.ID) && len(a.listedProjects()) > 2
	var done string
	switch n := a.random.IntN(24); {
	case n < 6:
		parent := pick(a, clusters, clusters, clusters, pipelines, pipelines, flexClusters)
		if now[parent] < usual[parent] {
			a.add(parent, p)
			done = nouns[parent] + " created"
		} else if of := thingsOf(p, parent); len(of) > 0 {
			pick(a, of...).remove()
			done = nouns[parent] + " deleted"
		}
	case n < 7 && now["projects"] < usual["projects"]:
		a.addProject(usual[clusters]/usual["projects"], usual[pipelines]/usual["projects"])
		done = "project created"
	case n < 7 && mayGo:
		a.org.RemoveProject(p)
		done = "project deleted"
	case n < 9 && hidden >= 0:
		a.org.Projects()[hidden].Show()
		done = "project visible again"
	case n < 9 && mayGo:
		p.Hide(atlassim.NotInGroup())
		done = "project hidden"
	case n < 11:
		p.Name = a.name("renamed")
		done = "project renamed"
	case n < 13 && c != nil: // the new one has no jobs
		p.RemoveCluster(c)
		a.orderCluster(p.AddCluster(c.Name, atlassim.ClusterOptions{
			Created: a.org.Clock().Now(), Schedule: atlassim.Schedule{NextSnapshot: c.Schedule.NextSnapshot},
		}))
		done = "cluster recreated with the same name"
	case n < 15 && c != nil && c.Provider == "AWS" && a.oracle.stale[c].jobs == nil: // no jobs are listed without backup
		c.BackupEnabled = !c.BackupEnabled
		done = "backup on or off"
	case n < 17 && c != nil:
		c.Schedule.AutoExportEnabled = !c.Schedule.AutoExportEnabled
		c.Schedule.ExportFrequency = pick(a, "daily", "weekly", "monthly", "yearly", "")
		done = "export policy changed"
	case n < 19 && c != nil:
		c.Paused = !c.Paused && a.chance(40)
		done = "cluster paused or resumed"
	case n < 21 && pl != nil:
		pl.State = pick(a, "ACTIVE", "PAUSED")
		done = "pipeline paused or resumed"
	case n < 22 && f != nil:
		f.BackupEnabled = !f.BackupEnabled
		done = "Flex backup on or off"
	case c != nil && f != nil && pl != nil: // the API does not document an order
		a.orderCluster(c)
		p.OrderClusters(a.order())
		f.OrderSnapshots(a.order())
		f.OrderRestores(a.order())
		pl.OrderRuns(a.order())
		done = "order of lists changed"
	}
	if done != "" {
		a.done["discovery"][done]++
	}
}

// longestList is about the number of jobs in a list. Atlas drops the oldest jobs beyond it, so that memory does not grow
// with the number of jobs. Lists of several pages are exempt.
const longestList = 40

// drop removes old jobs from lists, or deletes a dataset before its date. The exporter notices either at the next full read
// of the list. A list gets only one of the two changes, because the exporter might notice only one of them.
func (a *atlas) drop() {
	for _, parent := range []string{clusters, flexClusters, pipelines} {
		for _, t := range a.served(parent) {
			if a.oracle.stale[t.owner].jobs != nil || !a.chance(50) {
				continue
			}
			was := map[string][]job{}
			for _, k := range kindsOf(parent) {
				jobs := k.jobs(t.owner)
				ended := pickJobs(jobs, func(j job) bool { return j.outcome != "" && j.outcome != unfinished })
				slices.SortFunc(ended, func(a, b job) int {
					if b.newer(a) {
						return -1
					}
					return 1
				})
				if n := len(jobs) - longestList; n > 0 && n < 4*longestList {
					was[k.collector] = ended[:min(n, len(ended))]
				}
				for _, j := range was[k.collector] {
					j.remove()
					a.done["jobs"][k.collector+" dropped by Atlas"]++
				}
				if len(was[k.collector]) == 0 {
					was[k.collector] = a.deleteDataset(jobs)
				}
			}
			maps.DeleteFunc(was, func(_ string, jobs []job) bool { return len(jobs) == 0 })
			if len(was) > 0 {
				a.oracle.stale[t.owner] = staleJobs{time.Now().Add(a.oracle.settings.relistInterval), was}
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
	r.State, r.LastUpdatedDate = "DATASET_DELETED", a.org.Clock().Now()
	a.done["jobs"]["dataset deleted by hand"]++
	return []job{done}
}
