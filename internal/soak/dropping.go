package soak

import (
	"cmp"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// longestList is about how many jobs a list of the soak holds, restore jobs half as many. Atlas drops the oldest beyond it,
// so that the soak does not measure how memory grows with the number of jobs.
const longestList = 60

// drop has Atlas drop old jobs, and delete datasets before their date, as somebody may by hand. The exporter notices when
// it next reads such a list whole.
func (a *atlas) drop() {
	until := time.Now().Add(relistInterval)
	for _, c := range a.served() {
		if _, unsettled := a.stale[c]; unsettled || !a.chance(50) {
			continue
		}
		was := staleJobs{until: until, exports: a.dropExports(c), restores: a.dropRestores(c)}
		if len(was.exports)+len(was.restores) > 0 {
			a.stale[c] = was
		}
	}
	for _, pl := range a.living() {
		if _, unsettled := a.stale[pl]; unsettled || !a.chance(50) {
			continue
		}
		if was := a.dropRuns(pl); len(was) > 0 {
			a.stale[pl] = staleJobs{until: until, runs: was}
		}
	}
}

// excess is how many of so many jobs are too many. The longest lists stay, for the sake of their many pages.
func excess(jobs int) int {
	if jobs > 5*longestList {
		return 0
	}
	return max(0, jobs-longestList)
}

// dropExports drops the oldest ended jobs beyond the usual number, and returns them.
func (a *atlas) dropExports(c *atlassim.Cluster) []*atlassim.Export {
	ended := slices.DeleteFunc(c.Exports(), func(e *atlassim.Export) bool {
		return e.State != "Successful" && e.State != "Failed" && e.State != "Cancelled"
	})
	slices.SortFunc(ended, func(a, b *atlassim.Export) int { return a.CreatedAt.Compare(b.CreatedAt) })
	ended = ended[:min(len(ended), excess(len(c.Exports())))]
	for _, e := range ended {
		c.RemoveExport(e)
		a.ledger.transitions["export dropped by Atlas"]++
	}
	return ended
}

// dropRestores is dropExports for restore jobs.
func (a *atlas) dropRestores(c *atlassim.Cluster) []*atlassim.Restore {
	ended := slices.DeleteFunc(c.Restores(), func(r *atlassim.Restore) bool {
		return restoreState(r) == "in_progress" || restoreState(r) == "ready"
	})
	slices.SortFunc(ended, func(a, b *atlassim.Restore) int { return cmp.Compare(born(a.ID), born(b.ID)) })
	ended = ended[:min(len(ended), excess(2*len(c.Restores())))]
	for _, r := range ended {
		c.RemoveRestore(r)
		a.ledger.transitions["restore dropped by Atlas"]++
	}
	return ended
}

// dropRuns drops the oldest ended runs beyond the usual number, or else deletes one dataset by hand: a page that is read
// anyway may show the one change and not the other. It returns the runs as they were.
func (a *atlas) dropRuns(pl *atlassim.Pipeline) (was []*atlassim.Run) {
	ended := slices.DeleteFunc(pl.Runs(), func(r *atlassim.Run) bool {
		dated := slices.ContainsFunc(a.datasets, func(u underWay[*atlassim.Pipeline, *atlassim.Run]) bool { return u.job == r })
		return dated || r.State != "FAILED" && r.State != "DATASET_DELETED" && r.State != "DONE"
	})
	slices.SortFunc(ended, func(a, b *atlassim.Run) int { return a.CreatedDate.Compare(b.CreatedDate) })
	if tooMany := min(len(ended), excess(len(pl.Runs()))); tooMany > 0 {
		for _, r := range ended[:tooMany] {
			pl.RemoveRun(r)
			a.ledger.transitions["run dropped by Atlas"]++
		}
		return ended[:tooMany]
	}
	done := slices.DeleteFunc(ended, func(r *atlassim.Run) bool { return r.State != "DONE" })
	if len(done) == 0 {
		return nil
	}
	r := pick(a, done...)
	before := *r
	r.State, r.LastUpdatedDate = "DATASET_DELETED", a.org.Clock().Now()
	a.ledger.transitions["dataset deleted by hand"]++
	return []*atlassim.Run{&before}
}
