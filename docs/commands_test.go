package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// example is a command in a console block, and lines of its output.
type example struct{ command, output string }

// examples lists the commands of a console block, each with its output.
func examples(text string) []example {
	var all []example
	inCommand := false
	for line := range strings.Lines(text) {
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case begins:
			all = append(all, example{command: command})
		case inCommand:
			all[len(all)-1].command += line
		case len(all) > 0:
			all[len(all)-1].output += line
		}
		end := strings.TrimRight(line, "\n")
		inCommand = (begins || inCommand) && (strings.HasSuffix(end, `\`) || strings.HasSuffix(end, "|"))
	}
	return all
}

// general removes what differs from run to run from an output.
func general(output string) []string {
	for _, replacement := range [][2]string{
		{`\d{4}-\d\d-\d\dT[\d:]+Z`, "<time>"}, {`\d{8}T\d{6}Z`, "<time>"}, {`\d+ of \d+ in \w+`, "<left>"}, {`(?m)^run( +)[0-9a-f]{24}$`, "run$1<id>"},
	} {
		output = regexp.MustCompile(replacement[0]).ReplaceAllString(output, replacement[1])
	}
	return strings.Split(strings.TrimRight(output, "\n"), "\n")
}

// shows returns the first line of the page that the output lacks at its place, "" if there is none. The line "…" matches any
// number of lines.
func shows(page, output []string) string {
	skips := false
	for _, want := range page {
		if want == "…" {
			skips = true
			continue
		}
		at := slices.Index(output, want)
		if at < 0 || at > 0 && !skips {
			return want
		}
		output, skips = output[at+1:], false
	}
	if len(output) > 0 && !skips {
		return "(the end), but there is " + output[0]
	}
	return ""
}

// TestCommandExamples runs the commands of commands.md in a shell, against a simulated Atlas, and compares their output with
// the page.
func TestCommandExamples(t *testing.T) {
	t.Parallel()
	const id, owner, secret = "mdb_sa_id_ro", "mdb_sa_id_owner", "mdb_sa_sk_docs"
	atlas := harness.StartAtlas(t, atlassim.Demo(atlassim.WallClock{}), atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{
			{ClientID: id, ClientSecret: secret, Role: atlassim.ProjectReadOnly}, {ClientID: owner, ClientSecret: secret, Role: atlassim.ProjectOwner},
		},
		Deprecations: map[string]atlassim.Deprecation{atlassim.OpListClusters: {Sunset: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)}},
	})
	folder := t.TempDir()
	for name, account := range map[string]string{"config.yml": id, "owner.yml": owner} {
		text := fmt.Sprintf("atlas:\n  base_url: %s\n  service_account: {client_id: %s, client_secret: %s}\ndiscovery: {projects: {exclude: [platform, analytics, commerce, mobile]}}\n", atlas.URL(), account, secret)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := harness.BuildExporter(t)
	page := harness.ReadFile(t, "commands.md")
	count := 0
	for _, b := range blocks(page) {
		if b.language != "console" {
			continue
		}
		for _, e := range examples(b.text) {
			count++
			_, filter, piped := strings.Cut(e.command, "|")
			if piped {
				if _, err := exec.LookPath(strings.Fields(filter)[0]); err != nil {
					e.command, _, _ = strings.Cut(e.command, "|")
					e.output = "…"
				}
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", e.command)
			cmd.Dir, cmd.Env = folder, []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH")}
			out, err := cmd.Output() // some exit with 1, as they should
			if len(out) == 0 {
				t.Errorf("commands.md:%d: %s: %v", b.line, e.command, err)
			}
			output := general(strings.ReplaceAll(string(out), atlas.URL(), "https://cloud.mongodb.com"))
			if line := shows(general(e.output), output); line != "" {
				t.Errorf("commands.md:%d: %snot found in its place: %s\nthe output is\n%s", b.line, e.command, line, strings.Join(output, "\n"))
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d examples were found", count)
	}
}
