package faultmatrix

import (
	"regexp"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestJudge breaks a true exposition in one place at a time. The judge must notice each change.
func TestJudge(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it starts an exporter")
	s := start(t, setup{})
	a, err := s.ask(t, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	short := endpointOf(exports).target(s.org.Projects()[0].ID, "short")
	newJudge := func() *judge {
		return &judge{
			baseline: s.baseline, last: s.last, outcome: down(serverError), struck: map[target]bool{short: true},
		}
	}
	judged := func(text string, p phase) []string {
		seen, err := parse([]byte(text), a.Began)
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

	project := `group_id="` + short.group + `",group_name="project-000"`
	labels := `cl_name="` + short.name + `",collector="backup_exports",` + project + `,pipeline=""`
	isDown := func(text, reason string) string {
		text = replaceLine(t, text, `mongodbatlas_target_up{`+labels+`} 1`, `mongodbatlas_target_up{`+labels+`} 0`)
		targets := `mongodbatlas_targets{collector="backup_exports",` + project
		text = replaceLine(t, text, targets+`,state="up"} 2`, targets+`,state="up"} 1`)
		text = replaceLine(t, text, targets+`,state="down"} 0`, targets+`,state="down"} 1`)
		success := `mongodbatlas_scrape_collector_success{collector="backup_exports"}`
		text = replaceLine(t, text, success+" 1", success+" 0")
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
		"half a line": func(text string) string { return text[:len(text)-3] },
		"no help":     func(text string) string { return strings.Replace(text, "# HELP mongodbatlas_up ", "# ", 1) },
		"no text":     func(string) string { return "" },
		"not UTF-8": func(text string) string {
			return strings.Replace(text, `group_name="project-000"`, "group_name=\"\xff\"", 1)
		},
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

// TestSecrets proves that the search finds secrets.
func TestSecrets(t *testing.T) {
	t.Parallel()
	account, key := atlassim.NewServiceAccount(), atlassim.APIKey{PublicKey: "a", PrivateKey: "a-very-private-key"}
	s := secretsOf(account, key)
	for _, text := range []string{
		account.ClientSecret, key.PrivateKey, tokenPrefix + "x", "https://x/" + downloadMarker, "panic: runtime error",
	} {
		if len(s.search("it", []byte("before "+text+" behind"))) != 1 {
			t.Errorf("%q is not found", text)
		}
	}
	if found := s.search("it", []byte("client_id="+account.ClientID+" <secret>")); len(found) > 0 {
		t.Error(found)
	}
}

// TestMatrixIsWhole proves that every fault strikes every endpoint where it makes sense.
func TestMatrixIsWhole(t *testing.T) {
	t.Parallel()
	everyCell := regexp.MustCompile("")
	faults := map[string]map[string]bool{}
	for _, c := range cells(everyCell) {
		if faults[c.fault.Name] == nil {
			faults[c.fault.Name] = map[string]bool{}
		}
		faults[c.fault.Name][c.column.title] = true
	}
	for _, f := range allFaults() {
		if got := len(faults[f.Name]); got < len(endpoints())-3 && f.baseURL == nil {
			t.Errorf("%s meets %d endpoints", f.Name, got)
		}
	}
	if got := len(cells(everyCell)); got < 1400 {
		t.Errorf("%d cells", got)
	}
}
