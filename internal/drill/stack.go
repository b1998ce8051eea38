package drill

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Real-world intervals, as in the examples of the documentation.
const (
	scrapeInterval    = minute
	groupWait         = 30 * time.Second
	groupInterval     = 5 * minute
	repeatInterval    = 4 * hour
	minInterval       = 30 * time.Second
	chainInterval     = 5 * minute // for lists that are long or rarely change
	discoveryInterval = 5 * minute
	relistInterval    = 6 * hour
	// requestTimeout is not scaled: the exporter's default of 30 s would become too short for any machine.
	requestTimeout = 2 * time.Second
)

// stack has the programs that play scenarios: a simulated Atlas, exporters, Prometheus and Alertmanager.
type stack struct {
	clock
	alone // settings of its only scenario, or the defaults

	t          testing.TB
	org        *atlassim.Organization
	server     *atlassim.Server
	account    atlassim.ServiceAccount
	dir        string
	gates      []*gate
	prometheus *harness.PrometheusServer
	webhook    *harness.Webhook
	actors     []*actor
	deeds      []deed
}

// play plays scenarios in one stack. It returns their verdicts, and the share of scrapes that failed.
func (d *drill) play(t *testing.T, scenarios []scenario) (verdicts []verdict, lost float64) {
	t.Helper()
	s := &stack{clock: clock{d.factor}, t: t, dir: t.TempDir(), webhook: harness.StartWebhook(t)}
	if own := scenarios[0].alone; own != nil {
		s.alone = *own
		if own.slower > 0 {
			s.factor = min(s.factor, own.slower)
		}
	}
	rules, err := scale.Rules(d.rules, s.factor)
	if err != nil {
		t.Fatal(err)
	}
	s.startAtlas(scenarios)
	s.writeFile("secret", s.account.ClientSecret)
	s.writeFile("exporter.yml", s.exporterConfig())
	for n := range max(s.exporters, 1) {
		s.gates = append(s.gates, newGate(t))
		s.startExporter(n)
	}
	s.startPrometheus(string(rules))
	s.stage(scenarios)
	s.act(d.grace)
	samples, err := s.prometheus.Query(t.Context(), `1 - avg(avg_over_time(up[1h]))`)
	if err != nil || len(samples) != 1 {
		t.Fatalf("query of the share of lost scrapes: %v, %v", samples, err)
	}
	return s.judge(), samples[0].Value
}

// startAtlas serves an organization with one project in which nothing happens, because an exporter that sees no project is
// an incident.
func (s *stack) startAtlas(scenarios []scenario) {
	s.account = atlassim.NewServiceAccount()
	s.org = atlassim.NewOrganization(atlassim.WallClock{}, atlassim.WithTimeScale(s.factor))
	s.org.AddProject("lobby")
	options := atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{s.account},
		TokenLifetime:   max(s.scaled(hour), time.Second),
		TokenLimit:      10_000,
		RateLimits:      atlassim.DefaultRateLimits(),
		Deprecations:    map[string]atlassim.Deprecation{},
	}
	for set, limit := range options.RateLimits {
		limit.Period = s.scaled(limit.Period)
		options.RateLimits[set] = limit
	}
	for _, sc := range scenarios {
		for operation, in := range sc.sunsets {
			options.Deprecations[operation] = atlassim.Deprecation{
				Deprecated: time.Now().Add(-s.scaled(30 * day)), Sunset: time.Now().Add(s.scaled(in)),
			}
		}
	}
	s.server = harness.StartAtlas(s.t, s.org, options)
}

// startExporter starts the process behind a gate. The exporter must answer within half of Prometheus's timeout, because the
// machine may be busy.
func (s *stack) startExporter(n int) {
	s.gates[n].running.Store(harness.StartExporter(s.t, "--config.file="+filepath.Join(s.dir, "exporter.yml"),
		"--web.timeout-offset="+s.scaled(scrapeInterval/2).String(), "--log.level=info"))
}

func (s *stack) writeFile(name, content string) {
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) exporterConfig() string {
	atLeastASecond := func(d time.Duration) string { return s.text(max(d, time.Duration(s.factor*float64(time.Second)))) }
	var projects []string
	if s.named {
		for _, p := range s.org.Projects() {
			projects = append(projects, "{id: "+p.ID+"}")
		}
	}
	return fmt.Sprintf(`
atlas:
  base_url: %[1]s
  service_account: {client_id: %[2]s, client_secret_file: %[3]s}
  request_timeout: %[4]s
  max_retries: 0 # the backoff before a retry is not scaled
projects: [%[5]s]
collectors:
  backup_exports: {expected_intervals: [%[6]s, {clusters: %[7]s, interval: none}]}
  backup_snapshots: {min_interval: %[8]s, expected_intervals: [%[9]s, {clusters: ".*", interval: none}]}
  collection_restores: {min_interval: %[8]s}
  flex_snapshots: {min_interval: %[8]s}
  flex_restores: {min_interval: %[8]s}
refresh: {min_interval: %[10]s, discovery_interval: %[11]s, relist_interval: %[12]s}
`, s.server.URL(), s.account.ClientID, filepath.Join(s.dir, "secret"), max(requestTimeout, s.timeout), strings.Join(projects, ", "),
		strings.Join([]string{s.every(orders, day), s.every(hourly, hour), s.every(sixHourly, 6*hour), s.every(weekly, 7*day), s.every(monthly, 31*day)}, ", "), byHand,
		s.text(chainInterval), s.every(sixHourlySnapshots, 6*hour)+", "+s.every(dailySnapshots, day),
		s.text(minInterval), atLeastASecond(discoveryInterval), atLeastASecond(relistInterval))
}

// every returns a list item of expected_intervals.
func (s *stack) every(cluster string, interval time.Duration) string {
	return fmt.Sprintf("{clusters: %s, interval: %s}", cluster, s.text(interval))
}

// text returns a real-world duration, scaled, in the format of the configuration files.
func (s *stack) text(d time.Duration) string { return scale.Text(s.scaled(d).Round(time.Millisecond)) }

// alertmanagerConfig returns a configuration that sends each alert as a page, with the shipped inhibition rules.
func (s *stack) alertmanagerConfig() string {
	content, err := os.ReadFile("../../deploy/compose/alertmanager.yml")
	var shipped struct {
		Rules []yaml.Node `yaml:"inhibit_rules"`
	}
	if err == nil {
		err = yaml.Unmarshal(content, &shipped)
	}
	inhibit, errMarshal := yaml.Marshal(map[string]any{"inhibit_rules": shipped.Rules})
	if err = cmp.Or(err, errMarshal); err != nil || len(shipped.Rules) == 0 {
		s.t.Fatalf("%d shipped inhibition rules: %v", len(shipped.Rules), err)
	}
	return fmt.Sprintf(`
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
`, s.text(groupWait), s.text(groupInterval), s.text(repeatInterval), s.webhook.URL) + string(inhibit)
}

// startPrometheus starts Alertmanager and Prometheus. It loads the rules once the exporters are scraped: Prometheus
// discovers its targets only after an unscaled delay, in which the rules would see the exporters as absent for long.
func (s *stack) startPrometheus(rules string) {
	alertmanager := harness.StartAlertmanager(s.t, s.alertmanagerConfig())
	var addresses []string
	for _, g := range s.gates {
		addresses = append(addresses, fmt.Sprintf("%q", g.server.Listener.Addr()))
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
`, s.text(scrapeInterval), strings.Join(addresses, ", "), strings.TrimPrefix(alertmanager.URL(), "http://")),
		map[string]string{"rules.yml": "groups: []"})
	s.prometheus.Eventually(s.t, `sum(up) == sum(mongodbatlas_up)`, func(samples []harness.Sample) error {
		if len(samples) != 1 || samples[0].Value != float64(len(s.gates)) {
			return fmt.Errorf("not every exporter is up: %v", samples)
		}
		return nil
	})
	s.prometheus.WriteFile(s.t, "rules.yml", rules)
	if err := s.prometheus.Reload(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// stage builds the scenarios, and waits until Prometheus has samples of every one before the drill starts.
func (s *stack) stage(scenarios []scenario) {
	// A whole second, because the dates of Atlas are whole seconds, too.
	begin := time.Now().Add(s.scaled(2*discoveryInterval) + 5*time.Second).Truncate(time.Second)
	s.org.Do(func() {
		for _, sc := range scenarios {
			a := &actor{stack: s, scenario: sc, project: s.org.AddProject(sc.name), built: time.Now(), begin: begin}
			for _, page := range sc.pages {
				e, err := a.expect(page)
				if err != nil {
					s.t.Fatal(err)
				}
				a.expected = append(a.expected, e)
			}
			for _, by := range sc.steps {
				by(a)
			}
			s.actors = append(s.actors, a)
		}
	})
	if s.named {
		s.writeFile("exporter.yml", s.exporterConfig())
		s.reload(http.StatusOK)
	}
	go s.tick()
	// Every project is known, and no target is pending.
	known := `count(count by (group_id) (mongodbatlas_project_info)) unless sum(mongodbatlas_targets{state="pending"}) > 0`
	s.prometheus.Eventually(s.t, known, func(samples []harness.Sample) error {
		if len(samples) != 1 || samples[0].Value < float64(len(scenarios)) {
			return fmt.Errorf("the exporter has read %v of %d projects", samples, len(scenarios))
		}
		return nil
	})
	if late := time.Since(begin); late > 0 {
		s.t.Fatalf("the machine is too slow for factor %v: the first reads ended %s after the start", s.factor, late)
	}
	s.sleep(begin)
}

// tick runs due events. Atlas itself runs them only when it answers a request, which it does not do while a fault answers
// instead.
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

// act runs the actions on processes, and waits for the end of the longest scenario. It then waits for missing pages, for the
// time grace at most.
func (s *stack) act(grace time.Duration) {
	var end time.Time
	for _, a := range s.actors {
		if last := a.after(a.scenario.lasts); last.After(end) {
			end = last
		}
	}
	slices.SortStableFunc(s.deeds, func(a, b deed) int { return a.at.Compare(b.at) })
	for _, d := range s.deeds {
		s.sleep(d.at)
		d.do()
	}
	s.sleep(end)
	missed := func(v verdict) bool { return v.missed() }
	for deadline := time.Now().Add(grace); time.Now().Before(deadline) && slices.ContainsFunc(s.judge(), missed); {
		s.sleep(time.Now().Add(100 * time.Millisecond))
	}
	// Pages that were on their way when the last expected one arrived still count.
	s.sleep(time.Now().Add(s.scaled(2*groupWait + 2*scrapeInterval)))
}

// reload reloads the first exporter. The answer must have the given status.
func (s *stack) reload(want int) {
	answer, err := harness.Ask(s.t.Context(), http.MethodPost, s.gates[0].running.Load().URL()+"/-/reload", 0)
	if err != nil || answer.Status != want {
		s.t.Fatalf("reload: status %d, want %d: %s (%v)", answer.Status, want, answer.Body, err)
	}
}

// sleep waits until the given time. It fails the test if the test ends before.
func (s *stack) sleep(until time.Time) {
	if err := harness.Pause(s.t.Context(), time.Until(until)); err != nil {
		s.t.Fatal(err)
	}
}

// gate is a proxy with a fixed address in front of an exporter, because a restarted exporter listens on another port. It
// closes connections while there is no exporter or the gate is shut.
type gate struct {
	server  *httptest.Server
	running atomic.Pointer[harness.Exporter]
	shut    atomic.Bool
}

func newGate(t testing.TB) *gate {
	t.Helper()
	g := &gate{}
	g.server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			exporter := g.running.Load()
			if g.shut.Load() || exporter == nil {
				panic(http.ErrAbortHandler)
			}
			r.Out.URL.Scheme, r.Out.URL.Host = "http", strings.TrimPrefix(exporter.URL(), "http://")
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(g.server.Close)
	return g
}
