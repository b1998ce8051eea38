package atlassim

import (
	"strconv"
	"time"
)

// FleetOptions are the options of Fleet.
type FleetOptions struct {
	// Projects is the number of projects, 40 by default. ClustersPerProject is the number of clusters in each, 10 by
	// default.
	Projects, ClustersPerProject int
	// Seed selects another mixture of situations.
	Seed uint64
}

// Fleet returns a large organization that uses the routines of the demo. Most of its clusters are healthy. The others
// have the situations of the demo, each about equally often. The same seed at the same time gives the same
// organization.
func Fleet(clock Clock, options FleetOptions) *Organization {
	if options.Projects == 0 {
		options.Projects = 40
	}
	if options.ClustersPerProject == 0 {
		options.ClustersPerProject = 10
	}
	org := NewOrganization(clock)
	org.Name = "Fleet Organization"
	f := fleet{demo{org: org, now: clock.Now().Truncate(time.Second)}}
	for i := range options.Projects {
		p := org.AddProject(fleetProject(i))
		for j := range options.ClustersPerProject {
			f.cluster(p, fleetCluster(p.Name, j), mix(options.Seed+uint64(i)<<20+uint64(j)))
		}
		if i%5 == 4 {
			f.flex(p, mix(options.Seed+uint64(i)<<20+1<<19))
		}
	}
	org.Do(func() {}) // makes the history
	return org
}

// fleetProject returns the name of project n, made of a team, an environment and a region, as companies name them.
func fleetProject(n int) string {
	teams := [...]string{
		"customer-identity", "payment-processing", "order-management", "warehouse-logistics", "product-catalog",
		"search-and-discovery", "recommendation-engine", "fraud-detection", "loyalty-program", "notification-delivery",
	}
	places := [...]string{"production-eu-west", "production-us-east", "production-ap-south", "staging-eu-west"}
	name := teams[n%len(teams)] + "-" + places[n/len(teams)%len(places)]
	if turn := n / (len(teams) * len(places)); turn > 0 {
		name += "-" + strconv.Itoa(turn+1)
	}
	return name
}

// fleetCluster returns the name of cluster n of a project.
func fleetCluster(project string, n int) string {
	purposes := [...]string{
		"primary", "sessions", "events", "reporting", "audit-trail", "documents", "configuration", "analytics", "archive", "queue",
	}
	name := project + "-" + purposes[n%len(purposes)]
	if turn := n / len(purposes); turn > 0 {
		name += "-" + strconv.Itoa(turn+1)
	}
	return name
}

// fleet builds a fleet with the demo's tools.
type fleet struct{ demo }

// fleetHistory is the age of the fleet's oldest jobs.
const fleetHistory = 35 * day

// cluster adds a cluster in a random situation.
func (f fleet) cluster(p *Project, name string, chance uint64) {
	newest := time.Duration(chance%(24*60)) * time.Minute
	size := [...]string{"M10", "M30", "M40", "M60"}[chance>>16%4]
	options := ClusterOptions{
		Created: f.ago(60*day + time.Duration(chance>>24%300)*day + newest), InstanceSize: size,
		PitEnabled: size != "M10", Schedule: Schedule{AutoExportEnabled: true, ExportFrequency: Daily},
	}
	if size == "M60" {
		options.Shards = 2 + int(chance>>32%3)
	}
	snapshots := SnapshotRoutine{From: f.ago(fleetHistory), Bytes: 1 << (30 + chance>>40%9)}
	exports := AutoExport{}
	// Two thirds are healthy, some of them with another export policy.
	situation := int(chance >> 48 % 60)
	switch {
	case situation < 34:
	case situation < 37:
		options.Schedule.ExportFrequency = Weekly
	case situation < 40:
		options.Schedule.AutoExportEnabled, options.Schedule.ExportFrequency = false, ""
	default:
		f.unwell(&options, &snapshots, &exports, situation-40)
	}
	c := p.AddCluster(name, options)
	f.refer(c, newest)
	if situation-40 == fleetBucketGone {
		bucket := p.AddExportBucket(name)
		c.Schedule.ExportBucketID = bucket.ID
		f.org.At(f.ago(2*day), func(time.Time) { p.RemoveExportBucket(bucket) })
	}
	if !c.BackupEnabled {
		return
	}
	c.TakeSnapshots(snapshots)
	c.ExportSnapshots(exports)
	f.later(c, situation-40)
	if chance>>52%4 == 0 {
		f.restored(c, time.Duration(1+chance>>56%30)*day, RestoreAutomated, RestoreCompletes)
	}
}

// The situations of a cluster with a problem.
const (
	fleetExportFails = iota
	fleetExportStuck
	fleetExportMissing
	fleetExportsStopped
	fleetNeverExported
	fleetAutoExportOff
	fleetBucketGone
	fleetSnapshotsFail
	fleetSnapshotsFallBack
	fleetSnapshotHangs
	fleetSnapshotsStopped
	fleetNothingScheduled
	fleetPaused
	fleetBackupOff
	fleetNeverBackedUp
	fleetFreeTier
	fleetNew
	fleetRestoreFailed
	fleetRestoreStuck
	fleetCollectionRestoreFailed
)

// unwell sets the options of a cluster with a problem.
func (f fleet) unwell(options *ClusterOptions, snapshots *SnapshotRoutine, exports *AutoExport, situation int) {
	since := func(age time.Duration, outcome SnapshotOutcome) func(time.Time) SnapshotOutcome {
		return func(requested time.Time) SnapshotOutcome {
			if requested.Before(f.ago(age)) {
				return SnapshotOutcome{}
			}
			return outcome
		}
	}
	ends := func(age time.Duration, outcome ExportOutcome) func(time.Time) ExportOutcome {
		return func(created time.Time) ExportOutcome {
			if created.Before(f.ago(age)) {
				return ExportOutcome{}
			}
			return outcome
		}
	}
	switch situation {
	case fleetExportFails:
		exports.Outcome = ends(30*time.Hour, failedExport("EXPORT_BUCKET_ACCESS_DENIED", "Access to the export bucket was denied."))
	case fleetExportStuck:
		exports.Outcome = ends(30*time.Hour, ExportOutcome{State: ExportInProgress})
	case fleetExportMissing:
		exports.Skip = func(taken time.Time) bool { return taken.After(f.ago(38 * time.Hour)) }
	case fleetExportsStopped:
		exports.Skip = func(taken time.Time) bool { return taken.After(f.ago(5 * day)) }
	case fleetNeverExported:
		exports.Skip = func(time.Time) bool { return true }
	case fleetBucketGone:
		exports.Outcome = ends(2*day, failedExport("EXPORT_BUCKET_NOT_FOUND", "The export bucket does not exist."))
	case fleetSnapshotsFail:
		snapshots.Outcome = since(13*time.Hour, SnapshotOutcome{Status: SnapshotFailed})
	case fleetSnapshotsFallBack:
		snapshots.Outcome = since(13*time.Hour, SnapshotOutcome{Status: SnapshotFailed, Fallback: true})
	case fleetSnapshotHangs:
		snapshots.Outcome = func(requested time.Time) SnapshotOutcome {
			switch {
			case requested.Before(f.ago(14 * time.Hour)):
				return SnapshotOutcome{}
			case requested.Before(f.ago(8 * time.Hour)):
				return SnapshotOutcome{Status: SnapshotInProgress}
			}
			return SnapshotOutcome{Skip: true}
		}
	case fleetSnapshotsStopped:
		snapshots.Until = f.ago(2 * day)
	case fleetNeverBackedUp:
		options.BackupDisabled = true
	case fleetFreeTier:
		options.Provider, options.InstanceSize, options.Shards, options.PitEnabled = "TENANT", "M0", 0, false
		options.Schedule = Schedule{}
	case fleetNew:
		options.Created = f.ago(time.Hour)
		snapshots.From = f.now
	}
}

// later changes a cluster in the course of its history, or starts jobs that a user requests.
func (f fleet) later(c *Cluster, situation int) {
	switch situation {
	case fleetAutoExportOff:
		f.org.At(f.ago(9*day), func(time.Time) { c.Schedule.AutoExportEnabled = false })
	case fleetNothingScheduled:
		f.org.At(f.ago(12*day), func(time.Time) { c.SetPolicy(NothingScheduled()) })
	case fleetPaused:
		f.org.At(f.ago(6*day), func(time.Time) { c.Paused = true })
	case fleetBackupOff:
		f.org.At(f.ago(3*day), func(time.Time) { c.DisableBackup() })
	case fleetRestoreFailed:
		f.restored(c, 5*time.Hour, RestorePointInTime, RestoreFails)
	case fleetRestoreStuck:
		f.restored(c, 15*time.Hour, RestoreAutomated, RestoreHangs)
	case fleetCollectionRestoreFailed:
		f.org.At(f.ago(7*time.Hour), func(time.Time) {
			c.RestoreCollections(CollectionOutcome{State: CollectionFailed, ErrorMessage: "A collection was not found in the snapshot."})
		})
	}
}

// flex adds two Flex clusters. One in four has a problem.
func (f fleet) flex(p *Project, chance uint64) {
	for i, suffix := range [...]string{"-flex-previews", "-flex-internal"} {
		routine := FlexRoutine{From: f.ago(12 * day)}
		switch chance >> (8 * i) % 8 {
		case 0:
			routine.Until = f.ago(3 * day)
		case 1:
			routine.Outcome = func(scheduled time.Time) string {
				if scheduled.Before(f.ago(day)) {
					return FlexCompleted
				}
				return FlexFailed
			}
		}
		c := p.AddFlexCluster(p.Name+suffix, f.ago(90*day+time.Duration(chance>>16%(24*60))*time.Minute))
		c.TakeSnapshots(routine)
		f.org.At(f.ago(time.Duration(1+chance>>32%40)*day), func(time.Time) { c.Restore(FlexRestoreToCluster, FlexCompleted) })
	}
}
