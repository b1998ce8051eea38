package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var (
	opListSnapshots        = &operation{name: "list_backup_snapshots", accept: version("2023-01-01"), limit: setBackups}
	opListShardedSnapshots = &operation{name: "list_sharded_backup_snapshots", accept: version("2023-01-01"), limit: setBackups}
)

// CodeIncorrectEndpoint is Atlas's code for a cluster whose snapshots only ShardedSnapshots lists.
const CodeIncorrectEndpoint = "INCORRECT_BACKUP_API_ENDPOINT"

// Snapshot is a snapshot of a cluster. Atlas sends no end date, no failure reason and no error code, and removes an
// expired snapshot from the list.
type Snapshot struct {
	ID     ObjectID
	Status string // queued, inProgress, completed or failed
	Type   string // onDemand, scheduled or fallback
	// Frequency is hourly, daily, weekly, monthly or yearly; "ondemand" was recorded too.
	Frequency string
	// CreatedAt is the time of the data. Queued snapshots and most running ones have none.
	CreatedAt        time.Time
	ExpiresAt        time.Time
	StorageSizeBytes Optional[int64] // 0 until shortly before the snapshot completes
	// CopyRegions is the number of regions that the snapshot was copied to.
	CopyRegions int
	// PolicyItems are the ids of the schedule's policy items that the snapshot was taken for.
	PolicyItems []string
}

// Snapshots lists the snapshots of a cluster. Its order is not documented.
//
// GET /groups/{groupId}/clusters/{clusterName}/backup/snapshots, for Project Read Only. Should Atlas answer with
// CodeIncorrectEndpoint, ShardedSnapshots lists them.
func (c *Client) Snapshots(groupID, cluster string) List[Snapshot] {
	return List[Snapshot]{
		client: c, op: opListSnapshots, group: groupID, thins: true, // each frequency has its own retention
		path:   []string{"groups", groupID, "clusters", cluster, "backup", "snapshots"},
		decode: decodeSnapshot, id: func(s *Snapshot) ObjectID { return s.ID },
	}
}

// ShardedSnapshots lists the snapshots of a sharded cluster in one answer.
//
// GET /groups/{groupId}/clusters/{clusterName}/backup/snapshots/shardedClusters, for Project Read Only.
func (c *Client) ShardedSnapshots(groupID, cluster string) List[Snapshot] {
	return List[Snapshot]{
		client: c, op: opListShardedSnapshots, group: groupID, unpaged: true,
		path:   []string{"groups", groupID, "clusters", cluster, "backup", "snapshots", "shardedClusters"},
		decode: decodeSnapshot, id: func(s *Snapshot) ObjectID { return s.ID },
	}
}

func decodeSnapshot(d *jx.Decoder, s *Snapshot) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &s.ID)
		case "status":
			return enum(d, &s.Status, "completed", "failed", "inProgress", "queued")
		case "snapshotType":
			return enum(d, &s.Type, "scheduled", "onDemand", "fallback")
		case "frequencyType":
			return enum(d, &s.Frequency, "hourly", "daily", "weekly", "monthly", "yearly", "ondemand")
		case "createdAt":
			return date(d, &s.CreatedAt)
		case "expiresAt":
			return date(d, &s.ExpiresAt)
		case "storageSizeBytes":
			return optional(d, &s.StorageSizeBytes, integer)
		case "copyRegions":
			s.CopyRegions = 0
			return each(d, func() error { // no snapshot with regions has been recorded, so any form is accepted
				s.CopyRegions++
				return d.Skip()
			})
		case "policyItems":
			s.PolicyItems = nil
			return each(d, func() error { return s.decodePolicyItem(d) })
		}
		return d.Skip()
	})
}

// decodePolicyItem decodes the id of a policy item. No scheduled snapshot has been recorded, so a value that is not a
// string is ignored: it must not make the snapshot unreadable.
func (s *Snapshot) decodePolicyItem(d *jx.Decoder) error {
	if d.Next() != jx.String {
		return d.Skip()
	}
	var id string
	if err := str(d, &id); err != nil {
		return err
	}
	s.PolicyItems = append(s.PolicyItems, id)
	return nil
}
