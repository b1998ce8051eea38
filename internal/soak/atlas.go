package soak

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

const (
	// timeScale is how many seconds of an organisation's life one second of the soak stands for: an hour's download is
	// good for a minute, and an hour's token too.
	timeScale = 60
	// bucketCapacity is more than a soak asks for: what a rate limit does to readings is not its matter.
	bucketCapacity = 1_000_000
)

// sunset is when Atlas says that the version of pipeline runs ends.
var sunset = time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)

// atlas is the simulated Atlas and what the soak does to it.
type atlas struct {
	clock   *clock
	org     *atlassim.Organization
	server  *atlassim.Server
	account atlassim.ServiceAccount
	random  *rand.Rand

	// What is under way, to be taken further.
	exports  []underWay[*atlassim.Cluster, *atlassim.Export]
	restores []underWay[*atlassim.Cluster, *atlassim.Restore]
	runs     []underWay[*atlassim.Pipeline, *atlassim.Run]
	datasets []underWay[*atlassim.Pipeline, *atlassim.Run] // whose date comes within the soak

	// evidence and stale are the oracle's; read tells which jobs the exporter had read at the last look.
	evidence map[*atlassim.Cluster]held
	read     map[*atlassim.Cluster]map[string]bool // by collector
	stale    map[any]staleJobs

	made     int // things that were given a name
	ledger   ledger
	settings *settings // in force
	reloaded reloadState
}

// underWay is a job that has not come to its end.
type underWay[Owner, Job any] struct {
	owner Owner
	job   Job
}

// ledger counts what was done, by kind.
type ledger struct {
	transitions, discovery, reloads, rotations map[string]int
}

func newLedger() ledger {
	return ledger{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
}

// startAtlas serves an organisation with some history.
func startAtlas(t testing.TB, seed uint64) *atlas {
	t.Helper()
	a := &atlas{
		clock: &clock{}, account: atlassim.NewServiceAccount(), random: rand.New(rand.NewPCG(seed, 0)),
		evidence: map[*atlassim.Cluster]held{}, read: map[*atlassim.Cluster]map[string]bool{}, stale: map[any]staleJobs{}, ledger: newLedger(),
	}
	a.org = atlassim.NewOrganization(a.clock, atlassim.WithTimeScale(timeScale))
	limits := atlassim.DefaultRateLimits()
	for set := range limits {
		limits[set] = atlassim.RateLimit{Capacity: bucketCapacity, Refill: bucketCapacity, Period: time.Second}
	}
	a.server = atlassim.NewServer(a.org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{a.account},
		TokenLifetime:   time.Hour / timeScale,
		RateLimits:      limits,
		Deprecations:    map[string]atlassim.Deprecation{atlassim.OpListPipelineRuns: {Sunset: sunset}},
		Latency:         func(string) time.Duration { return rand.N(6 * time.Millisecond) },
		RecordLimit:     1,
	})
	if err := a.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.server.Close() })
	return a
}

// populate makes the projects that a soak begins with.
func (a *atlas) populate(projects, clusters, pipelines int) {
	for i := range projects {
		p := a.addProject()
		for range clusters / projects {
			a.addCluster(p)
		}
		a.addFlexCluster(p)
		for j := range pipelines {
			if j%projects == i {
				a.addPipeline(p)
			}
		}
	}
}

// name makes up a name that nothing had before.
func (a *atlas) name(kind string) string {
	a.made++
	return fmt.Sprintf("%s-%03d", kind, a.made)
}

// chance is true in so many of a hundred cases.
func (a *atlas) chance(percent int) bool { return a.random.IntN(100) < percent }

// pick is one of the values.
func pick[T any](a *atlas, values ...T) T { return values[a.random.IntN(len(values))] }

func (a *atlas) addProject() *atlassim.Project {
	return a.org.AddProject(a.name(pick(a, "payments", "catalog", "sandbox")))
}

// historyLengths are around the sizes of the pages in which lists are read: 20 of what may have changed, and 500.
func historyLengths() []int { return []int{0, 1, 5, 19, 20, 21, 40, 61, 130, 40, 25, 33, 620, 47} }

// addCluster adds a cluster of any kind, most with a history.
func (a *atlas) addCluster(p *atlassim.Project) {
	kind := pick(a, "prod", "dev", "scratch")
	name := a.name(kind)
	now := a.org.Clock().Now()
	options := atlassim.ClusterOptions{
		Created: now.AddDate(0, -3, -a.random.IntN(60)),
		Paused:  a.chance(5),
		Schedule: atlassim.Schedule{
			AutoExportEnabled: a.chance(70),
			ExportFrequency:   pick(a, "daily", "daily", "weekly", "monthly", "yearly", ""),
		},
	}
	switch a.random.IntN(14) {
	case 0:
		options.Provider = "TENANT"
	case 1:
		options.Provider = "FLEX"
	case 2:
		options.BackupDisabled = true
	case 3, 4, 5:
		options.Shards = 2
	}
	c := p.AddCluster(name, options)
	if options.Provider != "" {
		return
	}
	a.orderCluster(c)
	a.addBackups(c)
	for i := range pick(a, historyLengths()...) {
		created := now.Add(-time.Duration(i+1) * 24 * time.Hour).Add(-time.Duration(a.random.IntN(3600)) * time.Second)
		a.pastExport(c, created)
	}
	for i := range pick(a, 0, 0, 3, 22, 45) {
		a.pastRestore(c, now.Add(-time.Duration(i+1)*31*time.Hour))
	}
}

func (a *atlas) orderCluster(c *atlassim.Cluster) {
	c.OrderExports(a.order())
	c.OrderRestores(a.order())
}

func (a *atlas) order() atlassim.Order {
	return pick(a, atlassim.NewestFirst, atlassim.NewestFirst, atlassim.OldestFirst, atlassim.Shuffled)
}

// pastExport adds a job that has ended, or that hangs since.
func (a *atlas) pastExport(c *atlassim.Cluster, created time.Time) {
	e := atlassim.Export{
		CreatedAt: created, FinishedAt: created.Add(time.Duration(12+a.random.IntN(30)) * time.Minute),
		State:            pick(a, "Successful", "Successful", "Successful", "Failed", "Cancelled"),
		OmitExportStatus: a.chance(10), OmitCreatedAt: a.chance(5),
	}
	switch {
	case a.chance(1):
		e.State, e.FinishedAt = "InProgress", time.Time{}
	case a.chance(5): // as the API's examples show it of sharded clusters
		e.FinishedAt = time.Time{}
	}
	if e.State == "Failed" {
		e.Reason = a.reason()
	}
	job := c.AddExport(e)
	if e.State == "InProgress" {
		a.exports = append(a.exports, underWay[*atlassim.Cluster, *atlassim.Export]{c, job})
	}
}

// reason is why a job failed, where Atlas tells.
func (a *atlas) reason() *atlassim.StateReason {
	return pick(a, nil, &atlassim.StateReason{Message: "no code"},
		&atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED"}, &atlassim.StateReason{ErrorCode: "EXPORT_INTERNAL_ERROR"})
}

func (a *atlas) pastRestore(c *atlassim.Cluster, created time.Time) {
	r := atlassim.Restore{
		CreatedAt: created, DeliveryType: pick(a, atlassim.RestoreAutomated, atlassim.RestoreDownload, atlassim.RestorePointInTime),
		FinishedAt: created.Add(time.Duration(3+a.random.IntN(4)) * time.Minute),
	}
	switch {
	case a.chance(15):
		r.Failed = true
	case a.chance(10):
		r.Failed, r.Cancelled = true, true
	case r.DeliveryType == atlassim.RestoreDownload:
		r.FinishedAt, r.Expired, r.ExpiresAt = time.Time{}, true, created.Add(time.Hour)
	}
	c.AddRestore(r)
}

// addPipeline adds a pipeline with runs.
func (a *atlas) addPipeline(p *atlassim.Project) {
	cluster := "gone"
	if clusters := p.Clusters(); len(clusters) > 0 {
		cluster = pick(a, clusters...).Name
	}
	pl := p.AddPipeline(a.name(pick(a, "daily", "tägliche", "50%#a", "what?")), atlassim.PipelineOptions{
		Cluster: cluster, State: pick(a, "ACTIVE", "ACTIVE", "PAUSED"), SourceType: pick(a, "PERIODIC_CPS", "ON_DEMAND_CPS"),
	})
	pl.OrderRuns(a.order())
	now := a.org.Clock().Now()
	for i := range pick(a, historyLengths()...) {
		a.pastRun(pl, now.Add(-time.Duration(i+1)*24*time.Hour))
	}
}

func (a *atlas) pastRun(pl *atlassim.Pipeline, created time.Time) {
	r := atlassim.Run{
		CreatedDate: created, LastUpdatedDate: created.Add(20 * time.Minute),
		State: pick(a, "DONE", "DONE", "DONE", "FAILED"), Phase: "INGESTION",
		// Far off, for most.
		ScheduledDeletionDate: a.org.Clock().Now().AddDate(0, 1, a.random.IntN(30)),
		Stats:                 &atlassim.RunStats{BytesExported: a.random.Int64N(1 << 40), NumDocs: a.random.Int64N(1 << 30)},
	}
	switch {
	case r.State == "FAILED":
		r.Phase = pick(a, runPhases...)
		if r.Phase == "SNAPSHOT" {
			r.Stats = nil
		}
	case time.Since(created) > 14*24*time.Hour && a.chance(80):
		r.State, r.ScheduledDeletionDate = "DATASET_DELETED", created.AddDate(0, 0, 14)
		r.LastUpdatedDate = r.ScheduledDeletionDate
	}
	run := pl.AddRun(r)
	if r.State == "DONE" && a.chance(15) { // deep in the list, and yet to be noticed when its time comes
		run.ScheduledDeletionDate = a.org.Clock().Now().Add(liveDataset + time.Duration(a.random.Int64N(int64(5*time.Minute))))
		a.datasets = append(a.datasets, underWay[*atlassim.Pipeline, *atlassim.Run]{pl, run})
	}
}
