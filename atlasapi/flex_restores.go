package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListFlexRestores = &operation{name: "list_flex_restores", accept: version("2024-11-13"), limit: setFlexRestores}

// FlexRestore is a job that restores a snapshot of a Flex cluster. Its snapshotUrl is not decoded: whoever has it can
// read the data.
type FlexRestore struct {
	ID           ObjectID
	DeliveryType string // RESTORE or DOWNLOAD
	Status       string // PENDING, QUEUED, RUNNING, FAILED or COMPLETED
	ScheduledAt  time.Time
	FinishedAt   time.Time // zero until it completed or failed
}

// FlexRestores lists the restore jobs of a Flex cluster. Recorded lists have the newest first.
//
// GET /groups/{groupId}/flexClusters/{name}/backup/restoreJobs, for Project Read Only.
func (c *Client) FlexRestores(groupID, cluster string) List[FlexRestore] {
	return List[FlexRestore]{
		client: c, op: opListFlexRestores, group: groupID,
		path:   []string{"groups", groupID, "flexClusters", cluster, "backup", "restoreJobs"},
		decode: decodeFlexRestore, id: func(r *FlexRestore) ObjectID { return r.ID },
	}
}

func decodeFlexRestore(d *jx.Decoder, r *FlexRestore) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &r.ID)
		case "deliveryType":
			return enum(d, &r.DeliveryType, "RESTORE", "DOWNLOAD")
		case "status":
			return flexStatus(d, &r.Status)
		case "restoreScheduledDate":
			return date(d, &r.ScheduledAt)
		case "restoreFinishedDate":
			return date(d, &r.FinishedAt)
		}
		return d.Skip()
	})
}
