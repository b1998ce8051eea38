package soak

import (
	"cmp"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// This file has two functions for each kind of job. The first creates a job of the simulated Atlas at a time, past or
// present, and plans its life; the second says what the job is to the oracle.

// live plans the steps of a job after its creation, and its end. Most steps take seconds; a few jobs are slow, skip the last
// steps, or never end.
func (a *atlas) live(at time.Time, steps []string, end string, reach func(step string, at time.Time)) {
	gap := a.between(200*time.Millisecond, 2*time.Second)
	if a.chance(3) {
		gap *= 20
	}
	if a.chance(20) {
		steps = steps[:a.random.IntN(len(steps)+1)]
	}
	if !a.chance(1) {
		steps = append(steps, end)
	}
	for _, step := range steps {
		at = at.Add(gap)
		a.org.At(at, func(at time.Time) { reach(step, at) })
	}
}

func beginExport(a *atlas, c *atlassim.Cluster, at time.Time) {
	e := c.AddExport(atlassim.Export{
		CreatedAt: at, TotalCollections: pick(a, 0, 0, 12), OmitExportStatus: a.chance(10), OmitCreatedAt: a.chance(5),
	})
	reason := pick(a, nil, &atlassim.StateReason{Message: "no code"}, &atlassim.StateReason{ErrorCode: "BUCKET_ACCESS_DENIED"})
	endless := a.chance(5) // the API's examples show ended jobs of sharded clusters without an end
	// Atlas does not document Preparing.
	steps := []string{pick(a, "InProgress", "InProgress", "Preparing"), "InProgress"}
	end := pick(a, "Successful", "Successful", "Successful", "Failed", "Cancelled")
	a.live(at, steps, end, func(state string, at time.Time) {
		switch e.State = state; state {
		case "InProgress":
			e.ExportedCollections = e.TotalCollections / 2
		case "Successful":
			e.ExportedCollections = e.TotalCollections
		case "Failed":
			e.Reason = reason
		}
		if state == end && !endless {
			e.FinishedAt = at
		}
	})
}

func exportJob(e *atlassim.Export) job {
	j := newJob(e.ID, e.State, seconds(e.CreatedAt), e.FinishedAt)
	if j.word = unknown; e.Reason != nil && e.Reason.ErrorCode != "" {
		j.word = e.Reason.ErrorCode
	}
	if !e.OmitExportStatus && len(e.Components) == 0 {
		j.at["exported"], j.at["collections"] = float64(e.ExportedCollections), float64(e.TotalCollections)
	}
	return j
}

func beginRestore(a *atlas, c *atlassim.Cluster, at time.Time) {
	r := c.AddRestore(atlassim.Restore{
		CreatedAt: at, DeliveryType: pick(a, "automated", "download", "download", "pointInTime"),
	})
	end := pick(a, "completed", "completed", "completed", "completed", "failed", "cancelled")
	a.live(at, nil, end, func(state string, at time.Time) {
		r.Cancelled, r.Failed = state == "cancelled", state != "completed" // a cancelled job has also failed
		if r.DeliveryType == atlassim.RestoreDownload && !r.Failed {
			r.MakeReady(at)
		} else {
			r.FinishedAt = at
		}
	})
}

// restoreJob derives the state, which Atlas does not report.
func restoreJob(r *atlassim.Restore) job {
	j := newJob(r.ID, "in_progress", born(r.ID), r.FinishedAt)
	j.delivery = r.DeliveryType
	download := r.DeliveryType == atlassim.RestoreDownload
	url := len(r.DeliveryURLs) > 0
	for _, component := range r.Components {
		url = url || component.DownloadURL != nil
	}
	switch {
	case r.Cancelled:
		j.state = "cancelled"
	case r.Failed:
		j.state = "failed"
	case !r.FinishedAt.IsZero():
		j.state = "completed"
	case r.Expired:
		if j.state = "expired"; download {
			j.outcome = succeeded
		}
	case download && url:
		j.state = "ready"
	}
	return j
}

func beginSnapshot(a *atlas, c *atlassim.Cluster, at time.Time) {
	s := c.AddSnapshot(atlassim.Snapshot{
		RequestedAt: at, Type: pick(a, "scheduled", "scheduled", "onDemand", "fallback"),
		CopyRegions: pick(a, nil, []string{"EU_WEST_1"}), ExpiresAt: a.soon(20*time.Second, 4*time.Minute),
	})
	size := a.random.Int64N(1 << 40)
	end := pick(a, "completed", "completed", "completed", "failed", "archived") // Atlas does not document archived
	a.live(at, []string{"inProgress"}, end, func(status string, at time.Time) {
		if s.Status = status; status == end {
			s.CreatedAt, s.SizeBytes = at, size
		}
	})
	a.org.At(s.ExpiresAt, func(time.Time) { c.RemoveSnapshot(s) })
}

// snapshotJob uses the creation as the date of the outcome. A fallback is no success.
func snapshotJob(s *atlassim.Snapshot) job {
	created := born(s.ID)
	if !s.CreatedAt.IsZero() {
		created = seconds(s.CreatedAt)
	}
	j := newJob(s.ID, s.Status, created, time.Time{})
	j.word = s.Frequency
	j.at["expires"], j.at["size"], j.at["regions"] = seconds(s.ExpiresAt), float64(s.SizeBytes), float64(len(s.CopyRegions))
	if s.Status == "completed" && s.Type == atlassim.SnapshotFallback {
		j.outcome, j.at["fallback"] = neither, created
	}
	return j
}

func beginCollectionRestore(a *atlas, c *atlassim.Cluster, at time.Time) {
	outcome := atlassim.CollectionOutcome{
		State:         pick(a, "SUCCESSFUL", "SUCCESSFUL", "FAILED", "CANCELED", "PAUSED", "IN_PROGRESS"),
		FailedIndexes: a.random.Int64N(3),
	}
	a.org.At(at, func(time.Time) { c.RestoreCollections(outcome) })
}

func collectionRestoreJob(r *atlassim.CollectionRestore) job {
	j := newJob(r.ID, r.State, seconds(r.CreatedAt), r.FinishedAt)
	if r.TotalDocuments > 0 {
		j.at["restored"], j.at["documents"] = float64(r.RestoredDocuments), float64(r.TotalDocuments)
	}
	if r.IndexState != "" {
		j.at["indexes"] = float64(r.FailedIndexCollections)
	}
	return j
}

func beginFlexSnapshot(a *atlas, f *atlassim.FlexCluster, at time.Time) {
	s := f.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: at, Expiration: a.soon(20*time.Second, 4*time.Minute)})
	end, late := pick(a, "COMPLETED", "COMPLETED", "FAILED", "HALTED"), a.chance(50)
	a.live(at, []string{"QUEUED", "RUNNING"}, end, func(status string, at time.Time) {
		s.Status = status
		switch {
		case status == end:
			s.FinishTime = at
		case status == "RUNNING" && late:
			s.StartTime = at
		}
	})
	a.org.At(s.Expiration, func(time.Time) { f.RemoveSnapshot(s) })
}

// flexSnapshotJob uses the creation as the date of the outcome, although a snapshot has an end.
func flexSnapshotJob(s *atlassim.FlexSnapshot) job {
	j := newJob(s.ID, s.Status, seconds(cmp.Or(s.StartTime, s.ScheduledTime)), s.FinishTime)
	j.at["date"], j.at["expires"] = j.at["created"], seconds(s.Expiration)
	return j
}

func beginFlexRestore(a *atlas, f *atlassim.FlexCluster, at time.Time) {
	delivery, omit := pick(a, atlassim.FlexRestoreToCluster, atlassim.FlexRestoreDownload), a.chance(5)
	status := pick(a, "COMPLETED", "COMPLETED", "FAILED", "HALTED")
	a.org.At(at, func(time.Time) { f.Restore(delivery, status).OmitScheduledDate = omit })
}

func flexRestoreJob(r *atlassim.FlexRestore) job {
	created := seconds(r.ScheduledDate)
	if r.OmitScheduledDate {
		created = born(r.ID)
	}
	j := newJob(r.ID, r.Status, created, r.FinishedDate)
	j.delivery = r.DeliveryType
	return j
}

// beginRun starts a run. Most datasets expire within the soak, those of old runs at once.
func beginRun(a *atlas, pl *atlassim.Pipeline, at time.Time) {
	r := pl.AddRun(atlassim.Run{CreatedDate: at, ScheduledDeletionDate: pick(a,
		at.AddDate(0, 0, 14), at.AddDate(1, 0, 0), a.soon(5*time.Second, 15*time.Second), a.soon(5*time.Second, 5*time.Minute))})
	total, exported := a.random.Int64N(1<<40), int64(0)
	end := pick(a, "DONE", "DONE", "DONE", "DONE", "FAILED")
	a.live(at, []string{"SNAPSHOT", "EXPORT", "EXPORT", "INGESTION"}, end, func(step string, at time.Time) {
		r.LastUpdatedDate = at
		if step == end {
			r.State = end
			return
		}
		if r.State, r.Phase = "IN_PROGRESS", step; step == "EXPORT" {
			r.Stats = &atlassim.RunStats{BytesExported: exported, NumDocs: exported / 1000}
			exported = total
		}
	})
	a.org.At(r.ScheduledDeletionDate.Add(a.between(0, 3*time.Second)), func(at time.Time) { // most are deleted a little late
		if r.State == "DONE" {
			r.State, r.LastUpdatedDate = "DATASET_DELETED", at
		}
	})
}

// runJob uses the creation as the date of the outcome, because a run has no end.
func runJob(r *atlassim.Run) job {
	j := newJob(r.ID, r.State, seconds(r.CreatedDate), time.Time{})
	j.word = r.Phase
	j.at["updated"], j.at["deletion"] = seconds(r.LastUpdatedDate), seconds(r.ScheduledDeletionDate)
	if r.Stats != nil {
		j.at["bytes"], j.at["documents"] = float64(r.Stats.BytesExported), float64(r.Stats.NumDocs)
	}
	return j
}
