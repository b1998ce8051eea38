package drill

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Real-world intervals, as in the examples of the documentation.
const (
	scrapeInterval    = minute
	groupWait         = 30 * time.Second
	discoveryInterval = 5 * minute
)

// stack has the programs that play scenarios: a simulated Atlas, exporters, Prometheus and Alertmanager.
type stack struct {
	factor     float64
	t          testing.TB
	org        *atlassim.Organization
	server     *atlassim.Server
	account    atlassim.ServiceAccount
	dir        string
	gates      []*gate
	prometheus *harness.PrometheusServer
	webhook    *harness.Webhook
	actors     []*actor
	begin      time.Time
	deeds      []deed
}

// deed is an action on a process, not on Atlas.
type deed struct {
	at time.Time
	do func()
}

// scaled returns a real-world duration in the drill.
func (s *stack) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / s.factor) }

// text returns a real-world duration in the drill, in the format of the configuration files.
func (s *stack) text(d time.Duration) string {
	return model.Duration(s.scaled(d).Round(time.Millisecond)).String()
}

// after returns the time in the drill that is d after the start in the real world.
func (s *stack) after(d time.Duration) time.Time { return s.begin.Add(s.scaled(d)) }

// play plays scenarios in one stack. It returns their verdicts, and the share of scrapes that failed.
func (d *drill) play(t *testing.T, scenarios []scenario) (verdicts []verdict, lost float64) {
	t.Helper()
	s := &stack{factor: d.factor, t: t, dir: t.TempDir(), webhook: harness.StartWebhook(t)}
	if slower := scenarios[0].factor; slower > 0 {
		s.factor = min(s.factor, slower)
	}
	rules, err := scale.Rules(d.rules, s.factor)
	if err != nil {
		t.Fatal(err)
	}
	s.startAtlas(scenarios)
	s.writeFile("secret", s.account.ClientSecret)
	s.writeFile("exporter.yml", s.exporterConfig())
	for n := range max(scenarios[0].exporters, 1) {
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
	return s.verdicts(), samples[0].Value
}

// startAtlas serves an organization with one project in which nothing happens, because an exporter that sees no project is
// an incident.
func (s *stack) startAtlas(scenarios []scenario) {
	s.account = atlassim.NewServiceAccount()
	s.org = atlassim.NewOrganization(atlassim.WallClock{}, atlassim.WithTimeScale(s.factor))
	s.org.AddProject("lobby")
	options := atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{s.account},
		TokenLifetime:   s.scaled(hour),
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

// writeFile writes a file that the exporters read.
func (s *stack) writeFile(name, content string) {
	harness.WriteFile(s.t, filepath.Join(s.dir, name), content)
}

// exporterConfig returns the exporters' configuration. The request timeout is not scaled: the default of 30 s would become too
// short for any machine. Neither is the backoff before a retry, so that retries are off.
func (s *stack) exporterConfig() string {
	exports := []string{s.every(orders, day), s.every(hourly, hour), s.every(sixHourly, 6*hour), s.every(weekly, 7*day), s.every(monthly, 31*day)}
	return fmt.Sprintf(`
atlas:
  base_url: %s
  service_account: {client_id: %s, client_secret_file: %s}
  request_timeout: 2s
  max_retries: 0
projects: []
collectors:
  backup_exports: {expected_intervals: [%s, {clusters: %s, interval: none}]}
  backup_snapshots: {min_interval: %[6]s, expected_intervals: [%[7]s, %[8]s, {clusters: ".*", interval: none}]}
  collection_restores: {min_interval: %[6]s}
  flex_snapshots: {min_interval: %[6]s}
  flex_restores: {min_interval: %[6]s}
refresh: {min_interval: %[9]s, discovery_interval: %[10]s, relist_interval: %[11]s}
`, s.server.URL(), s.account.ClientID, filepath.Join(s.dir, "secret"), strings.Join(exports, ", "), byHand,
		s.text(5*minute), s.every(sixHourlySnapshots, 6*hour), s.every(dailySnapshots, day),
		s.text(30*time.Second), s.text(discoveryInterval), s.text(6*hour))
}

// every returns a list item of expected_intervals.
func (s *stack) every(cluster string, interval time.Duration) string {
	return fmt.Sprintf("{clusters: %s, interval: %s}", cluster, s.text(interval))
}

// alertmanagerConfig returns a configuration that sends each alert as a page, with the shipped inhibition rules.
func (s *stack) alertmanagerConfig() string {
	_, inhibit, begins := strings.Cut(harness.ReadFile(s.t, "../../deploy/compose/alertmanager.yml"), "\ninhibit_rules:\n")
	inhibit, _, ends := strings.Cut(inhibit, "\nreceivers:\n")
	if !begins || !ends {
		s.t.Fatal("the shipped configuration of Alertmanager has no inhibition rules before its receivers")
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
inhibit_rules:
%s`, s.text(groupWait), s.text(5*minute), s.text(4*hour), s.webhook.URL, inhibit)
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
	s.awaitValue(`sum(up) == sum(mongodbatlas_up)`, len(s.gates))
	s.prometheus.WriteFile(s.t, "rules.yml", rules)
	if err := s.prometheus.Reload(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// awaitValue waits until the value of an expression in Prometheus is not less than the given one.
func (s *stack) awaitValue(expr string, least int) {
	s.prometheus.Eventually(s.t, expr, func(samples []harness.Sample) error {
		if len(samples) != 1 || samples[0].Value < float64(least) {
			return fmt.Errorf("%v, want %d", samples, least)
		}
		return nil
	})
}

// stage builds the scenarios, and waits until Prometheus has samples of every one before the drill starts.
func (s *stack) stage(scenarios []scenario) {
	// A whole second, because the dates of Atlas are whole seconds, too.
	s.begin = time.Now().Add(s.scaled(2*discoveryInterval) + 5*time.Second).Truncate(time.Second)
	s.org.Do(func() {
		for _, sc := range scenarios {
			a := &actor{stack: s, scenario: sc, project: s.org.AddProject(sc.name)}
			all(sc.steps...)(a)
			s.actors = append(s.actors, a)
		}
	})
	// Every project is known, and no target is pending.
	s.awaitValue(`count(count by (group_id) (mongodbatlas_project_info)) unless sum(mongodbatlas_targets{state="pending"}) > 0`, len(scenarios))
	if late := time.Since(s.begin); late > 0 {
		s.t.Fatalf("the machine is too slow for factor %v: the first reads ended %s after the start", s.factor, late)
	}
}

// act runs the events until the end of the longest scenario. It then waits for missing pages, for the time grace at most.
func (s *stack) act(grace time.Duration) {
	var lasts time.Duration
	for _, a := range s.actors {
		lasts = max(lasts, a.scenario.lasts)
	}
	slices.SortStableFunc(s.deeds, func(a, b deed) int { return a.at.Compare(b.at) })
	for end := s.after(lasts); time.Now().Before(end); s.sleep(20 * time.Millisecond) {
		// Atlas itself runs due events only when it answers a request, which it does not do while a fault answers instead.
		s.org.Do(func() {})
		for len(s.deeds) > 0 && time.Now().After(s.deeds[0].at) {
			s.deeds[0].do()
			s.deeds = s.deeds[1:]
		}
	}
	missed := func(v verdict) bool { return v.missed() }
	for deadline := time.Now().Add(grace); time.Now().Before(deadline) && slices.ContainsFunc(s.verdicts(), missed); {
		s.sleep(100 * time.Millisecond)
	}
	// Pages that were on their way when the last expected one arrived still count.
	s.sleep(s.scaled(2*groupWait + 2*scrapeInterval))
}

// sleep waits. It fails the test if the test ends before.
func (s *stack) sleep(d time.Duration) {
	if err := harness.Pause(s.t.Context(), d); err != nil {
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
