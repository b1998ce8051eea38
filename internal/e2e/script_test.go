package e2e_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestScript runs the scripts of testdata/script, which read like a terminal session. $ATLAS is the address of a simulated Atlas
// with the demo's organization, $PROJECT the id of its first project. These commands are added to testscript's:
//
//	exits CODE PROGRAM ARGS...    runs a program that must end with this exit code, and never print $SECRET
//	atlas accepts ID ROLE         makes Atlas accept a service account with $SECRET
//	atlas refuses ID              makes Atlas refuse it
//	atlas got N [OPERATION]       checks how many requests Atlas got since the last command, and that all but
//	                              triggering a pipeline only read
func TestScript(t *testing.T) {
	t.Parallel()
	program := harness.BuildExporter(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			server := atlassim.NewServer(atlassim.Demo(atlassim.WallClock{}), atlassim.Options{})
			if err := server.Start(); err != nil {
				return err
			}
			env.Defer(func() { _ = server.Close() })
			env.Values["atlas"] = server
			env.Setenv("ATLAS", server.URL())
			env.Setenv("PROJECT", server.Organization().Projects()[0].ID)
			env.Setenv("SECRET", clientSecret)
			env.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "atlas": atlas},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	if server, ok := ts.Value("atlas").(*atlassim.Server); ok {
		server.ResetRequests()
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), clientSecret) {
		ts.Fatalf("the secret is printed")
	}
}

func atlas(ts *testscript.TestScript, neg bool, args []string) {
	server, ok := ts.Value("atlas").(*atlassim.Server)
	if neg || !ok || len(args) < 2 {
		ts.Fatalf("usage: atlas accepts ID ROLE | refuses ID | got N [OPERATION]")
	}
	switch args[0] {
	case "accepts":
		role, known := map[string]atlassim.Role{
			"read-only": atlassim.ProjectReadOnly, "backup-manager": atlassim.ProjectBackupManager, "owner": atlassim.ProjectOwner,
		}[args[2]]
		if !known {
			ts.Fatalf("no role %s", args[2])
		}
		server.AllowServiceAccount(atlassim.ServiceAccount{ClientID: args[1], ClientSecret: clientSecret, Role: role})
	case "refuses":
		server.Deny(args[1])
	case "got":
		operation := strings.Join(args[2:], "")
		if got := strconv.Itoa(server.Count(operation)); got != args[1] {
			ts.Fatalf("%s requests %s, want %s", got, operation, args[1])
		}
		for _, r := range server.Requests() {
			reads := r.Method == http.MethodGet || r.Operation == atlassim.OpToken || r.Operation == atlassim.OpTriggerPipeline
			if !reads || !strings.HasPrefix(r.UserAgent, "mongodbatlas_backup_exporter/") {
				ts.Fatalf("%s %s was sent by %q", r.Method, r.Path, r.UserAgent)
			}
		}
	}
}
