package config_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

const examplePath = "../config.example.yml"

func TestExampleLoads(t *testing.T) {
	t.Parallel()
	got, err := config.Parse([]byte(read(t, examplePath)), shipped())
	if err != nil {
		t.Fatal(err)
	}
	account := got.Atlas.ServiceAccount
	if account == nil || account.ClientSecretFile != "/run/secrets/atlas_client_secret" || account.ClientSecret != "" ||
		!strings.HasPrefix(account.ClientID, "mdb_sa_id_") {
		t.Errorf("the credentials are %+v", account)
	}
	// All settings that are not commented out are defaults, except for the credentials.
	want := config.Default(shipped())
	want.Atlas.BaseURL = config.DefaultBaseURL
	got.Atlas.ServiceAccount = nil
	for _, c := range shipped() {
		if g, w := got.MinInterval(c.Name), want.MinInterval(c.Name); g != w {
			t.Errorf("it sets min_interval of %s to %s, the default is %s", c.Name, g, w)
		}
		if c.MinInterval != 0 {
			want.Collectors.SetMinInterval(c.Name, c.MinInterval)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it sets  %+v\ndefault: %+v", got, want)
	}
}

// knownKeys are the keys that a mapping may have, as the error about an unknown one names them.
func knownKeys(t *testing.T, path []string) []string {
	t.Helper()
	text := "{not_a_key: 1}"
	for _, key := range slices.Backward(path) {
		if key == "[]" {
			text = "[" + text + "]"
		} else {
			text = "{" + key + ": " + text + "}"
		}
	}
	_, err := config.Parse([]byte(text), shipped())
	if err == nil {
		t.Fatalf("%s is accepted as a configuration", text)
	}
	_, names, found := strings.Cut(err.Error(), "not_a_key: unknown key: known here are ")
	if !found {
		return nil
	}
	return strings.Split(names, ", ")
}

// allKeys walks the configuration and lists every key with its path; "[]" stands for an entry of a list.
func allKeys(t *testing.T, path ...string) []string {
	t.Helper()
	var all []string
	for _, key := range knownKeys(t, path) {
		below := append(slices.Clone(path), key)
		all = append(all, strings.Join(below, "."))
		all = append(all, allKeys(t, below...)...)
		all = append(all, allKeys(t, append(below, "[]")...)...)
	}
	return all
}

// exampleKeys are the keys of a YAML document, named like those of allKeys.
func exampleKeys(value any, path string) []string {
	var all []string
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			name := strings.TrimPrefix(path+"."+key, ".")
			all = append(append(all, name), exampleKeys(below, name)...)
		}
	case []any:
		for _, entry := range value {
			all = append(all, exampleKeys(entry, path+".[]")...)
		}
	}
	return all
}

// uncommented returns the example with every setting enabled, including those that exclude each other.
func uncommented(t *testing.T) map[string]any {
	t.Helper()
	setting := regexp.MustCompile(`(?m)^( *)# ( *(?:- )?[a-z_]+:(?: .*)?)$`)
	text := setting.ReplaceAllString(read(t, examplePath), "$1$2")
	var document map[string]any
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return document
}

func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	known, shown := allKeys(t), exampleKeys(uncommented(t), "")
	for _, key := range []string{ // as documented
		"atlas.base_url", "atlas.service_account.client_id", "atlas.service_account.client_secret_file", "atlas.service_account.client_secret",
		"atlas.api_key.public_key", "atlas.api_key.private_key_file", "atlas.api_key.private_key",
		"atlas.max_concurrent_requests", "atlas.request_timeout", "atlas.max_retries", "atlas.allow_insecure_http",
		"projects.[].id", "projects.[].clusters.include", "projects.[].clusters.exclude", "projects.[].pipelines.include",
		"projects.[].pipelines.exclude", "discovery.projects.include", "discovery.projects.exclude", "discovery.clusters.include",
		"discovery.clusters.exclude", "discovery.pipelines.include", "discovery.pipelines.exclude",
		"collectors.backup_exports.enabled", "collectors.backup_exports.expected_intervals.[].group_id",
		"collectors.backup_exports.expected_intervals.[].clusters", "collectors.backup_exports.expected_intervals.[].interval",
		"collectors.backup_restores.enabled", "collectors.backup_restores.min_interval", "collectors.pipeline_runs.enabled",
		"refresh.min_interval", "refresh.discovery_interval", "refresh.relist_interval",
	} {
		if !slices.Contains(known, key) {
			t.Errorf("the configuration has no key %s, but %v", key, known)
		}
	}
	for _, key := range known {
		if !slices.Contains(shown, key) {
			t.Errorf("the example does not show %s", key)
		}
	}
	for _, key := range shown {
		if !slices.Contains(known, key) {
			t.Errorf("the example shows %s, which does not exist", key)
		}
	}
}

// TestExampleSettingsLoad checks that the commented settings of the example are valid, too, and have the effect that the
// comments describe.
func TestExampleSettingsLoad(t *testing.T) {
	t.Parallel()
	for _, without := range [][]string{{"service_account", "private_key"}, {"service_account", "private_key_file"}, {"api_key", "client_secret"}, {"api_key", "client_secret_file"}} {
		t.Run(fmt.Sprintf("without %v", without), func(t *testing.T) {
			document := uncommented(t)
			atlas := document["atlas"].(map[string]any)
			delete(atlas, without[0])
			for _, credentials := range []string{"service_account", "api_key"} {
				if keys, ok := atlas[credentials].(map[string]any); ok {
					delete(keys, without[1])
				}
			}
			text, err := yaml.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse(text, shipped())
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Projects) == 0 || !expects(&c) || c.Discovery.Projects.Match("sandbox-1") {
				t.Errorf("got %+v", c)
			}
			if got := fmt.Sprintf("%+v %+v", c.Atlas.ServiceAccount, c.Atlas.APIKey); strings.Contains(got, "mdb_sa_sk") || strings.Contains(got, "01234567-89ab") {
				t.Errorf("printed as %s", got)
			}
		})
	}
}

// expects reports whether the configuration has the expected interval of the example.
func expects(c *config.Config) bool {
	interval, ok := c.Collectors.ExpectedInterval("backup_exports", groupID, "prod-1")
	return ok && interval == 24*time.Hour
}
