package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestCheckCommand runs the program as a person and as a script do, against an Atlas that lets it read everything, part
// of it, and nothing.
func TestCheckCommand(t *testing.T) {
	t.Parallel()
	server, configFile := startAtlas(t, "")
	account := atlassim.ServiceAccount{ClientID: clientID, ClientSecret: clientSecret, Role: atlassim.ProjectBackupManager}
	server.AllowServiceAccount(account)
	program := harness.BuildExporter(t)
	run := func(code int, args ...string) harness.Output {
		t.Helper()
		out := harness.RunProgram(t, program, nil, append([]string{"check", "--config.file=" + configFile}, args...)...)
		if out.ExitCode != code {
			t.Errorf("%q: exit code %d, want %d:\n%s%s", args, out.ExitCode, code, out.Stdout, out.Stderr)
		}
		if out.Stderr != "" { // a pipe is no place for progress
			t.Errorf("%q: standard error has %q", args, out.Stderr)
		}
		if strings.Contains(out.Stdout, clientSecret) {
			t.Error("the secret is printed")
		}
		return out
	}
	lines := func(out harness.Output, wants ...string) {
		t.Helper()
		text := strings.Join(strings.Fields(out.Stdout), " ")
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, out.Stdout)
			}
		}
	}

	out := run(0)
	lines(out, "credentials accepted: service account "+clientID, "payments backup_exports payments-prod-eu readable",
		"sandbox backup_exports sandbox-free unsupported free_tier", "sandbox backup_restores sandbox-lab unsupported backup_disabled",
		"payments pipeline_runs refunds#eu readable", "list_clusters 2024-08-05")
	for _, request := range server.Requests() {
		if request.Method != http.MethodGet && request.Operation != atlassim.OpToken {
			t.Errorf("check sent %s %s", request.Method, request.Path)
		}
		if !strings.HasPrefix(request.UserAgent, "mongodbatlas_backup_exporter/") {
			t.Errorf("the user agent is %q", request.UserAgent)
		}
	}
	if out := run(0, "--no-collector.pipeline_runs"); strings.Contains(out.Stdout, "pipeline") {
		t.Errorf("a flag does not win over the file:\n%s", out.Stdout)
	}

	account.Role = atlassim.ProjectReadOnly
	server.AllowServiceAccount(account)
	lines(run(1), "payments backup_exports payments-prod-eu forbidden missing role: Project Backup Manager")
	var report struct {
		OK     bool
		Totals map[string]int
	}
	if err := json.Unmarshal([]byte(run(1, "--format=json").Stdout), &report); err != nil || report.OK || report.Totals["forbidden"] == 0 || report.Totals["readable"] == 0 {
		t.Errorf("%v: %+v", err, report)
	}

	server.Deny(clientID)
	lines(run(1), "credentials rejected", "unauthorized")
	before := server.Count("")
	lines(run(0, "--offline"), "credentials not tried")
	if server.Count("") != before {
		t.Error("--offline sends requests")
	}
	text, err := os.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(configFile, append(text, "bogus: 1\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	lines(run(1, "--offline"), "configuration bad", "line 4: bogus: unknown key")
	if out := harness.RunProgram(t, program, nil, "check", "--format=yaml"); out.ExitCode != 2 {
		t.Errorf("a wrong format: exit code %d", out.ExitCode)
	}
}

// TestTriggerCommand runs the program with good and with bad flags, as a role that may trigger and as one that may not.
func TestTriggerCommand(t *testing.T) {
	t.Parallel()
	server := startServer(t, atlassim.Demo(atlassim.WallClock{}))
	project := server.Organization().Projects()[0]
	program := harness.BuildExporter(t)
	env := []string{"MONGODB_ATLAS_CLIENT_ID=" + clientID, "MONGODB_ATLAS_CLIENT_SECRET=" + clientSecret, "MONGODB_ATLAS_BASE_URL=" + server.URL()}
	good := []string{"trigger", "--project=" + project.ID, "--pipeline=refunds#eu", "--snapshot-id=6a7953692c88faeba59d5e01"}
	with := func(more ...string) []string { return append(slices.Clip(good), more...) }
	for _, test := range []struct {
		name           string
		role           atlassim.Role
		args           []string
		code           int
		stdout, stderr string
		posts          int
	}{
		{"dry run", atlassim.ProjectOwner, with("--retention=4w", "--dry-run"), 0, `"datasetRetentionPolicy":{"units":"WEEKS","value":4}`, "", 0},
		{"bad retention", atlassim.ProjectOwner, with("--retention=5y"), 2, "", "--retention: ", 0},
		{"bad project", atlassim.ProjectOwner, append([]string{"trigger", "--project=x"}, good[2:]...), 2, "", "--project: ", 0},
		{"no pipeline", atlassim.ProjectOwner, []string{good[0], good[1], good[3]}, 2, "", "--pipeline", 0},
		{"accepted", atlassim.ProjectOwner, with("--retention=4w"), 0, "PENDING", "", 1},
		{"JSON", atlassim.ProjectOwner, with("--format=json"), 0, `"outcome": "accepted"`, "", 1},
		{"role too small", atlassim.ProjectBackupManager, good, 1, "", "trigger: nothing was started: the credentials need the role Project Owner in the project " + project.ID, 1},
	} {
		server.AllowServiceAccount(atlassim.ServiceAccount{ClientID: clientID, ClientSecret: clientSecret, Role: test.role})
		server.ResetRequests()
		out := harness.RunProgram(t, program, env, test.args...)
		if out.ExitCode != test.code || !strings.Contains(out.Stdout, test.stdout) || !strings.Contains(out.Stderr, test.stderr) || test.stderr == "" && out.Stderr != "" {
			t.Errorf("%s: exit code %d, %s%s", test.name, out.ExitCode, out.Stdout, out.Stderr)
		}
		if got := server.Answered(atlassim.OpTriggerPipeline); got != test.posts {
			t.Errorf("%s: triggered %d times", test.name, got)
		}
		if test.posts == 0 && server.Count("") != 0 {
			t.Errorf("%s: %d requests", test.name, server.Count(""))
		}
		if strings.Contains(out.Stdout+out.Stderr, clientSecret) {
			t.Errorf("%s: the secret is printed", test.name)
		}
	}
}
