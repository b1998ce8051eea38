package check_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestOffline checks that nothing is requested, but that the secret files are read.
func TestOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	w.more = "projects: [{id: " + nowhere + "}]\n"
	offline := func(o *check.Options) { o.Offline = true }
	if r := w.report(offline); !r.OK || !r.Offline || r.Credentials.Status != check.NotTried || !reflect.DeepEqual(r.Configuration.Projects, []string{nowhere}) {
		t.Errorf("%+v", r)
	}
	missing := filepath.Join(t.TempDir(), "secret")
	for _, test := range []struct {
		name, text, config, credentials string
	}{
		{"no secret file", "atlas: {service_account: {client_id: a, client_secret_file: " + missing + "}}", "", "there is no file " + missing},
		{"no credentials", "refresh: {}", "", "no credentials"},
		{"unknown key", "bogus: 1", "line 1: bogus: unknown key", ""},
		{"plain http", "atlas: {base_url: 'http://atlas.example.com'}", "plain http would send credentials in the clear", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := *w
			w.t = t
			load := func(o *check.Options) {
				o.Load = func() (config.Config, error) { return config.Parse([]byte(test.text), collector.All().Config()) }
			}
			r := w.report(offline, load)
			if r.OK || len(r.ToDo) != 1 || !strings.Contains(r.Configuration.Error, test.config) || !strings.Contains(r.Credentials.Message, test.credentials) ||
				r.Configuration.OK != (test.config == "") || (r.Credentials.Status == check.Missing) != (test.credentials != "") {
				t.Errorf("%+v", r)
			}
			table, _ := w.run(offline, load, func(o *check.Options) { o.Format = "table" })
			if !strings.Contains(table, test.config+test.credentials) || strings.Contains(table, "missing:") != (test.credentials != "") {
				t.Error(table)
			}
		})
	}
	if got := w.server.Count(""); got != 0 {
		t.Errorf("%d requests", got)
	}
}

// TestRemedies checks that the remedy names the wrong file.
func TestRemedies(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string { return harness.WriteFile(t, filepath.Join(folder, name), text) }
	nowhere, empty := filepath.Join(folder, "nowhere"), file("empty", "")
	secretIn := func(name, path string) string {
		return file(name, "atlas: {service_account: {client_id: a, client_secret_file: '"+path+"'}}")
	}
	const key = "atlas.service_account.client_secret_file"
	for _, test := range []struct{ file, environment, want string }{
		{nowhere, "", "create " + nowhere + ", or name another file with --config.file"},
		{folder, "", folder + " is a folder: name the file in it with --config.file"},
		{empty + "/x", "", "name a file that can be read with --config.file, instead of " + empty + "/x"},
		{file("wrong.yml", "bogus: 1"), "", "correct the configuration"},
		{secretIn("missing.yml", nowhere), "", "create " + nowhere + " with the secret as its only content, or correct " + key},
		{secretIn("variable.yml", "/$X"), "", "write out the path in " + key + ": /$X"},
		{secretIn("folder.yml", folder), "", "name a file that can be read in " + key + ", instead of " + folder},
		{secretIn("empty.yml", empty), "", "write the secret, and nothing else, into " + empty},
		{secretIn("lines.yml", file("lines", "a\nb")), "", "write the secret, and nothing else, into " + filepath.Join(folder, "lines")},
		{file("nobody.yml", ""), "", "give the exporter credentials, in the configuration file or in the environment"},
		{file("half.yml", ""), "a", "correct the credentials in the environment"},
	} {
		t.Run(test.want, func(t *testing.T) {
			w := newWorld(t, atlassim.Options{})
			r := w.report(func(o *check.Options) {
				o.Offline, o.ConfigFile = true, test.file
				o.Load = func() (config.Config, error) {
					return config.LoadFile(t.Context(), test.file, collector.All().Config())
				}
				o.Getenv = func(name string) string {
					return map[string]string{"MONGODB_ATLAS_CLIENT_ID": test.environment}[name]
				}
			})
			if r.OK || !slices.Equal(r.ToDo, []string{test.want}) {
				t.Errorf("%q, want %q", r.ToDo, test.want)
			}
		})
	}
}

// TestOfflineTable checks that a table without rows is left out.
func TestOfflineTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	table, ok := w.run(func(o *check.Options) { o.Offline, o.Format = true, "table" })
	if !ok || strings.Contains(table, "\n\n") || strings.Contains(table, "totals") || strings.Contains(table, "to do") {
		t.Errorf("%t\n%s", ok, table)
	}
}

// TestOfflineListsEveryMistake checks that one run reports all mistakes, each on a line of its own.
func TestOfflineListsEveryMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atlassim.Options{})
	const text = "atlas:\n  max_retries: 11\n  request_timeout: 0s\nrefresh:\n  min_intervall: 1s\n"
	mistakes := []string{
		"line 2: atlas.max_retries: a whole number from 0 to 10 is expected here",
		"line 3: atlas.request_timeout: a duration from 1ms to 10m is expected here",
		"line 5: refresh.min_intervall: unknown key: did you mean min_interval? Known here are discovery_interval, min_interval, relist_interval",
	}
	change := func(o *check.Options) {
		o.Offline, o.ConfigFile = true, "c.yml"
		o.Load = func() (config.Config, error) { return config.Parse([]byte(text), collector.All().Config()) }
	}
	if r := w.report(change); r.OK || !slices.Equal(r.Configuration.Errors, mistakes) || r.Configuration.Error != strings.Join(mistakes, "; ") {
		t.Errorf("%+v", r.Configuration)
	}
	table, ok := w.run(change, func(o *check.Options) { o.Format = "table" })
	want := "configuration  not valid: 3 mistakes in c.yml\n               " + strings.Join(mistakes, "\n               ") + "\n"
	if ok || !strings.HasPrefix(table, want) {
		t.Errorf("got\n%s\nwant\n%s", table, want)
	}

	// Both the URL and the credentials in the environment are bad.
	environment := map[string]string{"MONGODB_ATLAS_BASE_URL": "http://atlas.example.com", "MONGODB_ATLAS_CLIENT_ID": "a"}
	r := w.report(change, func(o *check.Options) {
		o.Load = func() (config.Config, error) { return config.Default(collector.All().Config()), nil }
		o.Getenv = func(name string) string { return environment[name] }
	})
	if r.OK || !strings.HasPrefix(r.Configuration.Error, "MONGODB_ATLAS_BASE_URL: plain http") || r.Credentials.Status != check.Missing || len(r.ToDo) != 2 {
		t.Errorf("%+v", r)
	}
}
