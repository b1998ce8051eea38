package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	unitName    = "mongodbatlas_backup_exporter.service"
	installedAt = "/usr/bin/mongodbatlas_backup_exporter"
	configDir   = "/etc/mongodbatlas_backup_exporter"
)

// unitFor writes the unit with the program's path here instead of where a package installs it, and returns the unit's path.
func unitFor(t *testing.T, program string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), unitName)
	writeFile(t, replace(t, readFile(t, "systemd", unitName), installedAt, program), path)
	return path
}

// TestUnitVerifies checks the unit with systemd-analyze, and what its processes are allowed to do. Its standard error says
// more than its exit code.
func TestUnitVerifies(t *testing.T) {
	harness.NotShort(t, "it runs systemd-analyze")
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		harness.SkipOrFail(t, "systemd-analyze is not installed")
	}
	unit := unitFor(t, harness.BuildExporter(t))
	if stdout, stderr, err := run(t, "systemd-analyze", "verify", unit); err != nil || stdout+stderr != "" {
		t.Errorf("systemd-analyze verify: %v\n%s%s", err, stdout, stderr)
	}
	// In tenths: 10.0 is a service that may do anything.
	stdout, stderr, err := run(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", unit)
	if err != nil || stderr != "" || !strings.Contains(stdout, "Overall exposure level") {
		t.Errorf("systemd-analyze security: %v\n%s%s", err, stdout, stderr)
	}
}

// TestUnitStarts runs the unit's command line with the configuration that the packages install, with other paths and another
// address and secret.
func TestUnitStarts(t *testing.T) {
	unit := map[string]string{}
	for line := range strings.Lines(readFile(t, "systemd", unitName)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			unit[key] += value
		}
	}
	args := strings.Fields(unit["ExecStart"])
	if len(args) < 2 || args[0] != installedAt || args[len(args)-1] != "$ARGS" {
		t.Fatalf("the unit starts %q", args)
	}
	// systemd copies these to the place where the configuration expects them.
	credential, source, _ := strings.Cut(unit["LoadCredential"], ":")
	if source != configDir+"/client_secret" {
		t.Errorf("the secret is %s", source)
	}

	dir := t.TempDir()
	atlas := startAtlas(t)
	secretFile := filepath.Join(dir, "credential")
	writeFile(t, serviceAccountSecret+"\n", secretFile)
	configuration := readFile(t, "systemd/config.yml")
	configuration = replace(t, configuration, "/run/credentials/"+unitName+"/"+credential, secretFile)
	configuration = replace(t, configuration, loads(t, configuration).Atlas.ServiceAccount.ClientID, serviceAccountID)
	configuration = replace(t, configuration, "atlas:\n", "atlas:\n  base_url: "+atlas+"\n")
	writeFile(t, configuration, dir, "config.yml")

	command := strings.Join(args[1:len(args)-1], " ")
	startDeployed(t, nil, strings.Fields(replace(t, command, configDir, dir)))

	if environment := readFile(t, "systemd/mongodbatlas_backup_exporter.default"); !strings.Contains(environment, "\nARGS=\"\"\n") {
		t.Errorf("the environment does not set ARGS to an empty value:\n%s", environment)
	}
}

// TestUnitCheck runs check as docs/deploy.md does with systemd: in a shell with the credential in a folder of its own, and
// with the configuration that the packages install.
func TestUnitCheck(t *testing.T) {
	match := regexp.MustCompile(`(?s)# systemd-run (.*?)\bsh -c '(.*?)'`).FindStringSubmatch(readFile(t, "../docs/deploy.md"))
	if match == nil {
		t.Fatal("docs/deploy.md does not run check by systemd-run")
	}
	unit := readFile(t, "systemd", unitName)
	for property := range strings.SplitSeq("DynamicUser EnvironmentFile LoadCredential", " ") {
		value := regexp.MustCompile("(?m)^" + property + "=(.*)$").FindStringSubmatch(unit)
		if value == nil || !strings.Contains(match[1], "--property="+property+"="+value[1]+" ") {
			t.Errorf("%s differs between the unit, which has %q, and the command:\n%s", property, value, match[1])
		}
	}

	dir := t.TempDir()
	writeFile(t, serviceAccountSecret+"\n", dir, "credentials", "client_secret")
	configuration := readFile(t, "systemd/config.yml")
	configuration = replace(t, configuration, loads(t, configuration).Atlas.ServiceAccount.ClientID, serviceAccountID)
	configuration = replace(t, configuration, "atlas:\n", "atlas:\n  base_url: "+startAtlas(t)+"\n")
	writeFile(t, configuration, dir, "config.yml")

	program := harness.BuildExporter(t)
	t.Setenv("PATH", filepath.Dir(program)+":"+os.Getenv("PATH"))
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(dir, "credentials"))
	t.Setenv("ARGS", "--no-collector.pipeline_runs")
	stdout, stderr, err := run(t, "sh", "-c", replace(t, match[2], configDir, dir))
	if err != nil || !strings.Contains(stdout, "accepted: service account "+serviceAccountID) || strings.Contains(stdout, "pipeline_runs") {
		t.Errorf("%v\n%s%s", err, stdout, stderr)
	}
}
