package soak

import (
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// liveDataset is the shortest time for which the dataset of a run that the soak makes is kept. Together with up to as much
// again, it goes within the soak.
const liveDataset = 20 * time.Second

// step makes one transition of some job. It reports false where what it picked had nothing to do. It is called within
// Organization.Do.
func (a *atlas) step() bool {
	switch n := a.random.IntN(100); {
	case n < 14:
		return a.newExport()
	case n < 52:
		return a.advanceExport()
	case n < 58:
		return a.newRestore()
	case n < 70:
		return a.advanceRestore()
	case n < 73:
		return a.newRun()
	case n < 82:
		return a.advanceBackups()
	case n < 88:
		return a.advanceFlex()
	default:
		return a.advanceRun()
	}
}

// transition counts a transition.
func (a *atlas) transition(what string) bool {
	a.ledger.transitions[what]++
	return true
}

// served lists the clusters whose backups Atlas answers for, of projects that can be seen.
func (a *atlas) served() []*atlassim.Cluster {
	var all []*atlassim.Cluster
	for _, p := range a.org.Projects() {
		if !p.Unlisted {
			all = append(all, slices.DeleteFunc(p.Clusters(), func(c *atlassim.Cluster) bool { return notServed(c) != "" })...)
		}
	}
	return all
}

// living lists the pipelines of projects that can be seen.
func (a *atlas) living() []*atlassim.Pipeline {
	var all []*atlassim.Pipeline
	for _, p := range a.org.Projects() {
		if !p.Unlisted {
			all = append(all, p.Pipelines()...)
		}
	}
	return all
}

// maxUnderWay is how many jobs of a kind are under way at most for each thing that has jobs.
const maxUnderWay = 3

func (a *atlas) newExport() bool {
	clusters := a.served()
	if len(clusters) == 0 || len(a.exports) > maxUnderWay*len(clusters) {
		return false
	}
	c := pick(a, clusters...)
	if c.Paused {
		return false
	}
	e := atlassim.Export{TotalCollections: pick(a, 0, 0, 12), OmitExportStatus: a.chance(10), OmitCreatedAt: a.chance(5)}
	if a.chance(5) { // listed some time after it was made, and so behind one that is newer
		e.CreatedAt = a.org.Clock().Now().Add(-5 * time.Second)
	}
	a.exports = append(a.exports, underWay[*atlassim.Cluster, *atlassim.Export]{c, c.AddExport(e)})
	return a.transition("export queued")
}

// advanceExport takes an export job a step further.
func (a *atlas) advanceExport() bool {
	if len(a.exports) == 0 {
		return false
	}
	i := a.random.IntN(len(a.exports))
	c, e := a.exports[i].owner, a.exports[i].job
	if notServed(c) != "" {
		return false
	}
	end := func(state string) bool {
		a.exports = slices.Delete(a.exports, i, i+1)
		e.State, e.FinishedAt = state, a.org.Clock().Now()
		switch state {
		case "Failed":
			e.Reason = a.reason()
		case "Successful":
			e.ExportedCollections = e.TotalCollections
			if a.chance(3) {
				e.FinishedAt = time.Time{}
			}
		}
		return a.transition("export " + state)
	}
	switch {
	case e.State == "Queued" && a.chance(8):
		return end("Cancelled")
	case e.State == "Queued" && a.chance(3):
		e.State = "Preparing" // which no document knows
		return a.transition("export in an unknown state")
	case e.State != "InProgress":
		e.State = "InProgress"
		return a.transition("export InProgress")
	case e.ExportedCollections < e.TotalCollections && a.chance(60):
		e.ExportedCollections++
		return a.transition("export progress")
	}
	return end(pick(a, "Successful", "Successful", "Successful", "Failed", "Cancelled"))
}

func (a *atlas) newRestore() bool {
	clusters := a.served()
	if len(clusters) == 0 || len(a.restores) > maxUnderWay*len(clusters) {
		return false
	}
	c := pick(a, clusters...)
	r := c.AddRestore(atlassim.Restore{
		DeliveryType: pick(a, atlassim.RestoreAutomated, atlassim.RestoreDownload, atlassim.RestoreDownload, atlassim.RestorePointInTime),
	})
	a.restores = append(a.restores, underWay[*atlassim.Cluster, *atlassim.Restore]{c, r})
	return a.transition("restore of type " + r.DeliveryType)
}

// advanceRestore ends a restore job, or makes a download ready.
func (a *atlas) advanceRestore() bool {
	if len(a.restores) == 0 {
		return false
	}
	i := a.random.IntN(len(a.restores))
	c, r := a.restores[i].owner, a.restores[i].job
	if notServed(c) != "" || restoreState(r) == "ready" {
		return false // its time will come
	}
	now, what := a.org.Clock().Now(), "restore completed"
	switch {
	case a.chance(15):
		r.Failed, r.FinishedAt, what = true, now, "restore failed"
	case a.chance(10):
		r.Cancelled, r.Failed, r.FinishedAt, what = true, true, now, "restore cancelled"
	case r.DeliveryType == atlassim.RestoreDownload:
		r.MakeReady(now)
		return a.transition("download ready")
	default:
		r.FinishedAt = now
	}
	a.restores = slices.Delete(a.restores, i, i+1)
	return a.transition(what)
}

func (a *atlas) newRun() bool {
	pipelines := a.living()
	if len(pipelines) == 0 || len(a.runs) > maxUnderWay*len(pipelines) {
		return false
	}
	pl := pick(a, pipelines...)
	keep := liveDataset + time.Duration(a.random.Int64N(int64(liveDataset)))
	run := pl.AddRun(atlassim.Run{ScheduledDeletionDate: a.org.Clock().Now().Add(keep)})
	a.runs = append(a.runs, underWay[*atlassim.Pipeline, *atlassim.Run]{pl, run})
	return a.transition("run PENDING")
}

// advanceRun takes a run a step further through its phases.
func (a *atlas) advanceRun() bool {
	if len(a.runs) == 0 {
		return false
	}
	i := a.random.IntN(len(a.runs))
	r := a.runs[i].job
	r.LastUpdatedDate = a.org.Clock().Now()
	if a.chance(4) {
		r.State = "FAILED"
		a.runs = slices.Delete(a.runs, i, i+1)
		return a.transition("run FAILED")
	}
	switch {
	case r.State == "PENDING":
		r.State = "IN_PROGRESS"
		return a.transition("run IN_PROGRESS")
	case r.Phase == "SNAPSHOT":
		r.Phase, r.Stats = "EXPORT", &atlassim.RunStats{}
		return a.transition("run exporting")
	case a.chance(40):
		r.Stats = &atlassim.RunStats{BytesExported: r.Stats.BytesExported + 1<<30, NumDocs: r.Stats.NumDocs + 1000}
		return a.transition("run progress")
	case r.Phase == "EXPORT":
		r.Phase = "INGESTION"
		return a.transition("run ingesting")
	}
	r.State = "DONE"
	a.datasets = append(a.datasets, a.runs[i])
	a.runs = slices.Delete(a.runs, i, i+1)
	return a.transition("run DONE")
}

// expire notes the downloads whose time is up, which the simulated Atlas sees to by itself, and deletes the datasets whose
// date has passed: most of them at once, some a little later, as Atlas does.
func (a *atlas) expire() {
	now := a.org.Clock().Now()
	a.restores = slices.DeleteFunc(a.restores, func(u underWay[*atlassim.Cluster, *atlassim.Restore]) bool {
		if u.job.Expired {
			a.transition("download expired")
		}
		return u.job.Expired
	})
	a.datasets = slices.DeleteFunc(a.datasets, func(u underWay[*atlassim.Pipeline, *atlassim.Run]) bool {
		due := !u.job.ScheduledDeletionDate.After(now) && a.chance(20)
		if due {
			u.job.State, u.job.LastUpdatedDate = "DATASET_DELETED", now
			a.transition("dataset deleted on its date")
		}
		return due
	})
}

// forget leaves alone what belongs to things that are gone.
func (a *atlas) forget() {
	clusters, pipelines := map[*atlassim.Cluster]bool{}, map[*atlassim.Pipeline]bool{}
	for _, p := range a.org.Projects() {
		for _, c := range p.Clusters() {
			clusters[c] = true
		}
		for _, pl := range p.Pipelines() {
			pipelines[pl] = true
		}
	}
	a.exports = slices.DeleteFunc(a.exports, func(u underWay[*atlassim.Cluster, *atlassim.Export]) bool { return !clusters[u.owner] })
	a.restores = slices.DeleteFunc(a.restores, func(u underWay[*atlassim.Cluster, *atlassim.Restore]) bool { return !clusters[u.owner] })
	gone := func(u underWay[*atlassim.Pipeline, *atlassim.Run]) bool { return !pipelines[u.owner] }
	a.runs, a.datasets = slices.DeleteFunc(a.runs, gone), slices.DeleteFunc(a.datasets, gone)
}
