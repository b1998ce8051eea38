package config_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

func TestCollectors(t *testing.T) {
	t.Parallel()
	c := config.Default([]config.Collector{{Name: "b"}, {Name: "a", MinInterval: 5 * time.Minute}})
	if got := c.Collectors.Names(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("the names are %q, not in the order of the declarations", got)
	}
	if !c.Collectors.Enabled("a") || !c.Collectors.Enabled("b") || c.Collectors.Enabled("c") {
		t.Error("by default, exactly the declared collectors must be enabled")
	}

	changed := c
	changed.Collectors.Enable("a", false)
	changed.Collectors.SetMinInterval("a", 0)
	changed.Collectors.SetExpectedIntervals("a", config.ExpectedInterval{Interval: time.Hour})
	if changed.Collectors.Enabled("a") || !changed.Collectors.Enabled("b") {
		t.Error("Enable changes another collector, too, or not its own")
	}
	if got := changed.MinInterval("a"); got != 0 {
		t.Errorf("min_interval is %s, want 0s", got)
	}
	if got, ok := changed.Collectors.ExpectedInterval("a", groupID, "x"); got != time.Hour || !ok {
		t.Errorf("the expected interval is %s, %t", got, ok)
	}
	if _, ok := changed.Collectors.ExpectedInterval("c", groupID, "x"); ok {
		t.Error("a collector that is not declared has an expected interval")
	}
	if _, ok := c.Collectors.ExpectedInterval("a", groupID, "x"); ok || !c.Collectors.Enabled("a") || c.MinInterval("a") != 5*time.Minute {
		t.Error("a change of a copy changes the original")
	}

	changed.Collectors.Enable("b", false)
	const want = "no collector is enabled: enable at least one of b, a"
	if err := changed.Collectors.Check(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	changed.Collectors.Enable("a", true)
	if err := changed.Collectors.Check(); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a setting of a collector that is not declared is lost silently")
		}
	}()
	changed.Collectors.Enable("c", true)
}

func TestMinInterval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text                        string
		exports, snapshots, unknown time.Duration
	}{
		{"", 30 * time.Second, 5 * time.Minute, 30 * time.Second},
		{"refresh: {min_interval: 0s}", 0, 5 * time.Minute, 0},
		{"refresh: {min_interval: 10m}", 10 * time.Minute, 10 * time.Minute, 10 * time.Minute},
		{"collectors: {backup_snapshots: {min_interval: 1m}}", 30 * time.Second, time.Minute, 30 * time.Second},
		{"collectors: {backup_snapshots: {min_interval: 0s}, backup_exports: {min_interval: 15m}}", 15 * time.Minute, 0, 30 * time.Second},
		{"refresh: {min_interval: 10m}\ncollectors: {backup_snapshots: {min_interval: 1s}}", 10 * time.Minute, time.Second, 10 * time.Minute},
	} {
		t.Run(cmp.Or(test.text, "defaults"), func(t *testing.T) {
			c := parse(t, test.text)
			if exports, snapshots, unknown := c.MinInterval("backup_exports"), c.MinInterval("backup_snapshots"), c.MinInterval("x"); exports != test.exports ||
				snapshots != test.snapshots || unknown != test.unknown {
				t.Errorf("exports %s, snapshots %s, unknown %s", exports, snapshots, unknown)
			}
		})
	}
}

// TestDisabledByTheFile checks that the error about a file that disables every collector names its line: the flags are applied
// after the file is parsed.
func TestDisabledByTheFile(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte("refresh: {}\ncollectors:\n  a: {enabled: false}"), []config.Collector{{Name: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "line 3: collectors: no collector is enabled: enable at least one of a"
	if err := c.Collectors.Check(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
