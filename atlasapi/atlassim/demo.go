package atlassim

import "time"

// Demo returns the organization of the demo. It has every situation that an operator of backups should recognize, dated
// so that ages and alerts are true at the clock's current time. Some job changes every half minute. The same routines
// make the history and the future. Jobs created from now on take one to three minutes.
func Demo(clock Clock, options ...OrganizationOption) *Organization {
	org := NewOrganization(clock, options...)
	org.Name = "Demo Organization"
	d := demo{org: org, now: clock.Now().Truncate(time.Second)}
	d.payments(org.AddProject("payments"))
	d.platform(org.AddProject("platform"))
	d.analytics(org.AddProject("analytics"))
	d.sandbox(org.AddProject("sandbox"))
	d.commerce(org.AddProject("commerce"))
	d.mobile(org.AddProject("mobile"))
	d.takeSnapshots()
	org.Do(func() {}) // makes the history
	return org
}

const day = 24 * time.Hour

// demo builds the demo's organization as of now.
type demo struct {
	org *Organization
	now time.Time
}

func (d demo) ago(age time.Duration) time.Time { return d.now.Add(-age) }

// cluster adds a cluster with a schedule that exports daily.
func (d demo) cluster(p *Project, name string, age time.Duration, change func(*ClusterOptions)) *Cluster {
	options := ClusterOptions{
		Created: d.ago(age), InstanceSize: "M30",
		Schedule: Schedule{AutoExportEnabled: true, ExportFrequency: Daily},
	}
	if change != nil {
		change(&options)
	}
	return p.AddCluster(name, options)
}

// snapshotLead is the time from a snapshot's turn to its export. The snapshot is complete by then.
const snapshotLead = 10 * time.Minute

// refer sets the time of the cluster's daily snapshots, so that each is complete before its export. export is the age
// of an export.
func (d demo) refer(c *Cluster, export time.Duration) {
	c.Schedule.Reference = timeOfDay(d.ago(export + snapshotLead))
}

// timeOfDay returns the time of day of a moment, for Schedule.Reference.
func timeOfDay(at time.Time) time.Duration {
	at = at.UTC()
	if at.Hour() == 0 && at.Minute() == 0 {
		return day
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// takeSnapshots makes snapshots by policy for all clusters that have no routine of their own.
func (d demo) takeSnapshots() {
	for _, p := range d.org.projects {
		for _, c := range p.Clusters() {
			if c.routine == nil && c.BackupEnabled {
				c.TakeSnapshots(SnapshotRoutine{From: d.begin(c)})
			}
		}
	}
}

// begin returns when the cluster's history of snapshots begins: an hour after its creation, but at most about a year
// ago, because older snapshots have expired.
func (d demo) begin(c *Cluster) time.Time {
	begin := c.Created.Add(time.Hour)
	if year := d.ago(370 * day); year.After(begin) {
		return year
	}
	return begin
}

// daily makes daily exports of the cluster for a number of days. newest is the age of the newest one.
func (d demo) daily(c *Cluster, days int, newest time.Duration, routine ExportRoutine) {
	d.refer(c, newest)
	routine.Period = day
	routine.First = d.ago(newest + time.Duration(days-1)*day)
	c.AddExportRoutine(routine)
}

// restored makes one restore job of an age. It ends within three minutes, unless it hangs.
func (d demo) restored(c *Cluster, age time.Duration, deliveryType string, outcome RestoreOutcome) {
	d.org.At(d.ago(age), func(at time.Time) {
		job := c.AddRestore(Restore{CreatedAt: at, DeliveryType: deliveryType})
		if outcome != RestoreHangs {
			d.org.After(2*time.Minute+20*time.Second, func(at time.Time) { job.end(outcome, at) })
		}
	})
}

// payments has a healthy cluster, one whose exports fail, and one whose export is stuck.
func (d demo) payments(p *Project) {
	healthy := d.cluster(p, "payments-prod-eu", 430*day, nil)
	d.daily(healthy, 400, 5*time.Hour, ExportRoutine{Outcome: oneFailing(37)})
	d.restored(healthy, 40*day, RestoreAutomated, RestoreCompletes)
	d.restored(healthy, 12*day, RestoreAutomated, RestoreCompletes)
	d.restored(healthy, 11*day, RestorePointInTime, RestoreCompletes)
	d.restored(healthy, 3*day, RestoreAutomated, RestoreIsCancelled)

	failing := d.cluster(p, "payments-prod-us", 300*day, nil)
	d.daily(failing, 280, 4*time.Hour, ExportRoutine{
		Outcome: func(_ int, created time.Time) ExportOutcome {
			if created.Before(d.ago(20 * time.Hour)) {
				return ExportOutcome{}
			}
			return failedExport("EXPORT_BUCKET_ACCESS_DENIED", "Access to the export bucket was denied.")
		},
	})
	d.restored(failing, 9*day, RestorePointInTime, RestoreCompletes)
	d.restored(failing, 5*time.Hour, RestorePointInTime, RestoreFails)

	stuck := d.cluster(p, "payments-ledger", 220*day, nil)
	d.daily(stuck, 200, 20*time.Hour, ExportRoutine{
		Outcome: func(_ int, created time.Time) ExportOutcome {
			switch {
			case created.Before(d.ago(21 * time.Hour)):
				return ExportOutcome{}
			case created.After(d.now):
				return ExportOutcome{State: ExportQueued}
			}
			return ExportOutcome{State: ExportInProgress}
		},
	})
	d.org.At(d.ago(8*time.Hour), func(at time.Time) {
		stuck.AddExport(Export{CreatedAt: at, State: ExportQueued, SnapshotID: stuck.exportable(true)})
	})

	orders := p.AddPipeline("orders-daily", PipelineOptions{
		Created: d.ago(120 * day), Cluster: healthy.Name, Database: "shop", Collection: "orders",
	})
	orders.AddRunRoutine(RunRoutine{Period: day, First: d.ago(90*day + 4*time.Hour), Bytes: 42 << 30, Docs: 18_400_000})

	refunds := p.AddPipeline("refunds#eu", PipelineOptions{
		Created: d.ago(80 * day), Cluster: failing.Name, Database: "shop", Collection: "refunds",
	})
	refunds.AddRunRoutine(RunRoutine{
		Period: day, First: d.ago(60*day + 3*time.Hour), Bytes: 3 << 30, Docs: 950_000,
		Outcome: func(_ int, created time.Time) RunOutcome {
			if created.Before(d.ago(20 * time.Hour)) {
				return RunOutcome{}
			}
			return RunOutcome{State: RunFailed, Phase: PhaseExport}
		},
	})
}

// platform has problems that often go unnoticed: exports that stopped, that were switched off, that never started.
func (d demo) platform(p *Project) {
	core := d.cluster(p, "platform-core", 400*day, nil)
	d.daily(core, 365, 7*time.Hour, ExportRoutine{})
	core.AddRestoreRoutine(RestoreRoutine{
		Period: 50 * time.Minute, First: d.ago(6*time.Hour + 5*time.Minute), DeliveryType: RestoreDownload,
	})
	d.restored(core, 2*day, RestoreDownload, RestoreIsCancelled)

	overdue := d.cluster(p, "platform-sessions", 150*day, nil)
	d.daily(overdue, 120, 4*day, ExportRoutine{Until: d.ago(3 * day)})

	off := d.cluster(p, "platform-search", 200*day, nil)
	d.daily(off, 180, 3*time.Hour, ExportRoutine{})
	d.org.At(d.ago(40*day), func(time.Time) { off.Schedule.AutoExportEnabled = false })

	d.cluster(p, "platform-legacy", 90*day, nil) // never exported, though its policy says daily

	fresh := d.cluster(p, "platform-next", time.Hour, nil)
	fresh.AddExportRoutine(ExportRoutine{Period: day, First: d.now.Add(20 * time.Hour)})

	p.AddPipeline("audit-log", PipelineOptions{Created: d.ago(2 * day), Cluster: core.Name, Collection: "audit"})
}

// analytics has the most activity: on-demand exports, restore drills, and a pipeline that runs all the time.
func (d demo) analytics(p *Project) {
	warehouse := d.cluster(p, "analytics-warehouse", 250*day, func(o *ClusterOptions) { o.Shards = 3 })
	d.daily(warehouse, 230, 6*time.Hour, ExportRoutine{})
	d.restored(warehouse, 15*day, RestoreDownload, RestoreCompletes)

	stream := d.cluster(p, "analytics-stream", 120*day, nil)
	d.daily(stream, 100, 2*time.Hour, ExportRoutine{})
	stream.AddExportRoutine(ExportRoutine{
		Period: 90 * time.Second, First: d.ago(3*time.Hour + 20*time.Second), OnDemand: true,
		Outcome: func(n int, _ time.Time) ExportOutcome { return ExportOutcome{Collections: 12 + n%5} },
	})
	stream.AddRestoreRoutine(RestoreRoutine{
		Period: 4 * time.Minute, First: d.ago(2*time.Hour + time.Minute), Shortest: 2 * time.Minute,
	})

	archive := d.cluster(p, "analytics-archive", 210*day, func(o *ClusterOptions) {
		o.Schedule.ExportFrequency, o.Schedule.Items = Weekly, DefaultPolicy()
		// For Atlas, Sunday is 7.
		o.Schedule.Items[2].Interval = (int(d.ago(30*time.Hour+snapshotLead).UTC().Weekday())+6)%7 + 1
	})
	d.refer(archive, 30*time.Hour)
	archive.AddExportRoutine(ExportRoutine{Period: 7 * day, First: d.ago(196*day + 30*time.Hour)})

	paused := d.cluster(p, "analytics-seasonal", 160*day, nil)
	d.daily(paused, 150, time.Hour, ExportRoutine{})
	d.org.At(d.ago(20*day), func(time.Time) { paused.Paused = true })

	clicks := p.AddPipeline("clickstream", PipelineOptions{
		Created: d.ago(60 * day), Cluster: stream.Name, Collection: "clicks", Frequency: "HOURLY",
		Retention: Retention{Units: "DAYS", Value: 1},
	})
	clicks.AddRunRoutine(RunRoutine{
		Period: 2 * time.Minute, First: d.ago(25*time.Hour + 50*time.Second), Shortest: 2 * time.Minute,
		Bytes: 800 << 20, Docs: 260_000,
	})

	sessions := p.AddPipeline("sessions-weekly", PipelineOptions{
		Created: d.ago(200 * day), Cluster: archive.Name, Collection: "sessions", Frequency: "WEEKLY",
	})
	sessions.AddRunRoutine(RunRoutine{Period: 7 * day, First: d.ago(180 * day)})
	d.org.At(d.ago(30*day), func(time.Time) { sessions.State = PipelinePaused })

	embeddings := p.AddPipeline("embeddings", PipelineOptions{
		Created: d.ago(45 * day), Cluster: warehouse.Name, Collection: "embeddings",
	})
	embeddings.AddRunRoutine(RunRoutine{
		Period: day, First: d.ago(30*day + 9*time.Hour), Bytes: 90 << 30, Docs: 4_000_000,
		Outcome: func(_ int, created time.Time) RunOutcome {
			if created.Before(d.ago(10 * time.Hour)) {
				return RunOutcome{}
			}
			return RunOutcome{State: RunInProgress, Phase: PhaseIngestion}
		},
	})
}

// sandbox has clusters that cannot be backed up, or are not.
func (d demo) sandbox(p *Project) {
	d.cluster(p, "sandbox-free", 100*day, func(o *ClusterOptions) {
		o.Provider, o.InstanceSize, o.Schedule = "TENANT", "M0", Schedule{}
	})
	lab := d.cluster(p, "sandbox-lab", 60*day, nil)
	d.daily(lab, 45, 3*time.Hour, ExportRoutine{})
	d.org.At(d.ago(10*day), func(time.Time) { lab.DisableBackup() })
}

// oneFailing lets one of every n exports fail.
func oneFailing(oneIn int) func(n int, created time.Time) ExportOutcome {
	return func(n int, _ time.Time) ExportOutcome {
		if n%oneIn != oneIn/2 {
			return ExportOutcome{}
		}
		return failedExport("EXPORT_INTERNAL_ERROR", "The export was interrupted.")
	}
}

func failedExport(code, message string) ExportOutcome {
	return ExportOutcome{State: ExportFailed, Reason: &StateReason{ErrorCode: code, Message: message}}
}
