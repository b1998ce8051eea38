package atlassim

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The statuses of flex snapshots and flex restore jobs, and the delivery types of the latter.
const (
	FlexPending   = "PENDING"
	FlexQueued    = "QUEUED"
	FlexRunning   = "RUNNING"
	FlexFailed    = "FAILED"
	FlexCompleted = "COMPLETED"

	FlexRestoreToCluster = "RESTORE"
	FlexRestoreDownload  = "DOWNLOAD"
)

// FlexCluster is a cluster of the flex tier, which Atlas lists and backs up apart from others: once a day, eight
// snapshots being kept, without a schedule.
type FlexCluster struct {
	// ID, Name and Created are the cluster's own.
	ID, Name string
	Created  time.Time
	// State is the cluster's stateName, IDLE at first.
	State string
	// BackupEnabled can change while the cluster lives.
	BackupEnabled bool

	project   *Project
	seed      uint64
	snapshots list[*FlexSnapshot]
	restores  list[*FlexRestore]
}

// AddFlexCluster adds a flex cluster without snapshots, which was made half a year ago unless created says otherwise.
func (p *Project) AddFlexCluster(name string, created time.Time) *FlexCluster {
	if created.IsZero() {
		created = p.org.current().AddDate(0, -6, 0)
	}
	f := &FlexCluster{
		Name: name, Created: created.Truncate(time.Second), State: "IDLE", BackupEnabled: true,
		project: p, seed: mix(p.seed ^ seedOf("flex", name)), snapshots: list[*FlexSnapshot]{order: OldestFirst},
	}
	f.ID = objectID(f.Created, f.seed)
	p.flexClusters.add(f)
	return f
}

// RemoveFlexCluster deletes a flex cluster with its snapshots.
func (p *Project) RemoveFlexCluster(f *FlexCluster) { p.flexClusters.remove(f.ID) }

// FlexClusters are the project's flex clusters, in the order in which they were added.
func (p *Project) FlexClusters() []*FlexCluster { return slices.Clone(p.flexClusters.stored) }

// flexCluster is the flex cluster with a name, or nil.
func (p *Project) flexCluster(name string) *FlexCluster {
	for _, f := range p.flexClusters.stored {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Project is the project that the flex cluster belongs to.
func (f *FlexCluster) Project() *Project { return f.project }

func (f *FlexCluster) identity() string   { return f.ID }
func (f *FlexCluster) created() time.Time { return f.Created }

type wireFlexCluster struct {
	BackupSettings               wireFlexBackup    `json:"backupSettings"`
	ClusterType                  string            `json:"clusterType"`
	ConnectionStrings            map[string]string `json:"connectionStrings"`
	CreateDate                   string            `json:"createDate"`
	GroupID                      string            `json:"groupId"`
	ID                           string            `json:"id"`
	Links                        []wireLink        `json:"links"`
	MongoDBVersion               string            `json:"mongoDBVersion"`
	Name                         string            `json:"name"`
	ProviderSettings             wireFlexProvider  `json:"providerSettings"`
	StateName                    string            `json:"stateName"`
	Tags                         []struct{}        `json:"tags"`
	TerminationProtectionEnabled bool              `json:"terminationProtectionEnabled"`
	VersionReleaseSystem         string            `json:"versionReleaseSystem"`
}

type wireFlexBackup struct {
	Enabled bool `json:"enabled"`
}

type wireFlexProvider struct {
	BackingProviderName string  `json:"backingProviderName"`
	DiskSizeGB          float64 `json:"diskSizeGB"`
	ProviderName        string  `json:"providerName"`
	RegionName          string  `json:"regionName"`
}

func (f *FlexCluster) appendJSON(b []byte, base string) []byte {
	return append(b, encode(wireFlexCluster{
		BackupSettings: wireFlexBackup{Enabled: f.BackupEnabled}, ClusterType: "REPLICASET",
		ConnectionStrings: map[string]string{"standardSrv": "mongodb+srv://" + f.Name + ".simulated.mongodb.invalid"},
		CreateDate:        timestamp(f.Created), GroupID: f.project.ID, ID: f.ID,
		Links:          []wireLink{{Href: base + "/groups/" + f.project.ID + "/flexClusters/" + f.Name, Rel: "self"}},
		MongoDBVersion: mongoDBVersion, Name: f.Name,
		ProviderSettings: wireFlexProvider{
			BackingProviderName: "AWS", DiskSizeGB: 5, ProviderName: "FLEX", RegionName: "EU_WEST_1",
		},
		StateName: f.State, Tags: []struct{}{}, VersionReleaseSystem: "LTS",
	})...)
}

// FlexSnapshot is a snapshot of a flex cluster. What is left empty is filled in when it is added.
type FlexSnapshot struct {
	// ID begins with the seconds of ScheduledTime.
	ID string
	// Status is COMPLETED by default when FinishTime is set, else PENDING.
	Status string
	// ScheduledTime is now by default.
	ScheduledTime time.Time
	// StartTime and FinishTime are left out while they are zero; a failed snapshot has both.
	StartTime, FinishTime time.Time
	// Expiration is eight days after ScheduledTime by default.
	Expiration time.Time
}

const flexKept = 8

// AddSnapshot adds a snapshot. It goes only by RemoveSnapshot.
func (f *FlexCluster) AddSnapshot(s FlexSnapshot) *FlexSnapshot {
	if s.ScheduledTime.IsZero() {
		s.ScheduledTime = f.project.org.current()
	}
	if s.ID == "" {
		s.ID = objectID(s.ScheduledTime, mix(f.seed^f.snapshots.nextNumber()<<2))
	}
	if s.Status == "" {
		s.Status = FlexPending
		if !s.FinishTime.IsZero() {
			s.Status = FlexCompleted
		}
	}
	if s.Expiration.IsZero() {
		s.Expiration = s.ScheduledTime.Add(flexKept * day)
	}
	f.snapshots.add(&s)
	return &s
}

// RemoveSnapshot deletes an added snapshot.
func (f *FlexCluster) RemoveSnapshot(s *FlexSnapshot) { f.snapshots.remove(s.ID) }

// Snapshots are the flex cluster's, in the order in which they were added.
func (f *FlexCluster) Snapshots() []*FlexSnapshot { return slices.Clone(f.snapshots.stored) }

// OrderSnapshots sets the order of the list of snapshots, which is OldestFirst at first, as at Atlas.
func (f *FlexCluster) OrderSnapshots(order Order) { f.snapshots.setOrder(order) }

// OrderRestores sets the order of the list of restore jobs, which is NewestFirst at first, as at Atlas.
func (f *FlexCluster) OrderRestores(order Order) { f.restores.setOrder(order) }

func (s *FlexSnapshot) identity() string   { return s.ID }
func (s *FlexSnapshot) created() time.Time { return s.ScheduledTime }

func (s *FlexSnapshot) appendJSON(b []byte, _ string) []byte {
	b = append(b, '{')
	b = timeMember(b, "expiration", s.Expiration)
	b = timeMember(b, "finishTime", s.FinishTime)
	b = textMember(b, "id", s.ID)
	b = append(member(b, "links"), "[]"...)
	b = textMember(b, "mongoDBVersion", mongoDBVersion)
	b = timeMember(b, "scheduledTime", s.ScheduledTime)
	b = timeMember(b, "startTime", s.StartTime)
	b = textMember(b, "status", s.Status)
	return append(b, '}')
}

// FlexRoutine makes the snapshots of a flex cluster while its backup is on: one each day, the first a day after the
// cluster's creation. Each goes after eight days.
type FlexRoutine struct {
	// From leaves out the snapshots before a moment.
	From time.Time
	// Until, unless it is zero, is when the routine falls silent.
	Until time.Time
	// Shortest and Longest bound the time from a snapshot's turn to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Outcome is the status in which the snapshot of a turn ends; nil lets all complete. A snapshot that ends PENDING,
	// QUEUED or RUNNING hangs.
	Outcome func(scheduled time.Time) string
}

// TakeSnapshots makes the flex cluster's snapshots by a routine.
func (f *FlexCluster) TakeSnapshots(routine FlexRoutine) {
	org := f.project.org
	first := f.Created.Add(org.scaled(day))
	if late := routine.From.Sub(first); late > 0 {
		turns := math.Ceil(late.Seconds() / org.scaled(day).Seconds())
		first = first.Add(time.Duration(turns * float64(org.scaled(day))))
	}
	org.every(first, day, func(n int, at time.Time) {
		if !f.BackupEnabled || !routine.Until.IsZero() && !at.Before(routine.Until) {
			return
		}
		outcome := FlexCompleted
		if routine.Outcome != nil {
			outcome = routine.Outcome(at)
		}
		s := f.AddSnapshot(FlexSnapshot{ScheduledTime: at, Expiration: at.Add(org.scaled(flexKept * day))})
		takes := length(routine.Shortest, routine.Longest, f.seed+uint64(n))
		f.project.org.flexSteps(outcome, takes, func(at time.Time, status string) {
			s.Status = status
			switch status {
			case FlexRunning:
				s.StartTime = at
			case FlexCompleted, FlexFailed:
				s.FinishTime = at
			}
		})
		org.At(s.Expiration, func(time.Time) { f.RemoveSnapshot(s) })
	})
}

// flexSteps plans how something pending gets to its last status.
func (o *Organization) flexSteps(last string, takes time.Duration, step func(at time.Time, status string)) {
	if last == FlexPending {
		return
	}
	o.After(takes/12, func(at time.Time) { step(at, FlexQueued) })
	if last == FlexQueued {
		return
	}
	o.After(takes/4, func(at time.Time) { step(at, FlexRunning) })
	if last == FlexRunning {
		return
	}
	o.After(takes, func(at time.Time) { step(at, last) })
}

// FlexRestore is a restore job of a flex cluster. What is left empty is filled in when it is added.
type FlexRestore struct {
	// ID begins with the seconds of ScheduledDate.
	ID string
	// DeliveryType is RESTORE by default.
	DeliveryType string
	// Status is COMPLETED by default when FinishedDate is set, else PENDING.
	Status string
	// ScheduledDate is now by default.
	ScheduledDate time.Time
	// OmitScheduledDate leaves restoreScheduledDate out, so that only the id tells when the job was made.
	OmitScheduledDate bool
	// FinishedDate is left out while it is zero; a failed job has it too.
	FinishedDate time.Time
	// SnapshotID and SnapshotFinished are the snapshot's.
	SnapshotID       string
	SnapshotFinished time.Time
	// TargetName and TargetProjectID are where the data goes; the flex cluster itself by default.
	TargetName, TargetProjectID string

	cluster *FlexCluster
}

// AddRestore adds a restore job.
func (f *FlexCluster) AddRestore(r FlexRestore) *FlexRestore {
	if r.ScheduledDate.IsZero() {
		r.ScheduledDate = f.project.org.current()
	}
	number := mix(f.seed ^ f.restores.nextNumber()<<2 ^ 1)
	r.cluster = f
	if r.ID == "" {
		r.ID = objectID(r.ScheduledDate, number)
	}
	if r.Status == "" {
		r.Status = FlexPending
		if !r.FinishedDate.IsZero() {
			r.Status = FlexCompleted
		}
	}
	if r.SnapshotFinished.IsZero() {
		r.SnapshotFinished = r.ScheduledDate.Add(-80 * time.Minute)
	}
	if r.SnapshotID == "" {
		r.SnapshotID = objectID(r.SnapshotFinished, number+1)
	}
	defaultText(&r.DeliveryType, FlexRestoreToCluster)
	defaultText(&r.TargetName, f.Name)
	defaultText(&r.TargetProjectID, f.project.ID)
	f.restores.add(&r)
	return &r
}

// RemoveRestore takes an added job out of the list.
func (f *FlexCluster) RemoveRestore(r *FlexRestore) { f.restores.remove(r.ID) }

// Restores are the flex cluster's restore jobs, in the order in which they were added.
func (f *FlexCluster) Restores() []*FlexRestore { return slices.Clone(f.restores.stored) }

// Restore begins a restore job of the newest completed snapshot, and sees it through to its last status.
func (f *FlexCluster) Restore(deliveryType, last string) *FlexRestore {
	job := FlexRestore{DeliveryType: deliveryType}
	for _, s := range f.snapshots.stored {
		if s.Status == FlexCompleted {
			job.SnapshotID, job.SnapshotFinished = s.ID, s.FinishTime
		}
	}
	added := f.AddRestore(job)
	f.project.org.flexSteps(last, length(0, 0, mix(seedOf(added.ID))), func(at time.Time, status string) {
		added.Status = status
		if status == FlexCompleted || status == FlexFailed {
			added.FinishedDate = at
		}
	})
	return added
}

func (r *FlexRestore) identity() string   { return r.ID }
func (r *FlexRestore) created() time.Time { return r.ScheduledDate }

// snapshotURL is where a finished download is fetched: whoever has it can fetch the data.
func (r *FlexRestore) snapshotURL() string {
	secret := mix(seedOf(r.ID))
	return "https://flex-snapshots.mongodb.invalid/" + r.SnapshotID + ".tgz?Signature=" +
		strconv.FormatUint(secret, 36) + strconv.FormatUint(mix(secret), 36)
}

func (r *FlexRestore) appendJSON(b []byte, _ string) []byte {
	b = append(b, '{')
	b = textMember(b, "deliveryType", r.DeliveryType)
	b = timeMember(b, "expirationDate", r.ScheduledDate.Add(6*time.Hour))
	b = textMember(b, "id", r.ID)
	b = textMember(b, "instanceName", r.cluster.Name)
	b = append(member(b, "links"), "[]"...)
	b = textMember(b, "projectId", r.cluster.project.ID)
	b = timeMember(b, "restoreFinishedDate", r.FinishedDate)
	if !r.OmitScheduledDate {
		b = timeMember(b, "restoreScheduledDate", r.ScheduledDate)
	}
	b = timeMember(b, "snapshotFinishedDate", r.SnapshotFinished)
	b = textMember(b, "snapshotId", r.SnapshotID)
	if r.DeliveryType == FlexRestoreDownload && r.Status == FlexCompleted {
		b = textMember(b, "snapshotUrl", r.snapshotURL())
	}
	b = textMember(b, "status", r.Status)
	b = textMember(b, "targetDeploymentItemName", r.TargetName)
	b = textMember(b, "targetProjectId", r.TargetProjectID)
	return append(b, '}')
}

// locateFlex finds the flex cluster that the path names.
func (s *Server) locateFlex(c *call) *reply {
	if gone := s.org.FlexGone; gone != 0 {
		return refuse(goneFailure(gone, c))
	}
	if c.flexName == "" {
		return nil
	}
	if c.flexCluster = c.project.flexCluster(c.flexName); c.flexCluster != nil {
		return nil
	}
	if other := c.project.cluster(c.flexName); other != nil && other.Provider != "FLEX" {
		return refuse(failure(http.StatusBadRequest, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", c.flexName))
	}
	return refuse(failure(http.StatusNotFound, "CLUSTER_NOT_FOUND", c.flexName, c.groupID))
}

func (s *Server) listFlexClusters(c *call) reply  { return listOf(s, c, &c.project.flexClusters) }
func (s *Server) listFlexSnapshots(c *call) reply { return listOf(s, c, &c.flexCluster.snapshots) }
func (s *Server) listFlexRestores(c *call) reply  { return listOf(s, c, &c.flexCluster.restores) }
