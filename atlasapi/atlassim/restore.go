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

// Restore is a restore job. The API sends neither its state nor its creation time, which is in its id.
type Restore struct {
	// ID starts with the seconds of CreatedAt.
	ID string
	// CreatedAt is now by default. Atlas does not send it.
	CreatedAt time.Time
	// DeliveryType is automated by default.
	DeliveryType string
	// Cancelled, Failed and Expired are the job's flags. The only recorded cancelled job had Failed set, too.
	Cancelled, Failed, Expired bool
	// Atlas leaves FinishedAt out while it is zero. A download never has it, unless it was cancelled.
	FinishedAt time.Time
	// ExpiresAt is when a ready download expires: an hour after it became ready.
	ExpiresAt time.Time
	// DeliveryURLs are the URLs of a ready download. Each contains a secret.
	DeliveryURLs []string
	// Components are the parts of a sharded cluster's download.
	Components []RestoreComponent
	// SnapshotID and SnapshotTakenAt describe the snapshot. Atlas calls the latter "timestamp", which is misleading.
	SnapshotID      string
	SnapshotTakenAt time.Time
	// TargetClusterName and TargetProjectID are the target of an automated or point in time restore; the cluster itself
	// by default.
	TargetClusterName, TargetProjectID string
	// PointInTime is the moment to which a pointInTime restore restores the data.
	PointInTime time.Time

	cluster *Cluster
}

// RestoreComponent is one shard's part of a download. Its URL is null until the download is ready.
type RestoreComponent struct {
	DownloadURL    *string `json:"downloadUrl"`
	ReplicaSetName string  `json:"replicaSetName"`
}

// AddRestore adds a restore job of one of the cluster's snapshots. The server uses the returned job: change it within
// Organization.Do.
func (c *Cluster) AddRestore(r Restore) *Restore {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = c.project.org.current()
	}
	c.completeRestore(&r, c.restores.nextNumber())
	c.restores.add(&r)
	return &r
}

// RemoveRestore removes an added job from the list.
func (c *Cluster) RemoveRestore(r *Restore) { c.restores.remove(r.ID) }

// Restores returns the jobs that were added by hand or by a routine, in that order.
func (c *Cluster) Restores() []*Restore { return append([]*Restore(nil), c.restores.stored...) }

// GenerateRestores is GenerateExports for restore jobs.
func (c *Cluster) GenerateRestores(n int, job func(n int) Restore) {
	c.restores.setGenerated(n, func(n int) *Restore {
		r := job(n)
		c.completeRestore(&r, uint64(n))
		return &r
	})
}

// completeRestore fills in the empty fields of restore job number n.
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

// makeReady sets the URLs of a download, which are valid for a while: an hour at Atlas.
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

// expire removes the URLs of a download.
func (r *Restore) expire() {
	r.Expired = true
	r.DeliveryURLs = nil
	for i := range r.Components {
		r.Components[i].DownloadURL = nil
	}
}

// downloadURL returns a URL in the form of the real ones. Whoever has a real one can read the data.
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
	// A recorded answer had these three keys with null. The key "time" is not documented.
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
