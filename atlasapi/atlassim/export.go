package atlassim

import (
	"strconv"
	"time"
)

// The states of an export job that the API documents. Tests may use others.
const (
	ExportQueued     = "Queued"
	ExportInProgress = "InProgress"
	ExportSuccessful = "Successful"
	ExportFailed     = "Failed"
	ExportCancelled  = "Cancelled"
)

// Export is a snapshot export job. AddExport fills in empty fields.
type Export struct {
	// ID starts with the seconds of CreatedAt.
	ID string
	// State is Successful by default when FinishedAt is set, else Queued.
	State string
	// CreatedAt is now by default.
	CreatedAt time.Time
	// OmitCreatedAt leaves createdAt out of the answer, so that only the id shows when the job was created.
	OmitCreatedAt bool
	// FinishedAt is left out of the answer while it is zero.
	FinishedAt time.Time
	// SnapshotID and ExportBucketID are the ids of the snapshot and of the bucket.
	SnapshotID, ExportBucketID string
	// Prefix is the folder in the bucket. By default it ends in the seconds of CreatedAt, as in all recorded jobs.
	Prefix string
	// ExportedCollections and TotalCollections are 0 in every recorded job, whatever its state.
	ExportedCollections, TotalCollections int
	// OmitExportStatus leaves exportStatus out, as for a job with Components.
	OmitExportStatus bool
	// Components are the exports of a sharded cluster's shards; AddExport makes them for a sharded cluster.
	Components []ExportComponent
	// Reason is the reason of a failure.
	Reason *StateReason
}

// ExportComponent is the export of one shard.
type ExportComponent struct {
	ExportID       string `json:"exportId"`
	ReplicaSetName string `json:"replicaSetName"`
}

// StateReason is the reason of a job's state.
type StateReason struct {
	ErrorCode string `json:"errorCode,omitempty"`
	Message   string `json:"message,omitempty"`
}

// AddExport adds an export job. The server uses the returned job: change it within Organization.Do.
func (c *Cluster) AddExport(e Export) *Export {
	if e.CreatedAt.IsZero() {
		e.CreatedAt = c.project.org.current()
	}
	c.complete(&e, c.exports.nextNumber())
	c.exports.add(&e)
	return &e
}

// RemoveExport removes an added job from the list.
func (c *Cluster) RemoveExport(e *Export) { c.exports.remove(e.ID) }

// Exports returns the jobs that were added by hand or by a routine, in that order.
func (c *Cluster) Exports() []*Export { return append([]*Export(nil), c.exports.stored...) }

// GenerateExports puts n jobs before the added ones. They are computed each time they are listed, and never stored. job
// must return the same job for the same number each time, in the order of creation: 0 is the oldest.
func (c *Cluster) GenerateExports(n int, job func(n int) Export) {
	c.exports.setGenerated(n, func(n int) *Export {
		e := job(n)
		c.complete(&e, uint64(n))
		return &e
	})
}

// complete fills in the empty fields of export number n.
func (c *Cluster) complete(e *Export, n uint64) {
	number := mix(c.seed ^ n<<2)
	if e.ID == "" {
		e.ID = objectID(e.CreatedAt, number)
	}
	if e.State == "" {
		e.State = ExportQueued
		if !e.FinishedAt.IsZero() {
			e.State = ExportSuccessful
		}
	}
	if e.SnapshotID == "" {
		e.SnapshotID = objectID(e.CreatedAt.Add(-9*time.Minute), number+1)
	}
	if e.ExportBucketID == "" {
		e.ExportBucketID = c.exportBucketID()
	}
	if e.Prefix == "" {
		b := make([]byte, 0, 128)
		b = append(b, "exported_snapshots/"...)
		b = append(b, c.project.org.ID...)
		b = append(b, '/')
		b = append(b, c.project.ID...)
		b = append(b, '/')
		b = append(b, c.Name...)
		b = append(b, '/')
		b = e.CreatedAt.Add(-time.Minute).UTC().AppendFormat(b, "2006-01-02T1504")
		b = append(b, '/')
		b = strconv.AppendInt(b, e.CreatedAt.Unix(), 10)
		e.Prefix = string(b)
	}
	if c.Shards > 0 && e.Components == nil {
		for i, name := range c.replicaSets() {
			id := objectID(e.CreatedAt, number+2+uint64(i))
			e.Components = append(e.Components, ExportComponent{ExportID: id, ReplicaSetName: name})
		}
	}
}

func (e *Export) identity() string   { return e.ID }
func (e *Export) created() time.Time { return e.CreatedAt }

func (e *Export) appendJSON(b []byte, _ string) []byte {
	b = append(b, '{')
	if len(e.Components) > 0 {
		b = valueMember(b, "components", e.Components)
	}
	if !e.OmitCreatedAt {
		b = timeMember(b, "createdAt", e.CreatedAt)
	}
	b = append(member(b, "customData"), "[]"...)
	b = textMember(b, "exportBucketId", e.ExportBucketID)
	if len(e.Components) == 0 && !e.OmitExportStatus {
		b = append(member(b, "exportStatus"), '{')
		b = intMember(b, "exportedCollections", int64(e.ExportedCollections))
		b = intMember(b, "totalCollections", int64(e.TotalCollections))
		b = append(b, '}')
	}
	b = timeMember(b, "finishedAt", e.FinishedAt)
	b = textMember(b, "id", e.ID)
	b = textMember(b, "prefix", e.Prefix)
	b = textMember(b, "snapshotId", e.SnapshotID)
	b = textMember(b, "state", e.State)
	if e.Reason != nil {
		b = valueMember(b, "stateReason", e.Reason)
	}
	return append(b, '}')
}
