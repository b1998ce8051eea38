package atlassim

import (
	"strconv"
	"time"
)

// The delivery types of a restore job that the API documents.
const (
	RestoreAutomated   = "automated"
	RestoreDownload    = "download"
	RestorePointInTime = "pointInTime"
)

// Restore is a restore job. The API gives it neither a state nor a time of creation, which is in its id.
type Restore struct {
	// ID begins with the seconds of CreatedAt.
	ID string
	// CreatedAt is now by default; it is not answered.
	CreatedAt time.Time
	// DeliveryType is automated by default.
	DeliveryType string
	// Cancelled, Failed and Expired are the job's flags; the one recorded cancelled job had failed too.
	Cancelled, Failed, Expired bool
	// FinishedAt is left out while it is zero; a download never has it unless it was cancelled.
	FinishedAt time.Time
	// ExpiresAt is when a ready download goes: an hour after it became ready.
	ExpiresAt time.Time
	// DeliveryURLs are where a ready download is fetched, with a secret in each.
	DeliveryURLs []string
	// Components are the parts of a sharded cluster's download.
	Components []RestoreComponent
	// SnapshotID and SnapshotTakenAt are the snapshot's; the latter is the answer's misleading "timestamp".
	SnapshotID      string
	SnapshotTakenAt time.Time
	// TargetClusterName and TargetProjectID are where an automated or point in time restore goes; the cluster itself by
	// default.
	TargetClusterName, TargetProjectID string
	// PointInTime is the moment that a pointInTime restore goes back to.
	PointInTime time.Time

	cluster *Cluster
}

// RestoreComponent is one shard's part of a download; its URL is null until the download is ready.
type RestoreComponent struct {
	DownloadURL    *string `json:"downloadUrl"`
	ReplicaSetName string  `json:"replicaSetName"`
}

// AddRestore adds a restore job of one of the cluster's snapshots. The returned job is the one that is served:
// change it within Organization.Do.
func (c *Cluster) AddRestore(r Restore) *Restore {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = c.project.org.current()
	}
	c.completeRestore(&r, c.restores.nextNumber())
	c.restores.add(&r)
	return &r
}

// RemoveRestore takes an added job out of the list.
func (c *Cluster) RemoveRestore(r *Restore) { c.restores.remove(r.ID) }

// Restores are the jobs that were added (or made by a routine), in the order in which that happened.
func (c *Cluster) Restores() []*Restore { return append([]*Restore(nil), c.restores.stored...) }

// GenerateRestores is GenerateExports for restore jobs.
func (c *Cluster) GenerateRestores(n int, job func(n int) Restore) {
	c.restores.setGenerated(n, func(n int) *Restore {
		r := job(n)
		c.completeRestore(&r, uint64(n))
		return &r
	})
}

// completeRestore fills in what is empty in the restore job of number n.
func (c *Cluster) completeRestore(r *Restore, n uint64) {
	number := mix(c.seed ^ n<<2 ^ 1)
	r.cluster = c
	if r.ID == "" {
		r.ID = objectID(r.CreatedAt, number)
	}
	if r.DeliveryType == "" {
		r.DeliveryType = RestoreAutomated
	}
	if r.SnapshotTakenAt.IsZero() {
		r.SnapshotTakenAt = r.CreatedAt.Add(-80 * time.Minute)
	}
	if r.SnapshotID == "" {
		r.SnapshotID = objectID(r.SnapshotTakenAt, number+1)
	}
	if r.DeliveryType == RestoreDownload {
		return
	}
	if r.TargetClusterName == "" {
		r.TargetClusterName = c.Name
	}
	if r.TargetProjectID == "" {
		r.TargetProjectID = c.project.ID
	}
	if r.DeliveryType == RestorePointInTime && r.PointInTime.IsZero() {
		r.PointInTime = r.CreatedAt.Add(-30 * time.Minute)
	}
}

// makeReady gives a download its URLs, which are good for a while: an hour at Atlas.
func (r *Restore) makeReady(at time.Time, lasts time.Duration) {
	r.ExpiresAt = at.Add(lasts)
	if r.cluster.Shards == 0 {
		r.DeliveryURLs = []string{r.downloadURL(r.cluster.deployment())}
		return
	}
	r.Components = nil
	for _, name := range r.cluster.replicaSets() {
		url := r.downloadURL(name)
		r.Components = append(r.Components, RestoreComponent{DownloadURL: &url, ReplicaSetName: name})
	}
}

// expire takes a download's URLs back.
func (r *Restore) expire() {
	r.Expired = true
	r.DeliveryURLs = nil
	for i := range r.Components {
		r.Components[i].DownloadURL = nil
	}
}

// downloadURL looks like the real ones: whoever has it can fetch the data.
func (r *Restore) downloadURL(name string) string {
	secret := mix(seedOf(r.ID, name))
	return "https://" + name + ".mongodb.invalid:27017/restore-" + r.ID + "/" +
		strconv.FormatUint(secret, 36) + strconv.FormatUint(mix(secret), 36) + "/" + name + "-" +
		strconv.FormatInt(r.SnapshotTakenAt.Unix(), 10) + ".tar.gz"
}

func (r *Restore) identity() string   { return r.ID }
func (r *Restore) created() time.Time { return r.CreatedAt }

func (r *Restore) appendJSON(b []byte, base string) []byte {
	project := base + "/groups/" + r.cluster.project.ID
	cluster := project + "/clusters/" + r.cluster.Name
	b = append(b, '{')
	b = boolMember(b, "cancelled", r.Cancelled)
	if len(r.Components) > 0 {
		b = valueMember(b, "components", r.Components)
	}
	b = textMember(b, "deliveryType", r.DeliveryType)
	b = append(member(b, "deliveryUrl"), '[')
	for i, url := range r.DeliveryURLs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, url)
	}
	b = append(b, ']')
	// Recorded with all three keys null, "time" being in no document.
	b = append(member(b, "desiredTimestamp"), `{"increment":null,"time":null,"date":null}`...)
	b = boolMember(b, "expired", r.Expired)
	b = timeMember(b, "expiresAt", r.ExpiresAt)
	b = boolMember(b, "failed", r.Failed)
	b = timeMember(b, "finishedAt", r.FinishedAt)
	b = textMember(b, "id", r.ID)
	b = append(member(b, "links"), '[')
	for i, link := range [...][2]string{
		{"self", cluster + "/backup/restoreJobs/" + r.ID},
		{"https://cloud.mongodb.com/snapshot", cluster + "/backup/snapshots/" + r.SnapshotID},
		{"https://cloud.mongodb.com/cluster", cluster},
		{"https://cloud.mongodb.com/group", project},
	} {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = textMember(b, "href", link[1])
		b = textMember(b, "rel", link[0])
		b = append(b, '}')
	}
	b = append(b, ']')
	if !r.PointInTime.IsZero() {
		b = intMember(b, "pointInTimeUTCSeconds", r.PointInTime.Unix())
	}
	b = textMember(b, "snapshotId", r.SnapshotID)
	if r.TargetClusterName != "" {
		b = textMember(b, "targetClusterName", r.TargetClusterName)
		b = textMember(b, "targetDeploymentItemName", r.cluster.deployment())
		b = textMember(b, "targetGroupId", r.TargetProjectID)
	}
	b = timeMember(b, "timestamp", r.SnapshotTakenAt)
	return append(b, '}')
}
