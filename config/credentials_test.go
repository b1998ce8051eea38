package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func nothing(string) string { return "" }

func TestBaseURL(t *testing.T) {
	t.Parallel()
	const variable = "MONGODB_ATLAS_BASE_URL"
	for _, test := range []struct{ file, env, want, fails string }{
		{"", "", "https://cloud.mongodb.com", ""},
		{"", "https://cloud.mongodbgov.com", "https://cloud.mongodbgov.com", ""},
		{"base_url: https://a.example", "https://b.example", "https://a.example", ""},
		{"base_url: http://127.0.0.1:8080", "", "http://127.0.0.1:8080", ""},
		{"base_url: http://127.1.2.3", "", "http://127.1.2.3", ""},
		{"base_url: 'http://[::1]:8080'", "", "http://[::1]:8080", ""},
		{"base_url: http://localhost:8080", "", "http://localhost:8080", ""},
		{"base_url: 'http://10.0.0.1', allow_insecure_http: true", "", "http://10.0.0.1", ""},
		{"allow_insecure_http: true", "http://10.0.0.1", "http://10.0.0.1", ""},
		{"base_url: http://LOCALHOST:8080", "", "http://LOCALHOST:8080", ""},
		{"base_url: http://LocalHost", "", "http://LocalHost", ""},
		{"base_url: HTTPS://cloud.mongodb.com", "", "https://cloud.mongodb.com", ""},
		{"base_url: https://cloud.mongodb.com/", "", "https://cloud.mongodb.com", ""},
		{"base_url: https://cloud.mongodb.com//", "", "https://cloud.mongodb.com", ""},
		{"base_url: https://cloud.mongodb.com/api/atlas/v2", "", "https://cloud.mongodb.com", ""},
		{"base_url: https://cloud.mongodb.com/api/atlas/v2/", "", "https://cloud.mongodb.com", ""},
		{"base_url: https://cloud.mongodb.com/api/atlas/v1.0", "", "https://cloud.mongodb.com", ""},
		{"base_url: https://cloud.mongodb.com/api/atlas//", "", "https://cloud.mongodb.com", ""},
		{"base_url: 'https://a.example/proxy/api/atlas/v2'", "", "https://a.example/proxy", ""},
		{"base_url: 'https://a.example/proxy/'", "", "https://a.example/proxy", ""},
		{"base_url: 'https://a.example/api/atlasian'", "", "https://a.example/api/atlasian", ""},
		{"base_url: ' https://a.example '", "", "https://a.example", ""},
		{"", "\n https://b.example/api/atlas/v2\n", "https://b.example", ""},
		{"", " \n", "https://cloud.mongodb.com", ""},
		{"", "https://b.example/api/atlas/v2/groups", "", variable + ": " + aResource},
		{"", "http://10.0.0.1", "", variable + ": " + inTheClear},
		{"", "cloud.mongodb.com", "", variable + ": " + notAServer},
		{"", "https://i:" + secret + "@cloud.mongodb.com", "", variable + ": " + noPassword},
		{"", "https://cloud.mongodb.com?x=" + secret, "", variable + ": " + noQuery},
		{"", "https://" + secret + " x", "", variable + ": " + notAServer},
	} {
		t.Run(fmt.Sprintf("%q and %q", test.file, test.env), func(t *testing.T) {
			c := parse(t, "atlas: {"+test.file+"}")
			got, err := c.Atlas.URL(environment(map[string]string{variable: test.env}))
			switch {
			case test.fails != "":
				if err == nil || err.Error() != test.fails {
					t.Errorf("got %v, want %s", err, test.fails)
				}
			case err != nil || got.String() != test.want:
				t.Errorf("got %s, want %s (%v)", got, test.want, err)
			}
		})
	}
}

func TestCredentialsFromEnvironment(t *testing.T) {
	t.Parallel()
	const (
		id, idSecret = "MONGODB_ATLAS_CLIENT_ID", "MONGODB_ATLAS_CLIENT_SECRET"
		key, private = "MONGODB_ATLAS_PUBLIC_KEY", "MONGODB_ATLAS_PRIVATE_KEY"
		both         = "two kinds of credentials in the environment: unset " + id + " and " + idSecret + ", or " + key + " and " + private
	)
	for _, test := range []struct {
		env   map[string]string
		want  config.Credentials
		fails string
	}{
		{map[string]string{id: "i", idSecret: secret}, config.Credentials{ServiceAccount: true, ID: "i", Secret: secret, Source: "the environment"}, ""},
		{map[string]string{key: "k", private: secret}, config.Credentials{ID: "k", Secret: secret, Source: "the environment"}, ""},
		{map[string]string{id: " i\n", idSecret: "\uFEFF " + secret + "\r\n"}, config.Credentials{ServiceAccount: true, ID: "i", Secret: secret, Source: "the environment"}, ""},
		{map[string]string{key: "k\n", private: secret + "\n", id: " \n"}, config.Credentials{ID: "k", Secret: secret, Source: "the environment"}, ""},
		{map[string]string{id: secret, idSecret: "mdb_sa_id_1"}, config.Credentials{}, id + " is a client secret (mdb_sa_sk_…): it should be the client id (mdb_sa_id_…)"},
		{map[string]string{id: "i", idSecret: "mdb_sa_id_1"}, config.Credentials{}, idSecret + " is a client id (mdb_sa_id_…): it should be the client secret (mdb_sa_sk_…)"},
		{map[string]string{key: secret, private: secret}, config.Credentials{}, key + " belongs to a service account, not to an API key: set service_account"},
		{map[string]string{id: "i", idSecret: "a\nb"}, config.Credentials{}, idSecret + " has more than one line: it must contain only the secret"},
		{map[string]string{id: "i", idSecret: "a\u200Bb"}, config.Credentials{}, idSecret + " has a character at position 2 that is not printable ASCII: copy it again from Atlas"},
		{map[string]string{id: "i", idSecret: "${SECRET}"}, config.Credentials{}, idSecret + " " + strings.TrimPrefix(unreplaced, "the value ") + forSecret},
		{map[string]string{key: "k", private: "a$#%&*!@`~ b"}, config.Credentials{ID: "k", Secret: "a$#%&*!@`~ b", Source: "the environment"}, ""},
		{nil, config.Credentials{}, "no credentials, and no --config.file: write atlas.service_account or atlas.api_key into a file and name it with this flag, or set " + id + " and " + idSecret + " in the environment"},
		{map[string]string{id: "i"}, config.Credentials{}, id + " is set but " + idSecret + " is not: set both"},
		{map[string]string{idSecret: secret}, config.Credentials{}, idSecret + " is set but " + id + " is not: set both"},
		{map[string]string{key: "k"}, config.Credentials{}, key + " is set but " + private + " is not: set both"},
		{map[string]string{private: secret}, config.Credentials{}, private + " is set but " + key + " is not: set both"},
		{map[string]string{id: "i", idSecret: secret, key: "k"}, config.Credentials{}, key + " is set but " + private + " is not: set both"},
		{map[string]string{id: "i", idSecret: secret, key: "k", private: secret}, config.Credentials{}, both},
	} {
		t.Run(fmt.Sprint(test.env), func(t *testing.T) {
			c := config.Default(declared())
			got, err := c.Atlas.Credentials(t.Context(), environment(test.env))
			if test.fails == "" && (err != nil || got != test.want) {
				t.Errorf("got %+v, want %+v (%v)", got, test.want, err)
			}
			if test.fails != "" && (err == nil || err.Error() != test.fails) {
				t.Errorf("%v, want %s", err, test.fails)
			}
		})
	}
}

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte("refresh: {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadFile(t.Context(), path, declared())
	if err != nil {
		t.Fatal(err)
	}
	const want = "no credentials: set atlas.service_account or atlas.api_key in the configuration file, or " +
		"set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET in the environment"
	if _, err := c.Atlas.Credentials(t.Context(), nothing); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestCredentialsFromFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "secret")
	load := func(t *testing.T, text string) (config.Credentials, error) {
		t.Helper()
		c := parse(t, "atlas: {"+text+"}")
		// The environment is ignored if the file names credentials.
		return c.Atlas.Credentials(t.Context(), environment(map[string]string{"MONGODB_ATLAS_PUBLIC_KEY": "k"}))
	}
	byAccount := "service_account: {client_id: i, client_secret_file: " + path + "}"
	byKey := "api_key: {public_key: k, private_key_file: " + path + "}"
	account := config.Credentials{ServiceAccount: true, ID: "i", Secret: secret, Source: "the configuration file"}
	key := config.Credentials{ID: "k", Secret: secret, Source: "the configuration file"}

	if got, err := load(t, "service_account: {client_id: i, client_secret: "+secret+"}"); err != nil || got != account {
		t.Errorf("%+v (%v)", got, err)
	}
	if got, err := load(t, "api_key: {public_key: k, private_key: "+secret+"}"); err != nil || got != key {
		t.Errorf("%+v (%v)", got, err)
	}
	if got, err := load(t, "service_account: {client_id: i, client_secret: \""+secret+"\\n\"}"); err != nil || got != account {
		t.Errorf("with a newline: %+v (%v)", got, err)
	}
	for kind, keyPath := range map[string]string{byAccount: "atlas.service_account.client_secret_file", byKey: "atlas.api_key.private_key_file"} {
		t.Run(keyPath, func(t *testing.T) {
			_ = os.Remove(path)
			want := keyPath + ": there is no file " + path + ": create it with the secret as its only content"
			if _, err := load(t, kind); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
			for content, problem := range map[string]string{
				"":                               " is empty: it must contain only the secret",
				" \r\n\t\n":                      " is empty: it must contain only the secret",
				secret + "\n" + secret:           " has more than one line: it must contain only the secret",
				"# the secret\n" + secret + "\n": " has more than one line: it must contain only the secret",
				"\xff\xfem\x00d\x00b\x00":        " is in UTF-16: save it as UTF-8",
				"\xfe\xff\x00m\x00d\x00b":        " is in UTF-16: save it as UTF-8",
				"m\x00d\x00b\x00":                " has a NUL character at position 2: if it is in UTF-16, save it as UTF-8",
				"VeryPrivate\xfc":                " has a character at position 12 that is not printable ASCII: copy it again from Atlas",
				"\xef\xbb\xbf\n":                 " is empty: it must contain only the secret",
				secret + "\rx":                   " has more than one line: it must contain only the secret",
			} {
				t.Run(strconv.Quote(content), func(t *testing.T) {
					write(t, path, content, 0o600)
					_, err := load(t, kind)
					if want := keyPath + ": " + path + problem; err == nil || err.Error() != want {
						t.Errorf("%v, want %s", err, want)
					}
				})
			}
			for _, content := range []string{secret, secret + "\n", secret + "\r\n", "\xef\xbb\xbf" + secret + "\r\n", "  " + secret + "\n\n"} {
				t.Run(strconv.Quote(content), func(t *testing.T) {
					write(t, path, content, 0o600)
					if got, err := load(t, kind); err != nil || got != account && got != key {
						t.Errorf("%q gives %+v (%v)", content, got, err)
					}
				})
			}
		})
	}
	if _, err := load(t, "service_account: {client_id: i, client_secret_file: "+folder+"}"); err == nil ||
		!strings.HasPrefix(err.Error(), "atlas.service_account.client_secret_file: ") {
		t.Errorf("a folder: %v", err)
	}
}

func TestKindOfCredentials(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]config.Credentials{"service account": {ServiceAccount: true}, "API key": {}} {
		if got := c.Kind(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSecretsDoNotPrint checks that no way of printing that a log or a page might use shows a secret.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	for kind, text := range map[string]string{
		"service account": "atlas: {service_account: {client_id: i, client_secret: " + secret + "}}",
		"API key":         "atlas: {api_key: {public_key: k, private_key: " + secret + "}}",
	} {
		t.Run(kind, func(t *testing.T) {
			c := parse(t, text)
			credentials, err := c.Atlas.Credentials(t.Context(), nothing)
			if err != nil {
				t.Fatal(err)
			}
			for _, thing := range []any{c, &c, c.Atlas, c.Atlas.ServiceAccount, c.Atlas.APIKey, credentials, &credentials} {
				printed := []string{}
				for _, verb := range []string{"%v", "%+v", "%#v"} {
					printed = append(printed, fmt.Sprintf(verb, thing))
				}
				asJSON, err := json.Marshal(thing)
				if err != nil {
					t.Error(err)
				}
				asYAML, err := yaml.Marshal(thing)
				if err != nil {
					t.Error(err)
				}
				for _, got := range append(printed, string(asJSON), string(asYAML)) {
					if strings.Contains(got, "VeryPrivate") || strings.Contains(got, fmt.Sprintf("%x", secret)) {
						t.Errorf("a %T prints as %s", thing, got)
					}
				}
			}
		})
	}
}
