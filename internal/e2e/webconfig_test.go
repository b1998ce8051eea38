package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	scraper         = "prometheus"
	scraperPassword = "scrape-password"
	// scraperHash is the bcrypt hash of the password, with the minimum cost.
	scraperHash = "$2a$04$TCVbP6EXXrXP119TpnZTiuWJY66NOzdIQzIq4Fx3MMj4rB3HLjypC"
)

// authority signs certificates for one test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority creates an authority, with its certificate in the file name.crt.
func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(t, name, a.cert)
	return a
}

// sign creates a certificate and its key, in the files name.crt and name.key.
func (a *authority) sign(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	signer := a.key
	if signer == nil { // its own
		signer = key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{".crt": {Type: "CERTIFICATE", Bytes: raw}, ".key": {Type: "PRIVATE KEY", Bytes: rawKey}} {
		harness.WriteFile(t, filepath.Join(a.dir, name+file), string(pem.EncodeToMemory(block)))
	}
	return cert, key
}

// webConfig creates an authority and the certificates of a server and of a client, and writes a web configuration beside them.
func webConfig(t *testing.T, text string) (a *authority, path string) {
	t.Helper()
	a = newAuthority(t, "authority")
	a.sign(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	a.sign(t, "client", &x509.Certificate{Subject: pkix.Name{CommonName: scraper}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	path = filepath.Join(a.dir, "web.yml")
	harness.WriteFile(t, path, text)
	if out, err := exec.CommandContext(t.Context(), harness.Tool(t, "promtool"), "check", "web-config", path).CombinedOutput(); err != nil {
		t.Errorf("promtool check web-config: %v\n%s", err, out)
	}
	return a, path
}

// down checks that every target of a job is down, for a reason.
func down(t *testing.T, prometheus *harness.PrometheusServer, job, reason string) {
	t.Helper()
	prometheus.Eventually(t, fmt.Sprintf(`max(up{job=%q})`, job), value(0))
	targets, err := prometheus.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if target.ScrapePool == job && !strings.Contains(target.LastError, reason) {
			t.Errorf("%s: Prometheus says %q, want %q", job, target.LastError, reason)
		}
	}
}

// TestPrometheusWithTLSAndPassword scrapes the real exporter with a real Prometheus by https and with a password, as the web
// configuration requires, and checks that other clients get nothing.
func TestPrometheusWithTLSAndPassword(t *testing.T) {
	a, path := webConfig(t, "tls_server_config: {cert_file: server.crt, key_file: server.key}\nbasic_auth_users: {"+scraper+": "+scraperHash+"}\n")
	exporter := harness.StartExporter(t, "demo", "--web.config.file="+path)
	address, secure := strings.CutPrefix(exporter.URL(), "https://")
	if !secure {
		t.Fatalf("the exporter serves %s", exporter.URL())
	}
	const login = `tls_config: {ca_file: %[2]s}, basic_auth: {username: ` + scraper + `, password: ` + scraperPassword + `}`
	prometheus := harness.StartPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
- {job_name: good, scheme: https, static_configs: [{targets: [%[1]q]}], `+login+`}
- {job_name: wrong, scheme: https, static_configs: [{targets: [%[1]q]}], `+strings.Replace(login, "password: ", "password: not-", 1)+`}
- {job_name: none, static_configs: [{targets: [%[1]q]}], scheme: https, tls_config: {ca_file: %[2]s}}
- {job_name: stranger, static_configs: [{targets: [%[1]q]}], scheme: https}
- {job_name: plain, static_configs: [{targets: [%[1]q]}]}
- job_name: discovered
  http_sd_configs: [{url: "https://%[1]s/sd", refresh_interval: 1s, `+login+`}]
  tls_config: {ca_file: %[2]s}
  basic_auth: {username: `+scraper+`, password: `+scraperPassword+`}
`, address, filepath.Join(a.dir, "authority.crt")), nil)

	prometheus.Eventually(t, `up{job="good"}`, value(1))
	prometheus.Eventually(t, `count(mongodbatlas_project_info{job="good"})`, value(demoProjects))
	// Service discovery provides the https scheme, which the job does not have.
	prometheus.Eventually(t, `count(count by (group_id) (mongodbatlas_project_info{job="discovered"}))`, value(demoProjects))
	prometheus.Eventually(t, `min(up{job="discovered"})`, value(1))
	down(t, prometheus, "wrong", "401 Unauthorized")
	down(t, prometheus, "none", "401 Unauthorized")
	down(t, prometheus, "stranger", "certificate signed by unknown authority")
	down(t, prometheus, "plain", "400 Bad Request")
	if strings.Contains(exporter.Logs(), scraperPassword) || strings.Contains(exporter.Logs(), scraperHash) {
		t.Error("the exporter logs a password")
	}

	// The health check of the container has neither the password nor the authority.
	if got := harness.RunExporter(t, nil, "healthcheck", "--address="+exporter.URL()); got != (harness.Output{}) {
		t.Errorf("healthcheck: %+v, want exit code 0 and silence", got)
	}
}

// TestPrometheusWithClientCertificate scrapes an exporter that requires client certificates.
func TestPrometheusWithClientCertificate(t *testing.T) {
	a, path := webConfig(t, "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: authority.crt, client_auth_type: RequireAndVerifyClientCert}\n")
	exporter := harness.StartExporter(t, "demo", "--web.config.file="+path, "--log.format=json")
	stranger := newAuthority(t, "stranger")
	stranger.sign(t, "client", &x509.Certificate{Subject: pkix.Name{CommonName: scraper}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	prometheus := harness.StartPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- {job_name: good, scheme: https, static_configs: [{targets: [%[1]q]}], tls_config: {ca_file: %[2]s/authority.crt, cert_file: %[2]s/client.crt, key_file: %[2]s/client.key}}
- {job_name: none, scheme: https, static_configs: [{targets: [%[1]q]}], tls_config: {ca_file: %[2]s/authority.crt}}
- {job_name: stranger, scheme: https, static_configs: [{targets: [%[1]q]}], tls_config: {ca_file: %[2]s/authority.crt, cert_file: %[3]s/client.crt, key_file: %[3]s/client.key}}
`, strings.TrimPrefix(exporter.URL(), "https://"), a.dir, stranger.dir), nil)
	prometheus.Eventually(t, `up{job="good"}`, value(1))
	down(t, prometheus, "none", "")
	down(t, prometheus, "stranger", "")
	// Messages of net/http are logged in the log's format.
	harness.Eventually(t, func() error {
		for _, reason := range []string{"client didn't provide a certificate", "certificate signed by unknown authority"} {
			if !strings.Contains(exporter.Logs(), reason) {
				return errors.New("the log does not say: " + reason)
			}
		}
		return nil
	})
	for line := range strings.Lines(exporter.Logs()) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		var keys map[string]string
		err := json.Unmarshal([]byte(line), &keys)
		for _, key := range []string{"ts", "caller", "level", "msg"} {
			if err != nil || keys[key] == "" || keys["time"] != "" || keys["level"] == "error" {
				t.Errorf("a line of the log is an error, or has other keys than the rest: %s", line)
				break
			}
		}
	}
}

// TestWebConfigMessages checks the message about an invalid web configuration: which file, and why, before anything else.
func TestWebConfigMessages(t *testing.T) {
	a, good := webConfig(t, "{}\n")
	tlsConfig := func(more string) string {
		return "tls_server_config: {cert_file: server.crt, key_file: server.key" + more + "}\n"
	}
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", "basic_auth_user: {a: b}\n", "line 1: field basic_auth_user not found"},
		{"password in the clear", "basic_auth_users: {prometheus: geheim}\n", "crypto/bcrypt: hashedSecret too short to be a bcrypted password"},
		{"password that is no user's", "basic_auth_users: geheim\n", "cannot unmarshal !!str … into"},
		{"no key", "tls_server_config: {cert_file: server.crt}\n", "missing one of key or key_file"},
		{"no such file", "tls_server_config: {cert_file: gone.crt, key_file: server.key}\n", "gone.crt: no such file or directory"},
		{"another key", "tls_server_config: {cert_file: server.crt, key_file: client.key}\n", "private key does not match public key"},
		{"client authority without demand", tlsConfig(", client_ca_file: authority.crt"), "client CA's have been configured without a Client Auth Policy"},
		{"unknown demand", tlsConfig(", client_auth_type: Please"), "invalid ClientAuth: Please"},
		{"unknown version", tlsConfig(", min_version: TLS9"), "unknown TLS version: TLS9"},
		{"header that may not be set", "http_server_config: {headers: {X-Mine: a}}\n", "can not be configured"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(a.dir, strings.ReplaceAll(test.name, " ", "-")+".yml")
			harness.WriteFile(t, path, test.text)
			got := harness.RunExporter(t, nil, "demo", "--web.config.file="+path, "--web.listen-address=127.0.0.1:0")
			if got.ExitCode != 1 || !strings.Contains(got.Stderr, "--web.config.file: "+path+": ") || !strings.Contains(got.Stderr, test.want) {
				t.Errorf("exit code %d and %s\nwant %s", got.ExitCode, got.Stderr, test.want)
			}
			if strings.Contains(got.Stderr, "geheim") || strings.Contains(got.Stderr, "Listening") {
				t.Errorf("printed too much, or began to serve:\n%s", got.Stderr)
			}
		})
	}
	if got := harness.RunExporter(t, nil, "demo", "--web.config.file="+good+".gone"); got.ExitCode != 1 || !strings.Contains(got.Stderr, "--web.config.file: ") {
		t.Errorf("no such file: %+v", got)
	}
}

// TestWebConfigFollowed checks that new certificates and passwords apply without a restart, and that nobody gets access with a
// file that became invalid.
func TestWebConfigFollowed(t *testing.T) {
	a, path := webConfig(t, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
	exporter := harness.StartExporter(t, "demo", "--web.config.file="+path)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	status := func() int {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, exporter.URL()+"/-/healthy", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			return 0
		}
		defer func() { _ = response.Body.Close() }()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode
	}
	if got := status(); got != http.StatusOK {
		t.Fatalf("/-/healthy answers %d", got)
	}
	renewed := newAuthority(t, "renewed")
	roots = x509.NewCertPool()
	roots.AddCert(renewed.cert)
	renewed.dir = a.dir
	renewed.sign(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	if got := status(); got != http.StatusOK {
		t.Errorf("with the renewed certificate: %d", got)
	}
	for text, want := range map[string]int{
		"tls_server_config: {cert_file: server.crt, key_file: server.key}\nbasic_auth_users: {" + scraper + ": " + scraperHash + "}\n": http.StatusUnauthorized,
		"basic_auth_users: [": 0,
	} {
		harness.WriteFile(t, path, text)
		if got := status(); got != want {
			t.Errorf("with %q: %d, want %d", text, got, want)
		}
	}
}
