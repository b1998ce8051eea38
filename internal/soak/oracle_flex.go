package soak

import (
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

var flexStates = []string{"PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"}

const (
	flexFamily         = prefix + "flex_cluster"
	flexSnapshotFamily = prefix + "flex_snapshot"
	flexRestoreFamily  = prefix + "flex_restore"
)

// flexClusters expects the targets of a project's flex clusters, and all that is shown of these.
func (o *oracle) flexClusters(p *atlassim.Project, h *health) group {
	s := samples{}
	for _, f := range p.FlexClusters() {
		if matches(o.settings.excludedClusters, f.Name) {
			continue
		}
		labels := []string{"group_id", p.ID, "group_name", p.Name, "cl_name", f.Name}
		for _, l := range jobLists() {
			if l.flex == nil || o.settings.disabled[l.collector] {
				continue
			}
			h.target(l.collector, p.ID, p.Name, f.Name, "", "")
			s.flag(f.BackupEnabled, flexFamily+"_backup_enabled", labels...)
			s.set(seconds(f.Created), flexFamily+"_created_timestamp_seconds", labels...)
			s.add(l.flex(f, labels))
		}
	}
	return group{[]samples{s}}
}

// flexListed is what a status and its dates come to. A snapshot's success and failure are dated by its creation.
func flexListed(id, status string, created, ended time.Time, byCreation bool) listed {
	j := listed{state: status, dated: dated{id: id, created: seconds(created), finished: !ended.IsZero()}}
	switch status {
	case "COMPLETED":
		j.outcome = "succeeded"
	case "FAILED":
		j.outcome = "failed"
	case "PENDING", "QUEUED", "RUNNING":
		j.outcome = "unfinished"
	}
	j.date = j.created
	if j.finished {
		j.took = seconds(ended) - j.created
		if !byCreation {
			j.date = seconds(ended)
		}
		if j.outcome != "unfinished" {
			j.ended = seconds(ended)
		}
	}
	return j
}

func flexSnapshotSamples(f *atlassim.FlexCluster, labels []string) samples {
	s := samples{}
	var all []listed
	expires := 0.0
	for _, snapshot := range f.Snapshots() {
		created := snapshot.StartTime
		if created.IsZero() {
			created = snapshot.ScheduledTime
		}
		all = append(all, flexListed(snapshot.ID, snapshot.Status, created, snapshot.FinishTime, true))
		if snapshot.Status == "COMPLETED" {
			expires = max(expires, seconds(snapshot.Expiration))
		}
	}
	s.common(flexSnapshotFamily, "", flexSnapshotFamily+"s", all, flexStates, labels...)
	if expires != 0 {
		s.set(expires, flexSnapshotFamily+"_newest_expiration_timestamp_seconds", labels...)
	}
	if f.BackupEnabled {
		s.set(24*60*60, flexSnapshotFamily+"_expected_interval_seconds", labels...)
	}
	return s
}

// flexRestoreSamples are those of each delivery type that is listed.
func flexRestoreSamples(f *atlassim.FlexCluster, labels []string) samples {
	byType := map[string][]listed{}
	for _, r := range f.Restores() {
		created := r.ScheduledDate
		if r.OmitScheduledDate {
			created = time.Unix(int64(born(r.ID)), 0)
		}
		byType[r.DeliveryType] = append(byType[r.DeliveryType], flexListed(r.ID, r.Status, created, r.FinishedDate, false))
	}
	s := samples{}
	for deliveryType, jobs := range byType {
		s.common(flexRestoreFamily, "_job", flexRestoreFamily+"_jobs", jobs, flexStates, append(slices.Clip(labels), "delivery_type", deliveryType)...)
	}
	return s
}

// addFlexCluster adds a flex cluster with snapshots and restore jobs in any state.
func (a *atlas) addFlexCluster(p *atlassim.Project) {
	now := a.org.Clock().Now()
	f := p.AddFlexCluster(a.name(pick(a, "prod", "dev", "scratch")), now.AddDate(0, -1, 0))
	f.BackupEnabled = !a.chance(10)
	f.OrderSnapshots(a.order())
	f.OrderRestores(a.order())
	for i := range pick(a, 0, 1, 8) {
		at := now.Add(-time.Duration(i+1) * 24 * time.Hour)
		f.AddSnapshot(atlassim.FlexSnapshot{
			ScheduledTime: at, StartTime: pick(a, time.Time{}, at.Add(30*time.Second)), FinishTime: at.Add(2 * time.Minute),
			Status: pick(a, "COMPLETED", "COMPLETED", "FAILED"),
		})
	}
	for i := range pick(a, 0, 2, 19, 45) {
		at := now.Add(-time.Duration(i+1) * 31 * time.Hour)
		f.AddRestore(atlassim.FlexRestore{
			ScheduledDate: at, FinishedDate: at.Add(9 * time.Minute), OmitScheduledDate: a.chance(5),
			Status: pick(a, "COMPLETED", "COMPLETED", "FAILED"), DeliveryType: pick(a, atlassim.FlexRestoreToCluster, atlassim.FlexRestoreDownload),
		})
	}
}

// anyFlexCluster is a flex cluster of a project that can be seen, or nil.
func (a *atlas) anyFlexCluster() *atlassim.FlexCluster {
	if p := a.anyProject(); p != nil && len(p.FlexClusters()) > 0 {
		return pick(a, p.FlexClusters()...)
	}
	return nil
}

// switchFlex creates or deletes a flex cluster, switches its backup, or lists its jobs in another order.
func (a *atlas) switchFlex() string {
	f, p := a.anyFlexCluster(), a.anyProject()
	switch {
	case p != nil && len(p.FlexClusters()) < 2:
		a.addFlexCluster(p)
		return "flex cluster created"
	case f == nil:
		return ""
	case a.chance(25):
		f.Project().RemoveFlexCluster(f)
		return "flex cluster deleted"
	case a.chance(50):
		f.OrderSnapshots(a.order())
		f.OrderRestores(a.order())
		return "flex lists in another order"
	}
	f.BackupEnabled = !f.BackupEnabled
	return "flex backup on or off"
}

// mostFlexRestores bounds a list of flex restore jobs, from which nothing is ever dropped.
const mostFlexRestores = 60

// advanceFlex begins a flex snapshot or restore, or takes one a step further.
func (a *atlas) advanceFlex() bool {
	f := a.anyFlexCluster()
	if f == nil {
		return false
	}
	now := a.org.Clock().Now()
	unended := func(status string) bool { return status == "PENDING" || status == "QUEUED" || status == "RUNNING" }
	further := map[string]string{"PENDING": "QUEUED", "QUEUED": "RUNNING", "RUNNING": pick(a, "COMPLETED", "COMPLETED", "FAILED", "HALTED")}
	if a.chance(50) {
		jobs := f.Restores()
		i := slices.IndexFunc(jobs, func(r *atlassim.FlexRestore) bool { return unended(r.Status) })
		if i < 0 {
			if len(jobs) >= mostFlexRestores {
				return false
			}
			f.AddRestore(atlassim.FlexRestore{DeliveryType: pick(a, atlassim.FlexRestoreToCluster, atlassim.FlexRestoreDownload)})
			return a.transition("flex restore begun")
		}
		if jobs[i].Status = further[jobs[i].Status]; !unended(jobs[i].Status) {
			jobs[i].FinishedDate = now
		}
		return a.transition("flex restore " + jobs[i].Status)
	}
	taken := f.Snapshots()
	i := slices.IndexFunc(taken, func(s *atlassim.FlexSnapshot) bool { return unended(s.Status) })
	switch {
	case i < 0 && len(taken) >= 8:
		f.RemoveSnapshot(taken[0])
		return a.transition("flex snapshot expired")
	case i < 0:
		f.AddSnapshot(atlassim.FlexSnapshot{})
		return a.transition("flex snapshot begun")
	}
	switch taken[i].Status = further[taken[i].Status]; {
	case taken[i].Status == "RUNNING":
		taken[i].StartTime = now
	case !unended(taken[i].Status):
		taken[i].FinishTime = now
	}
	return a.transition("flex snapshot " + taken[i].Status)
}
