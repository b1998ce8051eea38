package atlassim

import (
	"slices"
	"time"
)

// The states of a collection restore job and of its indexes.
const (
	CollectionInitializing = "INITIALIZING"
	CollectionInProgress   = "IN_PROGRESS"
	CollectionFinalizing   = "FINALIZING"
	CollectionSuccessful   = "SUCCESSFUL"
	CollectionCanceled     = "CANCELED"
	CollectionFailed       = "FAILED"

	IndexNotStarted  = "NOT_STARTED"
	IndexInProgress  = "IN_PROGRESS"
	IndexSuccessful  = "SUCCESSFUL"
	IndexFailed      = "FAILED"
	IndexNotRestored = "NOT_RESTORED"
)

// CollectionRestore is a job that restores some collections of a cluster's snapshot. AddCollectionRestore fills in
// empty fields. No such job was ever recorded: everything follows Atlas's specification.
type CollectionRestore struct {
	// ID starts with the seconds of CreatedAt.
	ID string
	// State is SUCCESSFUL by default when FinishedAt is set, else INITIALIZING.
	State string
	// CreatedAt is now by default. Atlas leaves FinishedAt out while it is zero.
	CreatedAt, FinishedAt time.Time
	// ErrorMessage is Atlas's message about a job that failed or was cancelled.
	ErrorMessage string
	// Atlas leaves RestoredDocuments and TotalDocuments out while TotalDocuments is 0.
	RestoredDocuments, TotalDocuments int64
	// Atlas leaves IndexState and FailedIndexCollections out while IndexState is empty.
	IndexState             string
	FailedIndexCollections int64
	// SnapshotID is the id of the snapshot.
	SnapshotID string
	// TargetClusterName and TargetProjectID are the target of the data; the cluster itself by default.
	TargetClusterName, TargetProjectID string
	// Collections are the namespaces to restore; one by default.
	Collections []string
}

// AddCollectionRestore adds a collection restore job of one of the cluster's snapshots.
func (c *Cluster) AddCollectionRestore(r CollectionRestore) *CollectionRestore {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = c.project.org.current()
	}
	c.completeCollectionRestore(&r, c.collectionRestores.nextNumber())
	c.collectionRestores.add(&r)
	return &r
}

// RemoveCollectionRestore removes an added job from the list.
func (c *Cluster) RemoveCollectionRestore(r *CollectionRestore) { c.collectionRestores.remove(r.ID) }

// CollectionRestores returns the jobs that were added by hand or by a routine, in that order.
func (c *Cluster) CollectionRestores() []*CollectionRestore {
	return slices.Clone(c.collectionRestores.stored)
}

// OrderCollectionRestores sets the order of the cluster's list of collection restores, which is NewestFirst at first.
func (c *Cluster) OrderCollectionRestores(order Order) { c.collectionRestores.setOrder(order) }

// GenerateCollectionRestores is GenerateExports for collection restore jobs.
func (c *Cluster) GenerateCollectionRestores(n int, job func(n int) CollectionRestore) {
	c.collectionRestores.setGenerated(n, func(n int) *CollectionRestore {
		r := job(n)
		c.completeCollectionRestore(&r, uint64(n))
		return &r
	})
}

// completeCollectionRestore fills in the empty fields of job number n.
func (c *Cluster) completeCollectionRestore(r *CollectionRestore, n uint64) {
	number := mix(c.seed ^ n<<2 ^ 3)
	if r.ID == "" {
		r.ID = objectID(r.CreatedAt, number)
	}
	if r.State == "" {
		r.State = CollectionInitializing
		if !r.FinishedAt.IsZero() {
			r.State = CollectionSuccessful
		}
	}
	if r.SnapshotID == "" {
		r.SnapshotID = c.exportable(true)
	}
	if r.SnapshotID == "" {
		r.SnapshotID = objectID(r.CreatedAt.Add(-80*time.Minute), number+1)
	}
	defaultText(&r.TargetClusterName, c.Name)
	defaultText(&r.TargetProjectID, c.project.ID)
	if r.Collections == nil {
		r.Collections = []string{"shop.orders"}
	}
}

func (r *CollectionRestore) identity() string   { return r.ID }
func (r *CollectionRestore) created() time.Time { return r.CreatedAt }

type wireNamespace struct {
	SourceNamespace string `json:"sourceNamespace"`
	TargetNamespace string `json:"targetNamespace"`
}

func (r *CollectionRestore) appendJSON(b []byte, _ string) []byte {
	b = append(b, '{')
	namespaces := make([]wireNamespace, len(r.Collections))
	for i, name := range r.Collections {
		namespaces[i] = wireNamespace{SourceNamespace: name, TargetNamespace: name + "_restored"}
	}
	b = valueMember(b, "collections", namespaces)
	b = timeMember(b, "createdAt", r.CreatedAt)
	b = append(member(b, "databases"), "[]"...)
	if r.ErrorMessage != "" {
		b = textMember(b, "errorMessage", r.ErrorMessage)
	}
	b = timeMember(b, "finishedAt", r.FinishedAt)
	b = textMember(b, "id", r.ID)
	if r.IndexState != "" {
		b = append(member(b, "indexStatus"), '{')
		b = intMember(b, "failedCollectionCount", r.FailedIndexCollections)
		b = append(textMember(b, "state", r.IndexState), '}')
	}
	b = textMember(b, "indexStrategy", "ALL")
	if r.TotalDocuments > 0 {
		b = intMember(b, "restoredDocuments", r.RestoredDocuments)
	}
	b = textMember(b, "snapshotId", r.SnapshotID)
	b = textMember(b, "state", r.State)
	b = textMember(b, "targetClusterName", r.TargetClusterName)
	b = textMember(b, "targetGroupId", r.TargetProjectID)
	if r.TotalDocuments > 0 {
		b = intMember(b, "totalDocuments", r.TotalDocuments)
	}
	b = textMember(b, "writeStrategy", "CREATE_NEW")
	return append(b, '}')
}

// CollectionOutcome is the outcome of a collection restore.
type CollectionOutcome struct {
	// State is the final state of the job: SUCCESSFUL by default. A job with the final state INITIALIZING, IN_PROGRESS
	// or FINALIZING hangs.
	State string
	// ErrorMessage is the message of a job that failed or was cancelled.
	ErrorMessage string
	// FailedIndexes is the number of collections whose indexes could not be built.
	FailedIndexes int64
	// Documents is the number of documents to restore, half a million by default.
	Documents int64
}

// RestoreCollections starts a collection restore, and plans its states up to its outcome.
func (c *Cluster) RestoreCollections(outcome CollectionOutcome) *CollectionRestore {
	org := c.project.org
	defaultText(&outcome.State, CollectionSuccessful)
	if outcome.Documents == 0 {
		outcome.Documents = 500_000
	}
	job := c.AddCollectionRestore(CollectionRestore{})
	if outcome.State == CollectionInitializing {
		return job
	}
	takes := length(0, 0, mix(seedOf(job.ID)))
	org.After(takes/6, func(time.Time) {
		job.State, job.TotalDocuments, job.IndexState = CollectionInProgress, outcome.Documents, IndexNotStarted
	})
	org.After(takes/2, func(time.Time) { job.RestoredDocuments = outcome.Documents / 2 })
	if outcome.State == CollectionInProgress {
		return job
	}
	org.After(takes*5/6, func(time.Time) {
		if outcome.State == CollectionFinalizing || outcome.State == CollectionSuccessful {
			job.State, job.IndexState, job.RestoredDocuments = CollectionFinalizing, IndexInProgress, outcome.Documents
		}
	})
	if outcome.State == CollectionFinalizing {
		return job
	}
	org.After(takes, func(at time.Time) {
		job.State, job.FinishedAt, job.ErrorMessage = outcome.State, at, outcome.ErrorMessage
		job.IndexState = IndexNotRestored
		if outcome.State == CollectionSuccessful {
			job.IndexState, job.FailedIndexCollections = IndexSuccessful, outcome.FailedIndexes
			if outcome.FailedIndexes > 0 {
				job.IndexState = IndexFailed
			}
		}
	})
	return job
}

func (s *Server) listCollectionRestores(c *call) reply {
	return listOf(s, c, &c.cluster.collectionRestores)
}
