package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	// timeScale is the number of seconds of an organisation's life that pass in one second of the soak: a download or a
	// token that is valid for an hour is valid for a minute.
	timeScale = 60
	// bucketCapacity is higher than a soak needs: the soak does not test rate limits.
	bucketCapacity = 1_000_000
)

// atlas is the simulated Atlas and the changes that the soak makes to it.
type atlas struct {
	clock   *clock
	org     *atlassim.Organization
	server  *atlassim.Server
	account atlassim.ServiceAccount
	random  *rand.Rand // used by one goroutine, never in an event of the organisation
	oracle  oracle
	made    int // number of names given so far
	done    map[string]counts
}

// counts is the number of times that each kind of event happened.
type counts map[string]int

// Sum returns the total.
func (c counts) Sum() (sum int) {
	for _, n := range c {
		sum += n
	}
	return sum
}

// clock is the system clock, except that it can be stopped. The exporter uses the system clock to decide when to read an
// expired download or dataset again.
type clock struct {
	still atomic.Pointer[time.Time] // nil while the clock runs
}

// Now returns the current time, or the time at which the clock was stopped.
func (c *clock) Now() time.Time {
	if still := c.still.Load(); still != nil {
		return *still
	}
	return time.Now()
}

// stop stops the clock until resume. Events that come due meanwhile happen at resume, with their planned dates.
func (c *clock) stop() {
	now := c.Now()
	c.still.Store(&now)
}

func (c *clock) resume() { c.still.Store(nil) }

// startAtlas serves an organisation whose clusters and pipelines have past jobs.
func startAtlas(t testing.TB, p plan) *atlas {
	t.Helper()
	a := &atlas{
		clock: &clock{}, account: atlassim.NewServiceAccount(), random: rand.New(rand.NewPCG(p.seed, 0)),
		done: map[string]counts{"jobs": {}, "discovery": {}, "reloads": {}, "rotations": {}},
	}
	a.org = atlassim.NewOrganization(a.clock, atlassim.WithTimeScale(timeScale))
	a.oracle = oracle{org: a.org, held: map[any]map[string][]job{}, stale: map[any]staleJobs{}}
	limits := atlassim.DefaultRateLimits()
	for set := range limits {
		limits[set] = atlassim.RateLimit{Capacity: bucketCapacity, Refill: bucketCapacity, Period: time.Second}
	}
	a.server = harness.StartAtlas(t, a.org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{a.account},
		TokenLifetime:   time.Hour / timeScale,
		RateLimits:      limits,
		Latency:         func(string) time.Duration { return rand.N(6 * time.Millisecond) },
		RecordLimit:     1,
	})
	for i := range p.projects {
		a.addProject(p.clusters/p.projects, (p.pipelines+i)/p.projects)
	}
	return a
}

// name returns a name that was never used before.
func (a *atlas) name(kinds ...string) string {
	a.made++
	return fmt.Sprintf("%s-%03d", pick(a, kinds...), a.made)
}

// chance returns true with the given probability in percent.
func (a *atlas) chance(percent int) bool { return a.random.IntN(100) < percent }

// pick returns one of the values at random, or the zero value if there are none.
func pick[T any](a *atlas, values ...T) (one T) {
	if len(values) > 0 {
		one = values[a.random.IntN(len(values))]
	}
	return one
}

// between returns a random duration.
func (a *atlas) between(least, most time.Duration) time.Duration {
	return least + time.Duration(a.random.Int64N(int64(most-least)))
}

func (a *atlas) order() atlassim.Order {
	return pick(a, atlassim.NewestFirst, atlassim.NewestFirst, atlassim.OldestFirst, atlassim.Shuffled)
}

func (a *atlas) addProject(clusters, pipelines int) {
	p := a.org.AddProject(a.name("payments", "catalog", "sandbox"))
	for range clusters {
		a.addCluster(p)
	}
	for range pipelines {
		a.addPipeline(p)
	}
	a.addFlexCluster(p)
}

func (a *atlas) add(parent string, p *atlassim.Project) {
	map[string]func(*atlassim.Project){clusters: a.addCluster, flexClusters: a.addFlexCluster, pipelines: a.addPipeline}[parent](p)
}

// addCluster adds a cluster of any kind. Most have past jobs.
func (a *atlas) addCluster(p *atlassim.Project) {
	now := a.org.Clock().Now()
	options := atlassim.ClusterOptions{
		Created: now.AddDate(0, -3, -a.random.IntN(60)), Paused: a.chance(5),
		Provider: pick(a, "TENANT", "FLEX", "", "", "", "", "", "", "", "", "", "", ""), BackupDisabled: a.chance(7), Shards: pick(a, 0, 0, 2),
		Schedule: atlassim.Schedule{
			AutoExportEnabled: a.chance(70), ExportFrequency: pick(a, "daily", "daily", "weekly", "monthly", "yearly", ""),
			NextSnapshot: now.Add(24 * time.Hour).Truncate(time.Second),
		},
	}
	c := p.AddCluster(a.name("prod", "dev", "scratch"), options)
	if options.Provider == "" {
		a.orderCluster(c)
		a.history(clusters, c)
	}
}

func (a *atlas) orderCluster(c *atlassim.Cluster) {
	for _, set := range []func(atlassim.Order){c.OrderExports, c.OrderRestores, c.OrderSnapshots, c.OrderCollectionRestores} {
		set(a.order())
	}
}

func (a *atlas) addFlexCluster(p *atlassim.Project) {
	f := p.AddFlexCluster(a.name("prod", "dev", "scratch"), a.org.Clock().Now().AddDate(0, -1, 0))
	f.BackupEnabled = !a.chance(10)
	f.OrderSnapshots(a.order())
	f.OrderRestores(a.order())
	a.history(flexClusters, f)
}

func (a *atlas) addPipeline(p *atlassim.Project) {
	pl := p.AddPipeline(a.name("daily", "tägliche", "50%#a", "what?"), atlassim.PipelineOptions{
		Cluster: "any", State: pick(a, "ACTIVE", "ACTIVE", "PAUSED"), SourceType: pick(a, "PERIODIC_CPS", "ON_DEMAND_CPS"),
	})
	pl.OrderRuns(a.order())
	a.history(pipelines, pl)
}

// history adds past jobs to an owner. Their numbers are around the exporter's page sizes: 20 for reading changes, and 500
// for a full read.
func (a *atlas) history(parent string, owner any) {
	for _, k := range kindsOf(parent) {
		n := pick(a, 0, 1, 5, 19, 20, 21, 40, 61)
		if a.chance(k.weight / 3) {
			n = pick(a, 130, 620)
		}
		for days := n; days > 0; days-- {
			k.begin(a, owner, a.org.Clock().Now().Add(-time.Duration(days)*24*time.Hour).Add(a.between(0, time.Hour)))
		}
	}
}

// begin starts a job of a random kind. A few jobs get a date before that of a job that is already listed.
func (a *atlas) begin() {
	kinds := jobKinds()
	n := a.random.IntN(100)
	i := 0
	for ; n >= kinds[i].weight; i++ {
		n -= kinds[i].weight
	}
	at := a.org.Clock().Now()
	if a.chance(3) {
		at = at.Add(-5 * time.Second)
	}
	if owner := pick(a, a.served(kinds[i].parent)...).owner; owner != nil {
		kinds[i].begin(a, owner, at)
		a.done["jobs"][kinds[i].collector+" started"]++
	}
}

// served lists the owners of a kind, in visible projects, whose backups Atlas serves.
func (a *atlas) served(parent string) []thing {
	var all []thing
	for _, p := range a.listedProjects() {
		all = append(all, thingsOf(p, parent)...)
	}
	return slices.DeleteFunc(all, func(t thing) bool { return t.unsupported != "" })
}

// live plans the steps of a job after its creation. Most steps take seconds; a few jobs are slow, and a few never end.
func (a *atlas) live(at time.Time, steps ...func(at time.Time)) {
	gap := a.between(200*time.Millisecond, 2*time.Second)
	if a.chance(3) {
		gap *= 20
	}
	if a.chance(1) {
		steps = steps[:a.random.IntN(len(steps))]
	}
	for _, step := range steps {
		at = at.Add(gap)
		a.org.At(at, step)
	}
}

func (a *atlas) beginExport(c *atlassim.Cluster, at time.Time) {
	e := c.AddExport(atlassim.Export{
		CreatedAt: at, TotalCollections: pick(a, 0, 0, 12), OmitExportStatus: a.chance(10), OmitCreatedAt: a.chance(5),
	})
	state, endless, soon := pick(a, "Successful", "Successful", "Successful", "Failed", "Cancelled"), a.chance(5), a.chance(30)
	reason := pick(a, nil, &atlassim.StateReason{Message: "no code"}, &atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED"})
	begins := pick(a, "InProgress", "InProgress", "InProgress", "Preparing") // Atlas does not document Preparing
	end := func(at time.Time) {
		e.State = state
		if !endless { // the API's examples show ended jobs of sharded clusters without an end
			e.FinishedAt = at
		}
		switch state {
		case "Failed":
			e.Reason = reason
		case "Successful":
			e.ExportedCollections = e.TotalCollections
		}
	}
	if state == "Cancelled" && soon {
		a.live(at, end)
		return
	}
	a.live(at,
		func(time.Time) { e.State = begins },
		func(time.Time) { e.State, e.ExportedCollections = "InProgress", e.TotalCollections/2 },
		end,
	)
}

func (a *atlas) beginRestore(c *atlassim.Cluster, at time.Time) {
	r := c.AddRestore(atlassim.Restore{
		CreatedAt: at, DeliveryType: pick(a, atlassim.RestoreAutomated, atlassim.RestoreDownload, atlassim.RestoreDownload, atlassim.RestorePointInTime),
	})
	outcome := a.random.IntN(6)
	a.live(at, func(at time.Time) {
		switch {
		case outcome == 0:
			r.Failed, r.FinishedAt = true, at
		case outcome == 1:
			r.Failed, r.Cancelled, r.FinishedAt = true, true, at
		case r.DeliveryType == atlassim.RestoreDownload:
			r.MakeReady(at)
		default:
			r.FinishedAt = at
		}
	})
}

func (a *atlas) beginSnapshot(c *atlassim.Cluster, at time.Time) {
	s := c.AddSnapshot(atlassim.Snapshot{
		RequestedAt: at, Type: pick(a, atlassim.SnapshotScheduled, atlassim.SnapshotScheduled, atlassim.SnapshotOnDemand, atlassim.SnapshotFallback),
		CopyRegions: pick(a, nil, []string{"EU_WEST_1"}), ExpiresAt: a.org.Clock().Now().Add(a.between(20*time.Second, 4*time.Minute)),
	})
	status, size := pick(a, "completed", "completed", "completed", "failed", "archived"), a.random.Int64N(1<<40)
	a.live(at,
		func(time.Time) { s.Status = "inProgress" },
		func(at time.Time) { s.Status, s.CreatedAt, s.SizeBytes = status, at, size },
	)
	a.org.At(s.ExpiresAt, func(time.Time) { c.RemoveSnapshot(s) })
}

func (a *atlas) beginCollectionRestore(c *atlassim.Cluster, at time.Time) {
	outcome := atlassim.CollectionOutcome{
		State: pick(a, "SUCCESSFUL", "SUCCESSFUL", "FAILED", "CANCELED", "PAUSED", "IN_PROGRESS"), FailedIndexes: a.random.Int64N(3),
	}
	a.org.At(at, func(time.Time) { c.RestoreCollections(outcome) })
}

func (a *atlas) beginFlexSnapshot(f *atlassim.FlexCluster, at time.Time) {
	s := f.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: at, Expiration: a.org.Clock().Now().Add(a.between(20*time.Second, 4*time.Minute))})
	status, early := pick(a, "COMPLETED", "COMPLETED", "FAILED", "HALTED"), a.chance(50)
	a.live(at,
		func(time.Time) { s.Status = "QUEUED" },
		func(at time.Time) {
			if s.Status = "RUNNING"; early {
				s.StartTime = at
			}
		},
		func(at time.Time) { s.Status, s.FinishTime = status, at },
	)
	a.org.At(s.Expiration, func(time.Time) { f.RemoveSnapshot(s) })
}

func (a *atlas) beginFlexRestore(f *atlassim.FlexCluster, at time.Time) {
	delivery, omit := pick(a, atlassim.FlexRestoreToCluster, atlassim.FlexRestoreDownload), a.chance(5)
	status := pick(a, "COMPLETED", "COMPLETED", "FAILED", "HALTED")
	a.org.At(at, func(time.Time) { f.Restore(delivery, status).OmitScheduledDate = omit })
}

// beginRun starts a run. Most datasets expire within the soak, those of old runs at once.
func (a *atlas) beginRun(pl *atlassim.Pipeline, at time.Time) {
	now := a.org.Clock().Now()
	r := pl.AddRun(atlassim.Run{CreatedDate: at, ScheduledDeletionDate: pick(a,
		at.AddDate(0, 0, 14), now.AddDate(0, 1, 0), now.Add(a.between(5*time.Second, 15*time.Second)), now.Add(a.between(5*time.Second, 5*time.Minute)))})
	bytes, fails := a.random.Int64N(1<<40), a.chance(20)
	steps := []func(){
		func() { r.State = "IN_PROGRESS" },
		func() { r.Phase, r.Stats = "EXPORT", &atlassim.RunStats{} },
		func() { r.Stats = &atlassim.RunStats{BytesExported: bytes, NumDocs: bytes / 1000} },
		func() { r.Phase = "INGESTION" },
		func() { r.State = "DONE" },
	}
	if fails {
		steps = append(steps[:1+a.random.IntN(4)], func() { r.State = "FAILED" })
	}
	var life []func(time.Time)
	for _, step := range steps {
		life = append(life, func(at time.Time) { step(); r.LastUpdatedDate = at })
	}
	a.live(at, life...)
	a.org.At(r.ScheduledDeletionDate.Add(a.between(0, 3*time.Second)), func(at time.Time) { // most are deleted a little late
		if r.State == "DONE" {
			r.State, r.LastUpdatedDate = "DATASET_DELETED", at
		}
	})
}
