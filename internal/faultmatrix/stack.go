package faultmatrix

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// slowness multiplies every time limit.
const slowness = harness.Slowness

const (
	startLimit = slowness * time.Minute
	stopLimit  = slowness * 30 * time.Second
	// scrapeTimeout is the value of the timeout header of a scrape. offset is the exporter's --web.timeout-offset: it is
	// long, because the machine may be busy.
	scrapeTimeout = slowness * 5 * time.Second
	offset        = slowness * 2 * time.Second
)

// setup has the settings of an exporter and its Atlas.
type setup struct {
	apiKey     bool // use an API key instead of a service account
	configured bool // the configuration names the projects
	tls        bool
	hasty      bool // use a short request timeout
	crowded    bool // one project has more targets than max_concurrent_requests
}

// stack is one exporter with its own simulated Atlas, which injects the faults.
type stack struct {
	setup

	t        *testing.T
	org      *organization
	atlas    *atlassim.Server
	program  string
	exporter *harness.Exporter
	searched int // bytes of the log
	guard    guard
	file     string // the configuration
	config   string // with %s for the base URL
	baseline *snapshot
	last     *snapshot
	broken   bool
	life     life

	http      *httptest.Server // Atlas
	elsewhere *httptest.Server // a host that the exporter must not contact
	stranger  *httptest.Server // a host with an untrusted certificate
	secret    string
	strayed   atomic.Int64 // requests to the wrong host
}

// start starts a stack, and waits until the exporter has read everything.
func start(t *testing.T, set setup) *stack {
	t.Helper()
	s := &stack{setup: set, t: t, org: newOrganization(set.crowded), file: filepath.Join(t.TempDir(), "exporter.yml"), program: harness.BuildExporter(t)}
	account := atlassim.NewServiceAccount()
	account.Role = atlassim.ProjectOwner
	key := atlassim.APIKey{PublicKey: "abcdefgh", PrivateKey: "private-" + rand.Text(), Role: atlassim.ProjectBackupManager}
	s.atlas = atlassim.NewServer(s.org.Organization, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{account}, APIKeys: []atlassim.APIKey{key}, NoRateLimits: true, RecordLimit: 1,
	})
	s.guard = newGuard(account, key)
	s.secret = account.ClientSecret
	credentials := fmt.Sprintf("service_account: {client_id: %s, client_secret: %s}", account.ClientID, account.ClientSecret)
	if s.apiKey {
		s.secret, credentials = key.PrivateKey, fmt.Sprintf("api_key: {public_key: %s, private_key: %s}", key.PublicKey, key.PrivateKey)
	}
	s.serve()
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
  relist_interval: 4s # the exporter often uses both ways to read a known list
collectors:
`, credentials, requestTimeout.Milliseconds())
	for _, e := range endpoints() {
		if e.jobs != "" {
			s.config += "  " + e.collector + ": {min_interval: 0s}\n"
		}
	}
	if s.configured {
		s.config += "projects: [{id: " + strings.Join(s.org.groups, "}, {id: ") + "}]\n"
	}
	var env []string
	if s.tls {
		authority := s.file + ".pem"
		trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
		if err := os.WriteFile(authority, trusted, 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, "SSL_CERT_FILE="+authority)
	}
	s.point(s.http.URL)
	s.exporter = harness.StartExporterEnv(t, env, "--config.file="+s.file, "--web.timeout-offset="+offset.String(), "--log.level=debug")
	s.settle()
	return s
}

// ask requests a page with the headers of a scrape.
func (s *stack) ask(path string) (harness.Answer, error) {
	return harness.Ask(s.t.Context(), http.MethodGet, s.exporter.URL()+path, scrapeTimeout)
}

// findings searches the log since the last call, and returns a message for each forbidden string.
func (s *stack) findings() []string {
	log := s.exporter.Logs()
	fresh := log[max(0, s.searched-longestNeedle):]
	s.searched = len(log)
	return s.guard.search("the log", []byte(fresh))
}

// stop stops the exporter by SIGTERM, as a service manager does. It returns the problems.
func (s *stack) stop() []string {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	var wrong []string
	if err := s.exporter.Stop(ctx); err != nil {
		wrong = append(wrong, fmt.Sprintf("the exporter did not stop cleanly: %v", err))
	}
	return append(wrong, s.findings()...)
}

// point writes a configuration with the base URL.
func (s *stack) point(baseURL string) {
	harness.WriteFile(s.t, s.file, fmt.Sprintf(s.config, baseURL))
}

// reload points the running exporter to another base URL.
func (s *stack) reload(baseURL string) {
	s.point(baseURL)
	if err := s.exporter.Reload(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// settle waits until the exporter has read everything, and takes that scrape as the baseline.
func (s *stack) settle() {
	for deadline := time.Now().Add(startLimit); ; time.Sleep(50 * time.Millisecond) {
		var seen *snapshot
		a, err := s.ask("/metrics")
		if err == nil {
			seen, err = read(a.Body, a.Began, s.configured)
		}
		if err == nil {
			wrong := (&judge{targets: s.org.targets(s.configured), baseline: seen}).judge(seen, calm)
			if len(wrong) == 0 {
				s.baseline, s.last, s.life.began, s.life.ended = seen, seen, seen.usage, seen.usage
				return
			}
			err = errors.New(strings.Join(wrong, "\n"))
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the exporter cannot read a healthy organization: %v", err)
		}
	}
}
