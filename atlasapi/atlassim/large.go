package atlassim

import (
	"fmt"
	"time"
)

// LargeOptions are the options of Large. The documented limits of Atlas are 250 projects with 25 clusters each.
type LargeOptions struct {
	Projects, ClustersPerProject, PipelinesPerProject int
	// ExportsPerCluster, RestoresPerCluster and RunsPerPipeline are numbers of daily jobs. The newest are some hours
	// old.
	ExportsPerCluster, RestoresPerCluster, RunsPerPipeline int
	// SnapshotsPerCluster is a number of hourly snapshots. The newest is less than an hour old. Export jobs have these
	// snapshots as far back as both go. CollectionRestoresPerCluster is a number of daily jobs.
	SnapshotsPerCluster, CollectionRestoresPerCluster int
	// FlexClustersPerProject is a number of Flex clusters, each with eight snapshots.
	FlexClustersPerProject int
	// Order is the order of every list of jobs.
	Order Order
}

// Large returns an organization for benchmarks. Its histories are computed and not stored, so millions of jobs need no
// memory, and building it takes no time.
func Large(clock Clock, size LargeOptions) *Organization {
	org := NewOrganization(clock)
	now := clock.Now().Truncate(time.Second)
	policy := []PolicyItem{
		{Frequency: Hourly, Interval: 1, RetentionUnit: Days, RetentionValue: 7},
		{Frequency: Daily, Interval: 1, RetentionUnit: Days, RetentionValue: 24},
	}
	for i := range size.Projects {
		p := org.AddProject(fmt.Sprintf("project-%03d", i))
		for j := range size.ClustersPerProject {
			newest := now.Add(-time.Duration(1+(i*7+j)%20) * time.Hour)
			c := p.AddCluster(fmt.Sprintf("cluster-%02d", j), ClusterOptions{
				Created: now.Add(-time.Duration(size.ExportsPerCluster+1) * day),
				Schedule: Schedule{
					AutoExportEnabled: true, ExportFrequency: Daily, Items: policy, Reference: timeOfDay(newest.Add(-time.Hour)),
				},
			})
			c.OrderExports(size.Order)
			c.OrderRestores(size.Order)
			c.GenerateExports(size.ExportsPerCluster, func(n int) Export {
				e := dailyExport(newest, size.ExportsPerCluster-1-n, c.seed)
				e.SnapshotID = c.hourlySnapshotID(now.Add(-time.Hour), e.CreatedAt.Add(-time.Hour), size.SnapshotsPerCluster)
				return e
			})
			c.OrderSnapshots(size.Order)
			c.OrderCollectionRestores(size.Order)
			c.GenerateSnapshots(size.SnapshotsPerCluster, func(n int) Snapshot {
				return c.hourlySnapshot(now.Add(-time.Duration(size.SnapshotsPerCluster-n) * time.Hour))
			})
			c.GenerateCollectionRestores(size.CollectionRestoresPerCluster, func(n int) CollectionRestore {
				created := newest.Add(-time.Duration(size.CollectionRestoresPerCluster-1-n) * day)
				return CollectionRestore{CreatedAt: created, FinishedAt: created.Add(4 * time.Minute), TotalDocuments: 1000, RestoredDocuments: 1000}
			})
			c.GenerateRestores(size.RestoresPerCluster, func(n int) Restore {
				created := newest.Add(-time.Duration(size.RestoresPerCluster-1-n) * day)
				return Restore{CreatedAt: created, FinishedAt: created.Add(4 * time.Minute)}
			})
		}
		for j := range size.FlexClustersPerProject {
			f := p.AddFlexCluster(fmt.Sprintf("flex-%02d", j), now.Add(-200*day))
			for n := range flexKept {
				scheduled := now.Add(-time.Duration(flexKept-1-n)*day - time.Hour)
				f.AddSnapshot(FlexSnapshot{
					ScheduledTime: scheduled, StartTime: scheduled.Add(32 * time.Second), FinishTime: scheduled.Add(106 * time.Second),
				})
			}
		}
		for j := range size.PipelinesPerProject {
			pl := p.AddPipeline(fmt.Sprintf("pipeline-%02d", j), PipelineOptions{})
			newest := now.Add(-time.Duration(1+(i*5+j)%20) * time.Hour)
			pl.OrderRuns(size.Order)
			pl.GenerateRuns(size.RunsPerPipeline, func(n int) Run {
				return dailyRun(newest, size.RunsPerPipeline-1-n, clock.Now())
			})
		}
	}
	return org
}

// dailyExport returns the finished export of a number of days before the newest. One in fifty failed.
func dailyExport(newest time.Time, age int, seed uint64) Export {
	created := newest.Add(-time.Duration(age) * day)
	chance := mix(seed + uint64(age))
	e := Export{
		CreatedAt: created, FinishedAt: created.Add(12*time.Minute + time.Duration(chance%1200)*time.Second),
		State: ExportSuccessful,
	}
	if chance%50 == 0 {
		e.State, e.Reason = ExportFailed, &StateReason{ErrorCode: "EXPORT_INTERNAL_ERROR"}
	}
	return e
}

// hourlySnapshot returns a completed snapshot. Once a day, it belongs to the daily policy item, too.
func (c *Cluster) hourlySnapshot(taken time.Time) Snapshot {
	s := Snapshot{
		RequestedAt: taken, CreatedAt: taken.Add(100 * time.Second), Frequency: Hourly, ExpiresAt: taken.Add(7 * day),
		PolicyItems: []string{c.policyItemID(0)}, SizeBytes: 6 << 30,
	}
	if hour, _ := c.reference(); taken.UTC().Hour() == hour {
		s.Frequency, s.ExpiresAt, s.PolicyItems = Daily, taken.Add(24*day), []string{c.policyItemID(1), c.policyItemID(0)}
	}
	return s
}

// hourlySnapshotID returns the id of the snapshot taken at a moment, "" if the history does not go back that far.
func (c *Cluster) hourlySnapshotID(newest, taken time.Time, snapshots int) string {
	n := snapshots - 1 - int(newest.Sub(taken)/time.Hour)
	if n < 0 {
		return ""
	}
	return c.snapshotID(taken, uint64(n))
}

// dailyRun returns the finished run of a number of days before the newest. Its dataset is deleted after two weeks.
func dailyRun(newest time.Time, age int, now time.Time) Run {
	created := newest.Add(-time.Duration(age) * day)
	r := Run{
		CreatedDate: created, LastUpdatedDate: created.Add(20 * time.Minute), State: RunDone, Phase: PhaseIngestion,
		Stats: &RunStats{BytesExported: 5 << 30, NumDocs: 1_200_000},
	}
	if deletion := created.Add(14 * day); deletion.Before(now) {
		r.State, r.LastUpdatedDate = RunDatasetDeleted, deletion
	}
	return r
}
