package soak

import (
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

var (
	snapshotStates   = []string{"queued", "inProgress", "completed", "failed"}
	collectionStates = []string{"INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL", "CANCELED", "FAILED"}
)

const (
	snapshotFamily   = prefix + "backup_snapshot"
	collectionFamily = prefix + "collection_restore"
)

// listed is what the families that lists have in common go by.
type listed struct {
	dated

	state, outcome string // outcome: "succeeded", "failed", "unfinished" or ""
	ended          float64
}

// common expects the families that lists have in common, and returns the newest job, the zero value where there is none. item
// is "_job", or "" for snapshots.
func (s samples) common(family, item, counted string, jobs []listed, states []string, pairs ...string) (newest listed) {
	counts(s, jobs, func(j listed) string { return j.state }, states, counted, pairs...)
	if len(jobs) == 0 {
		return listed{}
	}
	newest = jobs[0]
	var succeeded, failed []dated
	unfinished := 0.0
	for _, j := range jobs {
		if later(j.created, j.id, newest.created, newest.id) {
			newest = j
		}
		switch j.outcome {
		case "succeeded":
			succeeded = append(succeeded, j.dated)
		case "failed":
			failed = append(failed, j.dated)
		case "unfinished":
			if unfinished == 0 || j.created < unfinished {
				unfinished = j.created
			}
		}
	}
	s.stateSet(newest.state, states, "state", family+"_last"+item+"_state", pairs...)
	s.set(newest.created, family+"_last"+item+"_created_timestamp_seconds", pairs...)
	if newest.ended != 0 {
		s.set(newest.ended, family+"_last"+item+"_finished_timestamp_seconds", pairs...)
	}
	s.dates(family, succeeded, failed, pairs...)
	if unfinished != 0 {
		s.set(unfinished, family+"_oldest_unfinished"+item+"_created_timestamp_seconds", pairs...)
	}
	return newest
}

// firstSet is the first time that is not zero.
func firstSet(t time.Time, otherwise float64) float64 {
	if t.IsZero() {
		return otherwise
	}
	return seconds(t)
}

// keepSnapshots copies a cluster's snapshots.
func keepSnapshots(c *atlassim.Cluster) any { return copied(c.Snapshots()) }

func keepCollectionRestores(c *atlassim.Cluster) any { return copied(c.CollectionRestores()) }

// copied copies jobs, which change in place.
func copied[Job any](jobs []*Job) []*Job {
	kept := make([]*Job, 0, len(jobs))
	for _, j := range jobs {
		was := *j
		kept = append(kept, &was)
	}
	return kept
}

// snapshots is what a cluster's snapshots come to. A fallback snapshot is no success.
func (o *oracle) snapshots(_ *atlassim.Cluster, jobs any, labels []string) group {
	s := samples{}
	var all []listed
	byID := map[string]*atlassim.Snapshot{}
	var fallback, oldest, expires float64
	for _, snapshot := range jobs.([]*atlassim.Snapshot) {
		created := firstSet(snapshot.CreatedAt, born(snapshot.ID))
		j := listed{dated: dated{created: created, date: created, id: snapshot.ID}, state: snapshot.Status}
		byID[snapshot.ID] = snapshot
		switch snapshot.Status {
		case "queued", "inProgress":
			j.outcome = "unfinished"
		case "failed":
			j.outcome = "failed"
		case "completed":
			expires = max(expires, seconds(snapshot.ExpiresAt))
			if snapshot.Type == atlassim.SnapshotFallback {
				fallback = max(fallback, created)
				break
			}
			j.outcome = "succeeded"
			if oldest == 0 || created < oldest {
				oldest = created
			}
		}
		all = append(all, j)
	}
	s.common(snapshotFamily, "", snapshotFamily+"s", all, snapshotStates, labels...)
	for name, at := range map[string]float64{"last_fallback": fallback, "oldest_success": oldest, "newest_expiration": expires} {
		if at != 0 {
			s.set(at, snapshotFamily+"_"+name+"_timestamp_seconds", labels...)
		}
	}
	var succeeded []dated
	for _, j := range all {
		if j.outcome == "succeeded" {
			succeeded = append(succeeded, j.dated)
		}
	}
	if success, ok := last(succeeded); ok {
		s.set(float64(byID[success.id].SizeBytes), snapshotFamily+"_last_success_size_bytes", labels...)
		s.set(float64(len(byID[success.id].CopyRegions)), snapshotFamily+"_last_success_copy_regions", labels...)
	}
	return group{[]samples{s}}
}

// policy is what is expected of a cluster's snapshots by its backup policy, which is Atlas's default one.
func (o *oracle) policy(c *atlassim.Cluster, labels []string) samples {
	s := samples{}
	if !c.BackupEnabled {
		return s
	}
	s.set(float64(len(atlassim.DefaultPolicy())), snapshotFamily+"_policy_items", labels...)
	s.set(seconds(c.Schedule.NextSnapshot), snapshotFamily+"_next_timestamp_seconds", labels...)
	if !c.Paused {
		s.set(6*3600, snapshotFamily+"_expected_interval_seconds", labels...)
	}
	return s
}

// missing expects the oldest snapshot that auto export should have exported: newer than the newest export job, of the
// policy's frequency, and without an export. No export of the soak names a snapshot that is listed.
func (o *oracle) missing(c *atlassim.Cluster, exports []*atlassim.Export, labels []string) samples {
	s := samples{}
	if !c.BackupEnabled || !c.Schedule.AutoExportEnabled {
		return s
	}
	newest := 0.0
	for _, e := range exports {
		newest = max(newest, seconds(e.CreatedAt))
	}
	oldest := 0.0
	for _, snapshot := range c.Snapshots() {
		created := firstSet(snapshot.CreatedAt, born(snapshot.ID))
		if snapshot.Status == "completed" && snapshot.Type != atlassim.SnapshotFallback && snapshot.Frequency == c.Schedule.ExportFrequency &&
			created > newest && (oldest == 0 || created < oldest) {
			oldest = created
		}
	}
	if oldest != 0 {
		s.set(oldest, exportFamily+"_missing_snapshot_created_timestamp_seconds", labels...)
	}
	return s
}

// collectionRestores is what a cluster's collection restore jobs come to: nothing where there is none.
func (o *oracle) collectionRestores(_ *atlassim.Cluster, jobs any, labels []string) group {
	s := samples{}
	var all []listed
	byID := map[string]*atlassim.CollectionRestore{}
	for _, r := range jobs.([]*atlassim.CollectionRestore) {
		created := seconds(r.CreatedAt)
		j := listed{dated: dated{created: created, date: firstSet(r.FinishedAt, created), id: r.ID, finished: !r.FinishedAt.IsZero()}, state: r.State}
		j.took = j.date - created
		byID[r.ID] = r
		switch r.State {
		case "SUCCESSFUL":
			j.outcome = "succeeded"
		case "FAILED":
			j.outcome = "failed"
		case "INITIALIZING", "IN_PROGRESS", "FINALIZING":
			j.outcome = "unfinished"
		}
		if j.outcome != "unfinished" {
			j.ended = firstSet(r.FinishedAt, 0)
		}
		all = append(all, j)
	}
	if len(all) == 0 {
		return group{[]samples{s}}
	}
	newest := s.common(collectionFamily, "_job", collectionFamily+"_jobs", all, collectionStates, labels...)
	if r := byID[newest.id]; r.TotalDocuments > 0 {
		s.set(float64(r.RestoredDocuments), collectionFamily+"_last_job_restored_documents", labels...)
		s.set(float64(r.TotalDocuments), collectionFamily+"_last_job_documents", labels...)
	}
	if r := byID[newest.id]; r.IndexState != "" {
		s.set(float64(r.FailedIndexCollections), collectionFamily+"_last_job_failed_index_collections", labels...)
	}
	return group{[]samples{s}}
}

// addBackups gives a cluster snapshots and collection restores, of all kinds.
func (a *atlas) addBackups(c *atlassim.Cluster) {
	now := a.org.Clock().Now()
	c.Schedule.NextSnapshot = now.Add(24 * time.Hour).Truncate(time.Second)
	c.OrderSnapshots(a.order())
	c.OrderCollectionRestores(a.order())
	for i := range pick(a, 0, 1, 7, 30) {
		a.addSnapshot(c, now.Add(-time.Duration(i+1)*6*time.Hour))
	}
	for i := range pick(a, 0, 0, 4, 25) {
		at := now.Add(-time.Duration(i+1) * 29 * time.Hour)
		c.AddCollectionRestore(atlassim.CollectionRestore{
			CreatedAt: at, FinishedAt: at.Add(20 * time.Minute), State: pick(a, "SUCCESSFUL", "SUCCESSFUL", "FAILED", "CANCELED"),
			RestoredDocuments: 9, TotalDocuments: pick[int64](a, 0, 10), IndexState: pick(a, "", "SUCCESSFUL"),
		})
	}
}

func (a *atlas) addSnapshot(c *atlassim.Cluster, at time.Time) *atlassim.Snapshot {
	return c.AddSnapshot(atlassim.Snapshot{
		RequestedAt: at, CreatedAt: at.Add(time.Minute), Status: pick(a, "completed", "completed", "completed", "failed"),
		Type:        pick(a, atlassim.SnapshotScheduled, atlassim.SnapshotScheduled, atlassim.SnapshotOnDemand, atlassim.SnapshotFallback),
		CopyRegions: pick(a, nil, []string{"EU_WEST_1"}), ExpiresAt: at.Add(time.Duration(1+a.random.IntN(9)) * 24 * time.Hour),
	})
}

// advanceBackups begins a snapshot or a collection restore, takes one a step further, or has a snapshot expire.
func (a *atlas) advanceBackups() bool {
	clusters := a.served()
	if len(clusters) == 0 {
		return false
	}
	c := pick(a, clusters...)
	now := a.org.Clock().Now()
	if a.chance(50) {
		jobs := c.CollectionRestores()
		i := slices.IndexFunc(jobs, func(r *atlassim.CollectionRestore) bool {
			return r.State == "INITIALIZING" || r.State == "IN_PROGRESS" || r.State == "FINALIZING"
		})
		if i < 0 {
			c.AddCollectionRestore(atlassim.CollectionRestore{TotalDocuments: 100})
			return a.transition("collection restore begun")
		}
		r := jobs[i]
		switch r.State {
		case "INITIALIZING":
			r.State = "IN_PROGRESS"
		case "IN_PROGRESS":
			r.RestoredDocuments += 50
			if r.RestoredDocuments >= r.TotalDocuments {
				r.State = "FINALIZING"
			}
		default:
			r.State, r.FinishedAt = pick(a, "SUCCESSFUL", "FAILED", "CANCELED", "PAUSED"), now
		}
		return a.transition("collection restore " + r.State)
	}
	taken := c.Snapshots()
	i := slices.IndexFunc(taken, func(s *atlassim.Snapshot) bool { return s.Status == "queued" || s.Status == "inProgress" })
	switch {
	case i >= 0 && taken[i].Status == "queued":
		taken[i].Status = "inProgress"
	case i >= 0:
		taken[i].Status, taken[i].CreatedAt = pick(a, "completed", "completed", "failed", "archived"), now
		taken[i].SizeBytes = a.random.Int64N(1 << 40)
	case len(taken) > 3 && a.chance(50):
		c.RemoveSnapshot(taken[0])
		return a.transition("snapshot expired")
	default:
		c.AddSnapshot(atlassim.Snapshot{Type: pick(a, atlassim.SnapshotScheduled, atlassim.SnapshotFallback)})
		return a.transition("snapshot queued")
	}
	return a.transition("snapshot " + taken[i].Status)
}
