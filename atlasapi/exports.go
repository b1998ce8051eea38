package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListExports = &operation{name: "list_backup_exports", accept: version("2023-01-01"), limit: setBackups}

// ExportJob is a job that exports a snapshot of a cluster to a bucket. Atlas does not retry a failed one: the next
// scheduled snapshot makes a new job.
type ExportJob struct {
	ID        ObjectID
	State     string // Queued, InProgress, Successful, Failed or Cancelled
	CreatedAt time.Time
	// FinishedAt is zero until the job has ended.
	FinishedAt     time.Time
	SnapshotID     ObjectID
	ExportBucketID ObjectID
	Prefix         string
	// ExportStatus counts the collections of a replica set; 0 of 0 was recorded in every state, success included.
	ExportStatus Optional[ExportStatus]
	// StateReason says why a job failed; Atlas sends it for Failed jobs only.
	StateReason Optional[StateReason]
	CustomData  []CustomData
	// Components are the exports of the shards of a sharded cluster.
	Components []ExportComponent
}

// ExportStatus counts collections.
type ExportStatus struct {
	ExportedCollections Optional[int32]
	TotalCollections    Optional[int32]
}

// StateReason is Atlas's explanation of a failed export. Its message may name buckets and paths.
type StateReason struct{ ErrorCode, Message string }

// CustomData is a pair that the user put into the export's metadata file.
type CustomData struct{ Key, Value string }

// ExportComponent is the export of one replica set of a sharded cluster.
type ExportComponent struct {
	ExportID       ObjectID
	ReplicaSetName string
}

// ExportJobs lists the export jobs of a cluster. Its order is not documented.
//
// GET /groups/{groupId}/clusters/{clusterName}/backup/exports, for Project Backup Manager.
func (c *Client) ExportJobs(groupID, cluster string) List[ExportJob] {
	return List[ExportJob]{
		client: c, op: opListExports, group: groupID,
		path:   []string{"groups", groupID, "clusters", cluster, "backup", "exports"},
		decode: decodeExportJob, id: func(j *ExportJob) ObjectID { return j.ID },
	}
}

func decodeExportJob(d *jx.Decoder, j *ExportJob) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &j.ID)
		case "state":
			return word(d, &j.State, "Successful", "Failed", "InProgress", "Queued", "Cancelled")
		case "createdAt":
			return date(d, &j.CreatedAt)
		case "finishedAt":
			return date(d, &j.FinishedAt)
		case "snapshotId":
			return reference(d, &j.SnapshotID)
		case "exportBucketId":
			return reference(d, &j.ExportBucketID)
		case "prefix":
			return text(d, &j.Prefix)
		case "exportStatus":
			return optional(d, &j.ExportStatus, decodeExportStatus)
		case "stateReason":
			return optional(d, &j.StateReason, decodeStateReason)
		case "customData":
			return array(d, &j.CustomData, decodeCustomData)
		case "components":
			return array(d, &j.Components, decodeExportComponent)
		}
		return d.Skip()
	})
}

func decodeExportStatus(d *jx.Decoder, s *ExportStatus) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "exportedCollections":
			return optional(d, &s.ExportedCollections, integer32)
		case "totalCollections":
			return optional(d, &s.TotalCollections, integer32)
		}
		return d.Skip()
	})
}

func decodeStateReason(d *jx.Decoder, r *StateReason) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "errorCode":
			err := text(d, &r.ErrorCode)
			r.ErrorCode = errorCode(r.ErrorCode) // it becomes a label, which free text must not
			return err
		case "message":
			return text(d, &r.Message)
		}
		return d.Skip()
	})
}

func decodeCustomData(d *jx.Decoder, c *CustomData) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "key":
			return text(d, &c.Key)
		case "value":
			return text(d, &c.Value)
		}
		return d.Skip()
	})
}

func decodeExportComponent(d *jx.Decoder, c *ExportComponent) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "exportId":
			return reference(d, &c.ExportID)
		case "replicaSetName":
			return text(d, &c.ReplicaSetName)
		}
		return d.Skip()
	})
}
