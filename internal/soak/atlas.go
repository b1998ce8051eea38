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
	// timeScale is how many seconds of an organisation's life one second of the soak stands for: an hour's download is
	// good for a minute, and an hour's token too.
	timeScale = 60
	// bucketCapacity is more than a soak asks for: what a rate limit does to readings is not its matter.
	bucketCapacity = 1_000_000
)

// atlas is the simulated Atlas and what the soak does to it.
type atlas struct {
	clock   *clock
	org     *atlassim.Organization
	server  *atlassim.Server
	account atlassim.ServiceAccount
	random  *rand.Rand // used by one goroutine, and never in an event of the organisation
	oracle  oracle
	made    int // things that were given a name
	done    map[string]counts
}

// counts is how often each kind of thing was done.
type counts map[string]int

// Sum is how often anything was done.
func (c counts) Sum() (sum int) {
	for _, n := range c {
		sum += n
	}
	return sum
}

// clock is the time of the machine, but that it can be made to stand still. The exporter goes by the machine's own, and
// decides by it when to look at a download or a dataset whose time is up.
type clock struct {
	still atomic.Pointer[time.Time] // nil while it goes
}

// Now is the time of the machine, or the moment at which the clock stands.
func (c *clock) Now() time.Time {
	if still := c.still.Load(); still != nil {
		return *still
	}
	return time.Now()
}

// stop has the clock stand still until resume. What comes due in between happens then, dated as planned.
func (c *clock) stop() {
	now := c.Now()
	c.still.Store(&now)
}

func (c *clock) resume() { c.still.Store(nil) }

// startAtlas serves an organisation with some history.
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

// name makes up a name that nothing had before.
func (a *atlas) name(kinds ...string) string {
	a.made++
	return fmt.Sprintf("%s-%03d", pick(a, kinds...), a.made)
}

// chance is true in so many of a hundred cases.
func (a *atlas) chance(percent int) bool { return a.random.IntN(100) < percent }

// pick is one of the values, the zero value where there is none.
func pick[T any](a *atlas, values ...T) (one T) {
	if len(values) > 0 {
		one = values[a.random.IntN(len(values))]
	}
	return one
}

// between is a random duration.
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

// addCluster adds a cluster of any kind, most with a history.
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

// history gives a thing past jobs, in numbers around the sizes of the pages in which lists are read: 20 of what may have
// changed, and 500.
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

// begin begins a job of some kind somewhere. A few are dated before others that are listed.
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
		a.done["jobs"][kinds[i].collector+" begun"]++
	}
}

// served lists the things of a kind whose backups Atlas answers for, of projects that can be seen.
func (a *atlas) served(parent string) []thing {
	var all []thing
	for _, p := range a.listedProjects() {
		all = append(all, thingsOf(p, parent)...)
	}
	return slices.DeleteFunc(all, func(t thing) bool { return t.unsupported != "" })
}

// live plans the steps of a job's life from its creation on. Most take seconds; a few jobs are slow, and a few never end.
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
	begins := pick(a, "InProgress", "InProgress", "InProgress", "Preparing") // no document knows the last
	end := func(at time.Time) {
		e.State = state
		if !endless { // as the API's examples show jobs of sharded clusters
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

// beginRun has most datasets go within the soak, those of old runs at once.
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
	a.org.At(r.ScheduledDeletionDate.Add(a.between(0, 3*time.Second)), func(at time.Time) { // most a little later than planned
		if r.State == "DONE" {
			r.State, r.LastUpdatedDate = "DATASET_DELETED", at
		}
	})
}
