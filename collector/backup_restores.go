package collector

import (
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// The states of a restore job. Atlas sends no state: restoreState derives it, so the spelling is this project's.
const (
	restoreCancelled  = "cancelled"
	restoreFailed     = "failed"
	restoreCompleted  = "completed"
	restoreExpired    = "expired"
	restoreReady      = "ready"
	restoreInProgress = "in_progress"
)

const deliveryDownload = "download"

func restoreStates(deliveryType string) jobStates {
	expired := OutcomeNeither
	if deliveryType == deliveryDownload {
		expired = OutcomeSucceeded // the download was ready before
	}
	return statesOf(
		jobState{restoreCancelled, OutcomeNeither},
		jobState{restoreFailed, OutcomeFailed},
		jobState{restoreCompleted, OutcomeSucceeded},
		jobState{restoreExpired, expired},
		jobState{restoreReady, OutcomeSucceeded},
		jobState{restoreInProgress, OutcomeUnfinished},
	)
}

// restoreExtra is what a restore job keeps in addition to the fields of job. Its label is the delivery type.
type restoreExtra struct {
	expires seconds // when the URL of a ready download stops working
}

type restoreKind = jobKind[atlasapi.RestoreJob, restoreExtra, struct{}]

// restoreJobs is the kind of job that restores a snapshot of a cluster.
func restoreJobs() *restoreKind {
	states, downloads := restoreStates(""), restoreStates(deliveryDownload)
	const flags = "results[].cancelled, failed, finishedAt, expired, deliveryUrl"
	return &restoreKind{
		states: states,
		statesFor: func(deliveryType string) jobStates {
			if deliveryType == deliveryDownload {
				return downloads
			}
			return states
		},
		groupedBy: "delivery_type",
		list: func(c *atlasapi.Client, groupID, cluster string) atlasapi.List[atlasapi.RestoreJob] {
			return c.RestoreJobs(groupID, cluster)
		},
		keep: func(j *atlasapi.RestoreJob, words *interner) job[restoreExtra] {
			return job[restoreExtra]{
				id:      j.ID,
				created: firstValid(j.ID.Time()),
				ended:   secondsOf(j.FinishedAt),
				state:   states.index(restoreState(j)),
				label:   words.index(j.DeliveryType),
				extra:   restoreExtra{secondsOf(j.ExpiresAt)},
			}
		},
		open: func(j *job[restoreExtra], now seconds) bool {
			switch states.names()[j.state] {
			case restoreInProgress:
				return true
			case restoreReady: // it will expire
				return j.extra.expires == 0 || now+clockSkew >= j.extra.expires
			}
			return false
		},
		common: commonFamilies{
			prefix: "mongodbatlas_backup_restore", item: "job", noun: "restore job",
			counts:      "Restore jobs that Atlas lists for the snapshots of the cluster, by derived state.",
			stateSource: flags, createdSource: "results[].id, the time in it", endedSource: "results[].finishedAt",
			note: " A download that is ready or has expired is a success.",
		},
	}
}

// restoreState derives the state of a restore job. It checks cancelled before failed, because the only recorded
// cancelled job had both flags.
func restoreState(j *atlasapi.RestoreJob) string {
	switch {
	case j.Cancelled:
		return restoreCancelled
	case j.Failed:
		return restoreFailed
	case secondsOf(j.FinishedAt) != 0:
		return restoreCompleted
	case j.Expired:
		return restoreExpired
	case j.DeliveryType == deliveryDownload && j.HasURL:
		return restoreReady
	}
	return restoreInProgress
}

func backupRestores(clusters *Declaration) *Declaration {
	return restoreJobs().declare(&Declaration{
		Name: "backup_restores", Title: "Restore jobs", Noun: "restore", Role: backupManager, Parent: clusters, Row: RowWithJobs,
		Step: StepRestore, Alert: "BackupRestore",
		Patience: Patience{News: 24 * time.Hour, Stuck: 12 * time.Hour},
	})
}
