package atlassim

import "time"

// commerce has all outcomes of snapshots and of the exports that follow them.
func (d demo) commerce(p *Project) {
	add := func(name string, age time.Duration, change func(*ClusterOptions)) *Cluster {
		c := d.cluster(p, name, age, change)
		c.ExportSnapshots(AutoExport{})
		return c
	}

	hourly := add("commerce-orders", 180*day, func(o *ClusterOptions) {
		o.PitEnabled, o.InstanceSize = true, "M50"
		o.Schedule.Items = []PolicyItem{
			{Frequency: Hourly, Interval: 1, RetentionUnit: Days, RetentionValue: 2},
			{Frequency: Daily, Interval: 1, RetentionUnit: Days, RetentionValue: 14},
		}
	})
	d.refer(hourly, 90*time.Minute)
	hourly.TakeSnapshots(SnapshotRoutine{From: d.ago(20 * day), Bytes: 210 << 30})

	global := add("commerce-global", 300*day, func(o *ClusterOptions) {
		o.PitEnabled, o.Shards = true, 2
		o.Schedule.RestoreWindowDays, o.Schedule.CopyRegions = 3, []string{"US_EAST_1"}
	})
	d.refer(global, 5*time.Hour)
	global.TakeSnapshots(SnapshotRoutine{From: d.begin(global), Bytes: 640 << 30})

	d.snapshotTroubles(add)

	missing := add("commerce-reports", 100*day, nil)
	d.refer(missing, 20*time.Hour)
	missing.ExportSnapshots(AutoExport{Skip: func(taken time.Time) bool { return taken.After(d.ago(26 * time.Hour)) }})

	bucket := p.AddExportBucket("commerce-billing-exports")
	gone := add("commerce-billing", 120*day, func(o *ClusterOptions) { o.Schedule.ExportBucketID = bucket.ID })
	d.refer(gone, 7*time.Hour)
	gone.ExportSnapshots(AutoExport{Outcome: func(created time.Time) ExportOutcome {
		if created.Before(d.ago(2 * day)) {
			return ExportOutcome{}
		}
		return failedExport("EXPORT_BUCKET_NOT_FOUND", "The export bucket does not exist.")
	}})
	d.org.At(d.ago(2*day), func(time.Time) { p.RemoveExportBucket(bucket) })

	d.collectionRestores(hourly, global, missing, gone)
}

// snapshotTroubles adds clusters whose snapshots stopped, fail, hang, are fallbacks, or are not scheduled.
func (d demo) snapshotTroubles(add func(name string, age time.Duration, change func(*ClusterOptions)) *Cluster) {
	overdue := add("commerce-catalog", 200*day, nil)
	d.refer(overdue, 4*time.Hour)
	overdue.TakeSnapshots(SnapshotRoutine{From: d.begin(overdue), Until: d.ago(2 * day)})
	d.org.At(d.ago(2*day), func(at time.Time) {
		if next, ok := overdue.nextTurn(at); ok {
			overdue.Schedule.NextSnapshot = next.at
		}
	})

	// From each of these times on, every turn fails. With the default policy, there is a turn within six hours.
	since := func(age time.Duration, outcome SnapshotOutcome) func(time.Time) SnapshotOutcome {
		return func(requested time.Time) SnapshotOutcome {
			if requested.Before(d.ago(age)) {
				return SnapshotOutcome{}
			}
			return outcome
		}
	}
	failed := add("commerce-checkout", 160*day, nil)
	d.refer(failed, 9*time.Hour)
	failed.TakeSnapshots(SnapshotRoutine{
		From: d.begin(failed), Outcome: since(7*time.Hour, SnapshotOutcome{Status: SnapshotFailed}),
	})

	fallback := add("commerce-search", 140*day, nil)
	d.refer(fallback, 10*time.Hour)
	fallback.TakeSnapshots(SnapshotRoutine{
		From: d.begin(fallback), Outcome: since(7*time.Hour, SnapshotOutcome{Status: SnapshotFailed, Fallback: true}),
	})

	hanging := add("commerce-inventory", 130*day, nil)
	d.refer(hanging, 12*time.Hour)
	hanging.TakeSnapshots(SnapshotRoutine{From: d.begin(hanging), Outcome: func(requested time.Time) SnapshotOutcome {
		switch {
		case requested.Before(d.ago(14 * time.Hour)):
			return SnapshotOutcome{}
		case requested.Before(d.ago(8 * time.Hour)):
			return SnapshotOutcome{Status: SnapshotInProgress}
		}
		return SnapshotOutcome{Skip: true} // a cluster takes one snapshot at a time
	}})

	unscheduled := add("commerce-archive", 250*day, func(o *ClusterOptions) { o.Schedule.AutoExportEnabled = false })
	d.org.At(d.ago(30*day), func(time.Time) { unscheduled.SetPolicy(NothingScheduled()) })
	d.org.At(d.ago(6*day), func(time.Time) {
		unscheduled.TakeSnapshot("before the upgrade", 30, SnapshotOutcome{})
	})
}

// collectionRestores has a collection restore in each state.
func (d demo) collectionRestores(hourly, global, missing, gone *Cluster) {
	restore := func(c *Cluster, age time.Duration, outcome CollectionOutcome) {
		d.org.At(d.ago(age), func(time.Time) { c.RestoreCollections(outcome) })
	}
	restore(hourly, 9*day, CollectionOutcome{})
	restore(hourly, 4*day, CollectionOutcome{State: CollectionCanceled, ErrorMessage: "The restore was canceled by a user."})
	restore(hourly, 3*day, CollectionOutcome{FailedIndexes: 1, Documents: 18_400_000})
	restore(gone, 6*time.Hour, CollectionOutcome{
		State: CollectionFailed, ErrorMessage: "Collection shop.invoices was not found in the snapshot.",
	})
	restore(missing, 15*time.Hour, CollectionOutcome{State: CollectionFinalizing})
	d.org.every(d.ago(3*time.Hour+40*time.Second), 8*time.Minute, func(int, time.Time) {
		global.RestoreCollections(CollectionOutcome{Documents: 2_400_000})
	})
	d.restored(gone, 30*time.Hour, RestoreDownload, RestoreCompletes)
	// A job leaves these two states soonest, so jobs that hang show them.
	for _, c := range global.project.Clusters() {
		switch c.Name {
		case "commerce-inventory":
			restore(c, 2*time.Hour, CollectionOutcome{State: CollectionInitializing})
		case "commerce-catalog":
			restore(c, 90*time.Minute, CollectionOutcome{State: CollectionInProgress, Documents: 940_000_000})
		}
	}
}

// mobile has only Flex clusters.
func (d demo) mobile(p *Project) {
	add := func(name string, age time.Duration, routine FlexRoutine) *FlexCluster {
		f := p.AddFlexCluster(name, d.ago(age))
		routine.From = d.ago(12 * day)
		f.TakeSnapshots(routine)
		return f
	}
	restore := func(f *FlexCluster, age time.Duration, deliveryType, last string) {
		d.org.At(d.ago(age), func(time.Time) { f.Restore(deliveryType, last) })
	}
	app := add("mobile-app", 200*day+3*time.Hour, FlexRoutine{Outcome: func(scheduled time.Time) string {
		if scheduled.Before(d.ago(5*day)) && scheduled.After(d.ago(6*day)) {
			return FlexFailed
		}
		return FlexCompleted
	}})
	restore(app, 20*day, FlexRestoreToCluster, FlexCompleted)
	restore(app, 4*day, FlexRestoreDownload, FlexCompleted)
	d.org.every(d.ago(2*time.Hour+10*time.Second), 11*time.Minute, func(int, time.Time) {
		app.Restore(FlexRestoreDownload, FlexCompleted)
	})

	push := add("mobile-push", 90*day+5*time.Hour, FlexRoutine{Outcome: func(scheduled time.Time) string {
		if scheduled.Before(d.ago(day)) {
			return FlexCompleted
		}
		return FlexFailed
	}})
	restore(push, 8*time.Hour, FlexRestoreToCluster, FlexFailed)
	restore(push, 30*day, FlexRestoreDownload, FlexFailed)

	legacy := add("mobile-legacy", 150*day+time.Hour, FlexRoutine{Until: d.ago(3 * day)})
	restore(legacy, 16*time.Hour, FlexRestoreToCluster, FlexRunning)

	hanging := add("mobile-staging", 60*day+9*time.Hour, FlexRoutine{Outcome: func(scheduled time.Time) string {
		if scheduled.Before(d.ago(day)) {
			return FlexCompleted
		}
		return FlexRunning
	}})
	restore(hanging, 5*day, FlexRestoreToCluster, FlexCompleted)

	p.AddFlexCluster("mobile-new", d.ago(3*time.Hour)).TakeSnapshots(FlexRoutine{})
}
