package faultmatrix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// downloadMarker is part of every download address. Anyone with such an address can fetch the data.
const downloadMarker = "address-of-a-download"

// organization is the simulated Atlas behind the faults. Its clock is stopped, so that its data does not change.
type organization struct {
	*atlassim.Organization
	now    time.Time
	groups []string
}

// newOrganization builds three projects: with job lists shorter and longer than a page, in every order, with clusters
// without backup, and with downloads. If crowded is true, the first project has more clusters than max_concurrent_requests.
func newOrganization(crowded bool) *organization {
	now := time.Now().Truncate(time.Second)
	o := &organization{Organization: atlassim.NewOrganization(atlassim.NewManualClock(now)), now: now}
	for i, name := range []string{"alpha", "beta", "gamma"} {
		p := o.AddProject(name)
		o.groups = append(o.groups, p.ID)
		o.addCluster(p, "short", 7, atlassim.NewestFirst)
		if name == "gamma" {
			continue
		}
		o.addCluster(p, "long", 27+i, []atlassim.Order{atlassim.NewestFirst, atlassim.OldestFirst}[i])
		o.addFlexCluster(p, "flexible", 5)
		o.addPipeline(p, "orders", 6, atlassim.NewestFirst)
		if name == "beta" {
			continue
		}
		o.addPipeline(p, "b?c#d%", 24, atlassim.OldestFirst) // the name must be escaped in a path
		for n := range 20 {
			if crowded {
				o.addCluster(p, fmt.Sprintf("crowd-%d", n), 1, atlassim.NewestFirst)
			}
		}
		p.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
		p.AddCluster("bare", atlassim.ClusterOptions{BackupDisabled: true})
	}
	return o
}

// targets returns all targets. The value is the reason if discovery finds the target unsupported, else "". configured is
// true if the configuration names the projects.
func (o *organization) targets(configured bool) map[target]string {
	all := map[target]string{}
	if !configured {
		all[target{collector: projects}] = ""
	}
	for _, p := range o.Projects() {
		for _, e := range endpoints() {
			switch {
			case e.isOf("{cluster}"):
				for _, c := range p.Clusters() {
					all[e.target(p.ID, c.Name)] = map[string]string{"free": "free_tier", "bare": "backup_disabled"}[c.Name]
				}
			case e.isOf("{flex}"):
				for _, f := range p.FlexClusters() {
					all[e.target(p.ID, f.Name)] = ""
				}
			case e.isOf("{pipeline}"):
				for _, pl := range p.Pipelines() {
					all[e.target(p.ID, pl.Name)] = ""
				}
			case e.isOf("{group}") && (configured || e.title() != project):
				all[e.target(p.ID, "")] = ""
			}
		}
	}
	return all
}

func (o *organization) addCluster(p *atlassim.Project, name string, jobs int, order atlassim.Order) {
	c := p.AddCluster(name, atlassim.ClusterOptions{
		Created: o.now.AddDate(0, -3, 0), Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"},
	})
	c.OrderExports(order)
	c.OrderRestores(order)
	c.OrderSnapshots(order)
	c.OrderCollectionRestores(order)
	for i := range jobs {
		created := o.now.Add(-time.Duration(jobs-i) * 24 * time.Hour)
		done := created.Add(5 * time.Minute)
		e := atlassim.Export{CreatedAt: created, FinishedAt: done, TotalCollections: 9, ExportedCollections: 8}
		switch i {
		case jobs / 2:
			e.State, e.Reason = atlassim.ExportFailed, &atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED", Message: "no access"}
		case jobs - 1:
			e.FinishedAt, e.State = time.Time{}, atlassim.ExportInProgress
		}
		c.AddExport(e)
		r := atlassim.Restore{CreatedAt: created, FinishedAt: done, Failed: i%5 == 1}
		if i%5 == 2 {
			r.FinishedAt, r.DeliveryType, r.ExpiresAt = time.Time{}, atlassim.RestoreDownload, o.now.Add(24*time.Hour)
			r.DeliveryURLs = []string{"https://" + name + ".invalid/" + downloadMarker + "/" + strconv.Itoa(i) + ".tar.gz"}
		}
		c.AddRestore(r)
		c.AddSnapshot(atlassim.Snapshot{
			RequestedAt: created, CreatedAt: done, ExpiresAt: o.now.AddDate(0, 1, 0),
			Status: []string{atlassim.SnapshotCompleted, atlassim.SnapshotFailed, atlassim.SnapshotCompleted}[i%3],
		})
		c.AddCollectionRestore(atlassim.CollectionRestore{
			CreatedAt: created, FinishedAt: done, RestoredDocuments: 5, TotalDocuments: 5,
			State: []string{atlassim.CollectionSuccessful, atlassim.CollectionFailed}[i%2],
		})
	}
}

func (o *organization) addFlexCluster(p *atlassim.Project, name string, jobs int) {
	f := p.AddFlexCluster(name, o.now.AddDate(0, -3, 0))
	for i := range jobs {
		at := o.now.Add(-time.Duration(jobs-i) * 24 * time.Hour)
		f.AddSnapshot(atlassim.FlexSnapshot{
			ScheduledTime: at, StartTime: at, FinishTime: at.Add(time.Minute),
			Status: []string{atlassim.FlexCompleted, atlassim.FlexFailed}[i%2],
		})
		f.AddRestore(atlassim.FlexRestore{ScheduledDate: at, FinishedDate: at.Add(time.Minute)})
	}
}

func (o *organization) addPipeline(p *atlassim.Project, name string, jobs int, order atlassim.Order) {
	pl := p.AddPipeline(name, atlassim.PipelineOptions{Cluster: "short"})
	pl.OrderRuns(order)
	for i := range jobs {
		created := o.now.Add(-time.Duration(jobs-i) * 20 * time.Hour)
		r := atlassim.Run{
			CreatedDate: created, LastUpdatedDate: created.Add(20 * time.Minute), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion,
			Stats: &atlassim.RunStats{BytesExported: 5 << 30, NumDocs: 1_200_000}, ScheduledDeletionDate: o.now.Add(time.Duration(i+1) * time.Hour),
		}
		switch i {
		case jobs / 2:
			r.State = atlassim.RunFailed
		case jobs - 1:
			r.State, r.Phase = atlassim.RunInProgress, atlassim.PhaseExport
		}
		pl.AddRun(r)
	}
}

// pick chooses a target of the endpoint in the first project, so that healthy targets of the same kind remain beside it and
// in other projects.
func (o *organization) pick(e endpoint, random *rand.Rand) target {
	var candidates []target
	for t, unsupported := range o.targets(e.title() == project) {
		if t.collector == e.collector && unsupported == "" && (t.group == o.groups[0] || e.title() == projects) {
			candidates = append(candidates, t)
		}
	}
	if e.title() == token {
		return target{}
	}
	slices.SortFunc(candidates, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return candidates[random.IntN(len(candidates))]
}
