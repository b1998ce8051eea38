package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListFlexClusters = &operation{name: "list_flex_clusters", accept: version("2024-11-13"), limit: setFlexClusters}

// FlexCluster is a Flex cluster of a project. It cannot be paused.
type FlexCluster struct {
	ID            ObjectID
	Name          string
	StateName     string // IDLE, CREATING, UPDATING, DELETING or REPAIRING
	CreateDate    time.Time
	BackupEnabled Optional[bool]
}

// FlexClusters lists the Flex clusters of a project, in no stable order.
//
// GET /groups/{groupId}/flexClusters, for Project Read Only.
func (c *Client) FlexClusters(groupID string) List[FlexCluster] {
	return List[FlexCluster]{
		client: c, op: opListFlexClusters, group: groupID, path: []string{"groups", groupID, "flexClusters"},
		decode: decodeFlexCluster, id: func(c *FlexCluster) ObjectID { return c.ID },
	}
}

func decodeFlexCluster(d *jx.Decoder, c *FlexCluster) error {
	err := object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &c.ID)
		case "name":
			return str(d, &c.Name)
		case "stateName":
			return str(d, &c.StateName)
		case "createDate":
			return date(d, &c.CreateDate)
		case "backupSettings":
			return nullable(d, func() error {
				return only(d, "enabled", func() error { return optional(d, &c.BackupEnabled, boolean) })
			})
		}
		return d.Skip()
	})
	if err == nil && c.Name == "" {
		return errNoName
	}
	return err
}
