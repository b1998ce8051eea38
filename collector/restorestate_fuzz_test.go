package collector

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// fuzzedRestores decodes restore jobs from eight bytes each: flags, delivery type, how and when the job ended, and the time
// and the end of its id. No two have the same id.
func fuzzedRestores(script []byte) []atlasapi.RestoreJob {
	var jobs []atlasapi.RestoreJob
	for i := 0; len(script) >= 8 && i < 64; i++ {
		b := script[:8]
		script = script[8:]
		j := atlasapi.RestoreJob{
			DeliveryType: []string{"download", "automated", "pointInTime", "", "unknown", "A_TYPE_OF_TOMORROW"}[b[1]%6],
			Cancelled:    b[0]&1 != 0, Failed: b[0]&2 != 0, Expired: b[0]&4 != 0, HasURL: b[0]&8 != 0,
		}
		made := uint32(1767225600) + uint32(binary.BigEndian.Uint16(b[4:]))*60 // 2026 and a month and a half
		switch b[6] {
		case 0:
			made = 0
		case 1:
			made = 946684799 // the last second before 2000
		case 2:
			made = 946684800
		case 3:
			made = math.MaxUint32
		}
		binary.BigEndian.PutUint32(j.ID[:], made)
		j.ID[10], j.ID[11] = b[7], byte(i+1)
		switch ended := time.Unix(int64(made), int64(b[3])*1e6); b[2] % 10 {
		case 1:
			j.FinishedAt = time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)
		case 2:
			j.FinishedAt = time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
		case 3:
			j.FinishedAt = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		case 4:
			j.FinishedAt = time.Date(2105, 12, 31, 23, 59, 59, 999, time.UTC)
		case 5:
			j.FinishedAt = time.Date(2106, 1, 1, 0, 0, 0, 0, time.UTC)
		case 6:
			j.FinishedAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600))
		case 7:
			j.FinishedAt = ended.Add(-time.Minute)
		case 8:
			j.FinishedAt = ended.Add(time.Duration(b[3]) * time.Minute)
		case 9:
			j.FinishedAt = ended
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// millisOf returns a date as milliseconds since 1970 in whole seconds, and 0 if it is absent or outside of the years 2000 to
// 2105.
func millisOf(t time.Time) int64 {
	if year := t.UTC().Year(); year < 2000 || year > 2105 {
		return 0
	}
	return t.Unix() * 1000
}

// restoreStateAgain derives the state from the weakest evidence to the strongest.
func restoreStateAgain(j atlasapi.RestoreJob) string {
	state := "in_progress"
	for _, evidence := range []struct {
		holds bool
		state string
	}{
		{j.DeliveryType == "download" && j.HasURL, "ready"},
		{j.Expired, "expired"},
		{millisOf(j.FinishedAt) != 0, "completed"},
		{j.Failed, "failed"},
		{j.Cancelled, "cancelled"},
	} {
		if evidence.holds {
			state = evidence.state
		}
	}
	return state
}

// restoreSeriesAgain computes the series of one delivery type from its jobs, as the interface describes them.
func restoreSeriesAgain(deliveryType string, jobs []atlasapi.RestoreJob) map[string]float64 {
	created := func(j atlasapi.RestoreJob) int64 { return millisOf(j.ID.Time()) }
	date := func(j atlasapi.RestoreJob) int64 { return cmp.Or(millisOf(j.FinishedAt), created(j)) }
	newerFirst := func(a, b atlasapi.RestoreJob) int {
		return -cmp.Or(cmp.Compare(created(a), created(b)), bytes.Compare(a.ID[:], b.ID[:]))
	}
	laterFirst := func(a, b atlasapi.RestoreJob) int { return cmp.Or(-cmp.Compare(date(a), date(b)), newerFirst(a, b)) }
	in := func(states ...string) []atlasapi.RestoreJob {
		var found []atlasapi.RestoreJob
		for _, j := range jobs {
			if slices.Contains(states, restoreStateAgain(j)) {
				found = append(found, j)
			}
		}
		return found
	}
	series := map[string]float64{}
	set := func(name string, millis int64) { series["mongodbatlas_backup_restore_"+name] = float64(millis) / 1000 }
	newest := slices.SortedFunc(slices.Values(jobs), newerFirst)[0]
	for _, state := range []string{"cancelled", "failed", "completed", "expired", "ready", "in_progress", "unknown"} {
		set("jobs "+state, 1000*int64(len(in(state))))
		set("last_job_state "+state, map[bool]int64{true: 1000}[restoreStateAgain(newest) == state])
	}
	if created(newest) != 0 {
		set("last_job_created_timestamp_seconds", created(newest))
	}
	if ended := millisOf(newest.FinishedAt); ended != 0 && restoreStateAgain(newest) != "in_progress" {
		set("last_job_finished_timestamp_seconds", ended)
	}
	good := []string{"completed", "ready"}
	if deliveryType == "download" {
		good = append(good, "expired")
	}
	set("last_success_timestamp_seconds", 0)
	if successes := slices.SortedFunc(slices.Values(in(good...)), laterFirst); len(successes) > 0 {
		last := successes[0]
		set("last_success_timestamp_seconds", date(last))
		if ended := millisOf(last.FinishedAt); ended != 0 && created(last) != 0 {
			series["mongodbatlas_backup_restore_last_success_duration_seconds"] = float64(ended)/1000 - float64(created(last))/1000
		}
	}
	set("last_failure_timestamp_seconds", 0)
	if failures := slices.SortedFunc(slices.Values(in("failed")), laterFirst); len(failures) > 0 {
		set("last_failure_timestamp_seconds", date(failures[0]))
	}
	oldest := int64(math.MaxInt64)
	for _, j := range in("in_progress") {
		if created(j) != 0 {
			oldest = min(oldest, created(j))
		}
	}
	if oldest != math.MaxInt64 {
		set("oldest_unfinished_job_created_timestamp_seconds", oldest)
	}
	return series
}

// FuzzRestoreState lists arbitrary restore jobs, in any order: the state of each, and every series of the scrape, must match a
// second implementation of the interface.
func FuzzRestoreState(f *testing.F) {
	f.Add([]byte{})
	var all []byte
	for flags := range byte(16) {
		for _, kind := range []byte{0, 1} {
			for _, ended := range []byte{0, 4, 5, 8} {
				job := []byte{flags, kind, ended, 7, flags, ended, 9, 0}
				f.Add(job)
				all = append(all, job...)
			}
		}
	}
	f.Add(all[:8*64])
	f.Add([]byte("\x00\x03\x00\x00\x01\x01\x09\x00\x00\x04\x00\x00\x01\x02\x09\x00\x00\x05\x00\x00\x01\x01\x09\x00")) // no type, and one called unknown
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x09\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x02\x00")) // running, made at no time
	f.Add([]byte("\x00\x01\x08\x05\x00\x01\x00\x00\x02\x01\x09\xff\x00\x02\x01\x00\x02\x01\x07\x00\x00\x02\x03\x00")) // ended, made at no time
	f.Fuzz(func(t *testing.T, script []byte) {
		jobs := fuzzedRestores(script)
		kind := restoreJobs()
		var known interner
		var kept []job[restoreExtra]
		want := map[string]float64{}
		byType := map[string][]atlasapi.RestoreJob{}
		for i := range jobs {
			j := &jobs[i]
			if got, again := restoreState(j), restoreStateAgain(*j); got != again {
				t.Errorf("%+v is %s, want %s", j, got, again)
			}
			kept = append(kept, kind.keep(j, &known))
			shown := cmp.Or(j.DeliveryType, "unknown")
			byType[shown] = append(byType[shown], *j)
		}
		for deliveryType, of := range byType {
			for name, value := range restoreSeriesAgain(deliveryType, of) {
				want[deliveryType+" "+name] = value
			}
		}
		judged := kind.reading(kept, known)
		got := seriesOf(t, judged)
		if !maps.Equal(got, want) {
			t.Errorf("of %+v\n%s", jobs, differences(got, want))
		}
		slices.Reverse(kept)
		if again := seriesOf(t, kind.reading(kept, known)); !maps.Equal(again, got) {
			t.Errorf("in the other order, %+v\n%s", jobs, differences(again, got))
		}
		running := slices.ContainsFunc(jobs, func(j atlasapi.RestoreJob) bool {
			return restoreStateAgain(j) == "in_progress" && millisOf(j.ID.Time()) != 0
		})
		if listedBy(judged) != len(jobs) || judged.unfinished() != running {
			t.Errorf("%d jobs are listed of %d, and unfinished is %t", listedBy(judged), len(jobs), judged.unfinished())
		}
	})
}

// reader returns the reader of a target that has not been read yet.
func (k *jobKind[Job, Extra, Details]) reader() *jobReader[Job, Extra, Details] {
	return k.declare(&Declaration{Parent: clusters()}).attach(&target{}).(*jobReader[Job, Extra, Details])
}

// reading returns the reader of a target whose last reading listed these jobs.
func (k *jobKind[Job, Extra, Details]) reading(jobs []job[Extra], words interner) *jobReader[Job, Extra, Details] {
	r := k.reader()
	r.summary.Store(k.summarize(nil, jobs, words))
	return r
}

func listedBy(h jobDescriber) int {
	_, n := h.overview()
	return n
}

// seriesOf returns the series of a reader, by delivery type, metric and state. It fails if one occurs twice.
func seriesOf(t *testing.T, judged sampleWriter) map[string]float64 {
	t.Helper()
	ch := make(chan prometheus.Metric, 1<<12)
	judged.write(newWriter(ch), []string{"g", "group", "cluster"})
	close(ch)
	series := map[string]float64{}
	for sample := range ch {
		var m dto.Metric
		if err := sample.Write(&m); err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{}
		for _, pair := range m.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		_, name, _ := strings.Cut(sample.Desc().String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		key := strings.TrimSpace(fmt.Sprintf("%s %s %s", labels["delivery_type"], name, labels["state"]))
		if _, twice := series[key]; twice {
			t.Errorf("%s occurs twice", key)
		}
		series[key] = m.GetGauge().GetValue()
	}
	return series
}

func differences(got, want map[string]float64) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[key]; !ok || value != want[key] {
			fmt.Fprintf(&b, "%s is %v (%t), want %v\n", key, value, ok, want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			fmt.Fprintf(&b, "%s is %v, want none\n", key, got[key])
		}
	}
	return b.String()
}
