package faultmatrix

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// slowness multiplies every time limit.
const slowness = harness.Slowness

const (
	stopLimit = slowness * 30 * time.Second
	// scrapeTimeout is the value of the timeout header of a scrape. offset is the exporter's --web.timeout-offset: it is
	// long, because the machine may be busy.
	scrapeTimeout = slowness * 5 * time.Second
	offset        = slowness * 2 * time.Second
)

// setup has the settings of an exporter and its Atlas.
type setup struct {
	apiKey     bool // use an API key instead of a service account
	configured bool // the configuration names the projects
	tls        bool // and HTTP/2
	hasty      bool // use a short request timeout, and few requests at a time
}

// exporter is the exporter under test with its own simulated Atlas, which injects the faults.
type exporter struct {
	setup

	org       *atlassim.Organization
	atlas     *atlassim.Server
	http      *httptest.Server // Atlas
	elsewhere *httptest.Server // a host that is not Atlas, with an untrusted certificate
	process   *harness.Exporter
	secret    string
	secrets   secrets
	file      string // the configuration
	config    string // its text, with %s for the base URL

	baseline *scrape
	last     *scrape
	scrapes  int
	// began and ended are the first and the last resource use without a fault.
	began, ended harness.Usage
}

// start starts an exporter, and waits until it has read everything.
func start(t *testing.T, set setup) *exporter {
	t.Helper()
	s := &exporter{setup: set, org: newOrganization(), file: filepath.Join(t.TempDir(), "exporter.yml")}
	account := atlassim.NewServiceAccount()
	account.Role = atlassim.ProjectOwner
	key := atlassim.APIKey{PublicKey: "abcdefgh", PrivateKey: "a-very-private-key", Role: atlassim.ProjectBackupManager}
	s.atlas = atlassim.NewServer(s.org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{account}, APIKeys: []atlassim.APIKey{key}, NoRateLimits: true, RecordLimit: 1,
	})
	s.secrets = secretsOf(account, key)
	s.serve(t)
	s.configure(account, key)
	s.point(t, s.http.URL)
	var env []string
	if s.tls {
		trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
		env = append(env, "SSL_CERT_FILE="+harness.WriteFile(t, s.file+".pem", string(trusted)))
	}
	s.process = harness.StartExporterEnv(t, env,
		"--config.file="+s.file, "--web.timeout-offset="+offset.String(), "--log.level=debug")
	s.settle(t)
	return s
}

// serve starts the simulated Atlas, and the host that the exporter must not talk to.
func (s *exporter) serve(t *testing.T) {
	t.Helper()
	s.http, s.elsewhere = httptest.NewUnstartedServer(s.atlas), httptest.NewUnstartedServer(http.NotFoundHandler())
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.elsewhere.Config.ErrorLog = s.http.Config.ErrorLog
	s.elsewhere.StartTLS()
	if s.tls {
		s.http.EnableHTTP2 = true
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		_ = s.http.Config.Close()
		s.elsewhere.Close()
	})
}

// configure composes the configuration.
func (s *exporter) configure(account atlassim.ServiceAccount, key atlassim.APIKey) {
	s.secret = account.ClientSecret
	credentials := fmt.Sprintf("service_account: {client_id: %s, client_secret: %s}", account.ClientID, s.secret)
	if s.apiKey {
		s.secret = key.PrivateKey
		credentials = fmt.Sprintf("api_key: {public_key: %s, private_key: %s}", key.PublicKey, s.secret)
	}
	requestTimeout, requests := slowness*10*time.Second, 8
	if s.hasty {
		requestTimeout, requests = slowness*1500*time.Millisecond, 4
	}
	s.config = fmt.Sprintf(`
atlas:
  base_url: %%s
  %s
  request_timeout: %dms
  max_concurrent_requests: %d
  max_retries: 1
refresh:
  min_interval: 0s
  discovery_interval: 1s
  relist_interval: 4s # the exporter often uses both ways to read a known list
collectors:
`, credentials, requestTimeout.Milliseconds(), requests)
	for _, e := range endpoints() {
		if e.jobs != "" {
			s.config += "  " + e.name + ": {min_interval: 0s}\n"
		}
	}
	if s.configured {
		s.config += "projects:\n"
		for _, p := range s.org.Projects() {
			s.config += "  - id: " + p.ID + "\n"
		}
	}
}

// point writes a configuration with the base URL.
func (s *exporter) point(t *testing.T, baseURL string) {
	t.Helper()
	harness.WriteFile(t, s.file, fmt.Sprintf(s.config, baseURL))
}

// reload points the running exporter to another base URL.
func (s *exporter) reload(t *testing.T, baseURL string) {
	t.Helper()
	s.point(t, baseURL)
	if err := s.process.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ask requests a page with the headers of a scrape.
func (s *exporter) ask(t *testing.T, path string) (harness.Answer, error) {
	t.Helper()
	return harness.Ask(t.Context(), http.MethodGet, s.process.URL()+path, scrapeTimeout)
}

// settle waits until the exporter has read everything, and takes that scrape as the baseline.
func (s *exporter) settle(t *testing.T) {
	t.Helper()
	harness.Eventually(t, func() error {
		a, err := s.ask(t, "/metrics")
		if err != nil {
			return err
		}
		seen, err := parse(a.Body, a.Began)
		if err != nil {
			return err
		}
		wrong := (&judge{baseline: seen}).judge(seen, calm)
		for series, success := range seen.family("mongodbatlas_scrape_collector_success") {
			if success != 1 {
				wrong = append(wrong, series+" is not 1")
			}
		}
		if len(wrong) > 0 {
			return fmt.Errorf("the exporter cannot read a healthy organization: %q", wrong)
		}
		s.baseline, s.last, s.began, s.ended = seen, seen, harness.UsageOf(seen.all), harness.UsageOf(seen.all)
		return nil
	})
}

// An exporter may end with more goroutines and files than it began with. It keeps up to eight connections, each with two
// goroutines and a file.
const (
	moreGoroutines = 24
	moreFiles      = 12
)

// stop stops the exporter by SIGTERM, as a service manager does, and checks its whole life.
func (s *exporter) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stopLimit)
	defer cancel()
	if err := s.process.Stop(ctx); err != nil {
		t.Errorf("the exporter did not stop cleanly: %v", err)
	}
	for _, found := range s.secrets.search("the log", []byte(s.process.Logs())) {
		t.Error(found)
	}
	if s.ended.Goroutines > s.began.Goroutines+moreGoroutines || s.ended.Files > s.began.Files+moreFiles {
		t.Errorf("resource use grows from %s to %s", s.began, s.ended)
	}
	if odd := s.atlas.Count(atlassim.OpUnknown); odd > 0 {
		t.Errorf("the exporter sent %d requests for unknown paths", odd)
	}
}

// secrets are the strings that the exporter must never output, by a description. They include the signs of a crash.
type secrets map[string]string

// tokenPrefix is the prefix of every token of the simulated Atlas.
const tokenPrefix = "simulated-token-"

func secretsOf(account atlassim.ServiceAccount, key atlassim.APIKey) secrets {
	return secrets{
		"the client secret":           account.ClientSecret,
		"the client secret in base64": base64.StdEncoding.EncodeToString([]byte(account.ClientID + ":" + account.ClientSecret)),
		"the private key":             key.PrivateKey,
		"an access token":             tokenPrefix,
		"the address of a download":   downloadMarker,
		"a panic":                     "panic: ",
		"a fatal error":               "fatal error:",
	}
}

// search returns a message for each of the strings in a text.
func (s secrets) search(where string, text []byte) []string {
	var found []string
	for what, secret := range s {
		if bytes.Contains(text, []byte(secret)) {
			found = append(found, where+" shows "+what)
		}
	}
	return found
}
