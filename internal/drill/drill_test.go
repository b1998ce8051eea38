package drill

import (
	_ "embed"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const rulesFile = "../../alerts/mongodbatlas.rules.yml"

// The tests go slower than the drill: with a scrape every second even a machine that is busy otherwise loses none.
const testFactor = 60

// scenarios returns scenarios by name, each watched for a time that all of what is expected fits into.
func scenarios(t *testing.T, names ...string) []scenario {
	t.Helper()
	all := allScenarios()
	var chosen []scenario
	for _, name := range names {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			t.Fatalf("there is no scenario %s", name)
		}
		all[i].lasts = 45 * time.Minute
		chosen = append(chosen, all[i])
	}
	return chosen
}

func allScenarios() []scenario {
	return slices.Concat(incidents(), benignDays(), lonelyIncidents(), lonelyDays())
}

func play(t *testing.T, grace time.Duration, broken map[string]string, names ...string) map[string]verdict {
	t.Helper()
	rules, err := os.ReadFile(rulesFile)
	for alert, expr := range broken {
		if err == nil {
			rules, err = replaceExpr(rules, alert, expr)
		}
	}
	if err == nil {
		rules, err = scale.Rules(rules, testFactor)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := settings{clock: clock{testFactor}, rules: rules, grace: grace}
	o := runPlan(t, s, plan{name: "test", scenarios: scenarios(t, names...)})
	for _, p := range o.stray {
		t.Errorf("page that belongs to no scenario: %s", p)
	}
	verdicts := map[string]verdict{}
	for _, v := range o.verdicts {
		verdicts[v.scenario.name] = v
	}
	return verdicts
}

// Flags of the test binary.
var (
	long     = flag.Bool("long", false, "play every scenario, about ten minutes")                                                             //nolint:gochecknoglobals // a flag
	write    = flag.Bool("write", false, "write docs/drill.md")                                                                               //nolint:gochecknoglobals // a flag
	factor   = flag.Float64("factor", 120, "what every duration is divided by")                                                               //nolint:gochecknoglobals // a flag
	stacks   = flag.Int("stacks", 4, "how many stacks of programs run at the same time")                                                      //nolint:gochecknoglobals // a flag
	only     = flag.String("only", "", "regular expression: play only the scenarios whose name matches it")                                   //nolint:gochecknoglobals // a flag
	breaking = flag.String("break", "", "alert, or alert=expression: replace the alert's expression, by default with one that is never true") //nolint:gochecknoglobals // a flag
)

//go:embed drill.md.tmpl
var pageTemplate string

// TestScenarios plays every scenario, with -long.
func TestScenarios(t *testing.T) {
	if !*long {
		return // TestDrill plays the most important ones
	}
	d := drill{factor: *factor, parallel: *stacks, rulesFile: rulesFile, grace: 20 * time.Second}
	if *only != "" {
		d.only = regexp.MustCompile(*only)
	}
	d.breakAlert, d.breakExpr, _ = strings.Cut(*breaking, "=")
	r := d.run(t)
	r.complain(t)
	if *write {
		harness.WriteReport(t, "../../docs/drill.md", pageTemplate, r.page())
	}
}

func TestDrill(t *testing.T) {
	t.Parallel()
	verdicts := play(t, 3*time.Minute, nil,
		"export-failed", "export-overdue", "auto-export-off", "snapshot-failed", "snapshot-overdue", "snapshot-fallback", "export-missing",
		"bucket-gone", "collection-restore-failed", "flex-restore-failed", "restore-failed", "run-failed-export", "role-removed", "project-gone",
		"resumed-after-a-night", "snapshots-expire", "auto-export-switched-on", "flex-snapshots",
		"healthy", "new-cluster", "cluster-resumed", "cluster-deleted", "export-retried", "export-cancelled", "restore-download-expires",
		"restore-cancelled", "dataset-deleted", "flex", "backup-off-and-on", "project-renamed")
	for _, name := range slices.Sorted(maps.Keys(verdicts)) {
		v := verdicts[name]
		for _, r := range v.results {
			if !r.paged {
				t.Errorf("%s: %s was expected and not paged", name, named(r.expectation.alert, r.expectation.labels))
			}
		}
		if len(v.others) > 0 {
			t.Errorf("%s: false pages %v", name, v.others)
		}
	}
}

// TestDrillNoticesBrokenRules plays with an alert that never fires and with one that does not know of paused clusters.
func TestDrillNoticesBrokenRules(t *testing.T) {
	t.Parallel()
	verdicts := play(t, 0, map[string]string{
		"MongoDBAtlasBackupExportFailed":  "",
		"MongoDBAtlasBackupExportOverdue": "time() - mongodbatlas_backup_export_last_success_timestamp_seconds > 172800",
	}, "export-failed", "cluster-paused", "restore-failed", "export-retried")
	if v := verdicts["export-failed"]; v.missed() != 1 || len(v.others) != 0 {
		t.Errorf("an alert that never fires was judged: missed %d, others %v", v.missed(), v.others)
	}
	if v := verdicts["cluster-paused"]; len(v.others) != 1 || !strings.Contains(v.others[0], "BackupExportOverdue") {
		t.Errorf("an alert on a paused cluster was judged: others %v", v.others)
	}
	for _, name := range []string{"restore-failed", "export-retried"} {
		if v := verdicts[name]; !v.passed() {
			t.Errorf("%s, whose rules are whole, was judged: missed %d, others %v", name, v.missed(), v.others)
		}
	}
}

func TestJudge(t *testing.T) {
	now := time.Now()
	expected := expectation{alert: "Failed", labels: with("cl_name", "orders"), due: now}
	paged := func(after time.Duration, alert, cluster string) page {
		return page{labels: with("alertname", alert, "cl_name", cluster, "severity", "warning"), arrived: now.Add(after)}
	}
	for name, c := range map[string]struct {
		pages  []page
		missed int
		others []string
	}{
		"as expected":     {pages: []page{paged(time.Second, "Failed", "orders")}},
		"nothing":         {missed: 1},
		"another cluster": {pages: []page{paged(time.Second, "Failed", "users")}, missed: 1, others: []string{"Failed{cl_name=users}"}},
		"another alert": {
			pages:  []page{paged(time.Second, "Failed", "orders"), paged(time.Second, "Stuck", "orders")},
			others: []string{"Stuck{cl_name=orders}"},
		},
		"twice": {
			pages:  []page{paged(time.Second, "Failed", "orders"), paged(time.Minute, "Failed", "orders")},
			others: []string{"Failed{cl_name=orders} again"},
		},
		"too early": {
			pages: []page{paged(-5*time.Second, "Failed", "orders")}, missed: 1,
			others: []string{"Failed{cl_name=orders}, 5s early"},
		},
	} {
		v := judge(scenario{}, []expectation{expected}, c.pages)
		if v.missed() != c.missed || !slices.Equal(v.others, c.others) || v.passed() != (c.missed == 0 && c.others == nil) {
			t.Errorf("%s: missed %d, others %q", name, v.missed(), v.others)
		}
	}
	expected.resolves = true
	stands := paged(time.Second, "Failed", "orders")
	if v := judge(scenario{}, []expectation{expected}, []page{stands}); v.missed() != 1 {
		t.Error("a page that should have ended and stands was judged as right")
	}
	stands.resolved = now.Add(time.Minute)
	if v := judge(scenario{}, []expectation{expected}, []page{stands}); !v.passed() {
		t.Error("a page that ended as it should was judged as wrong")
	}
}

// TestPageListsEveryScenario keeps docs/drill.md from lagging behind.
func TestPageListsEveryScenario(t *testing.T) {
	content, err := os.ReadFile("../../docs/drill.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range allScenarios() {
		if seen[s.name] {
			t.Errorf("two scenarios are called %s", s.name)
		}
		seen[s.name] = true
		if !strings.Contains(string(content), "| "+s.name+" | "+s.story) {
			t.Errorf("docs/drill.md does not have %s: run go test ./internal/drill -run Scenarios -long -write", s.name)
		}
	}
}

func TestReplaceExpr(t *testing.T) {
	if _, err := replaceExpr([]byte("groups: []"), "Failed", ""); err == nil {
		t.Error("an alert that does not exist was replaced")
	}
	rules, err := replaceExpr([]byte("groups: [{name: a, rules: [{alert: Failed, expr: x, for: 5m}]}]"), "Failed", "y")
	if err != nil || !strings.Contains(string(rules), "expr: \"y\"") || !strings.Contains(string(rules), "for: 5m") {
		t.Errorf("%v\n%s", err, rules)
	}
}

// TestPage renders the page of a drill that went wrong.
func TestPage(t *testing.T) {
	r := &report{factor: 120}
	r.add(clock{60}, outcome{
		verdicts: []verdict{{
			scenario: scenario{name: "export-failed", story: "An export fails."},
			results:  []result{{expectation: expectation{alert: "MongoDBAtlasFailed"}}, {expectation: expectation{alert: "Other"}, paged: true, after: time.Second}},
		}, {scenario: scenario{name: "healthy", story: "Nothing happens.", benign: true}, others: []string{"Stuck"}}},
		stray: []page{{labels: with("alertname", "Stray")}},
	})
	path := filepath.Join(t.TempDir(), "drill.md")
	harness.WriteReport(t, path, pageTemplate, r.page())
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n| export-failed | An export fails. (factor 60) | Failed<br>Other | MISSED<br>paged | <br>1.0 s = 1 min | none |\n",
		"\n| healthy | Nothing happens. (factor 60) |  |  |  | Stuck |\n", "\nA page belongs to no scenario: Stray\n",
		"**0 of 1 incidents paged as they should, 0 of 1 benign days were quiet: 2 expected pages, 1 missed, 2 false.**",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page has no %q:\n%s", want, got)
		}
	}
}
