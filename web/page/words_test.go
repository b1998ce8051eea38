package page

import (
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", time.Second: "1 s ago", time.Minute: "1 min ago", 119 * time.Minute: "2 h ago",
		47*time.Hour + 20*time.Minute: "47 h ago", 48 * time.Hour: "2 days ago", 400 * 24 * time.Hour: "400 days ago",
	} {
		t.Run(d.String(), func(t *testing.T) {
			if got := age(now, now.Add(-d)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// TestScheduleBehind checks the words for a planned snapshot that has not come.
func TestScheduleBehind(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	v := collector.TargetView{Declaration: declarations()["backup_snapshots"]}
	const want = "the next snapshot was planned for 46 h ago and has not come"
	if got := explain(now, &v, &verdict.Finding{Kind: verdict.ScheduleBehind, Since: now.Add(-46 * time.Hour)}); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
