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

const (
	// downloadMarker stands in every address of a download: whoever reads it could fetch the data.
	downloadMarker = "address-of-a-download"
	// oddPipeline is a name that must be escaped in a path.
	oddPipeline = "b?c#d%"
)

// organization is the simulated Atlas behind the faults. Its clock stands still, so that the truth does not change.
type organization struct {
	*atlassim.Organization
	now    time.Time
	groups []string
	// readable are the targets that are up when nothing is wrong, but for the projects themselves.
	readable []target
	// jobs are how many jobs each target has.
	jobs map[target]int
	// excluded are those of which discovery knows that there is nothing to read, with the reason.
	excluded map[target]string
}

// newOrganization builds three projects: with histories shorter and longer than a page, in every order, with clusters that
// have no backup, and with downloads. Where it is crowded, the first has more clusters than requests may be under way.
func newOrganization(crowded bool) *organization {
	now := time.Now().Truncate(time.Second)
	o := &organization{
		Organization: atlassim.NewOrganization(atlassim.NewManualClock(now)), now: now, excluded: map[target]string{}, jobs: map[target]int{},
	}
	for i, name := range []string{"alpha", "beta", "gamma"} {
		p := o.AddProject(name)
		o.groups = append(o.groups, p.ID)
		for _, e := range endpoints() {
			if strings.Count(e.Path, "{") == 1 && e.title() != project {
				o.readable = append(o.readable, e.target(p.ID, ""))
			}
		}
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
		o.addPipeline(p, oddPipeline, 24, atlassim.OldestFirst)
		for n := range 20 {
			if crowded {
				o.addCluster(p, fmt.Sprintf("crowd-%d", n), 1, atlassim.NewestFirst)
			}
		}
		o.exclude(p.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"}), "free_tier")
		o.exclude(p.AddCluster("bare", atlassim.ClusterOptions{BackupDisabled: true}), "backup_disabled")
	}
	return o
}

// readEach notes that something is read at each endpoint with this parameter.
func (o *organization) readEach(parameter string, p *atlassim.Project, name string, jobs int) {
	for _, e := range endpoints() {
		if !e.isOf(parameter) {
			continue
		}
		t := e.target(p.ID, name)
		o.readable = append(o.readable, t)
		if e.jobs != "" {
			o.jobs[t] = jobs
		}
	}
}

func (o *organization) exclude(c *atlassim.Cluster, reason string) {
	for _, e := range endpoints() {
		if e.isOf("{cluster}") {
			o.excluded[e.target(c.Project().ID, c.Name)] = reason
		}
	}
}

func (o *organization) addCluster(p *atlassim.Project, name string, jobs int, order atlassim.Order) {
	o.readEach("{cluster}", p, name, jobs)
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
	o.readEach("{flex}", p, name, jobs)
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
	o.readEach("{pipeline}", p, name, jobs)
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

// all lists the targets that are up when nothing is wrong; configured tells whether the configuration names the projects.
func (o *organization) all(configured bool) []target {
	targets := slices.Clone(o.readable)
	if !configured {
		return append(targets, target{collector: projects})
	}
	for _, id := range o.groups {
		targets = append(targets, target{collector: projects, group: id})
	}
	return targets
}

// pick chooses the target of an endpoint that is struck: one of the first project, so that others of its kind stay healthy
// beside it and in other projects.
func (o *organization) pick(e endpoint, random *rand.Rand) target {
	switch e.title() {
	case token:
		return target{}
	case projects:
		return target{collector: projects}
	case project:
		return target{collector: projects, group: o.groups[0]}
	}
	var candidates []target
	for _, t := range o.readable {
		if t.collector == e.collector && t.group == o.groups[0] {
			candidates = append(candidates, t)
		}
	}
	return candidates[random.IntN(len(candidates))]
}
