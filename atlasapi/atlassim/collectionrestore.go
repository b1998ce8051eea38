package atlassim

import (
	"slices"
	"time"
)

// The states of a collection restore job, and those of its indexes.
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

// CollectionRestore is a job that restores some collections of a cluster's snapshot. What is left empty is filled in
// when it is added. No such job was ever recorded: everything follows Atlas's specification.
type CollectionRestore struct {
	// ID begins with the seconds of CreatedAt.
	ID string
	// State is SUCCESSFUL by default when FinishedAt is set, else INITIALIZING.
	State string
	// CreatedAt is now by default; FinishedAt is left out while it is zero.
	CreatedAt, FinishedAt time.Time
	// ErrorMessage is what Atlas says of a job that failed or was cancelled.
	ErrorMessage string
	// RestoredDocuments and TotalDocuments are left out while TotalDocuments is 0.
	RestoredDocuments, TotalDocuments int64
	// IndexState and FailedIndexCollections are left out while IndexState is empty.
	IndexState             string
	FailedIndexCollections int64
	// SnapshotID is the snapshot's.
	SnapshotID string
	// TargetClusterName and TargetProjectID are where the data goes; the cluster itself by default.
	TargetClusterName, TargetProjectID string
	// Collections are the namespaces that are restored; one by default.
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

// RemoveCollectionRestore takes an added job out of the list.
func (c *Cluster) RemoveCollectionRestore(r *CollectionRestore) { c.collectionRestores.remove(r.ID) }

// CollectionRestores are the jobs that were added (or made by a routine), in the order in which that happened.
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

// completeCollectionRestore fills in what is empty in the job of number n.
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

// CollectionOutcome is how far a collection restore gets.
type CollectionOutcome struct {
	// State is the job's last: SUCCESSFUL by default. A job whose last state is INITIALIZING, IN_PROGRESS or FINALIZING
	// hangs.
	State string
	// ErrorMessage is that of a job that failed or was cancelled.
	ErrorMessage string
	// FailedIndexes is the number of collections whose indexes could not be built.
	FailedIndexes int64
	// Documents are those to restore, half a million by default.
	Documents int64
}

// RestoreCollections begins a collection restore and sees it through.
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
