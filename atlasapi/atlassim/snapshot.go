package atlassim

import (
	"slices"
	"time"
)

// The statuses and types of a snapshot that the API documents. Tests may use others.
const (
	SnapshotQueued     = "queued"
	SnapshotInProgress = "inProgress"
	SnapshotCompleted  = "completed"
	SnapshotFailed     = "failed"

	SnapshotScheduled = "scheduled"
	SnapshotOnDemand  = "onDemand"
	SnapshotFallback  = "fallback"
)

// Snapshot is a snapshot of a cluster. AddSnapshot fills in empty fields.
type Snapshot struct {
	// ID starts with the seconds of RequestedAt.
	ID string
	// RequestedAt is when Atlas started the snapshot: CreatedAt by default, else now. Atlas does not send it.
	RequestedAt time.Time
	// Status is completed by default when CreatedAt is set, else queued.
	Status string
	// CreatedAt is the time of the data. Atlas leaves it out while it is zero, as for queued snapshots and most running
	// ones.
	CreatedAt time.Time
	// ExpiresAt is when the snapshot expires, a week after RequestedAt by default. A snapshot that no routine made
	// stays until RemoveSnapshot.
	ExpiresAt time.Time
	// Type is scheduled by default. Frequency is daily for scheduled snapshots and fallbacks, and ondemand for others.
	Type, Frequency string
	// SizeBytes is 0 until shortly before the snapshot completes.
	SizeBytes int64
	// PolicyItems are the ids of the policy items that the snapshot was taken for.
	PolicyItems []string
	// CopyRegions are the regions that the snapshot was copied to.
	CopyRegions []string
	// Description is the text that a user gave to an on-demand snapshot.
	Description string

	cluster *Cluster
}

// AddSnapshot adds a snapshot. The server uses the returned snapshot: change it within Organization.Do.
func (c *Cluster) AddSnapshot(s Snapshot) *Snapshot {
	if s.RequestedAt.IsZero() {
		s.RequestedAt = s.CreatedAt
	}
	if s.RequestedAt.IsZero() {
		s.RequestedAt = c.project.org.current()
	}
	c.completeSnapshot(&s, c.snapshots.nextNumber())
	c.snapshots.add(&s)
	return &s
}

// RemoveSnapshot deletes an added snapshot.
func (c *Cluster) RemoveSnapshot(s *Snapshot) { c.snapshots.remove(s.ID) }

// Snapshots returns the snapshots that were added by hand or by a routine and still exist, in the order of adding.
func (c *Cluster) Snapshots() []*Snapshot { return slices.Clone(c.snapshots.stored) }

// OrderSnapshots sets the order of the cluster's list of snapshots. At first it is NewestFirst.
func (c *Cluster) OrderSnapshots(order Order) { c.snapshots.setOrder(order) }

// GenerateSnapshots is GenerateExports for snapshots.
func (c *Cluster) GenerateSnapshots(n int, snapshot func(n int) Snapshot) {
	c.snapshots.setGenerated(n, func(n int) *Snapshot {
		s := snapshot(n)
		if s.RequestedAt.IsZero() {
			s.RequestedAt = s.CreatedAt
		}
		c.completeSnapshot(&s, uint64(n))
		return &s
	})
}

// DisableBackup switches the cluster's backup off, and deletes all its snapshots.
func (c *Cluster) DisableBackup() {
	c.BackupEnabled = false
	c.snapshots.stored = nil
	c.snapshots.setGenerated(0, nil)
}

// completeSnapshot fills in the empty fields of snapshot number n.
func (c *Cluster) completeSnapshot(s *Snapshot, n uint64) {
	s.cluster = c
	if s.ID == "" {
		s.ID = c.snapshotID(s.RequestedAt, n)
	}
	if s.Status == "" {
		s.Status = SnapshotQueued
		if !s.CreatedAt.IsZero() {
			s.Status = SnapshotCompleted
		}
	}
	defaultText(&s.Type, SnapshotScheduled)
	if s.Type == SnapshotOnDemand {
		defaultText(&s.Frequency, OnDemand)
	}
	defaultText(&s.Frequency, Daily)
	if s.ExpiresAt.IsZero() {
		s.ExpiresAt = s.RequestedAt.Add(7 * day)
	}
	if s.SizeBytes == 0 && s.Status == SnapshotCompleted {
		s.SizeBytes = around(0, 6<<30, c.seed+n)
	}
}

// snapshotID returns the id of snapshot number n.
func (c *Cluster) snapshotID(requested time.Time, n uint64) string {
	return objectID(requested, mix(c.seed^n<<2^2))
}

func (s *Snapshot) identity() string   { return s.ID }
func (s *Snapshot) created() time.Time { return s.RequestedAt }

func (s *Snapshot) appendJSON(b []byte, _ string) []byte {
	return append(s.appendMembers(b), '}')
}

// appendMembers writes the first members of the snapshot's object.
func (s *Snapshot) appendMembers(b []byte) []byte {
	c := s.cluster
	known := s.Status == SnapshotCompleted || !s.CreatedAt.IsZero() // Atlas sets cloud provider and version late
	b = append(b, '{')
	if known {
		b = textMember(b, "cloudProvider", c.Provider)
	}
	b = appendTexts(member(b, "copyRegions"), s.CopyRegions)
	b = timeMember(b, "createdAt", s.CreatedAt)
	if s.Description != "" {
		b = textMember(b, "description", s.Description)
	}
	b = timeMember(b, "expiresAt", s.ExpiresAt)
	b = textMember(b, "frequencyType", s.Frequency)
	b = textMember(b, "id", s.ID)
	if known {
		b = textMember(b, "mongodVersion", mongoDBVersion)
	}
	b = appendTexts(member(b, "policyItems"), s.PolicyItems)
	if c.Shards == 0 {
		b = textMember(b, "replicaSetName", c.deployment()+"-shard-0")
	}
	b = textMember(b, "snapshotType", s.Type)
	b = textMember(b, "status", s.Status)
	b = intMember(b, "storageSizeBytes", s.SizeBytes)
	if c.Shards > 0 {
		return textMember(b, "type", "shardedCluster")
	}
	return textMember(b, "type", "replicaSet")
}

// appendSharded writes the snapshot in the form of the list of sharded clusters.
func (s *Snapshot) appendSharded(b []byte) []byte {
	b = textMember(s.appendMembers(b), "configServerType", "EMBEDDED")
	number := mix(seedOf(s.ID))
	b = append(member(b, "members"), '[')
	ids := make([]string, 0, s.cluster.Shards)
	for i, name := range s.cluster.replicaSets() {
		if i > 0 {
			b = append(b, ',')
		}
		id := objectID(s.RequestedAt, number+uint64(i))
		ids = append(ids, id)
		b = append(b, '{')
		b = textMember(b, "cloudProvider", s.cluster.Provider)
		b = textMember(b, "id", id)
		b = append(textMember(b, "replicaSetName", name), '}')
	}
	b = appendTexts(member(append(b, ']'), "snapshotIds"), ids)
	return append(b, '}')
}

func (s *Server) listSnapshots(c *call) reply {
	if c.cluster.Shards > 0 && c.cluster.SnapshotsApart {
		return failure(400, "INCORRECT_BACKUP_API_ENDPOINT", c.clusterName)
	}
	return listOf(s, c, &c.cluster.snapshots)
}

// listShardedSnapshots answers with all snapshots of a sharded cluster. The resource has no pages.
func (s *Server) listShardedSnapshots(c *call) reply {
	if c.cluster.Shards == 0 {
		return failure(400, "INCORRECT_BACKUP_API_ENDPOINT", c.clusterName)
	}
	snapshots := &c.cluster.snapshots
	c.page = pageRequest{number: 1, size: snapshots.len() + 1, count: true}
	return s.list(c, snapshots.len(), func(b []byte, place int) []byte {
		return snapshots.at(place).appendSharded(b)
	})
}
