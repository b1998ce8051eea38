// Package deploy_test tests the files that deploy the exporter with the programs that read them: helm, systemd, Prometheus,
// Alertmanager, and the exporter itself.
package deploy_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

func readFile(t *testing.T, elem ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func writeFile(t *testing.T, content string, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// unmarshal decodes YAML, or JSON, which is YAML.
func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// run runs a program to its end and returns its output.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %s: %v", cmd, err)
	}
	return out.String(), errOut.String(), err
}

// watch tells the go command about files below a directory that another program reads: otherwise it would not notice changes
// and would use the cached result of a test.
func watch(t *testing.T, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
}

const (
	serviceAccountID     = "mdb_sa_id_deployed"
	serviceAccountSecret = "mdb_sa_sk_deployed"
	publicKey            = "deployed"
	privateKey           = "01234567-89ab-cdef-0123-456789abcdef"
)

// startAtlas returns the address of a simulated Atlas that knows the credentials above.
func startAtlas(t *testing.T) string {
	t.Helper()
	return harness.StartAtlas(t, atlassim.Demo(atlassim.WallClock{}), atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: serviceAccountID, ClientSecret: serviceAccountSecret}},
		APIKeys:         []atlassim.APIKey{{PublicKey: publicKey, PrivateKey: privateKey}},
	}).URL()
}

// startDeployed starts the exporter with the environment ("NAME=value") and the arguments of a deployment, except for the
// address, and returns once it has read Atlas.
func startDeployed(t *testing.T, env, args []string) {
	t.Helper()
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return strings.HasPrefix(arg, "--web.listen-address=")
	})
	exporter := harness.StartExporterEnv(t, env, args...)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for range 600 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, exporter.URL()+"/-/ready", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
		<-ticker.C
	}
	t.Fatalf("the exporter with the arguments %q does not become ready:\n%s", args, exporter.Logs())
}

// defaultPort is the default port of the exporter. The deployments rely on it.
const defaultPort = "9972"

// loads checks that the exporter accepts a configuration.
func loads(t *testing.T, text string) config.Config {
	t.Helper()
	c, err := config.Parse([]byte(text), collector.All().Config())
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return c
}
