// Package situations is a table of situations of backups, for tests. Each situation has its own project in the
// simulated Atlas, and lists the alerts that a person on call should get. Tests compare the page, the metrics and the
// alerting rules with the same table, so that all of them agree.
package situations

import (
	"net/http"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// Situation is a situation in one project.
type Situation struct {
	Name, Story string
	// Build creates the project in the state of the first reading.
	Build func(s *Stage)
	// Then changes the project after the first reading. It may be nil.
	Then func(s *Stage)
	// Alerts are the names of the alerts about the project, in alphabetical order; none if nobody should be alerted.
	Alerts []string
}

// Stage is the project of a situation.
type Stage struct {
	Project *atlassim.Project
	Now     time.Time
	cluster *atlassim.Cluster
	flex    *atlassim.FlexCluster
}

// Build returns an organization with a project for each situation. The project has the situation's name.
func Build(clock atlassim.Clock, all []Situation) (*atlassim.Organization, []*Stage) {
	org := atlassim.NewOrganization(clock)
	stages := make([]*Stage, len(all))
	for i := range all {
		stages[i] = &Stage{Project: org.AddProject(all[i].Name), Now: clock.Now().Truncate(time.Second)}
		all[i].Build(stages[i])
	}
	return org, stages
}

// Go calls Then for each situation.
func Go(org *atlassim.Organization, stages []*Stage, all []Situation) {
	org.Do(func() {
		for i := range all {
			if all[i].Then != nil {
				all[i].Then(stages[i])
			}
		}
	})
}

// All lists the situations.
func All() []Situation {
	all := exports()
	all = append(all, snapshots()...)
	all = append(all, restores()...)
	all = append(all, flex()...)
	all = append(all, pipelines()...)
	return append(all, access()...)
}

const (
	day         = 24 * time.Hour
	exportTakes = 30 * time.Minute
)

func (s *Stage) ago(d time.Duration) time.Time { return s.Now.Add(-d) }

// The name of the cluster in each situation.
const clusterName = "orders"

// daily adds a cluster with snapshots every six hours and daily exports.
func (s *Stage) daily(change ...func(*atlassim.ClusterOptions)) {
	s.add(append([]func(*atlassim.ClusterOptions){func(o *atlassim.ClusterOptions) {
		o.Schedule = atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: atlassim.Daily}
	}}, change...)...)
}

// add adds a cluster with snapshots every six hours, the newest an hour old.
func (s *Stage) add(change ...func(*atlassim.ClusterOptions)) {
	options := atlassim.ClusterOptions{Created: s.ago(200 * day)}
	for _, c := range change {
		c(&options)
	}
	s.cluster = s.Project.AddCluster(clusterName, options)
	if !options.BackupDisabled && options.Provider == "" {
		for age := 19 * time.Hour; age > 0; age -= 6 * time.Hour {
			if s.ago(age).After(options.Created) {
				s.snapshot(age, atlassim.SnapshotCompleted)
			}
		}
	}
}

// snapshot adds a snapshot of the hourly item, which no export policy covers.
func (s *Stage) snapshot(age time.Duration, status string) *atlassim.Snapshot {
	return s.cluster.AddSnapshot(atlassim.Snapshot{
		RequestedAt: s.ago(age), CreatedAt: s.ago(age), Status: status, Frequency: atlassim.Hourly,
	})
}

// without removes the snapshots.
func (s *Stage) without() {
	for _, snapshot := range s.cluster.Snapshots() {
		s.cluster.RemoveSnapshot(snapshot)
	}
}

// exported adds an export of an age and a state. took is its duration, 0 if it has not ended.
func (s *Stage) exported(age, took time.Duration, state string) {
	e := atlassim.Export{CreatedAt: s.ago(age), State: state}
	if took > 0 {
		e.FinishedAt = s.ago(age - took)
	}
	if state == atlassim.ExportFailed {
		e.Reason = &atlassim.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED"}
	}
	s.cluster.AddExport(e)
}

// succeeded adds successful exports that took half an hour.
func (s *Stage) succeeded(ages ...time.Duration) {
	for _, age := range ages {
		s.exported(age, exportTakes, atlassim.ExportSuccessful)
	}
}

func (s *Stage) restored(age time.Duration, change func(*atlassim.Restore)) {
	r := atlassim.Restore{CreatedAt: s.ago(age)}
	change(&r)
	s.cluster.AddRestore(r)
}

// healthy adds a cluster with exports for three days, the newest five hours old.
func (s *Stage) healthy(change ...func(*atlassim.ClusterOptions)) {
	s.daily(change...)
	s.succeeded(53*time.Hour, 29*time.Hour, 5*time.Hour)
}

func frequency(f string) func(*atlassim.ClusterOptions) {
	return func(o *atlassim.ClusterOptions) { o.Schedule.ExportFrequency = f }
}

func (s *Stage) created(age time.Duration) func(*atlassim.ClusterOptions) {
	return func(o *atlassim.ClusterOptions) { o.Created = s.ago(age) }
}

func exports() []Situation {
	failed, overdue, stuck := "MongoDBAtlasBackupExportFailed", "MongoDBAtlasBackupExportOverdue", "MongoDBAtlasBackupExportStuck"
	return []Situation{
		{Name: "healthy", Story: "exports are made daily", Build: func(s *Stage) { s.healthy() }},
		{Name: "export-failed", Story: "the last export failed", Alerts: []string{failed}, Build: func(s *Stage) {
			s.daily()
			s.succeeded(29 * time.Hour)
			s.exported(5*time.Hour, 10*time.Minute, atlassim.ExportFailed)
		}},
		{Name: "export-failed-retried", Story: "an export failed and was repeated", Build: func(s *Stage) {
			s.daily()
			s.exported(5*time.Hour, 10*time.Minute, atlassim.ExportFailed)
			s.succeeded(3 * time.Hour)
		}},
		{Name: "export-fails-for-days", Story: "every export has failed for days", Alerts: []string{failed, overdue}, Build: func(s *Stage) {
			s.daily()
			s.succeeded(77 * time.Hour)
			for _, age := range []time.Duration{53 * time.Hour, 29 * time.Hour, 5 * time.Hour} {
				s.exported(age, 10*time.Minute, atlassim.ExportFailed)
			}
		}},
		{Name: "export-failed-long-ago", Story: "an export failed nine days ago, and none is expected", Build: func(s *Stage) {
			s.add()
			s.exported(20*day, exportTakes, atlassim.ExportSuccessful)
			s.exported(9*day, exportTakes, atlassim.ExportFailed)
		}},
		{Name: "monthly-export-failed", Story: "a monthly export failed ten days ago", Alerts: []string{failed}, Build: func(s *Stage) {
			s.daily(frequency(atlassim.Monthly))
			s.succeeded(32 * day)
			s.exported(10*day, exportTakes, atlassim.ExportFailed)
		}},
		{Name: "export-stuck", Story: "an export has been queued for 20 hours, the last took half an hour", Alerts: []string{stuck}, Build: func(s *Stage) {
			s.daily()
			s.succeeded(44 * time.Hour)
			s.exported(20*time.Hour, 0, atlassim.ExportQueued)
		}},
		{Name: "export-long", Story: "an export takes 14 hours, the last took five", Build: func(s *Stage) {
			s.daily()
			s.exported(26*time.Hour, 5*time.Hour, atlassim.ExportSuccessful)
			s.exported(14*time.Hour, 0, atlassim.ExportInProgress)
		}},
		{Name: "export-died", Story: "an export died within Atlas, newer ones succeed", Build: func(s *Stage) {
			s.healthy()
			s.exported(20*day, 0, atlassim.ExportInProgress)
		}},
		{Name: "first-export-stuck", Story: "the first export of a new cluster has run for 13 hours", Alerts: []string{stuck}, Build: func(s *Stage) {
			s.daily(s.created(20 * time.Hour))
			s.exported(13*time.Hour, 0, atlassim.ExportInProgress)
		}},
		{Name: "export-never-ran", Story: "a cluster of three days has never exported", Alerts: []string{overdue}, Build: func(s *Stage) {
			s.daily(s.created(3 * day))
		}},
		{Name: "new-cluster", Story: "a cluster is a day old and has not exported yet", Build: func(s *Stage) {
			s.daily(s.created(day))
		}},
		{Name: "export-overdue", Story: "no export has been made for three days", Alerts: []string{overdue}, Build: func(s *Stage) {
			s.daily()
			s.succeeded(4*day, 3*day)
		}},
		{Name: "weekly-export", Story: "a weekly export was made six days ago", Build: func(s *Stage) {
			s.daily(frequency(atlassim.Weekly))
			s.succeeded(6 * day)
		}},
		{Name: "weekly-export-overdue", Story: "a weekly export is more than two days late", Alerts: []string{overdue}, Build: func(s *Stage) {
			s.daily(frequency(atlassim.Weekly))
			s.succeeded(9*day + 2*time.Hour)
		}},
		{Name: "monthly-export", Story: "a monthly export is a day late", Build: func(s *Stage) {
			s.daily(frequency(atlassim.Monthly))
			s.succeeded(32 * day)
		}},
		{Name: "export-cancelled", Story: "the newest export was cancelled", Build: func(s *Stage) {
			s.daily()
			s.succeeded(29 * time.Hour)
			s.exported(5*time.Hour, 10*time.Minute, atlassim.ExportCancelled)
		}},
		{Name: "cluster-paused", Story: "a cluster has been paused for a month", Build: func(s *Stage) {
			s.daily(func(o *atlassim.ClusterOptions) { o.Paused = true })
			s.without()
			s.snapshot(30*day, atlassim.SnapshotCompleted)
			s.succeeded(30 * day)
		}},
		{
			Name: "auto-export-off", Story: "auto export is switched off", Alerts: []string{"MongoDBAtlasBackupAutoExportDisabled"},
			Build: func(s *Stage) { s.healthy() },
			Then:  func(s *Stage) { s.cluster.Schedule.AutoExportEnabled = false },
		},
		{Name: "auto-export-never-on", Story: "auto export was never on", Build: func(s *Stage) { s.add() }},
		{Name: "auto-export-off-for-long", Story: "auto export has been off for long", Build: func(s *Stage) {
			s.daily(func(o *atlassim.ClusterOptions) { o.Schedule.AutoExportEnabled = false })
			s.succeeded(60 * day)
		}},
		{
			Name: "auto-export-on", Story: "auto export is switched on; the last export was a month ago",
			Build: func(s *Stage) {
				s.daily(func(o *atlassim.ClusterOptions) { o.Schedule.AutoExportEnabled = false })
				s.succeeded(30 * day)
			},
			Then: func(s *Stage) { s.cluster.Schedule.AutoExportEnabled = true },
		},
		{
			Name: "backup-off", Story: "backup is switched off",
			Alerts: []string{"MongoDBAtlasBackupAutoExportDisabled", "MongoDBAtlasBackupDisabled"},
			Build:  func(s *Stage) { s.healthy() },
			Then:   func(s *Stage) { s.cluster.DisableBackup() },
		},
		{Name: "backup-never-on", Story: "backup was never on", Build: func(s *Stage) {
			s.add(func(o *atlassim.ClusterOptions) { o.BackupDisabled = true })
		}},
		{Name: "export-missing", Story: "a snapshot was not exported for 14 hours", Alerts: []string{"MongoDBAtlasBackupExportMissing"}, Build: func(s *Stage) {
			s.daily()
			s.succeeded(38 * time.Hour)
			s.cluster.AddSnapshot(atlassim.Snapshot{CreatedAt: s.ago(14 * time.Hour)})
		}},
		{Name: "export-not-yet", Story: "a snapshot was not exported for two hours", Build: func(s *Stage) {
			s.daily()
			s.succeeded(26 * time.Hour)
			s.cluster.AddSnapshot(atlassim.Snapshot{CreatedAt: s.ago(2 * time.Hour)})
		}},
		{
			Name: "bucket-missing", Story: "the export bucket is gone", Alerts: []string{"MongoDBAtlasBackupExportBucketMissing"},
			Build: func(s *Stage) {
				s.healthy()
				for _, b := range s.Project.ExportBuckets() {
					s.Project.RemoveExportBucket(b)
				}
			},
		},
	}
}

func snapshots() []Situation {
	const alert = "MongoDBAtlasBackupSnapshot"
	return []Situation{
		{Name: "snapshot-failed", Story: "the newest snapshot failed", Alerts: []string{alert + "Failed"}, Build: func(s *Stage) {
			s.healthy()
			s.snapshot(30*time.Minute, atlassim.SnapshotFailed)
		}},
		{Name: "snapshot-overdue", Story: "no snapshot has been taken for two days", Alerts: []string{alert + "Overdue"}, Build: func(s *Stage) {
			s.healthy()
			s.without()
			s.snapshot(2*day, atlassim.SnapshotCompleted)
		}},
		{Name: "snapshot-stuck", Story: "a snapshot has run for eight hours", Alerts: []string{alert + "Stuck"}, Build: func(s *Stage) {
			s.healthy()
			s.cluster.AddSnapshot(atlassim.Snapshot{RequestedAt: s.ago(8 * time.Hour), Status: atlassim.SnapshotInProgress})
		}},
		{Name: "snapshot-running", Story: "a snapshot is under way", Build: func(s *Stage) {
			s.healthy()
			s.cluster.AddSnapshot(atlassim.Snapshot{RequestedAt: s.ago(20 * time.Minute), Status: atlassim.SnapshotQueued})
		}},
		{Name: "snapshot-fallback", Story: "the newest snapshot is a fallback", Alerts: []string{alert + "Fallback"}, Build: func(s *Stage) {
			s.healthy()
			fallback := s.snapshot(30*time.Minute, atlassim.SnapshotCompleted)
			fallback.Type = atlassim.SnapshotFallback
		}},
		{Name: "snapshot-on-demand", Story: "somebody took a snapshot by hand", Build: func(s *Stage) {
			s.healthy()
			s.cluster.AddSnapshot(atlassim.Snapshot{CreatedAt: s.ago(10 * time.Minute), Type: atlassim.SnapshotOnDemand})
		}},
		{Name: "nothing-scheduled", Story: "the backup policy is empty", Alerts: []string{alert + "NotScheduled"}, Build: func(s *Stage) {
			s.healthy(func(o *atlassim.ClusterOptions) { o.Schedule.Items = atlassim.NothingScheduled() })
		}},
		{Name: "schedule-behind", Story: "the next snapshot was planned for four hours ago", Alerts: []string{alert + "ScheduleBehind"}, Build: func(s *Stage) {
			s.healthy(func(o *atlassim.ClusterOptions) { o.Schedule.NextSnapshot = s.ago(4 * time.Hour) })
		}},
	}
}

func restores() []Situation {
	const failed = "MongoDBAtlasBackupRestoreFailed"
	done := func(s *Stage, age time.Duration) func(*atlassim.Restore) {
		return func(r *atlassim.Restore) { r.FinishedAt = s.ago(age) }
	}
	fails := func(s *Stage, age time.Duration) func(*atlassim.Restore) {
		return func(r *atlassim.Restore) { r.Failed, r.FinishedAt = true, s.ago(age) }
	}
	return []Situation{
		{Name: "restore-failed", Story: "a restore failed", Alerts: []string{failed}, Build: func(s *Stage) {
			s.healthy()
			s.restored(2*time.Hour, fails(s, time.Hour))
		}},
		{Name: "restore-failed-download-succeeded", Story: "a restore failed, and a download succeeded since", Alerts: []string{failed}, Build: func(s *Stage) {
			s.healthy()
			s.restored(3*time.Hour, fails(s, 2*time.Hour))
			s.cluster.AddRestore(atlassim.Restore{CreatedAt: s.ago(time.Hour), DeliveryType: atlassim.RestoreDownload}).MakeReady(s.ago(30 * time.Minute))
		}},
		{Name: "restore-repeated", Story: "a restore failed, and the next one succeeded", Build: func(s *Stage) {
			s.healthy()
			s.restored(5*time.Hour, fails(s, 4*time.Hour))
			s.restored(4*time.Hour, done(s, 3*time.Hour))
		}},
		{Name: "restore-failed-long-ago", Story: "a restore failed three days ago", Build: func(s *Stage) {
			s.healthy()
			s.restored(3*day, fails(s, 3*day-time.Hour))
		}},
		{Name: "restore-cancelled", Story: "a restore was cancelled, which Atlas also calls failed", Build: func(s *Stage) {
			s.healthy()
			s.restored(2*time.Hour, func(r *atlassim.Restore) { r.Cancelled, r.Failed, r.FinishedAt = true, true, s.ago(time.Hour) })
		}},
		{Name: "restore-stuck", Story: "a restore has run for 13 hours", Alerts: []string{"MongoDBAtlasBackupRestoreStuck"}, Build: func(s *Stage) {
			s.healthy()
			s.restored(13*time.Hour, func(*atlassim.Restore) {})
		}},
		{Name: "restore-long", Story: "a restore has run for eight hours", Build: func(s *Stage) {
			s.healthy()
			s.restored(8*time.Hour, func(*atlassim.Restore) {})
		}},
		{Name: "collection-restore-failed", Story: "a collection restore failed", Alerts: []string{"MongoDBAtlasCollectionRestoreFailed"}, Build: func(s *Stage) {
			s.healthy()
			s.cluster.AddCollectionRestore(atlassim.CollectionRestore{CreatedAt: s.ago(3 * time.Hour), FinishedAt: s.ago(2 * time.Hour), State: "FAILED"})
		}},
		{Name: "collection-restore-stuck", Story: "a collection restore has run for 13 hours", Alerts: []string{"MongoDBAtlasCollectionRestoreStuck"}, Build: func(s *Stage) {
			s.healthy()
			s.cluster.AddCollectionRestore(atlassim.CollectionRestore{CreatedAt: s.ago(13 * time.Hour), State: "IN_PROGRESS"})
		}},
	}
}

func flex() []Situation {
	cluster := func(s *Stage, newest time.Duration) {
		s.flex = s.Project.AddFlexCluster(clusterName, time.Time{})
		for age := newest + 2*day; age >= newest; age -= day {
			s.flex.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: s.ago(age), StartTime: s.ago(age), FinishTime: s.ago(age - 10*time.Minute)})
		}
	}
	return []Situation{
		{Name: "flex-healthy", Story: "a Flex cluster has daily snapshots", Build: func(s *Stage) { cluster(s, 20*time.Hour) }},
		{Name: "flex-snapshot-overdue", Story: "a Flex cluster has no snapshot of the last two days", Alerts: []string{"MongoDBAtlasFlexSnapshotOverdue"}, Build: func(s *Stage) {
			cluster(s, 2*day)
		}},
		{Name: "flex-snapshot-failed", Story: "the newest snapshot of a Flex cluster failed", Alerts: []string{"MongoDBAtlasFlexSnapshotFailed"}, Build: func(s *Stage) {
			cluster(s, 26*time.Hour)
			s.flex.AddSnapshot(atlassim.FlexSnapshot{
				ScheduledTime: s.ago(2 * time.Hour), StartTime: s.ago(2 * time.Hour), FinishTime: s.ago(time.Hour), Status: atlassim.FlexFailed,
			})
		}},
		{Name: "flex-restore-failed", Story: "a restore of a Flex cluster failed", Alerts: []string{"MongoDBAtlasFlexRestoreFailed"}, Build: func(s *Stage) {
			cluster(s, 20*time.Hour)
			s.flex.AddRestore(atlassim.FlexRestore{ScheduledDate: s.ago(3 * time.Hour), FinishedDate: s.ago(2 * time.Hour), Status: atlassim.FlexFailed})
		}},
		{Name: "flex-restore-stuck", Story: "a restore of a Flex cluster has run for 13 hours", Alerts: []string{"MongoDBAtlasFlexRestoreStuck"}, Build: func(s *Stage) {
			cluster(s, 20*time.Hour)
			s.flex.AddRestore(atlassim.FlexRestore{ScheduledDate: s.ago(13 * time.Hour), Status: atlassim.FlexRunning})
		}},
		{Name: "free-tier", Story: "a cluster of the free tier", Build: func(s *Stage) {
			s.add(func(o *atlassim.ClusterOptions) { o.Provider = "TENANT" })
		}},
	}
}

func pipelines() []Situation {
	run := func(age time.Duration, state string) func(*Stage) {
		return func(s *Stage) {
			pl := s.Project.AddPipeline("orders", atlassim.PipelineOptions{})
			pl.AddRun(atlassim.Run{CreatedDate: s.ago(30 * time.Hour), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
			pl.AddRun(atlassim.Run{CreatedDate: s.ago(age), State: state, Phase: atlassim.PhaseExport})
		}
	}
	return []Situation{
		{Name: "run-failed", Story: "a pipeline run failed", Alerts: []string{"MongoDBAtlasPipelineRunFailed"}, Build: run(2*time.Hour, atlassim.RunFailed)},
		{Name: "run-stuck", Story: "a pipeline run has been unfinished for seven hours", Alerts: []string{"MongoDBAtlasPipelineRunStuck"}, Build: run(7*time.Hour, atlassim.RunInProgress)},
		{Name: "run-long", Story: "a pipeline run takes five hours", Build: run(5*time.Hour, atlassim.RunInProgress)},
		{Name: "dataset-deleted", Story: "the dataset of the newest run has expired", Build: run(20*time.Hour, atlassim.RunDatasetDeleted)},
		{Name: "pipeline-without-runs", Story: "a pipeline has no run yet", Build: func(s *Stage) {
			s.Project.AddPipeline("orders", atlassim.PipelineOptions{})
		}},
	}
}

func access() []Situation {
	return []Situation{
		{Name: "project-empty", Story: "a project without clusters and pipelines", Build: func(*Stage) {}},
		{
			Name: "role-removed", Story: "the credentials lose a role in the project", Alerts: []string{"MongoDBAtlasTargetUnreadable"},
			Build: func(s *Stage) { s.healthy() },
			Then:  func(s *Stage) { s.cluster.BackupRefusal = atlassim.UserUnauthorized() },
		},
		{
			Name: "cluster-erroring", Story: "Atlas answers 500 for the backups of one cluster whose export failed",
			Alerts: []string{"MongoDBAtlasBackupExportFailed", "MongoDBAtlasTargetUnreadable"},
			Build: func(s *Stage) {
				s.daily()
				s.succeeded(29 * time.Hour)
				s.exported(5*time.Hour, 10*time.Minute, atlassim.ExportFailed)
			},
			Then: func(s *Stage) {
				s.cluster.BackupRefusal = atlassim.Refusal{Status: http.StatusInternalServerError, Code: "UNEXPECTED_ERROR"}
			},
		},
		{
			Name: "stuck-in-unreadable-list", Story: "a job that was under way when its list became unreadable has most likely ended",
			Alerts: []string{"MongoDBAtlasTargetUnreadable"},
			Build: func(s *Stage) {
				s.daily()
				s.succeeded(29 * time.Hour)
				s.exported(13*time.Hour, 0, atlassim.ExportInProgress)
			},
			Then: func(s *Stage) { s.cluster.BackupRefusal = atlassim.UserUnauthorized() },
		},
	}
}
