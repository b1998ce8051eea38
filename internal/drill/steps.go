package drill

import (
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
	// usual is the duration of an export, forever that of a job that hangs.
	usual   = 30 * minute
	forever = 1 << 62
	// soon is the time of most scheduled events.
	soon = 20 * minute
)

// Clusters with an expected interval of exports or snapshots in the exporters' configuration. For other clusters, exports
// are expected by their policy, whose interval the drill cannot scale, and no snapshots are expected.
const (
	orders       = "orders" // an export daily
	hourly       = "hourly-orders"
	sixHourly    = "six-hourly-orders" // one every six hours
	weekly       = "weekly-orders"
	monthly      = "monthly-orders"
	byHand       = "manual-orders" // none
	policyOrders = "policy-orders" // by its policy

	sixHourlySnapshots = "six-hourly-snapshots"
	dailySnapshots     = "daily-snapshots"
	flexOrders         = "flex-orders"
)

// all is the steps as one.
func all(steps ...step) step {
	return func(a *actor) {
		for _, s := range steps {
			s(a)
		}
	}
}

// at schedules steps. Steps before the start are scheduled too: otherwise they would not run in order with the jobs of
// routines.
func at(d time.Duration, steps ...step) step {
	return func(a *actor) { a.org.At(a.after(d), func(time.Time) { all(steps...)(a) }) }
}

// do schedules actions on processes.
func do(d time.Duration, steps ...step) step {
	return func(a *actor) { a.stack.deeds = append(a.stack.deeds, deed{a.after(d), func() { all(steps...)(a) }}) }
}

// job schedules the start of a job, and its end after the given duration. A job without a duration has ended when it is
// first seen.
func job[T any](start, takes time.Duration, begin func(*actor, time.Time) T, end func(T, time.Time)) step {
	return func(a *actor) {
		var one T
		a.org.At(a.after(start), func(now time.Time) { one = begin(a, now.Truncate(time.Second)) })
		if takes < forever {
			a.org.At(a.after(start+takes), func(now time.Time) { end(one, now) })
		}
	}
}

// cluster adds a cluster with a daily export policy.
func cluster(name string, change ...func(*actor, *atlassim.ClusterOptions)) step {
	return func(a *actor) {
		options := atlassim.ClusterOptions{
			Created:  a.after(-200 * day),
			Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: atlassim.Daily},
		}
		for _, c := range change {
			c(a, &options)
		}
		a.project.AddCluster(name, options)
	}
}

func made(at time.Duration) func(*actor, *atlassim.ClusterOptions) {
	return func(a *actor, o *atlassim.ClusterOptions) { o.Created = a.after(at) }
}

func provider(name string) func(*actor, *atlassim.ClusterOptions) {
	return func(_ *actor, o *atlassim.ClusterOptions) { o.Provider = name }
}

func withoutBackup(_ *actor, o *atlassim.ClusterOptions)  { o.BackupDisabled = true }
func withoutExports(_ *actor, o *atlassim.ClusterOptions) { o.Schedule = atlassim.Schedule{} }

func (a *actor) cluster(name string) *atlassim.Cluster {
	for _, c := range a.project.Clusters() {
		if c.Name == name {
			return c
		}
	}
	panic("there is no cluster " + name)
}

// change applies a change to a cluster.
func change(name string, by func(*atlassim.Cluster)) step {
	return func(a *actor) { by(a.cluster(name)) }
}

func paused(name string, on bool) step {
	return change(name, func(c *atlassim.Cluster) { c.Paused = on })
}

func backup(name string, on bool) step {
	return change(name, func(c *atlassim.Cluster) { c.BackupEnabled = on })
}

func autoExport(name string, on bool) step {
	return change(name, func(c *atlassim.Cluster) { c.Schedule.AutoExportEnabled = on })
}

// refused makes Atlas refuse all requests about a cluster's backups. Status 0 ends that.
func refused(name string, status int, code string) step {
	return change(name, func(c *atlassim.Cluster) { c.BackupRefusal = atlassim.Refusal{Status: status, Code: code} })
}

func removed(name string) step {
	return func(a *actor) { a.project.RemoveCluster(a.cluster(name)) }
}

// healthy adds a cluster with daily exports. The newest one ends at the given time, and more follow.
func healthy(name string, newest time.Duration) step { return exporting(name, newest, 1000*day) }

// stopped adds a cluster whose daily exports succeeded until the given time. No exports follow.
func stopped(name string, newest time.Duration) step { return exporting(name, newest, newest) }

func exporting(name string, newest, until time.Duration) step {
	return func(a *actor) {
		cluster(name)(a)
		a.cluster(name).AddExportRoutine(atlassim.ExportRoutine{
			Period: day, Shortest: usual, Longest: usual, First: a.after(newest - usual - 9*day), Until: a.after(until),
		})
	}
}

// export adds an export of the newest snapshot, if there is one.
func export(name string, start, takes time.Duration, state string) step {
	return job(start, takes, func(a *actor, now time.Time) *atlassim.Export {
		e := atlassim.Export{CreatedAt: now, State: atlassim.ExportInProgress}
		if takes == forever {
			e.State = state
		}
		if taken := a.cluster(name).Snapshots(); len(taken) > 0 {
			e.SnapshotID = taken[len(taken)-1].ID
		}
		return a.cluster(name).AddExport(e)
	}, func(e *atlassim.Export, now time.Time) {
		e.State, e.FinishedAt = state, now
		if state == atlassim.ExportFailed {
			e.Reason = &atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED"}
		}
	})
}

// exportBecomes changes the state of the newest export.
func exportBecomes(name, state string) step {
	return change(name, func(c *atlassim.Cluster) {
		all := c.Exports()
		all[len(all)-1].State = state
	})
}

// snapshots adds a cluster without exports. It has completed snapshots at the given interval, the newest at the given time.
func snapshots(name string, interval, newest time.Duration) step {
	return func(a *actor) {
		cluster(name, withoutExports)(a)
		for n := range 8 {
			snapshot(name, newest-time.Duration(n)*interval, 0, atlassim.SnapshotCompleted)(a)
		}
	}
}

func snapshot(name string, start, takes time.Duration, status string, change ...func(*atlassim.Snapshot)) step {
	return job(start, takes, func(a *actor, now time.Time) *atlassim.Snapshot {
		s := atlassim.Snapshot{RequestedAt: now, Status: atlassim.SnapshotInProgress}
		if takes == forever {
			s.Status = status
		}
		for _, by := range change {
			by(&s)
		}
		return a.cluster(name).AddSnapshot(s)
	}, func(s *atlassim.Snapshot, now time.Time) {
		if s.Status = status; status == atlassim.SnapshotCompleted {
			s.CreatedAt = now
		}
	})
}

func fallback(s *atlassim.Snapshot) { s.Type = atlassim.SnapshotFallback }
func onDemand(s *atlassim.Snapshot) {
	s.Type, s.Frequency = atlassim.SnapshotOnDemand, atlassim.OnDemand
}

func frequency(f string) func(*atlassim.Snapshot) {
	return func(s *atlassim.Snapshot) { s.Frequency = f }
}

// exported adds the cluster orders with a daily export policy. It has a snapshot and its export on each of four days, the
// newest snapshot at the given time.
func exported(newest time.Duration) step {
	steps := []step{cluster(orders)}
	for n := range 4 {
		taken := newest - time.Duration(n)*day
		steps = append(steps, snapshot(orders, taken, 0, atlassim.SnapshotCompleted),
			export(orders, taken+10*minute, usual, atlassim.ExportSuccessful))
	}
	return all(steps...)
}

// restore adds a restore of the cluster orders with the delivery type. end sets its result.
func restore(delivery string, start, takes time.Duration, end func(*atlassim.Restore, time.Time)) step {
	return job(start, takes, func(a *actor, now time.Time) *atlassim.Restore {
		return a.cluster(orders).AddRestore(atlassim.Restore{CreatedAt: now, DeliveryType: delivery})
	}, end)
}

func succeeds(r *atlassim.Restore, now time.Time)   { r.FinishedAt = now }
func fails(r *atlassim.Restore, now time.Time)      { r.Failed, r.FinishedAt = true, now }
func failsUndated(r *atlassim.Restore, _ time.Time) { r.Failed = true }
func isCancelled(r *atlassim.Restore, now time.Time) {
	r.Cancelled, r.Failed, r.FinishedAt = true, true, now
}
func becomesReady(r *atlassim.Restore, now time.Time) { r.MakeReady(now) }

func collectionRestore(name string, start, takes time.Duration, state string) step {
	return job(start, takes, func(a *actor, now time.Time) *atlassim.CollectionRestore {
		return a.cluster(name).AddCollectionRestore(atlassim.CollectionRestore{
			CreatedAt: now, State: atlassim.CollectionInProgress, TotalDocuments: 9,
		})
	}, func(r *atlassim.CollectionRestore, now time.Time) { r.State, r.FinishedAt = state, now })
}

// flex adds a Flex cluster with daily snapshots, the newest at the given time.
func flex(newest time.Duration) step {
	return func(a *actor) {
		a.project.AddFlexCluster(flexOrders, a.after(newest-10*day))
		for n := range 8 {
			flexSnapshot(newest-time.Duration(7-n)*day, 2*minute, atlassim.FlexCompleted)(a)
		}
	}
}

// flexLate adds a Flex cluster whose newest snapshot is a day plus the given time old. The exporter does not scale the day.
func flexLate(by time.Duration) step {
	return func(a *actor) { flex(-time.Duration(a.factor*float64(day)) - by)(a) }
}

func flexSnapshot(start, takes time.Duration, status string) step {
	return job(start, takes, func(a *actor, now time.Time) *atlassim.FlexSnapshot {
		return a.project.FlexClusters()[0].AddSnapshot(atlassim.FlexSnapshot{
			ScheduledTime: now, StartTime: now, Status: atlassim.FlexRunning, Expiration: a.begin.Add(day),
		})
	}, func(s *atlassim.FlexSnapshot, now time.Time) { s.Status, s.FinishTime = status, now })
}

func flexRestore(start, takes time.Duration, status string) step {
	return job(start, takes, func(a *actor, now time.Time) *atlassim.FlexRestore {
		return a.project.FlexClusters()[0].AddRestore(atlassim.FlexRestore{ScheduledDate: now, Status: atlassim.FlexRunning})
	}, func(r *atlassim.FlexRestore, now time.Time) { r.Status, r.FinishedDate = status, now })
}

// pipeline adds the pipeline orders with daily runs that succeed, the newest at the given time. If failing is not empty,
// runs after the start fail in that phase.
func pipeline(newest, takes time.Duration, failing string) step {
	return func(a *actor) {
		emptyPipeline(atlassim.PipelineActive)(a)
		a.project.Pipelines()[0].AddRunRoutine(atlassim.RunRoutine{
			Period: day, First: a.after(newest - 5*day), Shortest: takes, Longest: takes,
			Outcome: func(_ int, created time.Time) (o atlassim.RunOutcome) {
				if failing != "" && created.After(a.begin) {
					o = atlassim.RunOutcome{State: atlassim.RunFailed, Phase: failing}
				}
				return o
			},
		})
	}
}

func emptyPipeline(state string) step {
	return func(a *actor) {
		a.project.AddPipeline("orders", atlassim.PipelineOptions{Created: a.after(-100 * day), Cluster: orders, State: state})
	}
}

// run adds a run that does not change.
func run(start time.Duration, state, phase string) step {
	return at(start, func(a *actor) {
		a.project.Pipelines()[0].AddRun(atlassim.Run{State: state, Phase: phase})
	})
}

// fault injects a fault for some time, or for good if until is 0.
func fault(from, until time.Duration, f atlassim.Fault) step {
	return at(from, func(a *actor) {
		remove := a.server.Inject(f)
		if until > 0 {
			a.org.At(a.after(until), func(time.Time) { remove() })
		}
	})
}

// below injects a fault, from soon on, into requests for the scenario's project whose path contains part.
func below(part string, f atlassim.Fault) step {
	return func(a *actor) {
		f.Project, f.Match = a.project.ID, func(r *http.Request) bool { return strings.Contains(r.URL.Path, part) }
		fault(soon, 0, f)(a)
	}
}

// afterSignIn returns a fault that only strikes requests with valid credentials.
func afterSignIn(status int, code string) atlassim.Fault {
	return atlassim.Fault{Authenticated: true, Status: status, Code: code}
}

// shop adds clusters and a pipeline without problems.
func shop(a *actor) {
	all(healthy(orders, -3*hour), restore(atlassim.RestoreAutomated, -5*hour, hour, succeeds),
		healthy(byHand, -3*hour), pipeline(-3*hour, hour, ""))(a)
}

// failingShop is shop with a failed export, which causes failingShopPages.
func failingShop(a *actor) { all(shop, export(orders, -2*hour, hour, atlassim.ExportFailed))(a) }

func failingShopPages() []expectation { return pages(standing, "BackupExportFailed{cl_name=orders}") }

// ended ends an exporter with a signal.
func ended(n int, sig syscall.Signal) step {
	return func(a *actor) {
		if err := a.gates[n].running.Swap(nil).Signal(sig); err != nil {
			a.t.Fatal(err)
		}
	}
}

// restarted stops an exporter, and starts another in its place after the given time.
func restarted(n int, away time.Duration) step {
	return all(do(soon, ended(n, syscall.SIGTERM)), do(soon+away, func(a *actor) { a.startExporter(n) }))
}

// reload reloads the first exporter.
func (a *actor) reload() error { return a.gates[0].running.Load().Reload(a.t.Context()) }

func reloaded(a *actor) {
	if err := a.reload(); err != nil {
		a.t.Fatal(err)
	}
}

// reconfigure replaces a text in the configuration, and reloads the first exporter.
func (a *actor) reconfigure(old, replacement string) {
	before := a.exporterConfig()
	if !strings.Contains(before, old) {
		a.t.Fatalf("there is no %s in %s", old, before)
	}
	a.writeFile("exporter.yml", strings.Replace(before, old, replacement, 1))
	reloaded(a)
}

// expected changes the expected interval of the snapshots of a cluster. It changes the configuration, because the interval
// of a policy cannot be scaled.
func expected(name string, from, to time.Duration) step {
	return func(a *actor) { a.reconfigure(a.every(name, from), a.every(name, to)) }
}
