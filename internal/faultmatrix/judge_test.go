package faultmatrix

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// stray sends a request to a host that must not get any.
func stray(t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	_ = resp.Body.Close()
}

// TestJudge breaks a true exposition in one place at a time. The judge must notice each change.
func TestJudge(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it starts an exporter")
	s := start(t, setup{})
	a, err := s.ask("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	short := target{"backup_exports", s.org.groups[0], "short", ""}
	newJudge := func() *judge {
		return &judge{
			targets: s.org.targets(false), baseline: s.baseline, last: s.last, outcome: down(serverError), struck: map[target]bool{short: true}, sharing: map[target]bool{},
		}
	}
	judged := func(text string, p phase) []string {
		seen, err := read([]byte(text), a.Began, false)
		if err != nil {
			return []string{err.Error()}
		}
		return newJudge().judge(seen, p)
	}
	truth := string(a.Body)
	if wrong := judged(truth, calm); len(wrong) > 0 {
		t.Fatalf("the judge rejects the truth: %v", wrong)
	}
	if wrong := judged(truth, faulty); len(wrong) > 0 {
		t.Errorf("the judge rejects the truth during a fault: %v", wrong)
	}
	if wrong := judged(truth, settled); len(wrong) == 0 {
		t.Error("the judge accepts a target that is up although it cannot be read")
	}

	labels := `cl_name="` + short.cluster + `",collector="` + short.collector + `",group_id="` + short.group + `",group_name="alpha",pipeline=""`
	isDown := func(text, reason string) string {
		text = replaceLine(t, text, `mongodbatlas_target_up{`+labels+`} 1`, `mongodbatlas_target_up{`+labels+`} 0`)
		text = replaceLine(t, text, `mongodbatlas_targets{collector="backup_exports",group_id="`+short.group+`",group_name="alpha",state="up"} 2`,
			`mongodbatlas_targets{collector="backup_exports",group_id="`+short.group+`",group_name="alpha",state="up"} 1`)
		text = replaceLine(t, text, `mongodbatlas_targets{collector="backup_exports",group_id="`+short.group+`",group_name="alpha",state="down"} 0`,
			`mongodbatlas_targets{collector="backup_exports",group_id="`+short.group+`",group_name="alpha",state="down"} 1`)
		text = replaceLine(t, text, `mongodbatlas_scrape_collector_success{collector="backup_exports"} 1`, `mongodbatlas_scrape_collector_success{collector="backup_exports"} 0`)
		return text + "# HELP mongodbatlas_target_last_error_info Why.\n# TYPE mongodbatlas_target_last_error_info gauge\n" +
			`mongodbatlas_target_last_error_info{` + labels + `,reason="` + reason + `"} 1` + "\n"
	}
	if wrong := judged(isDown(truth, serverError), faulty); len(wrong) > 0 {
		t.Errorf("the judge rejects a true failure: %v", wrong)
	}
	for name, spoil := range map[string]func(string) string{
		"another reason":    func(text string) string { return isDown(text, notFound) },
		"an unknown reason": func(text string) string { return isDown(text, "because") },
		"no reason": func(text string) string {
			return regexp.MustCompile(`(?m)^.*last_error_info.*\n`).ReplaceAllString(isDown(text, serverError), "")
		},
		"half a line":    func(text string) string { return text[:len(text)-3] },
		"no help":        func(text string) string { return strings.Replace(text, "# HELP mongodbatlas_up ", "# ", 1) },
		"no text":        func(string) string { return "" },
		"not UTF-8":      func(text string) string { return strings.Replace(text, `group_name="alpha"`, "group_name=\"\xff\"", 1) },
		"a series twice": func(text string) string { return twice(t, text, "mongodbatlas_backup_export_jobs{") },
		"a series less":  func(text string) string { return without(t, text, "mongodbatlas_backup_export_jobs{") },
		"a target less":  func(text string) string { return without(t, text, "mongodbatlas_target_up{") },
		"a project less": func(text string) string { return without(t, text, "mongodbatlas_project_info{") },
		"a date less": func(text string) string {
			return without(t, text, "mongodbatlas_backup_restore_last_success_timestamp_seconds{")
		},
		"a series more": func(text string) string { return text + "mongodbatlas_backup_export_jobs_more{cl_name=\"short\"} 1\n" },
		"a zero": func(text string) string {
			return zeroed(t, text, "mongodbatlas_backup_export_last_success_timestamp_seconds{")
		},
		"a zero of runs": func(text string) string { return zeroed(t, text, "mongodbatlas_pipeline_datasets_bytes{") },
		"not a number":   func(text string) string { return valued(t, text, "mongodbatlas_pipeline_datasets_bytes{", "NaN") },
		"no state":       func(text string) string { return zeroed(t, text, `mongodbatlas_pipeline_state{`) },
		"an old reading": func(text string) string {
			return valued(t, text, "mongodbatlas_target_last_refresh_timestamp_seconds{", "1.0e+09")
		},
		"a count that fell":    func(text string) string { return zeroed(t, text, `mongodbatlas_api_requests_total{`) },
		"up without access":    func(text string) string { return valued(t, text, "mongodbatlas_up ", "0") },
		"a target miscounted":  func(text string) string { return valued(t, text, "mongodbatlas_targets{", "7") },
		"a success that isn't": func(text string) string { return zeroed(t, text, "mongodbatlas_scrape_collector_success{") },
		"not served": func(text string) string {
			return strings.Replace(text, `pipeline="",reason="backup_disabled"`, `pipeline="",reason="flex"`, 1)
		},
	} {
		spoilt := spoil(truth)
		if spoilt == truth {
			t.Errorf("%s: the exposition did not change", name)
		}
		if wrong := judged(spoilt, faulty); len(wrong) == 0 {
			t.Errorf("the judge does not notice: %s", name)
		}
	}
}

func line(t *testing.T, text, beginning string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(beginning) + `.*\n`).FindString(text)
	if found == "" {
		t.Fatalf("no line begins with %s", beginning)
	}
	return found
}

func replaceLine(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old+"\n") {
		t.Fatalf("there is no line %s", old)
	}
	return strings.Replace(text, old+"\n", replacement+"\n", 1)
}

func without(t *testing.T, text, beginning string) string {
	t.Helper()
	return strings.Replace(text, line(t, text, beginning), "", 1)
}

func twice(t *testing.T, text, beginning string) string {
	t.Helper()
	l := line(t, text, beginning)
	return strings.Replace(text, l, l+l, 1)
}

func valued(t *testing.T, text, beginning, value string) string {
	t.Helper()
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, beginning) && !strings.HasSuffix(l, " 0\n") {
			return strings.Replace(text, l, l[:strings.LastIndex(l, " ")+1]+value+"\n", 1)
		}
	}
	t.Fatalf("no line begins with %s", beginning)
	return ""
}

func zeroed(t *testing.T, text, beginning string) string {
	t.Helper()
	return valued(t, text, beginning, "0")
}

// TestGuard proves that a guard finds secrets.
func TestGuard(t *testing.T) {
	t.Parallel()
	account, key := atlassim.NewServiceAccount(), atlassim.APIKey{PublicKey: "a", PrivateKey: "a-very-private-key"}
	g := newGuard(account, key)
	for _, text := range []string{account.ClientSecret, key.PrivateKey, tokenPrefix + "x", "https://x/" + downloadMarker, "panic: runtime error"} {
		if len(g.search("it", []byte("before "+text+" behind"))) != 1 {
			t.Errorf("%q is not found", text)
		}
	}
	if found := g.search("it", []byte("client_id="+account.ClientID+" <secret>")); len(found) > 0 {
		t.Error(found)
	}
}

// TestLimits proves that life.violations finds growth and peaks, and nothing else.
func TestLimits(t *testing.T) {
	t.Parallel()
	level := harness.Usage{Goroutines: 20, Files: 12, Heap: 4 << 20, Resident: 30 << 20}
	for name, l := range map[string]life{
		"":                              {began: level, ended: level, peak: level},
		"resource use grows":            {began: level, ended: harness.Usage{Goroutines: 20 + moreGoroutines + 1}},
		"peak resource use is too high": {peak: harness.Usage{Resident: mostResident + 1}},
		fmt.Sprint(mostGoroutines + 1):  {peak: harness.Usage{Goroutines: mostGoroutines + 1}},
		fmt.Sprint(mostFiles + 1):       {peak: harness.Usage{Files: mostFiles + 1}},
	} {
		wrong := strings.Join(l.violations(), "\n")
		if (wrong == "") != (name == "") || !strings.Contains(wrong, name) {
			t.Errorf("%q: %s", name, wrong)
		}
	}
}

// TestMatrixIsWhole proves that every fault strikes every endpoint where it makes sense.
func TestMatrixIsWhole(t *testing.T) {
	t.Parallel()
	everyCell := regexp.MustCompile("")
	faults := map[string]map[string]bool{}
	for _, c := range cells(everyCell) {
		if faults[c.fault.name] == nil {
			faults[c.fault.name] = map[string]bool{}
		}
		faults[c.fault.name][c.column.title] = true
	}
	for _, f := range allFaults() {
		if got := len(faults[f.name]); got < len(endpoints())-3 && f.points == nil {
			t.Errorf("%s meets %d endpoints", f.name, got)
		}
	}
	if got := len(cells(everyCell)); got < 1400 {
		t.Errorf("%d cells", got)
	}
}
