package collector

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestOneLineForManyTargets checks that one line is logged when the targets of a project become unreadable, and one when they
// recover.
func TestOneLineForManyTargets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	changes := newChangeLog(level.NewFilter(log.NewLogfmtLogger(&out), level.AllowInfo()))
	table := All()
	exports := table.Configurable()[1]
	refused := &atlasapi.Error{Endpoint: "list", Kind: atlasapi.KindForbidden, Status: 403, Code: "USER_UNAUTHORIZED", Err: errors.New("no")}
	up := status{attempted: time.Now(), ended: true, refreshed: time.Now()}
	down := status{attempted: time.Now(), ended: true, failure: refused, reason: exports.ReasonFor(refused)}
	var targets []*target
	for _, name := range []string{"a", "b", "c"} {
		e := &entry{}
		e.state.Store(&entryState{Entry: Entry{Name: name}})
		targets = append(targets, &target{Declaration: exports, groupID: "g", entry: e})
	}
	lines := func() []string {
		defer out.Reset()
		return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
	}
	note := func(before, after *status) {
		for _, t := range targets {
			changes.note(t, "payments", before, after)
		}
	}

	note(&status{}, &down)
	got := lines()
	if len(got) != 1 {
		t.Fatalf("%d lines for three targets that cannot be read, want 1: %q", len(got), got)
	}
	for _, want := range []string{"level=warn", "cl_name=a", "group_name=payments", "reason=forbidden", "Project Backup Manager"} {
		if !strings.Contains(got[0], want) {
			t.Errorf("%q lacks %s", got[0], want)
		}
	}
	if strings.Contains(got[0], "last values stay") {
		t.Errorf("%q mentions last values, but there are none", got[0])
	}
	note(&down, &down)
	if got := lines(); len(got) != 0 {
		t.Errorf("lines without a change: %q", got)
	}
	note(&down, &up)
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], "readable again") {
		t.Errorf("%q, want one line when the last target is readable again", got)
	}
	down.refreshed = time.Now()
	note(&up, &down)
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], "last values stay") {
		t.Errorf("%q, want one line that says that the last values stay", got)
	}
	for _, t := range targets {
		changes.drop(t)
	}
	if len(changes.down) != 0 {
		t.Errorf("%d entries of removed targets are kept", len(changes.down))
	}
}

// TestLoggedOnce checks that an unchanged state is not logged again at any level, and which of several targets ends an outage.
func TestLoggedOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	changes := newChangeLog(log.NewLogfmtLogger(&out))
	exports := All().Configurable()[1]
	refused := &atlasapi.Error{Endpoint: "list", Kind: atlasapi.KindForbidden, Status: 403, Code: "USER_UNAUTHORIZED", Err: errors.New("no")}
	up := status{attempted: time.Now(), ended: true, refreshed: time.Now()}
	down := status{attempted: time.Now(), ended: true, failure: refused, reason: exports.ReasonFor(refused)}
	named := func(name, group string) *target {
		e := &entry{}
		e.state.Store(&entryState{Entry: Entry{Name: name}})
		return &target{Declaration: exports, groupID: group, entry: e}
	}
	a, b, other := named("a", "g"), named("b", "g"), named("a", "other")
	for i, step := range []struct {
		target        *target
		before, after *status
		want          string
	}{
		{a, &status{}, &up, "target is readable"},
		{a, &up, &up, ""},
		{a, &up, &down, "target is not readable"},
		{a, &down, &down, ""},
		{b, &up, &down, "target is not readable"},
		{other, &up, &down, "target is not readable"},
		{a, &down, &up, `msg="target is readable"`}, // the other is not yet
		{b, &down, &up, "targets are readable again"},
	} {
		out.Reset()
		changes.note(step.target, "payments", step.before, step.after)
		if got := out.String(); !strings.Contains(got, step.want) || (got == "") != (step.want == "") {
			t.Errorf("step %d logs %q, want %q", i, got, step.want)
		}
	}
	changes.note(a, "payments", &up, &down)
	changes.forget("g")
	for key := range changes.down {
		if key.groupID != "other" {
			t.Errorf("the outage of a removed project is kept: %+v", key)
		}
	}
	if len(changes.down) != 1 {
		t.Errorf("%d outages are kept after one of two projects was removed", len(changes.down))
	}
}

// TestAwaiting checks that the log mentions a discovery without an answer: once, and only the first that fails.
func TestAwaiting(t *testing.T) {
	t.Parallel()
	table := All()
	root := table.Root()
	for name, test := range map[string]struct {
		target *target
		took   time.Duration
		want   string
	}{
		"slow":        {&target{Declaration: root}, slowDiscovery + time.Second, "level=warn msg=\"still waiting for an answer of Atlas\" after=10s collector=projects\n"},
		"fast":        {&target{Declaration: root}, slowDiscovery - time.Second, ""},
		"failed once": {&target{Declaration: root, status: status{failure: errors.New("no answer")}}, slowDiscovery + time.Second, ""},
		"no root":     {&target{Declaration: table.Configurable()[1]}, slowDiscovery + time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				answered := newChangeLog(log.NewLogfmtLogger(&out)).awaiting(test.target, "")
				time.Sleep(test.took)
				answered()
				time.Sleep(slowDiscovery)
				synctest.Wait() // for the timer's goroutine, which writes the message
				if got := out.String(); got != test.want {
					t.Errorf("%q, want %q", got, test.want)
				}
			})
		})
	}
}
