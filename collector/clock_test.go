package collector

import (
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestClockSkew checks that a change that Atlas makes by its own clock is looked for although our clock is behind.
func TestClockSkew(t *testing.T) {
	due := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	id, err := atlasapi.ParseObjectID("6a7953692c88faeba59d5e01")
	if err != nil {
		t.Fatal(err)
	}
	var none interner
	runs, restores := pipelineRunJobs(), restoreJobs()
	run := runs.keep(&atlasapi.PipelineRun{ID: id, State: "DONE", ScheduledDeletionDate: due}, &none)
	restore := restores.keep(&atlasapi.RestoreJob{ID: id, DeliveryType: "download", HasURL: true, ExpiresAt: due}, &none)
	for ours, want := range map[time.Time]bool{
		due.Add(-2 * time.Hour):           false, // nothing is read that cannot have changed
		due.Add(-time.Hour - time.Second): false,
		due.Add(-time.Hour):               true,
		due.Add(-50 * time.Minute):        true,
		due:                               true,
		due.Add(time.Hour):                true,
	} {
		t.Run(ours.Sub(due).String(), func(t *testing.T) {
			if got := runs.open(&run, secondsOf(ours)); got != want {
				t.Errorf("at %s, a run whose dataset is deleted at %s may have changed: %t", ours, due, got)
			}
			if got := restores.open(&restore, secondsOf(ours)); got != want {
				t.Errorf("at %s, a download that expires at %s may have changed: %t", ours, due, got)
			}
		})
	}
}

// TestCreation checks which of the dates of a job counts as its creation.
func TestCreation(t *testing.T) {
	id, err := atlasapi.ParseObjectID("6a7953692c88faeba59d5e01")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ created, want time.Time }{
		"as in the id":          {id.Time(), id.Time()},
		"before the id":         {id.Time().Add(-time.Hour), id.Time().Add(-time.Hour)},
		"behind the id":         {id.Time().Add(time.Hour), id.Time().Add(time.Hour)},
		"years ahead":           {time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)},
		"no date":               {time.Time{}, id.Time()},
		"a placeholder, year 1": {time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), id.Time()},
		"a placeholder, 9999":   {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), id.Time()},
		"in another zone":       {id.Time().In(time.FixedZone("", -7*3600)), id.Time()},
		"within a second":       {id.Time().Add(999999999), id.Time()},
	} {
		t.Run(name, func(t *testing.T) {
			var none interner
			export := exportJobs().keep(&atlasapi.ExportJob{ID: id, CreatedAt: test.created}, &none)
			run := pipelineRunJobs().keep(&atlasapi.PipelineRun{ID: id, CreatedDate: test.created}, &none)
			if got := export.created.time(); !got.Equal(test.want) {
				t.Errorf("an export job was created at %s, want %s", got.UTC(), test.want)
			}
			if got := run.created.time(); !got.Equal(test.want) {
				t.Errorf("a run was created at %s, want %s", got.UTC(), test.want)
			}
		})
	}
}
