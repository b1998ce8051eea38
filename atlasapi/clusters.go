package atlasapi

import (
	"errors"
	"time"

	"github.com/go-faster/jx"
)

var (
	opListClusters = &operation{name: "list_clusters", accept: version("2024-08-05"), limit: setClusters}
	errNoName      = errors.New("an item without a name")
)

// Cluster is a cluster of a project, with the fields that concern its backups.
type Cluster struct {
	ID            ObjectID
	Name          string
	StateName     string // IDLE, CREATING, UPDATING, DELETING or REPAIRING
	Paused        Optional[bool]
	BackupEnabled Optional[bool]
	PITEnabled    Optional[bool] // continuous backup: a restore to any point in time
	CreateDate    time.Time
	// Providers are the provider names of its regions: AWS, GCP, AZURE, TENANT for the free tier, FLEX.
	Providers []string
}

// Clusters lists the clusters of a project, in no stable order.
//
// GET /groups/{groupId}/clusters, for Project Read Only. While a cluster was being moved between families, Atlas has
// answered 400 for the whole list.
func (c *Client) Clusters(groupID string) List[Cluster] {
	return List[Cluster]{
		client: c, op: opListClusters, group: groupID, path: []string{"groups", groupID, "clusters"},
		decode: decodeCluster, id: func(c *Cluster) ObjectID { return c.ID },
	}
}

func decodeCluster(d *jx.Decoder, c *Cluster) error {
	err := object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &c.ID)
		case "name":
			return str(d, &c.Name)
		case "stateName":
			return str(d, &c.StateName)
		case "paused":
			return optional(d, &c.Paused, boolean)
		case "backupEnabled":
			return optional(d, &c.BackupEnabled, boolean)
		case "pitEnabled":
			return optional(d, &c.PITEnabled, boolean)
		case "createDate":
			return date(d, &c.CreateDate)
		case "replicationSpecs":
			c.Providers = nil
			return each(d, func() error { return c.decodeRegions(d) })
		}
		return d.Skip()
	})
	if err == nil && c.Name == "" {
		return errNoName
	}
	return err
}

func (c *Cluster) decodeRegions(d *jx.Decoder) error {
	return only(d, "regionConfigs", func() error {
		return each(d, func() error {
			return only(d, "providerName", func() error {
				var provider string
				if err := str(d, &provider); err != nil {
					return err
				}
				c.Providers = append(c.Providers, provider)
				return nil
			})
		})
	})
}
