package collector

import (
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

func TestPolicyInterval(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	item := func(frequency string, interval int) atlasapi.PolicyItem {
		return atlasapi.PolicyItem{FrequencyType: frequency, FrequencyInterval: interval}
	}
	for _, test := range []struct {
		name  string
		items []atlasapi.PolicyItem
		want  time.Duration
	}{
		{"nothing scheduled", []atlasapi.PolicyItem{}, 0},
		{"on demand alone", []atlasapi.PolicyItem{item("ondemand", 0)}, 0},
		{"Atlas's default", []atlasapi.PolicyItem{item("hourly", 6), item("daily", 1), item("weekly", 6), item("monthly", 40), item("yearly", 12)}, 6 * time.Hour},
		{"daily", []atlasapi.PolicyItem{item("monthly", 1), item("daily", 1)}, day},
		{"one weekday", []atlasapi.PolicyItem{item("weekly", 7)}, 7 * day},
		{"Monday and Wednesday", []atlasapi.PolicyItem{item("weekly", 3), item("weekly", 1)}, 5 * day},
		{"Saturday, Sunday and Wednesday", []atlasapi.PolicyItem{item("weekly", 6), item("weekly", 3), item("weekly", 7)}, 3 * day},
		{"a weekday that is none", []atlasapi.PolicyItem{item("weekly", 9)}, 7 * day},
		{"monthly twice", []atlasapi.PolicyItem{item("monthly", 1), item("monthly", 15)}, 31 * day},
		{"yearly", []atlasapi.PolicyItem{item("yearly", 3)}, 366 * day},
		{"hourly without an interval", []atlasapi.PolicyItem{item("hourly", 0), item("daily", 1)}, day},
		{"an unknown frequency", []atlasapi.PolicyItem{item("fortnightly", 1)}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := policyInterval(&atlasapi.Schedule{PolicyItems: test.items}); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

const dailyItem, hourlyItem = "6a7900000000000000000d01", "6a7900000000000000000a01"

// chain is a cluster with a daily export policy, and the snapshots and exports that a test sets.
type chain struct {
	view      *entryView
	schedule  *scheduleReader
	snapshots *snapshotReader
	exports   *exportReader
}

func newChain(t *testing.T) *chain {
	t.Helper()
	table := All()
	e := &entry{}
	c := &chain{view: &entryView{entry: e, config: &config.Config{}, project: &project{}}}
	state := &entryState{Entry: Entry{Name: "cluster", item: &atlasapi.Cluster{}}}
	for _, d := range table {
		if d.Parent == nil || d.Parent.Name != "clusters" {
			continue
		}
		target := &target{Declaration: d, entry: e}
		target.reader = d.attach(target)
		state.targets = append(state.targets, target)
	}
	e.state.Store(state)
	c.schedule = readerOf[*scheduleReader](state.targets)
	c.snapshots, c.exports = readerOf[*snapshotReader](state.targets), readerOf[*exportReader](state.targets)
	return c
}

func (c *chain) readSchedule(auto bool) {
	c.schedule.last.Store(&atlasapi.Schedule{
		AutoExportEnabled: atlasapi.Optional[bool]{Value: auto, Set: true}, ExportFrequency: "daily",
		PolicyItems: []atlasapi.PolicyItem{{ID: dailyItem, FrequencyType: "daily"}, {ID: hourlyItem, FrequencyType: "hourly", FrequencyInterval: 6}},
	})
}

var firstDay = time.Date(2026, 8, 1, 3, 0, 0, 0, time.UTC)

func idOf(kind byte, day float64) (id atlasapi.ObjectID) {
	id[0], id[1], id[2] = kind, byte(day), byte(day*100)
	return id
}

// taken returns a snapshot of a day.
func taken(day float64, change ...func(*atlasapi.Snapshot)) atlasapi.Snapshot {
	s := atlasapi.Snapshot{
		ID: idOf(1, day), Status: "completed", Type: "scheduled", Frequency: "daily",
		CreatedAt: firstDay.Add(time.Duration(day * float64(24*time.Hour))),
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func hourly(s *atlasapi.Snapshot) { s.Frequency, s.PolicyItems = "hourly", []string{hourlyItem} }

// exported returns an export job that began some time after the snapshot of a day.
func exported(day float64, after time.Duration) atlasapi.ExportJob {
	s := taken(day)
	return atlasapi.ExportJob{ID: idOf(2, day), SnapshotID: s.ID, State: "Successful", CreatedAt: s.CreatedAt.Add(after)}
}

func (c *chain) readSnapshots(listed ...atlasapi.Snapshot) {
	kind, words := c.snapshots.kind, interner(nil)
	var jobs []job[snapshotExtra]
	for i := range listed {
		jobs = append(jobs, kind.keep(&listed[i], &words))
	}
	summed := kind.summarize(nil, jobs, words)
	for _, g := range summed.groups {
		kind.settle(c.view.entry, g.summary)
	}
	c.snapshots.summary.Store(summed)
}

func (c *chain) readExports(listed ...atlasapi.ExportJob) {
	var jobs []job[exportExtra]
	for i := range listed {
		jobs = append(jobs, c.exports.kind.keep(&listed[i], &c.exports.words))
	}
	c.exports.history.replace(jobs)
	c.exports.summary.Store(c.exports.summarizeList(true))
}

// TestMissingExport checks which completed snapshot counts as not exported, in whichever order the lists are read.
func TestMissingExport(t *testing.T) {
	t.Parallel()
	fallback := func(s *atlasapi.Snapshot) { s.Type = snapshotFallback }
	running := func(s *atlasapi.Snapshot) { s.Status = "inProgress" }
	alsoDaily := func(s *atlasapi.Snapshot) { s.Frequency, s.PolicyItems = "weekly", []string{hourlyItem, dailyItem} }
	week := []atlasapi.Snapshot{taken(1), taken(2), taken(3), taken(4)}
	for _, test := range []struct {
		name      string
		snapshots []atlasapi.Snapshot
		exports   []atlasapi.ExportJob
		want      float64 // the day of the missing snapshot, 0 for none
	}{
		{"every one exported", week, []atlasapi.ExportJob{exported(4, time.Hour), exported(3, time.Hour), exported(2, time.Hour)}, 0},
		{"the newest is missing", week, []atlasapi.ExportJob{exported(3, time.Hour)}, 4},
		{"two are missing: the oldest counts", week, []atlasapi.ExportJob{exported(2, time.Hour)}, 3},
		{"a gap before the newest export is history", week, []atlasapi.ExportJob{exported(4, time.Hour), exported(2, time.Hour)}, 0},
		{"no export at all", week, nil, 1},
		{"a failed export is an export", week, []atlasapi.ExportJob{{ID: idOf(2, 4), SnapshotID: idOf(1, 4), State: "Failed", CreatedAt: taken(4).CreatedAt}}, 0},
		{"an old snapshot exported again by hand", week, []atlasapi.ExportJob{exported(1, 80*time.Hour), exported(3, time.Hour), exported(2, time.Hour)}, 4},
		{"hourly ones are not covered", []atlasapi.Snapshot{taken(1), taken(1.25, hourly), taken(1.5, hourly)}, []atlasapi.ExportJob{exported(1, time.Hour)}, 0},
		{"a weekly one that was taken for the daily item too", []atlasapi.Snapshot{taken(1), taken(2, alsoDaily)}, []atlasapi.ExportJob{exported(1, time.Hour)}, 2},
		{"a fallback is never exported", []atlasapi.Snapshot{taken(1), taken(2, fallback)}, []atlasapi.ExportJob{exported(1, time.Hour)}, 0},
		{"a running one is not complete", []atlasapi.Snapshot{taken(1), taken(2, running)}, []atlasapi.ExportJob{exported(1, time.Hour)}, 0},
		{"the exported snapshot has expired", []atlasapi.Snapshot{taken(3), taken(4)}, []atlasapi.ExportJob{exported(2, time.Hour)}, 3},
		{"an export that names no snapshot", week, []atlasapi.ExportJob{{ID: idOf(2, 3), State: "Successful", CreatedAt: taken(3).CreatedAt.Add(time.Hour)}}, 4},
	} {
		for order, read := range map[string]func(*chain){
			"exports first": func(c *chain) {
				c.readSchedule(true)
				c.readExports(test.exports...)
				c.readSnapshots(test.snapshots...)
			},
			"snapshots first": func(c *chain) {
				c.readSnapshots(test.snapshots...)
				c.readExports(test.exports...)
				c.readSchedule(true)
			},
			"again and again": func(c *chain) {
				for range 2 {
					c.readSchedule(true)
					c.readSnapshots(test.snapshots...)
					c.readExports(test.exports...)
				}
			},
		} {
			t.Run(test.name+", "+order, func(t *testing.T) {
				t.Parallel()
				c := newChain(t)
				read(c)
				want := seconds(0)
				if test.want != 0 {
					want = secondsOf(taken(test.want).CreatedAt)
				}
				if got := missingExport(c.view); got != want {
					t.Errorf("%s, want %s", got.time().UTC(), want.time().UTC())
				}
			})
		}
	}
}

// TestMissingExportNeedsEvidence checks that nothing is reported while a list is unread or auto export is off, and that an
// export that began after the snapshots were listed counts at once.
func TestMissingExportNeedsEvidence(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	wantNone := func(when string) {
		t.Helper()
		if got := missingExport(c.view); got != 0 {
			t.Errorf("%s: %s is missing", when, got.time())
		}
	}
	wantNone("nothing is read")
	c.readSnapshots(taken(1), taken(2))
	wantNone("the snapshots alone are read")
	c.readExports(exported(1, time.Hour))
	wantNone("the schedule is unread")
	c.readSchedule(false)
	wantNone("auto export is off")
	c.readSchedule(true)
	if got := missingExport(c.view); got != secondsOf(taken(2).CreatedAt) {
		t.Fatalf("%s is missing, want the second day", got.time())
	}
	c.readExports(exported(2, time.Hour), exported(1, time.Hour))
	wantNone("the second day is exported meanwhile")

	c.readSchedule(false)
	c.readSnapshots(taken(1), taken(2), taken(3))
	c.readSchedule(true)
	wantNone("auto export was off when the snapshots were read")
	if !snapshotDue(c.view.entry, c.snapshots) {
		t.Error("the snapshots are not read again at once, although exports may be missing since auto export was enabled")
	}
}

// TestMissingExportBesideExportsOfAFailedSnapshot checks that, of two export jobs of a snapshot that cannot be exported, the
// newer one counts as soon as it is read.
func TestMissingExportBesideExportsOfAFailedSnapshot(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	failed := taken(1, func(s *atlasapi.Snapshot) { s.Status = "failed" })
	first, second := exported(1, time.Hour), exported(1, 60*time.Hour)
	second.ID[3]++
	c.readSchedule(true)
	c.readExports(first)
	c.readSnapshots(failed, taken(2), taken(3), taken(4))
	if got := missingExport(c.view); got != secondsOf(taken(2).CreatedAt) {
		t.Fatalf("%s is missing, want the second day", got.time())
	}
	c.readExports(second, first)
	if got := missingExport(c.view); got != secondsOf(taken(4).CreatedAt) {
		t.Errorf("%s is missing, want the fourth day, the first after the newer export", got.time())
	}
}

// TestFewSnapshotsAreKept checks that a long list leaves little in memory.
func TestFewSnapshotsAreKept(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.readSchedule(true)
	c.readExports(exported(100, time.Hour))
	var listed []atlasapi.Snapshot
	for day := range 102 {
		listed = append(listed, taken(float64(day+1)))
	}
	c.readSnapshots(listed...)
	if kept := c.snapshots.only().details.exportable; len(kept) != 2 {
		t.Errorf("%d of 102 snapshots are kept, want the 2 newer ones than the exported one", len(kept))
	}
	whole := &snapshotSummary{}
	for i := range listed {
		whole.details.exportable = append(whole.details.exportable, exportable{created: secondsOf(listed[i].CreatedAt), snapshot: hashOf(listed[i].ID)})
	}
	array := &whole.details.exportable[0]
	keepExportable(c.view.entry, whole)
	if kept := whole.details.exportable; len(kept) != 2 || &kept[0] == array {
		t.Errorf("%d snapshots are kept, in the array of all snapshots: %t", len(kept), &kept[0] == array)
	}
}
