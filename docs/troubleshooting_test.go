package docs_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// rowsOf returns the first cells of a section's first table, without their backticks.
func rowsOf(t *testing.T, path, heading string) []string {
	t.Helper()
	var cells []string
	_, body, _ := strings.Cut(section(t, path, heading), "\n|---") // below its head
	for _, match := range regexp.MustCompile("(?m)^\\| `([^|]+)` \\|").FindAllStringSubmatch(body, -1) {
		cells = append(cells, match[1])
	}
	return cells
}

// said reports whether a text contains a message; "…" in the message stands for anything.
func said(text, message string) bool {
	for part := range strings.SplitSeq(message, "…") {
		_, rest, found := strings.Cut(text, strings.TrimSpace(part))
		if !found {
			return false
		}
		text = rest
	}
	return true
}

// TestMessagesAtTheStart makes the mistakes whose messages the page explains: the program must print each message, and exit.
func TestMessagesAtTheStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string { return harness.WriteFile(t, filepath.Join(folder, name), text) }
	configured := func(name, text string) []string {
		return []string{"--config.file=" + file(name, text), "--web.listen-address=127.0.0.1:0"}
	}
	secretIn := func(path string) string {
		return "atlas: {service_account: {client_id: i, client_secret_file: " + path + "}}"
	}
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	const (
		id, secret      = "MONGODB_ATLAS_CLIENT_ID=i", "MONGODB_ATLAS_CLIENT_SECRET=s"
		public, private = "MONGODB_ATLAS_PUBLIC_KEY=k", "MONGODB_ATLAS_PRIVATE_KEY=s"
	)
	var disabled []string
	for _, name := range collector.All().Configurable().Names() {
		disabled = append(disabled, "--no-collector."+name)
	}
	made := []struct {
		message string
		env     []string
		args    []string
	}{
		{"no credentials, and no --config.file", nil, nil},
		{"no credentials: set", nil, configured("nobody.yml", "refresh: {min_interval: 1m}")},
		{"two kinds of credentials", []string{id, secret, public, private}, nil},
		{"MONGODB_ATLAS_CLIENT_ID is set", []string{id}, nil},
		{"atlas.api_key: atlas.service_account is set too", nil, configured("both.yml", "atlas: {service_account: {client_id: i, client_secret: s}, api_key: {public_key: k, private_key: s}}")},
		{"cannot read the configuration", nil, []string{"--config.file=" + filepath.Join(folder, "none.yml")}},
		{"not YAML", nil, configured("tab.yml", "atlas:\n\tbase_url: x")},
		{"line 2: atlas.baseurl", nil, configured("unknown.yml", "atlas:\n  baseurl: x")},
		{"line 2: refresh.min_interval", nil, configured("limit.yml", "refresh:\n  min_interval: 1h")},
		{"client_secret_file: there is no file", nil, configured("missing.yml", secretIn("/nowhere/secret"))},
		{"… is empty", nil, configured("empty.yml", secretIn(file("empty", "\n")))},
		{"… has more than one line", nil, configured("lines.yml", secretIn(file("lines", "a\nb\n")))},
		{"plain http would send", []string{id, secret, "MONGODB_ATLAS_BASE_URL=http://192.0.2.1"}, nil},
		{"no collector is enabled", []string{id, secret}, disabled},
		{"--web.external-url", nil, []string{"demo", "--web.external-url=prometheus.example"}},
		{"--web.timeout-offset", nil, []string{"demo", "--web.timeout-offset=-1s"}},
		{"--config.auto-reload-interval", nil, []string{"demo", "--config.auto-reload-interval=-1s"}},
		{"--config.file: the demo", nil, append([]string{"demo"}, configured("demo.yml", "refresh: {min_interval: 1m}")...)},
		{"HTTPS_PROXY is not a URL", []string{id, secret, "HTTPS_PROXY=http://user:pass/word@proxy:3128"}, nil},
		{"project … is named here", nil, configured("excluded.yml", "projects: [{id: 32b6e34b3d91647abb20e7b8}]\ndiscovery: {projects: {exclude: ['32b.*']}}")},
		{"--web.telemetry-path: /sd", nil, []string{"demo", "--web.telemetry-path=/sd"}},
		{"unknown long flag", nil, []string{"--nonsense"}},
		{"--config.file: a path", nil, []string{"--config.file="}},
		{"… takes no argument", nil, []string{"check", "config.yml"}},
		{"there is no command", nil, []string{"dmo"}},
		{"--log.level", nil, []string{"--log.level=trace"}},
		{"--web.listen-address: … has no port", nil, []string{"demo", "--web.listen-address=localhost"}},
		{"--web.listen-address: listen tcp", nil, []string{"demo", "--web.listen-address=" + taken.Addr().String()}},
	}
	rows := rowsOf(t, "troubleshooting.md", "By message at the start")
	program := harness.BuildExporter(t)
	for _, mistake := range made {
		i := slices.IndexFunc(rows, func(row string) bool { return strings.HasPrefix(row, mistake.message) })
		if i < 0 {
			t.Errorf("the page does not explain %q", mistake.message)
			continue
		}
		output, failure := run(t, program, mistake.env, mistake.args...)
		// The log quotes a message that contains quotes.
		if failure == nil || !said(strings.ReplaceAll(output, `\"`, `"`), rows[i]) {
			t.Errorf("%v, and no %q in\n%s", failure, rows[i], output)
		}
		rows = slices.Delete(rows, i, i+1)
	}
	loose := file("loose", "s")
	if err := os.Chmod(loose, 0o644); err != nil {
		t.Fatal(err)
	}
	// Nothing listens at the address of Atlas, which is no reason to exit.
	exporter := harness.StartExporter(t, append(configured("loose.yml", "atlas: {base_url: 'http://127.0.0.1:1', service_account: {client_id: i, client_secret_file: "+loose+"}}"), "--log.level=debug")...)
	rows = slices.DeleteFunc(rows, func(row string) bool { return said(exporter.Logs(), row) })
	if len(rows) != 0 {
		t.Errorf("%q was never printed", rows)
	}
}

// TestReasons checks that the page explains every reason why a target cannot be read, and no other.
func TestReasons(t *testing.T) {
	t.Parallel()
	var want []string
	for kind := atlasapi.KindNetwork; kind.String() != "unknown"; kind++ {
		if kind != atlasapi.KindFlex && kind != atlasapi.KindBackupDisabled { // which are not errors
			want = append(want, kind.String())
		}
	}
	got := rowsOf(t, "troubleshooting.md", "By reason")
	slices.Sort(want)
	slices.Sort(got)
	got = slices.Compact(got)
	if !slices.Equal(got, want) {
		t.Errorf("the page has %v, the program %v", got, want)
	}
}

// TestLogMessages checks that the page explains the program's warnings and errors, and no message that the program does not have.
func TestLogMessages(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"../collector/*.go", "../daemon/*.go", "../web/*.go", "../*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			source.WriteString(harness.ReadFile(t, path))
		}
	}
	rows := rowsOf(t, "troubleshooting.md", "The log")
	for _, row := range rows {
		if !strings.Contains(source.String(), `"`+row+`"`) {
			t.Errorf("no line of the log says %q", row)
		}
	}
	page := harness.ReadFile(t, "troubleshooting.md")
	logged := regexp.MustCompile(`level\.(?:Warn|Error)\(.*"msg", ("[^"]+")`).FindAllStringSubmatch(source.String(), -1)
	for _, match := range logged {
		if message := strings.Trim(match[1], `"`); !strings.Contains(page, "`"+message+"`") {
			t.Errorf("the page does not explain the log message %q", message)
		}
	}
	if len(rows) < 6 || len(logged) < 8 {
		t.Errorf("only %d rows and %d messages were found", len(rows), len(logged))
	}
}
