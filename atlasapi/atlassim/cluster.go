package atlassim

import (
	"strconv"
	"time"
)

// ClusterOptions are the options of AddCluster. The zero value is a running M10 replica set on AWS, created half a year
// ago, with backup on and auto export off.
type ClusterOptions struct {
	// Created is when the cluster was created.
	Created time.Time
	// Provider is the cloud provider: AWS by default, TENANT for the free tier, FLEX for a Flex cluster.
	Provider string
	// InstanceSize is M10 by default, M0 with the provider TENANT.
	InstanceSize string
	// Shards is the number of shards; 0 makes a replica set.
	Shards int
	// Paused makes a paused cluster.
	Paused bool
	// BackupDisabled makes a cluster without Cloud Backup. Clusters of the free tier and Flex never have it.
	BackupDisabled bool
	// PitEnabled enables continuous backup.
	PitEnabled bool
	// Schedule is the cluster's backup schedule.
	Schedule Schedule
}

// Cluster is a cluster of a project.
type Cluster struct {
	// ID, Name and Created identify the cluster.
	ID, Name string
	Created  time.Time
	// Provider, InstanceSize and Shards are those of ClusterOptions.
	Provider, InstanceSize string
	Shards                 int
	// State is the cluster's stateName, IDLE at first.
	State string
	// Paused and PitEnabled may change later.
	Paused, PitEnabled bool
	// BackupEnabled may change later. DisableBackup also deletes the snapshots, as Atlas does.
	BackupEnabled bool
	// SnapshotsApart makes Atlas refuse the common list of snapshots for this cluster, if it is sharded, with 400
	// INCORRECT_BACKUP_API_ENDPOINT. Atlas documents this error, but all recorded answers come from the common list.
	SnapshotsApart bool
	// Schedule is the cluster's backup schedule. Atlas does not send it while backup is off.
	Schedule Schedule
	// BackupRefusal, if it has a status, is the answer to every request for the cluster's backups.
	BackupRefusal Refusal

	project  *Project
	seed     uint64
	exports  list[*Export]
	restores list[*Restore]

	snapshots          list[*Snapshot]
	collectionRestores list[*CollectionRestore]
	policy             int // counts the changes of the policy, so that planned turns of an old policy are dropped
	routine            *SnapshotRoutine
	exporting          *AutoExport
}

// AddCluster adds a cluster without jobs.
func (p *Project) AddCluster(name string, options ClusterOptions) *Cluster {
	if options.Created.IsZero() {
		options.Created = p.org.current().AddDate(0, -6, 0)
	}
	c := &Cluster{
		Name: name, Created: options.Created.Truncate(time.Second),
		Provider: options.Provider, InstanceSize: options.InstanceSize, Shards: options.Shards,
		State: "IDLE", Paused: options.Paused, PitEnabled: options.PitEnabled, Schedule: options.Schedule,
		project: p, seed: mix(p.seed ^ seedOf("cluster", name)),
	}
	if c.Provider == "" {
		c.Provider = "AWS"
	}
	if c.InstanceSize == "" {
		c.InstanceSize = "M10"
		if c.Provider == "TENANT" {
			c.InstanceSize = "M0"
		}
	}
	c.BackupEnabled = !options.BackupDisabled && c.Provider != "TENANT" && c.Provider != "FLEX"
	c.ID = objectID(c.Created, c.seed)
	p.clusters.add(c)
	return c
}

// Project returns the cluster's project.
func (c *Cluster) Project() *Project { return c.project }

// OrderExports sets the order of the cluster's list of export jobs, which is NewestFirst at first.
func (c *Cluster) OrderExports(order Order) { c.exports.setOrder(order) }

// OrderRestores sets the order of the cluster's list of restore jobs, which is NewestFirst at first.
func (c *Cluster) OrderRestores(order Order) { c.restores.setOrder(order) }

// backupRefusal returns what Atlas answers instead of the cluster's backups, if anything.
//
// The refusal of Flex clusters is recorded. It is not known what Atlas answers to lists of jobs of the free tier and of
// clusters without backup. The codes here are those of Atlas's list of error codes that fit.
func (c *Cluster) backupRefusal() Refusal {
	switch {
	case c.BackupRefusal.Status != 0:
		return c.BackupRefusal
	case c.Provider == "FLEX":
		return Refusal{Status: 400, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}
	case c.Provider == "TENANT":
		return Refusal{Status: 400, Code: "PROVIDER_BACKUP_NOT_SUPPORTED"}
	case !c.BackupEnabled:
		return Refusal{Status: 404, Code: "BACKUP_CONFIG_NOT_FOUND"}
	}
	return Refusal{}
}

// deployment returns the name that Atlas uses internally for the cluster.
func (c *Cluster) deployment() string {
	return "atlas-" + strconv.FormatUint(c.seed%2176782336, 36)
}

// replicaSets returns the names of the cluster's shards.
func (c *Cluster) replicaSets() []string {
	names := make([]string, max(c.Shards, 1))
	for i := range names {
		names[i] = c.deployment() + "-shard-" + strconv.Itoa(i)
	}
	return names
}

func (c *Cluster) identity() string   { return c.ID }
func (c *Cluster) created() time.Time { return c.Created }

func (c *Cluster) appendJSON(b []byte, base string) []byte {
	return append(b, encode(c.wire(base))...)
}
