package drill

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// scenario is an incident that must page, or a benign day that must not. All times in it are those of the real world; the
// drill divides them by its factor.
type scenario struct {
	// name is short and unique; the project that the scenario plays in bears it, too.
	name string
	// story says in a line what happens.
	story string
	// benign tells a day on which nothing is wrong from an incident. It may have a page that stands all the time.
	benign bool
	// lasts is how long the scenario is watched from its beginning on.
	lasts time.Duration
	// act builds the scenario as it is when it begins, and plans what happens from then on.
	act func(*actor)
	// options changes the simulated Atlas before it starts. Only a scenario that has a stack of its own, or whose changes
	// nobody else notices, may have it.
	options func(o *atlassim.Options, now time.Time, clock clock)
	// slower, unless it is 0, is the factor for a scenario in which something counts that cannot be divided: the time in which
	// a process starts, or a pause of the exporter's. Only for a stack of its own.
	slower float64
	// exporters is how many read the organisation: 1 by default. Only for a stack of its own.
	exporters int
	// config is appended to the exporter's configuration, given the ids of the scenario's project and of another; timeout replaces its request_timeout, which is on the wall clock.
	// Only for a stack of its own.
	config  func(lobby, project string) string
	timeout time.Duration
}

// clock converts between the real world and the drill.
type clock struct{ factor float64 }

// scaled is how long d takes in the drill.
func (c clock) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / c.factor) }

// real is how long something that took d in the drill takes in the real world.
func (c clock) real(d time.Duration) time.Duration { return time.Duration(float64(d) * c.factor) }

// expectation is a page that must come.
type expectation struct {
	alert  string
	labels map[string]string
	// due is when the cause has come to pass: the moment that the time to page counts from. A page before it is a false one.
	due time.Time
	// resolves tells that the page must have been resolved when the scenario ends.
	resolves bool
}

// fits tells whether a page is the expected one.
func (e *expectation) fits(labels map[string]string) bool {
	if labels["alertname"] != e.alert {
		return false
	}
	for name, value := range e.labels {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// with makes label pairs out of names and values.
func with(pairs ...string) map[string]string {
	labels := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return labels
}

const (
	day = 24 * time.Hour
	// exportTakes is how long a usual export takes.
	exportTakes = 30 * time.Minute
)

// actor is what a scenario acts with. Dates are given as ages before, or as times after, the scenario's beginning.
type actor struct {
	clock

	name string
	// built is when the scenario came to be, shortly before it begins.
	built, begin time.Time

	org      *atlassim.Organization
	server   *atlassim.Server
	account  atlassim.ServiceAccount
	project  *atlassim.Project
	expected []expectation
	deeds    []deed
	stack    *stack
}

// deed is something that is done to a process, outside of Atlas.
type deed struct {
	at time.Time
	do func(*stack) error
}

// ago is the date that is so long before the beginning. Atlas's dates are whole seconds.
func (a *actor) ago(age time.Duration) time.Time {
	return a.begin.Add(-a.scaled(age)).Truncate(time.Second)
}

// after is the date that is so long after the beginning.
func (a *actor) after(d time.Duration) time.Time { return a.begin.Add(a.scaled(d)) }

// in plans a change of the organisation; before 0 it has happened already. What routines made of history comes to be in the
// order of time, too: a switch of long ago belongs here, lest it apply to all history.
func (a *actor) in(d time.Duration, change func(at time.Time)) { a.org.At(a.after(d), change) }

// do plans something that is done to a process.
func (a *actor) do(d time.Duration, do func(*stack) error) {
	a.deeds = append(a.deeds, deed{a.after(d), do})
}

// expect says that an alert about the scenario's project is due at a moment.
func (a *actor) expect(due time.Time, alert string, pairs ...string) *expectation {
	return a.expectAnywhere(due, alert, append([]string{"group_id", a.project.ID}, pairs...)...)
}

// expectAnywhere is expect for an alert that names no project.
func (a *actor) expectAnywhere(due time.Time, alert string, pairs ...string) *expectation {
	a.expected = append(a.expected, expectation{alert: alert, labels: with(pairs...), due: due})
	return &a.expected[len(a.expected)-1]
}

// The names of the clusters whose exports are expected in an interval of their own, as the configuration of every exporter
// of the drill has it. Those that begin with "policy-" go by their export policy, whose interval the drill cannot divide;
// all others are expected daily.
const (
	policyCluster = "policy-orders"
	sixthCluster  = "six-hourly-orders"
	weeklyCluster = "weekly-orders"
	monthCluster  = "monthly-orders"
	manualCluster = "manual-orders"
	dailyCluster  = "orders"
)

func (a *actor) cluster(name string, change ...func(*atlassim.ClusterOptions)) *atlassim.Cluster {
	options := atlassim.ClusterOptions{
		Created:  a.ago(200 * day),
		Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"},
	}
	for _, c := range change {
		c(&options)
	}
	return a.project.AddCluster(name, options)
}

// healthy adds a cluster that exports daily; its newest export, a success, ended so long ago. Exports go on.
func (a *actor) healthy(name string, newest time.Duration) *atlassim.Cluster {
	c := a.cluster(name)
	a.exports(c, newest, atlassim.ExportRoutine{})
	return c
}

// stopped adds a cluster whose daily exports succeeded until so long ago, and for which none was made since.
func (a *actor) stopped(name string, newest time.Duration) *atlassim.Cluster {
	c := a.cluster(name)
	a.exports(c, newest, atlassim.ExportRoutine{Until: a.ago(newest)})
	return c
}

// exports gives a cluster nine days of daily exports, the newest one ended so long ago.
func (a *actor) exports(c *atlassim.Cluster, newest time.Duration, routine atlassim.ExportRoutine) {
	if routine.Period == 0 {
		routine.Period = day
	}
	if routine.Shortest == 0 {
		routine.Shortest, routine.Longest = exportTakes, exportTakes
	}
	routine.First = a.ago(newest + routine.Longest + 9*routine.Period)
	c.AddExportRoutine(routine)
}

// exported adds one export that began so long before the beginning, took its time, and ended in state.
func (a *actor) exported(c *atlassim.Cluster, age, took time.Duration, state string) *atlassim.Export {
	e := atlassim.Export{CreatedAt: a.ago(age), State: state}
	if took > 0 {
		e.FinishedAt = a.ago(age - took)
	}
	if state == atlassim.ExportFailed {
		e.Reason = &atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED"}
	}
	return c.AddExport(e)
}

// export has an export made, and ended in state some time later.
func (a *actor) export(c *atlassim.Cluster, in, takes time.Duration, state string) (ends time.Time) {
	a.in(in, func(at time.Time) {
		job := c.AddExport(atlassim.Export{CreatedAt: at, State: atlassim.ExportInProgress})
		a.org.After(takes, func(at time.Time) {
			job.State, job.FinishedAt = state, at
			if state == atlassim.ExportFailed {
				job.Reason = &atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED"}
			}
		})
	})
	return a.after(in + takes)
}

// restored adds a restore that began so long before the beginning; change says how it ended.
func (a *actor) restored(c *atlassim.Cluster, age time.Duration, change func(*atlassim.Restore)) *atlassim.Restore {
	r := atlassim.Restore{CreatedAt: a.ago(age)}
	if change != nil {
		change(&r)
	}
	return c.AddRestore(r)
}

// pipeline adds the pipeline orders with daily runs, the newest of which was made so long ago. Runs go on, and end as outcome says.
func (a *actor) pipeline(newest, takes time.Duration, outcome func(created time.Time) atlassim.RunOutcome) *atlassim.Pipeline {
	pl := a.project.AddPipeline("orders", atlassim.PipelineOptions{Created: a.ago(100 * day), Cluster: dailyCluster})
	routine := atlassim.RunRoutine{Period: day, First: a.ago(newest + 5*day), Shortest: takes, Longest: takes}
	if outcome != nil {
		routine.Outcome = func(_ int, created time.Time) atlassim.RunOutcome { return outcome(created) }
	}
	pl.AddRunRoutine(routine)
	return pl
}

// fault injects a fault from one moment after the beginning until another; until 0 it stays.
func (a *actor) fault(from, until time.Duration, fault atlassim.Fault) {
	a.in(from, func(time.Time) {
		remove := a.server.Inject(fault)
		if until > 0 {
			a.org.At(a.after(until), func(time.Time) { remove() })
		}
	})
}

// below matches the requests for this project whose path contains part.
func (a *actor) below(part string) func(*http.Request) bool {
	prefix := fmt.Sprintf("/api/atlas/v2/groups/%s/", a.project.ID)
	return func(r *http.Request) bool {
		rest, ok := strings.CutPrefix(r.URL.Path, prefix)
		return ok && strings.Contains(rest, part)
	}
}
