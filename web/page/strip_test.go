package page

import (
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// TestStrip checks the row of the newest jobs, in which equal neighbors are counted.
func TestStrip(t *testing.T) {
	t.Parallel()
	ok, failed := collector.RecentJob{State: "Successful", Outcome: collector.OutcomeSucceeded}, collector.RecentJob{State: "Failed", Outcome: collector.OutcomeFailed}
	for _, test := range []struct {
		jobs []collector.RecentJob
		want strip
	}{
		{nil, strip{}},
		{[]collector.RecentJob{ok}, strip{"✓", "oldest to newest: succeeded"}},
		{[]collector.RecentJob{ok, ok, failed}, strip{"✓✓✘", "oldest to newest: 2 succeeded, failed"}},
		{[]collector.RecentJob{failed, ok, failed, failed}, strip{"✘✓✘✘", "oldest to newest: failed, succeeded, 2 failed"}},
	} {
		if got := stripOf(test.jobs); got != test.want {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}
