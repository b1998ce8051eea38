package atlassim

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The statuses of Flex snapshots and Flex restore jobs, and the delivery types of the latter.
const (
	FlexPending   = "PENDING"
	FlexQueued    = "QUEUED"
	FlexRunning   = "RUNNING"
	FlexFailed    = "FAILED"
	FlexCompleted = "COMPLETED"

	FlexRestoreToCluster = "RESTORE"
	FlexRestoreDownload  = "DOWNLOAD"
)

// FlexCluster is a Flex cluster. Atlas lists and backs up Flex clusters separately from other clusters: it takes one
// snapshot a day, keeps eight, and has no schedule.
type FlexCluster struct {
	// ID, Name and Created identify the cluster.
	ID, Name string
	Created  time.Time
	// State is the cluster's stateName, IDLE at first.
	State string
	// BackupEnabled may change later.
	BackupEnabled bool

	project   *Project
	seed      uint64
	snapshots list[*FlexSnapshot]
	restores  list[*FlexRestore]
}

// AddFlexCluster adds a Flex cluster without snapshots. If created is zero, it was created half a year ago.
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

// RemoveFlexCluster deletes a Flex cluster with its snapshots.
func (p *Project) RemoveFlexCluster(f *FlexCluster) { p.flexClusters.remove(f.ID) }

// FlexClusters returns the project's Flex clusters in the order in which they were added.
func (p *Project) FlexClusters() []*FlexCluster { return slices.Clone(p.flexClusters.stored) }

// flexCluster returns the Flex cluster with a name, or nil.
func (p *Project) flexCluster(name string) *FlexCluster {
	for _, f := range p.flexClusters.stored {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Project returns the Flex cluster's project.
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

// FlexSnapshot is a snapshot of a Flex cluster. AddSnapshot fills in empty fields.
type FlexSnapshot struct {
	// ID starts with the seconds of ScheduledTime.
	ID string
	// Status is COMPLETED by default when FinishTime is set, else PENDING.
	Status string
	// ScheduledTime is now by default.
	ScheduledTime time.Time
	// Atlas leaves StartTime and FinishTime out while they are zero. A failed snapshot has both.
	StartTime, FinishTime time.Time
	// Expiration is eight days after ScheduledTime by default.
	Expiration time.Time
}

const flexKept = 8

// AddSnapshot adds a snapshot. It stays until RemoveSnapshot.
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

// Snapshots returns the Flex cluster's snapshots in the order in which they were added.
func (f *FlexCluster) Snapshots() []*FlexSnapshot { return slices.Clone(f.snapshots.stored) }

// OrderSnapshots sets the order of the list of snapshots. At first it is OldestFirst, as at Atlas.
func (f *FlexCluster) OrderSnapshots(order Order) { f.snapshots.setOrder(order) }

// OrderRestores sets the order of the list of restore jobs. At first it is NewestFirst, as at Atlas.
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

// FlexRoutine makes the snapshots of a Flex cluster while its backup is on: one each day, the first a day after the
// cluster's creation. Each expires after eight days.
type FlexRoutine struct {
	// From leaves out the snapshots before a moment.
	From time.Time
	// Until is when the routine ends; zero: never.
	Until time.Time
	// Shortest and Longest bound the time from a snapshot's turn to its end: one and three minutes by default.
	Shortest, Longest time.Duration
	// Outcome returns the final status of the snapshot of a turn; nil lets all complete. A snapshot with the final
	// status PENDING, QUEUED or RUNNING hangs.
	Outcome func(scheduled time.Time) string
}

// TakeSnapshots makes the Flex cluster's snapshots by a routine.
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

// flexSteps plans the statuses of a snapshot or job from PENDING to the final one.
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

// FlexRestore is a restore job of a Flex cluster. AddRestore fills in empty fields.
type FlexRestore struct {
	// ID starts with the seconds of ScheduledDate.
	ID string
	// DeliveryType is RESTORE by default.
	DeliveryType string
	// Status is COMPLETED by default when FinishedDate is set, else PENDING.
	Status string
	// ScheduledDate is now by default.
	ScheduledDate time.Time
	// OmitScheduledDate leaves restoreScheduledDate out, so that only the id shows when the job was created.
	OmitScheduledDate bool
	// Atlas leaves FinishedDate out while it is zero. A failed job has one, too.
	FinishedDate time.Time
	// SnapshotID is the id of the snapshot, SnapshotFinished its end.
	SnapshotID       string
	SnapshotFinished time.Time
	// TargetName and TargetProjectID are the target of the data; the Flex cluster itself by default.
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

// RemoveRestore removes an added job from the list.
func (f *FlexCluster) RemoveRestore(r *FlexRestore) { f.restores.remove(r.ID) }

// Restores returns the Flex cluster's restore jobs in the order in which they were added.
func (f *FlexCluster) Restores() []*FlexRestore { return slices.Clone(f.restores.stored) }

// Restore starts a restore job of the newest completed snapshot, and plans its statuses up to the final one.
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

// snapshotURL returns the URL of a finished download. Whoever has it can read the data.
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

// locateFlex finds the Flex cluster of the path.
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
