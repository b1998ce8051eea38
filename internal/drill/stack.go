package drill

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// plan is what plays on one stack of programs: a simulated Atlas, exporters, a Prometheus and an Alertmanager.
type plan struct {
	name      string
	scenarios []scenario
	// alone tells that the stack belongs to its one scenario, so that every page is that scenario's.
	alone bool
}

// settings are what the stacks of a drill have in common.
type settings struct {
	clock

	rules []byte // the scaled rules
	// grace is how long an expected page is waited for on the wall clock, when a scenario's time is over.
	grace time.Duration
}

// The real-world rhythm, which is that of the documentation's examples.
const (
	scrapeInterval    = time.Minute
	groupWait         = 30 * time.Second
	groupInterval     = 5 * time.Minute
	repeatInterval    = 4 * time.Hour
	minInterval       = 30 * time.Second
	chainInterval     = 5 * time.Minute // of the lists that are long or seldom change
	discoveryInterval = 5 * time.Minute
	relistInterval    = 6 * time.Hour
	// requestTimeout is on the wall clock: the exporter's usual 30 s, divided, would be too short for any machine.
	requestTimeout = 2 * time.Second
)

// stack is a running plan.
type stack struct {
	settings
	plan

	t            testing.TB
	org          *atlassim.Organization
	server       *atlassim.Server
	account      atlassim.ServiceAccount
	dir          string
	configFile   string
	gates        []*gate
	prometheus   *harness.PrometheusServer
	alertmanager *harness.AlertmanagerServer
	receiver     *receiver
	actors       []*actor
}

// outcome is how the scenarios of a stack went.
type outcome struct {
	verdicts []verdict
	stray    []page  // pages that belong to no scenario
	failed   float64 // the share of scrapes that failed
}

// runPlan plays a plan from beginning to end.
func runPlan(t testing.TB, s settings, p plan) outcome {
	t.Helper()
	st := &stack{settings: s, plan: p, t: t, dir: t.TempDir(), receiver: newReceiver(t)}
	st.startAtlas()
	st.startExporters()
	st.startPrometheus()
	st.stage()
	st.play()
	return st.judge()
}

// startAtlas serves an organisation with one project in which nothing happens: an exporter that sees no project at all is
// an incident of its own.
func (s *stack) startAtlas() {
	s.account = atlassim.NewServiceAccount()
	s.org = atlassim.NewOrganization(atlassim.WallClock{}, atlassim.WithTimeScale(s.factor))
	s.org.AddProject("lobby")
	options := atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{s.account},
		TokenLifetime:   max(s.scaled(time.Hour), time.Second),
		TokenLimit:      10_000,
		RateLimits:      atlassim.DefaultRateLimits(),
		Deprecations:    map[string]atlassim.Deprecation{},
	}
	for set, limit := range options.RateLimits {
		limit.Period = s.scaled(limit.Period)
		options.RateLimits[set] = limit
	}
	for _, sc := range s.scenarios {
		if sc.options != nil {
			sc.options(&options, time.Now(), s.clock)
		}
	}
	s.server = atlassim.NewServer(s.org, options)
	if err := s.server.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.server.Close() })
}

func (s *stack) startExporters() {
	s.configFile = filepath.Join(s.dir, "exporter.yml")
	s.writeFile("secret", s.account.ClientSecret)
	s.writeFile("exporter.yml", s.exporterConfig(""))
	exporters := 1
	for _, sc := range s.scenarios {
		exporters = max(exporters, sc.exporters)
	}
	for range exporters {
		s.gates = append(s.gates, newGate(s.t))
		s.startExporter(len(s.gates) - 1)
	}
}

// startExporter starts the process behind a gate.
func (s *stack) startExporter(n int) {
	s.gates[n].running.Store(harness.StartExporter(s.t, "--config.file="+s.configFile,
		"--web.timeout-offset="+s.scaled(10*time.Second).String(), "--log.level=info"))
}

func (s *stack) writeFile(name, content string) {
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// exporterConfig is the exporter's configuration, with what its scenario adds.
func (s *stack) exporterConfig(more string) string {
	timeout := requestTimeout
	for _, sc := range s.scenarios {
		timeout = max(timeout, sc.timeout)
	}
	atLeastASecond := func(d time.Duration) string { return s.text(max(d, time.Duration(s.factor*float64(time.Second)))) }
	chain := s.text(chainInterval)
	return fmt.Sprintf(`
atlas:
  base_url: %s
  service_account: {client_id: %s, client_secret_file: %s}
  request_timeout: %s
  max_retries: 0 # the pause before a retry is on the wall clock
collectors:
  backup_exports:
    expected_intervals:
      - {clusters: %q, interval: %s}
      - {clusters: %q, interval: %s}
      - {clusters: %q, interval: %s}
      - {clusters: %q, interval: %s}
      - {clusters: %q, interval: none}
  backup_snapshots:
    min_interval: %s
    expected_intervals:
      - {clusters: %q, interval: %s}
      - {clusters: %q, interval: %s}
      - {clusters: ".*", interval: none}
  collection_restores: {min_interval: %s}
  flex_snapshots: {min_interval: %s}
  flex_restores: {min_interval: %s}
refresh:
  min_interval: %s
  discovery_interval: %s
  relist_interval: %s
%s`, s.server.URL(), s.account.ClientID, filepath.Join(s.dir, "secret"), timeout,
		dailyCluster, s.text(day), sixthCluster, s.text(6*time.Hour), weeklyCluster, s.text(7*day),
		monthCluster, s.text(31*day), manualCluster,
		chain, sixthSnapshots, s.text(6*time.Hour), dailySnapshots, s.text(day), chain, chain, chain,
		s.text(minInterval), atLeastASecond(discoveryInterval), atLeastASecond(relistInterval), more)
}

// text is a real-world duration, scaled, as configurations spell it.
func (s *stack) text(d time.Duration) string { return scale.Text(s.scaled(d).Round(time.Millisecond)) }

// startPrometheus starts Alertmanager and Prometheus. The rules come in once the exporters are scraped: until Prometheus
// has looked for its targets, a pause on the wall clock, it would count as a long absence of theirs.
func (s *stack) startPrometheus() {
	s.alertmanager = harness.StartAlertmanager(s.t, fmt.Sprintf(`
route:
  receiver: duty
  group_by: ["..."] # each alert is a page
  group_wait: %s
  group_interval: %s
  repeat_interval: %s
receivers:
- name: duty
  webhook_configs:
  - {url: %q, send_resolved: true}
`, s.text(groupWait), s.text(groupInterval), s.text(repeatInterval), s.receiver.server.URL))

	addresses := make([]string, len(s.gates))
	for i, g := range s.gates {
		addresses[i] = fmt.Sprintf("%q", g.address())
	}
	s.prometheus = harness.StartPrometheus(s.t, fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [rules.yml]
scrape_configs:
- job_name: mongodbatlas
  static_configs: [{targets: [%[2]s]}]
alerting:
  alertmanagers:
  - static_configs: [{targets: [%[3]q]}]
`, s.text(scrapeInterval), strings.Join(addresses, ", "), strings.TrimPrefix(s.alertmanager.URL(), "http://")),
		map[string]string{"rules.yml": "groups: []"})
	s.prometheus.Eventually(s.t, `sum(up) == sum(mongodbatlas_up)`, func(samples []harness.Sample) error {
		if len(samples) != 1 || samples[0].Value != float64(len(s.gates)) {
			return fmt.Errorf("not every exporter is up: %v", samples)
		}
		return nil
	})
	s.prometheus.WriteFile(s.t, "rules.yml", string(s.rules))
	if err := s.prometheus.Reload(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// stage builds the scenarios, and waits until Prometheus has seen every one of them before it begins.
func (s *stack) stage() {
	lead := s.scaled(2*discoveryInterval) + 4*time.Second
	var more strings.Builder
	s.org.Do(func() {
		// A whole second, as all dates of Atlas are: what is due falls on the moment, not on the second around it.
		begin := time.Now().Add(lead + time.Second).Truncate(time.Second)
		for _, sc := range s.scenarios {
			a := &actor{
				clock: s.clock, name: sc.name, built: time.Now(), begin: begin, org: s.org, server: s.server,
				account: s.account, project: s.org.AddProject(sc.name), stack: s,
			}
			sc.act(a)
			if sc.config != nil {
				more.WriteString(sc.config(s.org.Projects()[0].ID, a.project.ID))
			}
			s.actors = append(s.actors, a)
		}
	})
	if more.Len() > 0 {
		s.writeFile("exporter.yml", s.exporterConfig(more.String()))
		if err := s.reload(); err != nil {
			s.t.Fatal(err)
		}
	}
	go s.tick()
	begin := s.actors[0].begin
	for {
		problem := s.seen()
		if problem == nil {
			break
		}
		if time.Now().After(begin) {
			s.t.Fatalf("the machine is too slow for factor %v: when the drill was to begin, %v", s.factor, problem)
		}
		s.sleep(time.Now().Add(50 * time.Millisecond))
	}
	s.sleep(begin)
}

// tick lets what is planned happen when its time comes. Atlas itself looks at its plans only when it answers, which it does
// not while a fault answers in its place.
func (s *stack) tick() {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-s.t.Context().Done():
			return
		case <-ticker.C:
			s.org.Do(func() {})
		}
	}
}

// seen tells whether Prometheus knows every target of every project.
func (s *stack) seen() error {
	projects, err := s.prometheus.Query(s.t.Context(), `count(count by (group_id) (mongodbatlas_project_info))`)
	if err != nil {
		return err
	}
	pending, err := s.prometheus.Query(s.t.Context(), `sum(mongodbatlas_targets{state="pending"})`)
	if err != nil {
		return err
	}
	if len(projects) != 1 || projects[0].Value < float64(len(s.scenarios)) || len(pending) != 1 || pending[0].Value > 0 {
		return fmt.Errorf("not everything is read: %v of %d projects, targets pending %v", projects, len(s.scenarios), pending)
	}
	return nil
}

// play does what is to be done to processes, and waits for the end: the longest scenario's, and the last page that is
// expected, unless grace passes before.
func (s *stack) play() {
	var deeds []deed
	end := s.actors[0].begin
	for i, a := range s.actors {
		deeds = append(deeds, a.deeds...)
		end = latest(end, a.after(s.scenarios[i].lasts))
	}
	slices.SortStableFunc(deeds, func(a, b deed) int { return a.at.Compare(b.at) })
	for _, d := range deeds {
		s.sleep(d.at)
		if err := d.do(s); err != nil {
			s.t.Fatal(err)
		}
	}
	s.sleep(end)
	for deadline := time.Now().Add(s.grace); time.Now().Before(deadline) && !s.complete(); {
		s.sleep(time.Now().Add(100 * time.Millisecond))
	}
	// What was on its way to the people on duty when the last page came still counts.
	s.sleep(time.Now().Add(s.scaled(2*groupWait) + 2*s.scaled(scrapeInterval)))
}

// complete tells whether every expected page has arrived, and was resolved where it had to be.
func (s *stack) complete() bool {
	pages := s.receiver.received()
	for _, a := range s.actors {
		for i := range a.expected {
			e := &a.expected[i]
			found := slices.IndexFunc(pages, func(p page) bool { return e.fits(p.labels) })
			if found < 0 || e.resolves && pages[found].resolved.IsZero() {
				return false
			}
		}
	}
	return true
}

// reload has the first exporter read its configuration again, as an operator would.
func (s *stack) reload() error {
	return post(s.t.Context(), s.gates[0].running.Load().URL()+"/-/reload")
}

// failedScrapes is the share of all scrapes that failed.
func (s *stack) failedScrapes() float64 {
	samples, err := s.prometheus.Query(s.t.Context(), `1 - avg(avg_over_time(up[1h]))`)
	if err != nil || len(samples) != 1 {
		return math.NaN()
	}
	return samples[0].Value
}

// sleep waits until a moment, or fails the stack when it is to end.
func (s *stack) sleep(until time.Time) {
	ctx, cancel := context.WithDeadline(s.t.Context(), until)
	defer cancel()
	<-ctx.Done()
	if err := s.t.Context().Err(); err != nil {
		s.t.Fatal(err)
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
