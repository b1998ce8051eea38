package faultmatrix

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	startLimit = slowness * time.Minute
	stopLimit  = slowness * 30 * time.Second
	// scrapeTimeout is what the header of a scrape says, and offset how long before its end the exporter is told to answer:
	// room for a machine that is busy with other things.
	scrapeTimeout = slowness * 5 * time.Second
	offset        = slowness * 2 * time.Second
)

// setup is how an exporter is set up.
type setup struct {
	apiKey     bool // digest instead of a service account
	configured bool // the configuration names the projects
	shortToken bool // tokens are valid for a second
	tls        bool
	hasty      bool // with a short request timeout
	crowded    bool // one project has more targets than requests may be under way
}

// stack is one exporter with an Atlas and a fault server of its own.
type stack struct {
	setup
	org      *organization
	atlas    *atlassim.Server
	server   *server
	program  string
	exporter *harness.Exporter
	searched int // bytes of the log
	guard    *guard
	dir      string
	config   string // of the exporter, with %s for the base URL
	baseline *snapshot
	last     *snapshot
	broken   bool

	quiet       []harness.Usage
	peak        harness.Usage
	mostFlooded int64
}

// noHost is a name that no DNS can hold: a lookup fails at once, and asks nobody.
var noHost = "https://" + strings.Repeat("a", 64) + ".invalid" //nolint:gochecknoglobals // a constant, but for the language

// start starts a stack, and waits until everything is read.
func start(t testing.TB, set setup) *stack {
	t.Helper()
	s := &stack{setup: set, org: newOrganization(set.crowded), dir: t.TempDir()}
	account := atlassim.NewServiceAccount()
	account.Role = atlassim.ProjectOwner
	key := atlassim.APIKey{PublicKey: "abcdefgh", PrivateKey: "private-" + rand.Text(), Role: atlassim.ProjectBackupManager}
	options := atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{account}, APIKeys: []atlassim.APIKey{key}, NoRateLimits: true, TokenLimit: 1 << 30,
		RecordLimit: 1,
	}
	if s.shortToken {
		options.TokenLifetime = time.Second
	}
	s.atlas = atlassim.NewServer(s.org.Organization, options)
	s.guard = newGuard(account, key)
	secret, credentials := account.ClientSecret, fmt.Sprintf("service_account: {client_id: %s, client_secret: %s}", account.ClientID, account.ClientSecret)
	if s.apiKey {
		secret, credentials = key.PrivateKey, fmt.Sprintf("api_key: {public_key: %s, private_key: %s}", key.PublicKey, key.PrivateKey)
	}
	s.server = newServer(t, s.atlas, secret, s.tls)
	requestTimeout := slowness * 10 * time.Second
	if s.hasty {
		requestTimeout = slowness * 1500 * time.Millisecond
	}
	s.config = fmt.Sprintf(`
atlas:
  base_url: %%s
  %s
  request_timeout: %dms
  max_retries: 1
refresh:
  min_interval: 0s
  discovery_interval: 1s
  relist_interval: 4s # both ways of reading a known list are used all the time
collectors:
`, credentials, requestTimeout.Milliseconds())
	for _, r := range resources() {
		if r.jobs != "" {
			s.config += "  " + r.collector + ": {min_interval: 0s}\n"
		}
	}
	if s.configured {
		s.config += "projects:\n"
		for _, id := range s.org.groups {
			s.config += "  - id: " + id + "\n"
		}
	}
	if err := s.point(s.server.connections.url()); err != nil {
		t.Fatal(err)
	}
	var env []string
	if s.tls {
		authority := filepath.Join(s.dir, "authority.pem")
		if err := os.WriteFile(authority, s.server.connections.ca, 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, "SSL_CERT_FILE="+authority)
	}
	s.program = harness.BuildExporter(t)
	s.exporter = harness.StartExporterEnv(t, env, "--config.file="+s.configFile(), "--web.timeout-offset="+offset.String(), "--log.level=debug")
	if err := s.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stack) configFile() string { return filepath.Join(s.dir, "exporter.yml") }

// ask asks the exporter for a page, as a scrape.
func (s *stack) ask(ctx context.Context, method, path string) (harness.Answer, error) {
	return harness.Ask(ctx, method, s.exporter.URL()+path, scrapeTimeout)
}

// findings returns what the log has shown since the last call that it must not.
func (s *stack) findings() []string {
	log := s.exporter.Logs()
	fresh := log[max(0, s.searched-longestNeedle):]
	s.searched = len(log)
	return s.guard.search("the log", []byte(fresh))
}

// observe records what the process uses.
func (s *stack) observe(seen *snapshot, isQuiet bool) {
	s.peak = s.peak.Peak(seen.usage)
	if isQuiet {
		s.quiet = append(s.quiet, seen.usage)
	}
}

// stop ends the exporter as a service manager does, and returns what is wrong with how it ended.
func (s *stack) stop() []string {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	var wrong []string
	if err := s.exporter.Stop(ctx); err != nil {
		wrong = append(wrong, fmt.Sprintf("the exporter did not end well: %v", err))
	}
	return append(wrong, s.findings()...)
}

// point writes the configuration with this base URL.
func (s *stack) point(baseURL string) error {
	return harness.WriteFile(s.configFile(), fmt.Sprintf(s.config, baseURL))
}

// reload points the running exporter to another base URL.
func (s *stack) reload(ctx context.Context, baseURL string) error {
	if err := s.point(baseURL); err != nil {
		return err
	}
	a, err := s.ask(ctx, http.MethodPost, "/-/reload")
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("reload: status %d: %s", a.Status, a.Body)
	}
	return err
}

// settle waits until everything is read, and takes what is shown then as the truth.
func (s *stack) settle(ctx context.Context) error {
	deadline := time.Now().Add(startLimit)
	for {
		a, err := s.ask(ctx, http.MethodGet, "/metrics")
		var seen *snapshot
		if err == nil {
			seen, err = read(a.Body, a.Began)
		}
		if err == nil {
			j := &judge{org: s.org, configured: s.configured, baseline: seen}
			if wrong := j.judge(seen, calm); len(wrong) > 0 {
				err = fmt.Errorf("%s", strings.Join(wrong, "\n"))
			}
		}
		if err == nil {
			s.baseline, s.last = seen, seen
			return s.checkTruth()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the exporter does not read a healthy organization: %w", err)
		}
		if err := harness.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// checkTruth holds the number of jobs of each target against what the organization holds.
func (s *stack) checkTruth() error {
	counted := map[string]bool{}
	for _, r := range resources() {
		counted["mongodbatlas_"+r.jobs] = r.jobs != ""
	}
	got := map[target]float64{}
	for _, one := range s.baseline.values {
		if counted[one.name] {
			got[one.owner(s.configured)] += one.value
		}
	}
	for t, n := range s.org.jobs {
		if got[t] != float64(n) {
			return fmt.Errorf("%s: the exporter counts %v jobs, and there are %d", t, got[t], n)
		}
	}
	return nil
}

// cool scrapes a process that may just have read something large until it has given the memory back, which it does when it
// has used more. What is held for good is still held then.
func (s *stack) cool(ctx context.Context) error {
	for range coolingScrapes {
		if l := (life{quiet: s.quiet}); len(l.violations()) == 0 || s.broken {
			return nil
		}
		a, err := s.ask(ctx, http.MethodGet, "/metrics")
		if err != nil {
			return err
		}
		seen, err := read(a.Body, a.Began)
		if err != nil {
			return err
		}
		s.observe(seen, true)
	}
	return nil
}

// coolingScrapes are enough for two collections of garbage.
const coolingScrapes = 400

// strikes lists the targets that a fault strikes.
func (s *stack) strikes(k *strike) map[target]bool {
	struck := map[target]bool{}
	for _, t := range s.org.all(s.configured) {
		struck[t] = k.fault.connection != "" || k.endpoint == token || k.concerns(t.endpoint(), t)
	}
	maps.DeleteFunc(struck, func(_ target, is bool) bool { return !is })
	return struck
}

// sharing lists the targets that wait for the same rate limit as a struck one.
func (s *stack) sharing(k *strike) map[target]bool {
	shared := map[target]bool{}
	for _, t := range s.org.all(s.configured) {
		shared[t] = slices.Contains(mustOutcome(k).reasons, rateLimited) && t.group == k.target.group && t.endpoint().bucket() == k.endpoint.bucket()
	}
	return shared
}

func mustOutcome(k *strike) outcome {
	o, _ := k.fault.expect(k.endpoint)
	return o
}
