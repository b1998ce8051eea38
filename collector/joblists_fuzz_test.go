package collector

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// listedJob is a job as the interface describes it: dates are seconds since 1970, or 0 if absent.
type listedJob struct {
	id                     atlasapi.ObjectID
	created, ended, expiry int64
	state                  string
	success, fallback      bool
	failure, unfinished    bool
	numbers                map[string]float64 // what is shown of the newest job, or of the newest success, beside the rest
}

// secondsAgain returns a date as the interface shows it.
func secondsAgain(t time.Time) int64 { return millisOf(t) / 1000 }

func newerFirst(a, b listedJob) int {
	return -cmp.Or(cmp.Compare(a.created, b.created), bytes.Compare(a.id[:], b.id[:]))
}

// listDescription is what the interface says about one kind of list.
type listDescription struct {
	prefix, item string // item is "_job", or "" for snapshots
	states       []string
	byCreation   bool // a success or failure is dated by its creation
	ends         bool // there are metrics of the end
	always       bool // a target without jobs shows its counts
	ofSuccess    bool // numbers are those of the newest success
}

// series computes the series of one list as the interface describes them.
func (d listDescription) series(jobs []listedJob) map[string]float64 {
	got := map[string]float64{}
	set := func(name string, value int64) { got["mongodbatlas_"+d.prefix+name] = float64(value) }
	optional := func(name string, value int64) {
		if value != 0 {
			set(name, value)
		}
	}
	if len(jobs) == 0 && !d.always {
		return got
	}
	for _, state := range append(slices.Clone(d.states), "unknown") {
		set(d.item+"s "+state, 0)
	}
	for _, j := range jobs {
		got["mongodbatlas_"+d.prefix+d.item+"s "+j.state]++
	}
	if len(jobs) == 0 {
		return got
	}
	date := func(j listedJob) int64 {
		if d.byCreation {
			return j.created
		}
		return cmp.Or(j.ended, j.created)
	}
	those := func(which func(listedJob) bool) []listedJob {
		found := slices.DeleteFunc(slices.Clone(jobs), func(j listedJob) bool { return !which(j) })
		slices.SortFunc(found, func(a, b listedJob) int { return cmp.Or(-cmp.Compare(date(a), date(b)), newerFirst(a, b)) })
		return found
	}
	newest := slices.SortedFunc(slices.Values(jobs), newerFirst)[0]
	for _, state := range append(slices.Clone(d.states), "unknown") {
		set("_last"+d.item+"_state "+state, map[bool]int64{true: 1}[state == newest.state])
	}
	optional("_last"+d.item+"_created_timestamp_seconds", newest.created)
	if d.ends && !newest.unfinished {
		optional("_last"+d.item+"_finished_timestamp_seconds", newest.ended)
	}
	set("_last_success_timestamp_seconds", 0)
	set("_last_failure_timestamp_seconds", 0)
	shown := newest.numbers
	if d.ofSuccess {
		shown = nil
	}
	if successes := those(func(j listedJob) bool { return j.success }); len(successes) > 0 {
		set("_last_success_timestamp_seconds", date(successes[0]))
		if d.ends && successes[0].ended != 0 && successes[0].created != 0 {
			set("_last_success_duration_seconds", successes[0].ended-successes[0].created)
		}
		if d.ofSuccess {
			shown = successes[0].numbers
		}
	}
	if failures := those(func(j listedJob) bool { return j.failure }); len(failures) > 0 {
		set("_last_failure_timestamp_seconds", date(failures[0]))
	}
	for name, value := range shown {
		got["mongodbatlas_"+d.prefix+name] = value
	}
	var unfinished, oldest, fallback, expiry int64
	for _, j := range jobs {
		if j.unfinished && j.created != 0 && (unfinished == 0 || j.created < unfinished) {
			unfinished = j.created
		}
		if j.success && j.created != 0 && (oldest == 0 || j.created < oldest) {
			oldest = j.created
		}
		if j.fallback {
			fallback = max(fallback, j.created)
		}
		expiry = max(expiry, j.expiry)
	}
	optional("_oldest_unfinished"+d.item+"_created_timestamp_seconds", unfinished)
	if d.ofSuccess { // cluster snapshots
		optional("_oldest_success_timestamp_seconds", oldest)
		optional("_last_fallback_timestamp_seconds", fallback)
	}
	optional("_newest_expiration_timestamp_seconds", expiry)
	return got
}

// fuzzedJob decodes one job from ten bytes of a script: state, kinds, three dates, the time of its id, and the end of that.
type fuzzedJob struct {
	id    atlasapi.ObjectID
	state byte
	kind  byte
	dates [3]time.Time
	n     atlasapi.Optional[int64]
}

func fuzzedJobs(script []byte) []fuzzedJob {
	var jobs []fuzzedJob
	for i := 0; len(script) >= 10 && i < 40; i++ {
		b := script[:10]
		script = script[10:]
		j := fuzzedJob{state: b[0], kind: b[1], n: atlasapi.Optional[int64]{Set: b[2]&1 != 0, Value: int64(b[2]) << 30}}
		made := uint32(1767225600) + uint32(binary.BigEndian.Uint16(b[6:]))*60
		switch b[8] {
		case 0:
			made = 0
		case 1:
			made = 946684799 // the last second before 2000
		}
		binary.BigEndian.PutUint32(j.id[:], made)
		j.id[10], j.id[11] = b[9], byte(i+1)
		for k, d := range b[3:6] {
			switch at := time.Unix(int64(made), 0); d % 8 {
			case 1:
				j.dates[k] = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
			case 2:
				j.dates[k] = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
			case 3:
				j.dates[k] = at
			case 4:
				j.dates[k] = at.Add(-time.Duration(d) * time.Minute)
			case 5, 6, 7:
				j.dates[k] = at.Add(time.Duration(d)*time.Minute + 300*time.Millisecond)
			}
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// wordOf returns one of some words, or one that is not documented.
func wordOf(b byte, words ...string) string {
	all := append(slices.Clone(words), "A_WORD_OF_TOMORROW", "", "unknown")
	return all[int(b)%len(all)]
}

// shownState returns the state under which a word is counted.
func shownState(word string, states []string) string {
	if slices.Contains(states, word) {
		return word
	}
	return "unknown"
}

// fuzzJobList lists arbitrary jobs, in any order, and compares every series with a second implementation. of makes a job of
// Atlas and its description in the interface; the group is the value of the label that separates jobs.
func fuzzJobList[Job, Extra, Details any](
	f *testing.F, kind func() *jobKind[Job, Extra, Details], d listDescription, of func(fuzzedJob) (atlas Job, seen listedJob, group string),
) {
	f.Helper()
	f.Add([]byte{})
	var all []byte
	for state := range byte(9) {
		for _, dates := range []string{"\x00\x00\x00", "\x03\x05\x05", "\x05\x03\x04", "\x01\x02\x03"} {
			one := slices.Concat([]byte{state, state, dates[0] | 1}, []byte(dates), []byte{state, dates[1], 9, 0})
			f.Add(one)
			all = append(all, one...)
		}
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, script []byte) {
		k := kind()
		k.settle = nil // the target has no entry
		noted := k.reader()
		var newest newestJob[Extra, Details]
		var kept []job[Extra]
		seen := map[string][]listedJob{}
		if k.groupedBy == "" {
			seen[""] = nil
		}
		for _, j := range fuzzedJobs(script) {
			atlas, as, group := of(j)
			kept = append(kept, noted.keep(&atlas, &newest))
			seen[group] = append(seen[group], as)
		}
		want := map[string]float64{}
		unfinished := false
		for group, jobs := range seen {
			for name, value := range d.series(jobs) {
				if group != "" {
					name = group + " " + name
				}
				want[name] = value
			}
			unfinished = unfinished || slices.ContainsFunc(jobs, func(j listedJob) bool { return j.unfinished && j.created != 0 })
		}
		for _, order := range []string{"as listed", "reversed", "oldest first"} {
			switch order {
			case "reversed":
				slices.Reverse(kept)
			case "oldest first":
				slices.SortFunc(kept, func(a, b job[Extra]) int { return a.compare(&b) })
			}
			reader := k.reader()
			reader.complete(k.summarize(nil, kept, noted.words), newest)
			if got := seriesOf(t, reader); !maps.Equal(got, want) {
				t.Errorf("%s: of %+v\n%s", order, seen, differences(got, want))
			}
			if reader.unfinished() != unfinished {
				t.Errorf("%s: unfinished is %t", order, reader.unfinished())
			}
		}
	})
}

// FuzzSnapshotList lists arbitrary snapshots of a cluster.
func FuzzSnapshotList(f *testing.F) {
	states := []string{"queued", "inProgress", "completed", "failed"}
	fuzzJobList(f, snapshotJobs, listDescription{prefix: "backup_snapshot", states: states, byCreation: true, always: true, ofSuccess: true},
		func(j fuzzedJob) (atlasapi.Snapshot, listedJob, string) {
			s := atlasapi.Snapshot{
				ID: j.id, Status: wordOf(j.state, states...), Type: wordOf(j.kind, "scheduled", "onDemand", "fallback"),
				Frequency: wordOf(j.kind, "daily", "hourly", "ondemand"), CreatedAt: j.dates[0], ExpiresAt: j.dates[1],
				StorageSizeBytes: j.n, CopyRegions: int(j.kind % 3),
			}
			seen := listedJob{
				id: s.ID, created: cmp.Or(secondsAgain(s.CreatedAt), secondsAgain(s.ID.Time())), state: shownState(s.Status, states),
				success: s.Status == "completed" && s.Type != "fallback", fallback: s.Status == "completed" && s.Type == "fallback",
				failure: s.Status == "failed", unfinished: s.Status == "queued" || s.Status == "inProgress",
				numbers: map[string]float64{"_last_success_copy_regions": float64(s.CopyRegions)},
			}
			if s.Status == "completed" {
				seen.expiry = secondsAgain(s.ExpiresAt)
			}
			if j.n.Set {
				seen.numbers["_last_success_size_bytes"] = float64(j.n.Value)
			}
			return s, seen, ""
		})
}

// FuzzFlexSnapshotList lists arbitrary snapshots of a Flex cluster.
func FuzzFlexSnapshotList(f *testing.F) {
	states := []string{"PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"}
	fuzzJobList(f, flexSnapshotJobs, listDescription{prefix: "flex_snapshot", states: states, byCreation: true, ends: true, always: true},
		func(j fuzzedJob) (atlasapi.FlexSnapshot, listedJob, string) {
			s := atlasapi.FlexSnapshot{
				ID: j.id, Status: wordOf(j.state, states...), StartTime: j.dates[0], ScheduledTime: j.dates[1], FinishTime: j.dates[2],
				Expiration: j.dates[1],
			}
			seen := listedJob{
				id: s.ID, created: cmp.Or(secondsAgain(s.StartTime), secondsAgain(s.ScheduledTime), secondsAgain(s.ID.Time())),
				ended: secondsAgain(s.FinishTime), state: shownState(s.Status, states), success: s.Status == "COMPLETED", failure: s.Status == "FAILED",
				unfinished: slices.Contains(states[:3], s.Status),
			}
			if seen.success {
				seen.expiry = secondsAgain(s.Expiration)
			}
			return s, seen, ""
		})
}

// FuzzFlexRestoreList lists arbitrary restore jobs of a Flex cluster.
func FuzzFlexRestoreList(f *testing.F) {
	states := []string{"PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"}
	fuzzJobList(f, flexRestoreJobs, listDescription{prefix: "flex_restore", item: "_job", states: states, ends: true},
		func(j fuzzedJob) (atlasapi.FlexRestore, listedJob, string) {
			r := atlasapi.FlexRestore{
				ID: j.id, Status: wordOf(j.state, states...), DeliveryType: wordOf(j.kind, "RESTORE", "DOWNLOAD"),
				ScheduledAt: j.dates[0], FinishedAt: j.dates[1],
			}
			return r, listedJob{
				id: r.ID, created: cmp.Or(secondsAgain(r.ScheduledAt), secondsAgain(r.ID.Time())), ended: secondsAgain(r.FinishedAt),
				state: shownState(r.Status, states), success: r.Status == "COMPLETED", failure: r.Status == "FAILED",
				unfinished: slices.Contains(states[:3], r.Status),
			}, cmp.Or(r.DeliveryType, "unknown")
		})
}

// FuzzCollectionRestoreList lists arbitrary collection restores.
func FuzzCollectionRestoreList(f *testing.F) {
	states := []string{"INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL", "CANCELED", "FAILED"}
	fuzzJobList(f, collectionRestoreJobs, listDescription{prefix: "collection_restore", item: "_job", states: states, ends: true},
		func(j fuzzedJob) (atlasapi.CollectionRestore, listedJob, string) {
			r := atlasapi.CollectionRestore{
				ID: j.id, State: wordOf(j.state, states...), CreatedAt: j.dates[0], FinishedAt: j.dates[1],
				TotalDocuments: j.n, RestoredDocuments: atlasapi.Optional[int64]{Set: j.kind&1 != 0, Value: int64(j.kind)},
				FailedIndexCollections: atlasapi.Optional[int64]{Set: j.kind&2 != 0, Value: int64(j.kind >> 2)},
			}
			seen := listedJob{
				id: r.ID, created: cmp.Or(secondsAgain(r.CreatedAt), secondsAgain(r.ID.Time())), ended: secondsAgain(r.FinishedAt),
				state: shownState(r.State, states), success: r.State == "SUCCESSFUL", failure: r.State == "FAILED",
				unfinished: slices.Contains(states[:3], r.State), numbers: map[string]float64{},
			}
			for name, n := range map[string]atlasapi.Optional[int64]{
				"_last_job_documents": r.TotalDocuments, "_last_job_restored_documents": r.RestoredDocuments,
				"_last_job_failed_index_collections": r.FailedIndexCollections,
			} {
				if n.Set {
					seen.numbers[name] = float64(n.Value)
				}
			}
			return r, seen, ""
		})
}
