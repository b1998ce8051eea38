package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// setup is how an exporter is set up.
type setup struct {
	apiKey     bool // digest instead of a service account
	configured bool // the configuration names the projects
	shortToken bool // tokens are good for a second
	tls        bool
	hasty      bool // with a short request timeout
}

// stack is one exporter with an Atlas and a fault server of its own.
type stack struct {
	setup
	org      *organization
	atlas    *atlassim.Server
	server   *server
	exporter *exporter
	guard    *guard
	dir      string
	config   string // of the exporter, with %s for the base URL
	baseline *snapshot
	last     *snapshot
	growth   growth
	scrapes  int
	broken   bool
}

// noHost is a name that no DNS can hold: a lookup fails at once, and asks nobody.
var noHost = "https://" + strings.Repeat("a", 64) + ".invalid" //nolint:gochecknoglobals // a constant, but for the language

// start starts a stack, and waits until everything is read.
func start(ctx context.Context, program string, s setup) (*stack, error) {
	dir, err := os.MkdirTemp("", "faultmatrix")
	if err != nil {
		return nil, err
	}
	st := &stack{setup: s, org: newOrganization(), dir: dir}
	if err := st.begin(ctx, program); err != nil {
		return nil, errors.Join(err, st.end())
	}
	return st, nil
}

func (s *stack) begin(ctx context.Context, program string) error {
	account := atlassim.NewServiceAccount()
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
	var err error
	secret, credentials := account.ClientSecret, fmt.Sprintf("service_account: {client_id: %s, client_secret: %s}", account.ClientID, account.ClientSecret)
	if s.apiKey {
		secret, credentials = key.PrivateKey, fmt.Sprintf("api_key: {public_key: %s, private_key: %s}", key.PublicKey, key.PrivateKey)
	}
	if s.server, err = newServer(s.atlas, secret, s.tls); err != nil {
		return err
	}
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
  relist_interval: 4s # both ways of reading a list that is known are taken all the time
`, credentials, requestTimeout.Milliseconds())
	if s.configured {
		s.config += "projects:\n"
		for _, id := range s.org.groups {
			s.config += "  - id: " + id + "\n"
		}
	}
	file := filepath.Join(s.dir, "exporter.yml")
	if err := s.point(s.server.connections.url()); err != nil {
		return err
	}
	var env []string
	if s.tls {
		authority := filepath.Join(s.dir, "authority.pem")
		if err := os.WriteFile(authority, s.server.connections.ca, 0o600); err != nil {
			return err
		}
		env = append(env, "SSL_CERT_FILE="+authority)
	}
	if s.exporter, err = startExporter(ctx, program, file, env, s.guard); err != nil {
		return err
	}
	return s.settle(ctx)
}

// point writes the configuration with this base URL.
func (s *stack) point(baseURL string) error {
	return os.WriteFile(filepath.Join(s.dir, "exporter.yml"), fmt.Appendf(nil, s.config, baseURL), 0o600)
}

// reload points the running exporter to another base URL.
func (s *stack) reload(ctx context.Context, baseURL string) error {
	if err := s.point(baseURL); err != nil {
		return err
	}
	a, err := s.exporter.get(ctx, http.MethodPost, "/-/reload")
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("reload: status %d: %s", a.status, a.body)
	}
	return err
}

// settle waits until everything is read, and takes what is shown then as the truth.
func (s *stack) settle(ctx context.Context) error {
	deadline := time.Now().Add(startLimit)
	for {
		a, err := s.exporter.get(ctx, http.MethodGet, "/metrics")
		var seen *snapshot
		if err == nil {
			seen, err = read(a.body, a.began)
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
			return fmt.Errorf("the exporter does not read a healthy organization: %w\n%s", err, s.exporter.log.tail())
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// checkTruth holds the number of jobs of each target against what the organization holds.
func (s *stack) checkTruth() error {
	got := map[target]float64{}
	for _, one := range s.baseline.values {
		switch one.name {
		case "mongodbatlas_backup_export_jobs", "mongodbatlas_backup_restore_jobs", "mongodbatlas_pipeline_runs":
			got[one.owner(s.configured)] += one.value
		}
	}
	for _, p := range s.org.Projects() {
		for _, c := range p.Clusters() {
			if c.BackupEnabled && (got[target{exports.collector(), p.ID, c.Name, ""}] != float64(len(c.Exports())) ||
				got[target{restores.collector(), p.ID, c.Name, ""}] != float64(len(c.Restores()))) {
				return fmt.Errorf("cluster %s: the exporter counts other jobs than there are", c.Name)
			}
		}
		for _, pl := range p.Pipelines() {
			if got[target{runs.collector(), p.ID, "", pl.Name}] != float64(len(pl.Runs())) {
				return fmt.Errorf("pipeline %s: the exporter counts other runs than there are", pl.Name)
			}
		}
	}
	return nil
}

// cool scrapes a process that may just have read something large until it has given the memory back, which it does when it
// has used more. What is held for good is still held then.
func (s *stack) cool(ctx context.Context) error {
	for range coolingScrapes {
		if len(s.growth.violations()) == 0 || s.broken {
			return nil
		}
		a, err := s.exporter.get(ctx, http.MethodGet, "/metrics")
		if err != nil {
			return err
		}
		seen, err := read(a.body, a.began)
		if err != nil {
			return err
		}
		open, _, _ := s.server.connections.count()
		s.growth.observe(seen, open, true)
	}
	return nil
}

// coolingScrapes are enough for two collections of garbage.
const coolingScrapes = 400

// end stops everything, and tells how the exporter ended.
func (s *stack) end() error {
	var err error
	if s.exporter != nil {
		err = s.exporter.stop()
	}
	if s.server != nil {
		s.server.close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// strikes lists the targets that a fault strikes.
func (s *stack) strikes(k *strike) map[target]bool {
	if k.fault.connection == "" && k.endpoint != token {
		return map[target]bool{k.target: true}
	}
	struck := map[target]bool{}
	for _, t := range s.org.all(s.configured) {
		struck[t] = true
	}
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
