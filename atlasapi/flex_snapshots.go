package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListFlexSnapshots = &operation{name: "list_flex_snapshots", accept: version("2024-11-13"), limit: setFlexSnapshots}

// FlexSnapshot is a snapshot of a Flex cluster. Atlas takes one a day and keeps eight.
type FlexSnapshot struct {
	ID            ObjectID
	Status        string // PENDING, QUEUED, RUNNING, FAILED or COMPLETED
	ScheduledTime time.Time
	StartTime     time.Time // zero until it started
	FinishTime    time.Time // zero until it completed or failed
	Expiration    time.Time
}

// FlexSnapshots lists the snapshots of a Flex cluster. Recorded lists have the oldest first.
//
// GET /groups/{groupId}/flexClusters/{name}/backup/snapshots, for Project Read Only.
func (c *Client) FlexSnapshots(groupID, cluster string) List[FlexSnapshot] {
	return List[FlexSnapshot]{
		client: c, op: opListFlexSnapshots, group: groupID,
		path:   []string{"groups", groupID, "flexClusters", cluster, "backup", "snapshots"},
		decode: decodeFlexSnapshot, id: func(s *FlexSnapshot) ObjectID { return s.ID },
	}
}

func decodeFlexSnapshot(d *jx.Decoder, s *FlexSnapshot) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &s.ID)
		case "status":
			return flexStatus(d, &s.Status)
		case "scheduledTime":
			return date(d, &s.ScheduledTime)
		case "startTime":
			return date(d, &s.StartTime)
		case "finishTime":
			return date(d, &s.FinishTime)
		case "expiration":
			return date(d, &s.Expiration)
		}
		return d.Skip()
	})
}

// flexStatus reads the status of a snapshot or a restore job of a Flex cluster.
func flexStatus(d *jx.Decoder, into *string) error {
	return enum(d, into, "COMPLETED", "FAILED", "RUNNING", "QUEUED", "PENDING")
}
