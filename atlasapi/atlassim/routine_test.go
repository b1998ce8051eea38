package atlassim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// watch advances the clock in steps, and returns the different states that read saw.
func watch(clock *atlassim.ManualClock, steps int, step time.Duration, read func() string) []string {
	var seen []string
	for range steps {
		if state := read(); len(seen) == 0 || seen[len(seen)-1] != state {
			seen = append(seen, state)
		}
		clock.Advance(step)
	}
	return seen
}

func TestExportRoutine(t *testing.T) {
	clock, org, _, cluster := small()
	cluster.Schedule.AutoExportEnabled = true
	cluster.AddExportRoutine(atlassim.ExportRoutine{
		Period: 10 * time.Minute, First: noon(),
		Outcome: func(n int, _ time.Time) atlassim.ExportOutcome {
			switch n {
			case 1:
				return atlassim.ExportOutcome{State: atlassim.ExportFailed, Reason: &atlassim.StateReason{ErrorCode: "BROKEN"}}
			case 2:
				return atlassim.ExportOutcome{State: atlassim.ExportInProgress}
			}
			return atlassim.ExportOutcome{}
		},
	})
	c := serve(t, org, atlassim.Options{NoRateLimits: true})
	newest := func() string {
		job := c.page(exports(cluster) + "?itemsPerPage=1").Results[0]
		state := text(job, "state")
		created, err := time.Parse(time.RFC3339, text(job, "createdAt"))
		if err != nil || created.After(clock.Now()) {
			t.Errorf("created at %v, which is %v", job["createdAt"], clock.Now())
		}
		_, finished := job["finishedAt"]
		if ended := state == "Successful" || state == "Failed"; finished != ended {
			t.Errorf("%s has a finishedAt: %v", state, finished)
		}
		if finished {
			at, err := time.Parse(time.RFC3339, text(job, "finishedAt"))
			took := at.Sub(created)
			if err != nil || at.After(clock.Now()) || took < time.Minute || took > 3*time.Minute {
				t.Errorf("finished at %v after %v", at, took)
			}
		}
		if (job["stateReason"] != nil) != (state == "Failed") {
			t.Errorf("%s has the reason %v", state, job["stateReason"])
		}
		return state
	}
	got := watch(clock, 2000/5, 5*time.Second, newest)
	want := []string{
		"Queued", "InProgress", "Successful", "Queued", "InProgress", "Failed",
		"Queued", "InProgress", "Queued", "InProgress", "Successful",
	}
	if !slices.Equal(got, want) {
		t.Errorf("states are %v, want %v", got, want)
	}
	count := func() int { return len(c.page(exports(cluster)).Results) }
	clock.Set(noon().Add(35 * time.Minute))
	org.Do(func() { cluster.Schedule.AutoExportEnabled = false })
	clock.Advance(20 * time.Minute)
	if count() != 4 {
		t.Errorf("%d jobs although auto export was switched off", count())
	}
}

func TestRoutineOfThePast(t *testing.T) {
	_, org, _, cluster := small()
	cluster.AddExportRoutine(atlassim.ExportRoutine{Period: time.Hour, First: noon().Add(-99*time.Hour - time.Minute/2), OnDemand: true})
	c := serve(t, org, atlassim.Options{})
	jobs := c.all(exports(cluster))
	states := map[string]int{}
	for _, job := range jobs {
		states[text(job, "state")]++
	}
	if len(jobs) != 100 || states["Successful"] != 99 {
		t.Errorf("%d jobs: %v", len(jobs), states)
	}
}

func TestRunRoutine(t *testing.T) {
	clock, org, p, _ := small()
	pl := p.AddPipeline("orders", atlassim.PipelineOptions{Retention: atlassim.Retention{Units: "DAYS", Value: 1}})
	pl.AddRunRoutine(atlassim.RunRoutine{
		Period: 10 * time.Minute, First: noon(),
		Outcome: func(n int, _ time.Time) atlassim.RunOutcome {
			switch n {
			case 1:
				return atlassim.RunOutcome{State: atlassim.RunFailed, Phase: atlassim.PhaseExport}
			case 2:
				return atlassim.RunOutcome{State: atlassim.RunInProgress, Phase: atlassim.PhaseIngestion}
			}
			return atlassim.RunOutcome{}
		},
	})
	c := serve(t, org, atlassim.Options{TokenLifetime: 48 * time.Hour})
	var bytes, docs float64
	newest := func() string {
		run := c.page(runs(pl) + "?itemsPerPage=1").Results[0]
		for _, name := range []string{"createdDate", "lastUpdatedDate"} {
			if at, err := time.Parse(time.RFC3339, text(run, name)); err != nil || at.After(clock.Now()) {
				t.Errorf("%s is %v, now is %v", name, at, clock.Now())
			}
		}
		if run["state"] == "PENDING" {
			bytes, docs = 0, 0
		}
		if stats := child(run, "stats"); stats != nil {
			if number(stats, "bytesExported") < bytes || number(stats, "numDocs") < docs {
				t.Errorf("stats shrink to %v", stats)
			}
			bytes, docs = number(stats, "bytesExported"), number(stats, "numDocs")
		}
		return text(run, "state") + " " + text(run, "phase")
	}
	got := watch(clock, 2000/5, 5*time.Second, newest)
	begin := []string{"PENDING SNAPSHOT", "IN_PROGRESS SNAPSHOT", "IN_PROGRESS EXPORT"}
	want := slices.Concat(begin, []string{"IN_PROGRESS INGESTION", "DONE INGESTION"}, begin, []string{"FAILED EXPORT"},
		begin, []string{"IN_PROGRESS INGESTION"}, begin, []string{"IN_PROGRESS INGESTION", "DONE INGESTION"})
	if !slices.Equal(got, want) {
		t.Errorf("states are\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if bytes == 0 || docs == 0 {
		t.Errorf("the last run has %v bytes and %v documents", bytes, docs)
	}

	first := pl.Runs()[0]
	clock.Set(first.ScheduledDeletionDate.Add(-time.Second))
	path := runs(pl) + "/" + first.ID
	if run := c.object(path); run["state"] != "DONE" {
		t.Errorf("before its deletion the run is %v", run)
	}
	clock.Advance(time.Second)
	if run := c.object(path); run["state"] != "DATASET_DELETED" || run["lastUpdatedDate"] != run["scheduledDeletionDate"] {
		t.Errorf("after its deletion the run is %v", run)
	}
}

func TestDeleteExpiredDatasets(t *testing.T) {
	clock, org, p, _ := small()
	pl := p.AddPipeline("orders", atlassim.PipelineOptions{})
	done := pl.AddRun(atlassim.Run{State: atlassim.RunDone, ScheduledDeletionDate: noon().Add(time.Minute)})
	failed := pl.AddRun(atlassim.Run{State: atlassim.RunFailed, ScheduledDeletionDate: noon().Add(time.Minute)})
	pl.DeleteExpiredDatasets()
	clock.Advance(time.Minute)
	org.Do(func() {
		if done.State != atlassim.RunDatasetDeleted || failed.State != atlassim.RunFailed {
			t.Errorf("runs are %s and %s", done.State, failed.State)
		}
	})
}

func TestRestoreRoutine(t *testing.T) {
	for _, test := range []struct {
		deliveryType string
		outcome      atlassim.RestoreOutcome
		want         string
	}{
		{atlassim.RestoreAutomated, atlassim.RestoreCompletes, "running, finished"},
		{atlassim.RestorePointInTime, atlassim.RestoreFails, "running, failed finished"},
		{atlassim.RestoreAutomated, atlassim.RestoreIsCancelled, "running, cancelled failed finished"},
		{atlassim.RestoreAutomated, atlassim.RestoreHangs, "running"},
		{atlassim.RestoreDownload, atlassim.RestoreCompletes, "running, expires url, expired expires"},
		{atlassim.RestoreDownload, atlassim.RestoreIsCancelled, "running, cancelled failed finished"},
	} {
		t.Run(test.deliveryType+" "+test.want, func(t *testing.T) {
			clock, org, _, cluster := small()
			cluster.AddRestoreRoutine(atlassim.RestoreRoutine{
				Period: 3 * time.Hour, First: noon(), DeliveryType: test.deliveryType,
				Outcome: func(int, time.Time) atlassim.RestoreOutcome { return test.outcome },
			})
			c := serve(t, org, atlassim.Options{TokenLifetime: 3 * time.Hour})
			got := watch(clock, 80, time.Minute, func() string {
				job := c.page(restores(cluster)).Results[0]
				if _, ok := job["pointInTimeUTCSeconds"]; ok != (test.deliveryType == atlassim.RestorePointInTime) {
					t.Errorf("has a point in time: %v", ok)
				}
				var words []string
				for _, name := range []string{"cancelled", "failed", "expired"} {
					if flag(job, name) {
						words = append(words, name)
					}
				}
				if job["finishedAt"] != nil {
					words = append(words, "finished")
				}
				if job["expiresAt"] != nil {
					words = append(words, "expires")
				}
				if len(elements(job, "deliveryUrl")) > 0 {
					words = append(words, "url")
				}
				if len(words) == 0 {
					return "running"
				}
				return strings.Join(words, " ")
			})
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

func TestTimeScale(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.NewOrganization(clock, atlassim.WithTimeScale(60))
	cluster := org.AddProject("payments").AddCluster("prod-eu", atlassim.ClusterOptions{})
	cluster.AddExportRoutine(atlassim.ExportRoutine{Period: time.Hour, OnDemand: true})
	var happened []time.Duration
	org.After(2*time.Hour, func(at time.Time) { happened = append(happened, at.Sub(noon())) })
	clock.Advance(150 * time.Second)
	org.Do(func() {
		jobs := cluster.Exports()
		if len(jobs) != 2 || jobs[1].State != atlassim.ExportSuccessful || jobs[1].FinishedAt.Sub(jobs[1].CreatedAt) > 3*time.Second {
			t.Errorf("jobs: %+v", jobs)
		}
		if fmt.Sprint(happened) != "[2m0s]" {
			t.Errorf("two hours took %v", happened)
		}
	})
}

func TestEventsInOrder(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.NewOrganization(clock)
	var happened []string
	note := func(name string, delay time.Duration) {
		org.After(delay, func(at time.Time) { happened = append(happened, name+" "+at.Sub(noon()).String()) })
	}
	note("late", 3*time.Second)
	note("first", time.Second)
	note("second", time.Second)
	note("never", 4*time.Second)
	org.After(time.Second, func(time.Time) { note("third", time.Second) })
	clock.Advance(3 * time.Second)
	org.Do(func() {})
	if got := strings.Join(happened, ", "); got != "first 1s, second 1s, third 2s, late 3s" {
		t.Errorf("this happened: %s", got)
	}
}
