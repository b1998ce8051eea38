package atlasapi

import (
	"slices"
	"time"

	"github.com/go-faster/jx"
)

var opListRestores = &operation{name: "list_backup_restores", accept: version("2023-01-01"), limit: setBackups}

// RestoreJob is a job that restores a snapshot or a point in time. Atlas gives it neither a state nor a creation time.
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
	SnapshotID ObjectID
	// TargetGroupID and TargetClusterName are where the data goes, which may be another project.
	TargetGroupID     ObjectID
	TargetClusterName string
	// SnapshotTime is when the snapshot was taken ("timestamp"), not when the job was made.
	SnapshotTime          time.Time
	DesiredDate           time.Time
	DesiredIncrement      Optional[int64]
	OplogTs               Optional[int64]
	OplogInc              Optional[int64]
	PointInTimeUTCSeconds Optional[int64]
	// DeliveryURLs open the data to whoever has them: never to be logged or shown.
	DeliveryURLs        []Secret
	PrivateDeliveryURLs []PrivateDeliveryURL
	Components          []RestoreComponent
}

// PrivateDeliveryURL is a download address within a private endpoint.
type PrivateDeliveryURL struct {
	DeliveryURL Secret
	EndpointID  string
}

// RestoreComponent is the restore of one replica set of a sharded cluster.
type RestoreComponent struct {
	ReplicaSetName      string
	DownloadURL         Secret
	PrivateDeliveryURLs []PrivateDeliveryURL
}

// HasURL reports whether the data of a download can be fetched: it has an address, of its own or of a component.
func (j *RestoreJob) HasURL() bool {
	return slices.ContainsFunc(j.DeliveryURLs, func(url Secret) bool { return url != "" }) ||
		slices.ContainsFunc(j.PrivateDeliveryURLs, PrivateDeliveryURL.hasURL) ||
		slices.ContainsFunc(j.Components, func(c RestoreComponent) bool {
			return c.DownloadURL != "" || slices.ContainsFunc(c.PrivateDeliveryURLs, PrivateDeliveryURL.hasURL)
		})
}

func (p PrivateDeliveryURL) hasURL() bool { return p.DeliveryURL != "" }

// RestoreJobs lists the restore jobs of the snapshots of a cluster. Its order is not known.
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
			return text(d, &j.DeliveryType)
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
		case "snapshotId":
			return reference(d, &j.SnapshotID)
		case "targetGroupId":
			return reference(d, &j.TargetGroupID)
		case "targetClusterName":
			return text(d, &j.TargetClusterName)
		case "timestamp":
			return date(d, &j.SnapshotTime)
		case "desiredTimestamp":
			return nullable(d, func() error { return j.decodeDesired(d) })
		case "oplogTs":
			return optional(d, &j.OplogTs, integer)
		case "oplogInc":
			return optional(d, &j.OplogInc, integer)
		case "pointInTimeUTCSeconds":
			return optional(d, &j.PointInTimeUTCSeconds, integer)
		case "deliveryUrl":
			return array(d, &j.DeliveryURLs, secret)
		case "privateDownloadDeliveryUrls":
			return array(d, &j.PrivateDeliveryURLs, decodePrivateURL)
		case "components":
			return array(d, &j.Components, decodeRestoreComponent)
		}
		return d.Skip()
	})
}

func (j *RestoreJob) decodeDesired(d *jx.Decoder) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "date":
			return date(d, &j.DesiredDate)
		case "increment":
			return optional(d, &j.DesiredIncrement, integer)
		}
		return d.Skip()
	})
}

func decodeRestoreComponent(d *jx.Decoder, c *RestoreComponent) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "replicaSetName":
			return text(d, &c.ReplicaSetName)
		case "downloadUrl":
			return secret(d, &c.DownloadURL)
		case "privateDownloadDeliveryUrls":
			return array(d, &c.PrivateDeliveryURLs, decodePrivateURL)
		}
		return d.Skip()
	})
}

func decodePrivateURL(d *jx.Decoder, p *PrivateDeliveryURL) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "deliveryUrl":
			return secret(d, &p.DeliveryURL)
		case "endpointId":
			return text(d, &p.EndpointID)
		}
		return d.Skip()
	})
}

func secret(d *jx.Decoder, into *Secret) error { return text(d, (*string)(into)) }
