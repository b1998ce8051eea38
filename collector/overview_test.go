package collector_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestOverview checks the data of the page for the difficult histories of TestGolden.
func TestOverview(t *testing.T) {
	t.Parallel()
	e := newExporter(t, fixtures(t), config.Default(collector.All().Config()))
	gather(t.Context(), t, e, collector.Selection{})
	var b strings.Builder
	o := e.Overview()
	fmt.Fprintf(&b, "up %t\n", o.Up)
	for _, root := range o.Roots {
		writeView(&b, &root)
	}
	for _, p := range o.Projects {
		fmt.Fprintf(&b, "project %s %s\n", p.ID, p.Name)
		for _, l := range p.Lists {
			fmt.Fprintf(&b, "list %s: %d\n", l.Name, l.Entries)
		}
		for _, v := range p.Targets {
			writeView(&b, &v)
		}
	}
	harness.Golden(t, "testdata/overview.txt", b.String())
}

func writeView(b *strings.Builder, v *collector.TargetView) {
	fmt.Fprintf(b, "%s %q: %s %s %q, %d jobs, read %t\n", v.Name, v.Entry, v.Condition, v.Reason, v.Code, v.Jobs, !v.Refreshed.IsZero())
	if v.Jobs > 0 {
		writeLatest(b, "latest", &v.Latest)
	}
	for i := range v.Groups {
		writeLatest(b, "group", &v.Groups[i])
	}
	for _, r := range v.Recent {
		fmt.Fprintf(b, "  recent %s: %s %d\n", date(r.Created), r.State, r.Outcome)
	}
	p := &v.Plan
	if !reflect.ValueOf(*p).IsZero() {
		fmt.Fprintf(b, "  plan since %s, every %s, %q, backup was on %t, auto export %t, %d restarts, unknown %t, next %s, window %s, missing %s, no bucket %t\n",
			date(p.Since), p.Interval, p.Off, !p.BackupWasOn.IsZero(), !p.AutoExportWasOn.IsZero(), len(p.Restarts), p.UnknownFrequency,
			date(p.Next), p.RestoreWindow, date(p.Missing), p.BucketMissing)
	}
}

func writeLatest(b *strings.Builder, what string, l *collector.Latest) {
	fmt.Fprintf(b, "  %s %q: %s %d, created %s, ended %s, progress %q, success %s after %s, failure %s %q, unfinished %s, first %s, fallback %s\n",
		what, l.Group, l.State, l.Outcome, date(l.Created), date(l.Ended), l.Progress, date(l.LastSuccess), l.LastDuration,
		date(l.LastFailure), l.FailureCode, date(l.OldestUnfinished), date(l.First), date(l.LastFallback))
}

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// TestDeclarations checks how long each collector waits before something needs attention, and how often it reads.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, d := range collector.All() {
		fmt.Fprintf(&b, "%s: min_interval %s, %+v\n", d.Name, d.MinInterval, d.Patience)
	}
	harness.Golden(t, "testdata/declarations.txt", b.String())
}
