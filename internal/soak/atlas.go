package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	plan
	// clock is the wall clock while jobs change, and stands still during checks. The exporter uses the wall clock to decide
	// when to read an expired download or dataset again.
	clock   *atlassim.ManualClock
	org     *atlassim.Organization
	server  *atlassim.Server
	account atlassim.ServiceAccount
	random  *rand.Rand // used by one goroutine, never in an event of the organisation
	oracle  oracle
	names   int            // number of names given so far
	done    map[string]int // number of events by kind
}

// startAtlas serves an organisation whose clusters and pipelines have past jobs.
func startAtlas(t testing.TB, p plan) *atlas {
	t.Helper()
	a := &atlas{
		plan: p, clock: atlassim.NewManualClock(time.Now()), account: atlassim.NewServiceAccount(),
		random: rand.New(rand.NewPCG(p.seed, 0)), done: map[string]int{},
	}
	a.org = atlassim.NewOrganization(a.clock, atlassim.WithTimeScale(timeScale))
	a.oracle = oracle{org: a.org, held: map[list][]job{}, stale: map[list]staleJobs{}}
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
	for range p.projects {
		a.addProject()
	}
	return a
}

// name returns a name that was never used before.
func (a *atlas) name(kinds ...string) string {
	a.names++
	return fmt.Sprintf("%s-%03d", pick(a, kinds...), a.names)
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

// soon returns a random time in the future.
func (a *atlas) soon(least, most time.Duration) time.Time {
	return a.clock.Now().Add(a.between(least, most))
}

// listedProjects returns the projects that the credentials can see.
func (a *atlas) listedProjects() []*atlassim.Project {
	return slices.DeleteFunc(a.org.Projects(), func(p *atlassim.Project) bool { return p.Unlisted })
}

// served lists the things of a discovery collector, in visible projects, whose backups Atlas serves.
func (a *atlas) served(parent string) []thing {
	var all []thing
	for _, p := range a.listedProjects() {
		all = append(all, thingsOf(p, parent)...)
	}
	return slices.DeleteFunc(all, func(t thing) bool { return t.unsupported != "" })
}

// parent is a discovery collector whose entries have jobs.
type parent struct {
	collector, noun string
	each            int // entries in each project
	add             func(*atlassim.Project)
}

func (a *atlas) parents() []parent {
	return []parent{
		{clusters, "cluster", 7, a.addCluster},
		{flexClusters, "Flex cluster", 1, a.addFlexCluster},
		{pipelines, "pipeline", 2, a.addPipeline},
	}
}

func (a *atlas) addProject() {
	p := a.org.AddProject(a.name("payments", "catalog", "sandbox"))
	for _, of := range a.parents() {
		for range of.each {
			of.add(p)
		}
	}
}

// addCluster adds a cluster of any kind. Most have past jobs.
func (a *atlas) addCluster(p *atlassim.Project) {
	now := a.clock.Now()
	c := p.AddCluster(a.name("prod", "dev", "scratch"), atlassim.ClusterOptions{
		Provider: pick(a, "TENANT", "FLEX", "", "", "", "", "", "", "", "", "", "", ""), Shards: pick(a, 0, 0, 2),
		Created: now.AddDate(0, -3, -a.random.IntN(60)), Paused: a.chance(5), BackupDisabled: a.chance(7),
		Schedule: atlassim.Schedule{
			AutoExportEnabled: a.chance(70), ExportFrequency: pick(a, "daily", "daily", "weekly", "monthly", "yearly", ""),
			NextSnapshot: now.Add(24 * time.Hour).Truncate(time.Second),
		},
	})
	a.addPastJobs(clusters, c)
}

func (a *atlas) addFlexCluster(p *atlassim.Project) {
	f := p.AddFlexCluster(a.name("prod", "dev", "scratch"), a.clock.Now().AddDate(0, -1, 0))
	f.BackupEnabled = !a.chance(10)
	a.addPastJobs(flexClusters, f)
}

func (a *atlas) addPipeline(p *atlassim.Project) {
	pl := p.AddPipeline(a.name("daily", "tägliche", "50%#a", "what?"), atlassim.PipelineOptions{
		Cluster: "any", State: pick(a, "ACTIVE", "ACTIVE", "PAUSED"), SourceType: pick(a, "PERIODIC_CPS", "ON_DEMAND_CPS"),
	})
	a.addPastJobs(pipelines, pl)
}

// addPastJobs adds jobs of the last days to an owner, and sets the orders of its lists. The numbers of jobs are around the
// exporter's page sizes: 20 for reading changes, and 500 for a full read.
func (a *atlas) addPastJobs(parent string, owner any) {
	a.shuffle(parent, owner)
	for _, k := range kindsOf(parent) {
		n := pick(a, 0, 1, 5, 19, 20, 21, 40, 61)
		if a.chance(6) {
			n = pick(a, 130, 620)
		}
		for days := n; days > 0; days-- {
			k.begin(a, owner, a.soon(0, time.Hour).AddDate(0, 0, -days))
		}
	}
}

// shuffle changes the orders of an owner's lists of jobs. The API does not document an order.
func (a *atlas) shuffle(parent string, owner any) {
	for _, k := range kindsOf(parent) {
		k.order(owner, a.anyOrder())
	}
}

func (a *atlas) anyOrder() atlassim.Order {
	return pick(a, atlassim.NewestFirst, atlassim.NewestFirst, atlassim.OldestFirst, atlassim.Shuffled)
}

// begin starts a job of a random kind. A few jobs get a date before that of a job that is already listed.
func (a *atlas) begin() {
	k, at := pick(a, jobKinds()...), a.clock.Now()
	if a.chance(3) {
		at = at.Add(-5 * time.Second)
	}
	if owner := pick(a, a.served(k.parent)...).owner; owner != nil {
		k.begin(a, owner, at)
		a.done[k.collector+" started"]++
	}
}
