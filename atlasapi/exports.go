package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListExports = &operation{name: "list_backup_exports", accept: version("2023-01-01"), limit: setBackups}

// ExportJob is a job that exports a snapshot of a cluster to a bucket. It has only the fields that the exporter uses,
// so that no other field can make an answer unreadable. Atlas does not retry a failed job: the next scheduled snapshot
// creates a new one.
type ExportJob struct {
	ID ObjectID
	// SnapshotID is the snapshot that the job exports, zero if Atlas sends none.
	SnapshotID ObjectID
	State      string // Queued, InProgress, Successful, Failed or Cancelled
	CreatedAt  time.Time
	// FinishedAt is zero until the job has ended.
	FinishedAt time.Time
	// ExportStatus counts the collections of a replica set; 0 of 0 was recorded in every state, success included.
	ExportStatus Optional[ExportStatus]
	// ErrorCode says why a job failed, from "stateReason"; "" if Atlas sends none.
	ErrorCode string
}

// ExportStatus counts collections.
type ExportStatus struct {
	ExportedCollections Optional[int32]
	TotalCollections    Optional[int32]
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
			return enum(d, &j.State, "Successful", "Failed", "InProgress", "Queued", "Cancelled")
		case "snapshotId":
			return reference(d, &j.SnapshotID)
		case "createdAt":
			return date(d, &j.CreatedAt)
		case "finishedAt":
			return date(d, &j.FinishedAt)
		case "exportStatus":
			return optional(d, &j.ExportStatus, decodeExportStatus)
		case "stateReason":
			return nullable(d, func() error { return decodeStateReason(d, &j.ErrorCode) })
		}
		return d.Skip()
	})
}

func decodeExportStatus(d *jx.Decoder, s *ExportStatus) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "exportedCollections":
			return optional(d, &s.ExportedCollections, integer)
		case "totalCollections":
			return optional(d, &s.TotalCollections, integer)
		}
		return d.Skip()
	})
}

// decodeStateReason reads only the code, because the message may contain names of buckets and paths.
func decodeStateReason(d *jx.Decoder, code *string) error {
	return only(d, "errorCode", func() error {
		err := str(d, code)
		*code = errorCode(*code) // the code becomes a label, so it must not be free text
		return err
	})
}
