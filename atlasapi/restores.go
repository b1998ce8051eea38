package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListRestores = &operation{name: "list_backup_restores", accept: version("2023-01-01"), limit: setBackups}

// RestoreJob is a job that restores a snapshot or a point in time. Atlas sends neither a state nor a creation time: the
// state follows from the other fields, and the creation time from the id.
type RestoreJob struct {
	ID           ObjectID
	DeliveryType string // automated, download or pointInTime
	// Cancelled and Failed were both true of one recorded job.
	Cancelled bool
	Failed    bool
	Expired   bool
	// FinishedAt is zero while the job runs, and for ever on a download.
	FinishedAt time.Time
	ExpiresAt  time.Time
	// HasURL reports whether a download is ready: the job or one of its components has a URL. The URLs themselves are
	// not decoded, because whoever has them can read the data.
	HasURL bool
}

// RestoreJobs lists the restore jobs of the snapshots of a cluster. The order is unknown.
//
// GET /groups/{groupId}/clusters/{clusterName}/backup/restoreJobs, for Project Backup Manager.
func (c *Client) RestoreJobs(groupID, cluster string) List[RestoreJob] {
	return List[RestoreJob]{
		client: c, op: opListRestores, group: groupID,
		path:   []string{"groups", groupID, "clusters", cluster, "backup", "restoreJobs"},
		decode: decodeRestoreJob, id: func(j *RestoreJob) ObjectID { return j.ID },
	}
}

func decodeRestoreJob(d *jx.Decoder, j *RestoreJob) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &j.ID)
		case "deliveryType":
			return str(d, &j.DeliveryType)
		case "cancelled":
			return boolean(d, &j.Cancelled)
		case "failed":
			return boolean(d, &j.Failed)
		case "expired":
			return boolean(d, &j.Expired)
		case "finishedAt":
			return date(d, &j.FinishedAt)
		case "expiresAt":
			return date(d, &j.ExpiresAt)
		case "deliveryUrl":
			return each(d, func() error { return j.noteURL(d) })
		case "privateDownloadDeliveryUrls":
			return each(d, func() error { return j.decodePrivateURL(d) })
		case "components":
			return each(d, func() error { return j.decodeComponent(d) })
		}
		return d.Skip()
	})
}

// decodeComponent reads the restore of one replica set of a sharded cluster.
func (j *RestoreJob) decodeComponent(d *jx.Decoder) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "downloadUrl":
			return j.noteURL(d)
		case "privateDownloadDeliveryUrls":
			return each(d, func() error { return j.decodePrivateURL(d) })
		}
		return d.Skip()
	})
}

func (j *RestoreJob) decodePrivateURL(d *jx.Decoder) error {
	return only(d, "deliveryUrl", func() error { return j.noteURL(d) })
}

// noteURL records whether there is a URL.
func (j *RestoreJob) noteURL(d *jx.Decoder) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.String {
			return mismatch("an address", got)
		}
		address, err := d.StrBytes()
		j.HasURL = j.HasURL || len(address) > 0
		return err
	})
}
