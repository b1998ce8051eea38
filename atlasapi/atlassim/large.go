package atlassim

import (
	"fmt"
	"time"
)

// LargeOptions says how big a generated organization is. The limits that Atlas documents are 250 projects with 25
// clusters each.
type LargeOptions struct {
	Projects, ClustersPerProject, PipelinesPerProject int
	// ExportsPerCluster, RestoresPerCluster and RunsPerPipeline are daily; the newest are some hours old.
	ExportsPerCluster, RestoresPerCluster, RunsPerPipeline int
	// Order is that of every list of jobs.
	Order Order
}

// Large is an organization whose histories are computed and not stored, for benchmarks: a restart of it costs nothing,
// and millions of jobs need no memory.
func Large(clock Clock, size LargeOptions) *Organization {
	org := NewOrganization(clock)
	now := clock.Now().Truncate(time.Second)
	for i := range size.Projects {
		p := org.AddProject(fmt.Sprintf("project-%03d", i))
		for j := range size.ClustersPerProject {
			c := p.AddCluster(fmt.Sprintf("cluster-%02d", j), ClusterOptions{
				Created:  now.Add(-time.Duration(size.ExportsPerCluster+1) * day),
				Schedule: Schedule{AutoExportEnabled: true, ExportFrequency: "daily"},
			})
			newest := now.Add(-time.Duration(1+(i*7+j)%20) * time.Hour)
			c.OrderExports(size.Order)
			c.OrderRestores(size.Order)
			c.GenerateExports(size.ExportsPerCluster, func(n int) Export {
				return dailyExport(newest, size.ExportsPerCluster-1-n, c.seed)
			})
			c.GenerateRestores(size.RestoresPerCluster, func(n int) Restore {
				created := newest.Add(-time.Duration(size.RestoresPerCluster-1-n) * day)
				return Restore{CreatedAt: created, FinishedAt: created.Add(4 * time.Minute)}
			})
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

// dailyExport is the finished export of some days before the newest. One in fifty failed.
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

// dailyRun is the finished run of some days before the newest, its dataset deleted after two weeks.
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
