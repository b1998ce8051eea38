package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListRuns = &operation{name: "list_pipeline_runs", accept: version("2023-01-01"), limit: setPipelines}

// PipelineRun is one run of a Data Lake pipeline. Atlas sends no end date: LastUpdatedDate changes again when the
// dataset is deleted.
type PipelineRun struct {
	ID                    ObjectID
	GroupID               ObjectID
	PipelineID            ObjectID
	SnapshotID            ObjectID
	State                 string // PENDING, IN_PROGRESS, DONE, FAILED or DATASET_DELETED
	Phase                 string // SNAPSHOT, EXPORT or INGESTION
	BackupFrequencyType   string // HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY or ON_DEMAND
	CreatedDate           time.Time
	LastUpdatedDate       time.Time
	ScheduledDeletionDate time.Time
	DatasetName           string
	RetentionPolicy       Optional[RetentionPolicy]
	Stats                 RunStats
}

// RunStats count what a run has processed so far.
type RunStats struct {
	BytesExported Optional[int64] // bytes
	NumDocs       Optional[int64] // documents
}

// RetentionPolicy is how long the dataset of a run is kept.
type RetentionPolicy struct {
	Units            string // DAYS, WEEKS or MONTHS
	Value            int64  // at least 1
	LastModifiedDate time.Time
}

// PipelineRuns lists the runs of a pipeline. The order is unknown.
//
// GET /groups/{groupId}/pipelines/{pipelineName}/runs, for Project Read Only.
func (c *Client) PipelineRuns(groupID, pipeline string) List[PipelineRun] {
	return List[PipelineRun]{
		client: c, op: opListRuns, group: groupID, path: []string{"groups", groupID, "pipelines", pipeline, "runs"},
		decode: decodeRun, id: func(r *PipelineRun) ObjectID { return r.ID },
	}
}

// decodeOneRun reads a single run, which must have an id.
func decodeOneRun(d *jx.Decoder, r *PipelineRun) error {
	if err := decodeRun(d, r); err != nil {
		return err
	}
	if r.ID.IsZero() {
		return errNoID
	}
	return nil
}

func decodeRun(d *jx.Decoder, r *PipelineRun) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "_id":
			return objectID(d, &r.ID)
		case "groupId":
			return reference(d, &r.GroupID)
		case "pipelineId":
			return reference(d, &r.PipelineID)
		case "snapshotId":
			return reference(d, &r.SnapshotID)
		case "state":
			return str(d, &r.State)
		case "phase":
			return str(d, &r.Phase)
		case "backupFrequencyType":
			return str(d, &r.BackupFrequencyType)
		case "createdDate":
			return date(d, &r.CreatedDate)
		case "lastUpdatedDate":
			return date(d, &r.LastUpdatedDate)
		case "scheduledDeletionDate":
			return date(d, &r.ScheduledDeletionDate)
		case "datasetName":
			return str(d, &r.DatasetName)
		case "datasetRetentionPolicy":
			return optional(d, &r.RetentionPolicy, decodeRetention)
		case "stats":
			return nullable(d, func() error { return decodeStats(d, &r.Stats) })
		}
		return d.Skip()
	})
}

func decodeStats(d *jx.Decoder, s *RunStats) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "bytesExported":
			return optional(d, &s.BytesExported, integer)
		case "numDocs":
			return optional(d, &s.NumDocs, integer)
		}
		return d.Skip()
	})
}

func decodeRetention(d *jx.Decoder, p *RetentionPolicy) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "units":
			return str(d, &p.Units)
		case "value":
			return integer(d, &p.Value)
		case "lastModifiedDate":
			return date(d, &p.LastModifiedDate)
		}
		return d.Skip()
	})
}
