package atlasapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-faster/jx"
)

var (
	opGetSchedule   = &operation{name: "get_backup_schedule", accept: version("2024-08-05"), limit: setBackups}
	errNoAutoExport = errors.New("no autoExportEnabled")
)

// Schedule is what a cluster's backup schedule says of automatic exports.
type Schedule struct {
	AutoExportEnabled Optional[bool]
	// ExportFrequency is daily, weekly, monthly or yearly; "" where no export policy is set.
	ExportFrequency string
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
					if string(name) == "frequencyType" {
						return text(d, &s.ExportFrequency)
					}
					return d.Skip()
				})
			})
		}
		return d.Skip()
	})
	if err == nil && !s.AutoExportEnabled.Set {
		return errNoAutoExport
	}
	return err
}
