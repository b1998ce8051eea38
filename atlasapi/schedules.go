package atlasapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-faster/jx"
)

var (
	opGetSchedule   = &operation{name: "get_backup_schedule", accept: version("2024-08-05"), limit: setBackups}
	errNoAutoExport = errors.New("no autoExportEnabled")
)

// Schedule is the backup schedule of a cluster: which snapshots Atlas takes, which of them it exports, and to which
// bucket.
type Schedule struct {
	AutoExportEnabled Optional[bool]
	// ExportFrequency is daily, weekly, monthly or yearly; "" without an export policy.
	ExportFrequency string
	// ExportBucketID is the bucket that snapshots are exported to; zero without an export policy.
	ExportBucketID ObjectID
	// PolicyItems are the items of the backup policy: nil if Atlas sends no policies, empty if it takes no scheduled
	// snapshots.
	PolicyItems []PolicyItem
	// NextSnapshot is the time of the next scheduled snapshot, zero if there is none.
	NextSnapshot      time.Time
	RestoreWindowDays Optional[int64] // of continuous backup
}

// PolicyItem is an item of a backup policy.
type PolicyItem struct {
	ID            string // as in Snapshot.PolicyItems
	FrequencyType string // hourly, daily, weekly, monthly, yearly or ondemand
	// FrequencyInterval is the number of hours of an hourly item, the weekday of a weekly one (1 is Monday), the day of
	// a monthly one (40 is the last) and the month of a yearly one.
	FrequencyInterval int
}

// Schedule reads the backup schedule of a cluster.
//
// GET /groups/{groupId}/clusters/{clusterName}/backup/schedule, for Project Read Only. A cluster without backup is
// KindBackupDisabled.
func (c *Client) Schedule(ctx context.Context, groupID, cluster string) (Schedule, error) {
	r := c.newRequest(opGetSchedule, http.MethodGet, groupID, nil, "groups", groupID, "clusters", cluster, "backup", "schedule")
	return get(ctx, c, r, decodeSchedule)
}

func decodeSchedule(d *jx.Decoder, s *Schedule) error {
	err := object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "autoExportEnabled":
			return optional(d, &s.AutoExportEnabled, boolean)
		case "export":
			return nullable(d, func() error {
				return object(d, func(d *jx.Decoder, name []byte) error {
					switch string(name) {
					case "frequencyType":
						return str(d, &s.ExportFrequency)
					case "exportBucketId":
						return reference(d, &s.ExportBucketID)
					}
					return d.Skip()
				})
			})
		case "policies":
			if d.Next() == jx.Array {
				s.PolicyItems = []PolicyItem{}
			}
			return each(d, func() error { return s.decodePolicy(d) })
		case "nextSnapshot":
			return date(d, &s.NextSnapshot)
		case "restoreWindowDays":
			return optional(d, &s.RestoreWindowDays, integer)
		}
		return d.Skip()
	})
	if err == nil && !s.AutoExportEnabled.Set {
		return errNoAutoExport
	}
	return err
}

func (s *Schedule) decodePolicy(d *jx.Decoder) error {
	return only(d, "policyItems", func() error {
		return each(d, func() error {
			var item PolicyItem
			if err := decodePolicyItem(d, &item); err != nil {
				return err
			}
			s.PolicyItems = append(s.PolicyItems, item)
			return nil
		})
	})
}

func decodePolicyItem(d *jx.Decoder, item *PolicyItem) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return str(d, &item.ID)
		case "frequencyType":
			return str(d, &item.FrequencyType)
		case "frequencyInterval":
			return integer(d, &item.FrequencyInterval)
		}
		return d.Skip()
	})
}
