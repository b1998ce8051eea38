package drill

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Flags of the test binary.
var (
	long   = flag.Bool("long", false, "play every scenario, about ten minutes")                           //nolint:gochecknoglobals // a flag
	write  = flag.Bool("write", false, "write docs/drill.md")                                             //nolint:gochecknoglobals // a flag
	factor = flag.Float64("factor", 120, "what every duration is divided by")                             //nolint:gochecknoglobals // a flag
	only   = flag.String("only", "", "regular expression: play only the scenarios whose name matches it") //nolint:gochecknoglobals // a flag
)

func shipped(t *testing.T) string {
	t.Helper()
	return harness.ReadFile(t, "../../alerts/mongodbatlas.rules.yml")
}

// play plays scenarios by name. It uses a smaller factor than the drill, with a scrape every second, and a still smaller one
// on a machine that is so busy that scrapes are lost.
func play(t *testing.T, grace time.Duration, rules string, names ...string) *report {
	t.Helper()
	var chosen []scenario
	for _, s := range everything() {
		if slices.Contains(names, s.name) {
			chosen = append(chosen, s.watched(45*minute))
		}
	}
	if len(chosen) != len(names) {
		t.Fatalf("%d of %d scenarios are in the tables", len(chosen), len(names))
	}
	for factor := 60.0; ; factor /= 2 {
		r := (&drill{factor: factor, rules: []byte(rules), grace: grace}).run(t, chosen)
		if r.Lost <= mostLost || factor < 15 {
			return r
		}
	}
}

// playAll plays every scenario, or those that the flags choose.
func playAll(t *testing.T) {
	t.Helper()
	wanted := regexp.MustCompile(*only)
	all := slices.DeleteFunc(everything(), func(s scenario) bool { return !wanted.MatchString(s.name) })
	r := (&drill{factor: *factor, rules: []byte(shipped(t)), grace: 20 * time.Second}).run(t, all)
	r.complain(t)
	if *write {
		harness.WriteReport(t, "../../docs/drill.md", pageTemplate, r)
	}
}

// TestDrill plays the most important scenarios, or with -long every scenario.
func TestDrill(t *testing.T) {
	if *long {
		playAll(t)
		return
	}
	t.Parallel()
	play(t, 3*minute, shipped(t),
		"export-failed", "export-overdue", "auto-export-off", "snapshot-failed", "snapshot-overdue", "snapshot-fallback", "export-missing",
		"bucket-gone", "collection-restore-failed", "flex-restore-failed", "restore-failed", "run-failed-export", "role-removed", "project-gone",
		"resumed-after-a-night", "snapshots-expire", "auto-export-switched-on", "flex-snapshots", "backup-off",
		"healthy", "new-cluster", "cluster-resumed", "cluster-deleted", "export-retried", "export-cancelled", "restore-download-expires",
		"restore-cancelled", "dataset-deleted", "flex", "backup-off-and-on", "project-renamed").complain(t)
}

// broken returns the shipped rules with another expression of an alert.
func broken(t *testing.T, rules, alert, expr string) string {
	t.Helper()
	pattern := regexp.MustCompile(`(?s)(- alert: ` + alert + `\n(?: +#[^\n]*\n)* +expr: ).*?(\n {8}[a-z_]+:)`)
	if !pattern.MatchString(rules) {
		t.Fatalf("the rules have no alert %s", alert)
	}
	return pattern.ReplaceAllString(rules, "${1}"+expr+"${2}")
}

// TestDrillNoticesBrokenRules plays with an alert that never fires, and with one that ignores whether a cluster is paused.
func TestDrillNoticesBrokenRules(t *testing.T) {
	t.Parallel()
	rules := broken(t, shipped(t), "MongoDBAtlasBackupExportFailed", "vector(0) == 1")
	rules = broken(t, rules, "MongoDBAtlasBackupExportOverdue", "time() - mongodbatlas_backup_export_last_success_timestamp_seconds > 172800")
	r := play(t, 0, rules, "export-failed", "cluster-paused", "restore-failed", "export-retried")
	for _, v := range r.verdicts {
		missed, others := v.scenario.name == "export-failed", 0
		if v.scenario.name == "cluster-paused" {
			others = 1
		}
		if v.missed() != missed || len(v.others) != others {
			t.Errorf("%s: missed %v, others %v", v.scenario.name, v.missed(), v.others)
		}
	}
}

func TestJudge(t *testing.T) {
	now := time.Now()
	paged := func(after time.Duration, alert, cluster string) page {
		return page{labels: map[string]string{"alertname": "MongoDBAtlas" + alert, "cl_name": cluster, "severity": "warning"}, arrived: now.Add(after)}
	}
	ended := paged(time.Second, "Failed", "orders")
	ended.resolved = now.Add(time.Minute)
	for name, c := range map[string]struct {
		expected []expectation
		pages    []page
		missed   bool
		others   []string
	}{
		"as expected":     {pages: []page{paged(time.Second, "Failed", "orders")}},
		"nothing":         {missed: true},
		"another cluster": {pages: []page{paged(time.Second, "Failed", "users")}, missed: true, others: []string{"Failed{cl_name=users}"}},
		"another alert": {
			pages:  []page{paged(time.Second, "Failed", "orders"), paged(time.Second, "Stuck", "orders")},
			others: []string{"Stuck{cl_name=orders}"},
		},
		"twice": {
			pages:  []page{paged(time.Second, "Failed", "orders"), paged(time.Minute, "Failed", "orders")},
			others: []string{"Failed{cl_name=orders} again"},
		},
		"after the end": {
			pages: []page{paged(time.Second, "Failed", "orders"), paged(2*hour, "Failed", "orders"), paged(2*hour, "Stuck", "orders")},
		},
		"too early": {
			pages: []page{paged(-5*time.Second, "Failed", "orders")}, missed: true,
			others: []string{"Failed{cl_name=orders}, 5s early"},
		},
		"ended":            {pages: []page{ended}, missed: true},
		"ended as it must": {expected: resolved(pages(0, "Failed{cl_name=orders}")), pages: []page{ended}},
		"did not end":      {expected: resolved(pages(0, "Failed{cl_name=orders}")), pages: []page{paged(0, "Failed", "orders")}, missed: true},
		"may come":         {expected: perhaps("Failed"), pages: []page{paged(0, "Failed", "orders"), paged(0, "Failed", "users")}},
		"need not come":    {expected: perhaps("Failed")},
	} {
		t.Run(name, func(t *testing.T) {
			if c.expected == nil {
				c.expected = pages(0, "Failed{cl_name=orders}")
			}
			a := &actor{stack: &stack{factor: 1, begin: now}, scenario: scenario{pages: c.expected, lasts: hour}}
			v := a.judge(c.pages)
			if v.missed() != c.missed || !slices.Equal(v.others, c.others) || v.passed() == (c.missed || c.others != nil) {
				t.Errorf("missed %v, others %q", v.missed(), v.others)
			}
		})
	}
}

// TestPageListsEveryScenario proves that docs/drill.md is up to date.
func TestPageListsEveryScenario(t *testing.T) {
	content, err := os.ReadFile("../../docs/drill.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range everything() {
		if seen[s.name] {
			t.Errorf("two scenarios are called %s", s.name)
		}
		seen[s.name] = true
		if !strings.Contains(string(content), "| "+s.name+" | "+s.story) {
			t.Errorf("docs/drill.md does not have %s: run go test ./internal/drill -run 'Drill$' -long -write", s.name)
		}
	}
}

// TestPage renders the report of a failed drill.
func TestPage(t *testing.T) {
	r := &report{Factor: 120, verdicts: []verdict{
		{
			factor: 60, scenario: scenario{name: "export-failed", story: "An export fails."},
			results: []expectation{
				{alert: "Failed"}, {alert: "Other", paged: true, after: time.Second}, {alert: "Third", paged: true, wrongEnd: true, due: standing},
			},
		},
		{factor: 120, scenario: scenario{name: "healthy", story: "Nothing happens.", benign: true}, others: []string{"Stuck"}},
	}}
	path := filepath.Join(t.TempDir(), "drill.md")
	harness.WriteReport(t, path, pageTemplate, r)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n| export-failed | An export fails. (factor 60) | Failed: MISSED<br>Other: 1.0 s = 1 min<br>Third: from the start, ENDED | none |\n",
		"\n| healthy | Nothing happens. |  | Stuck |\n",
		"**0 of 1 incidents paged as they should, 0 of 1 benign days were quiet: 3 expected pages, 2 missed, 1 false.**",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page has no %q:\n%s", want, got)
		}
	}
}
