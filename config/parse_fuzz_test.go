package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

const (
	// fuzzedSecret replaces secretMark in a fuzzed file. It does not look like a key, which an error may name.
	fuzzedSecret = "mdb_sa_sk_VeryPrivate-1_2"
	secretMark   = "SECRET"
	fuzzedID     = "32b6e34b3d91647abb20e7b8"
)

// FuzzParse reads arbitrary files. An accepted file must mean what the YAML library reads, be within its bounds, and stay the
// same when it is written and read again. The error of a refused file must name its place, which moves with the file, and must
// not show a secret.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../config.example.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, text := range parseSeeds() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.ReplaceAll(raw, []byte(secretMark), []byte(fuzzedSecret))
		c, err := Parse(raw, declared())
		checkMoved(t, raw, c, err)
		if err != nil {
			checkRefused(t, raw, err)
			return
		}
		checkBounds(t, c)
		got := describe(c)
		if !bytes.ContainsAny(raw, "!") { // the program ignores tags and reads what follows them
			want := describe(Default(declared()))
			decoder := yaml.NewDecoder(bytes.NewReader(raw))
			decoder.KnownFields(true)
			if err := decoder.Decode(&want); err != nil && err.Error() != "EOF" {
				t.Fatalf("%q is accepted, but not by the library: %v", raw, err)
			}
			cleanCredentials(&want.Atlas)
			if !reflect.DeepEqual(trimmed(want), trimmed(got)) {
				t.Errorf("%q\ngives %+v\nwant  %+v", raw, got, want)
			}
		}
		written, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written, declared())
		if err != nil || !reflect.DeepEqual(describe(again), got) {
			t.Errorf("%q, written as\n%s\ngives %+v\nwant  %+v (%v)", raw, written, describe(again), got, err)
		}
	})
}

// cleanCredentials removes the white space that the parser removes.
func cleanCredentials(a *describedAtlas) {
	values := []*phrase{&a.BaseURL}
	if a.Account != nil {
		values = append(values, &a.Account.ID, &a.Account.Secret, &a.Account.SecretFile)
	}
	if a.Key != nil {
		values = append(values, &a.Key.ID, &a.Key.Secret, &a.Key.SecretFile)
	}
	for _, value := range values {
		*value = phrase(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(*value)), byteOrderMark)))
	}
}

// trimmed removes the difference between an empty list and none.
func trimmed(d described) described {
	filters := []*describedFilter{&d.Discovery.Projects, &d.Discovery.Clusters, &d.Discovery.Pipelines}
	d.Projects = slices.Clone(d.Projects)
	for i := range d.Projects {
		filters = append(filters, &d.Projects[i].Clusters, &d.Projects[i].Pipelines)
	}
	for _, filter := range filters {
		filter.Include, filter.Exclude = append([]phrase(nil), filter.Include...), append([]phrase(nil), filter.Exclude...)
	}
	if len(d.Projects) == 0 {
		d.Projects = nil
	}
	if len(d.Collectors.Exports.Intervals) == 0 {
		d.Collectors.Exports.Intervals = nil
	}
	return d
}

// checkMoved puts a comment before a file, which changes only the lines.
func checkMoved(t *testing.T, raw []byte, c Config, err error) {
	t.Helper()
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) || bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return // a byte order mark is at the beginning or nowhere
	}
	moved, movedErr := Parse(append([]byte("# moved\n"), raw...), declared())
	if _, ok := errors.AsType[*Error](cmp.Or(err, movedErr)); !ok && (err != nil || movedErr != nil) {
		return // the library may reject a text, but accept it below a comment: "\t#" is
	}
	if (err == nil) != (movedErr == nil) {
		t.Fatalf("%q gives %v, and a line further down %v", raw, err, movedErr)
	}
	if err == nil && !reflect.DeepEqual(describe(c), describe(moved)) {
		t.Errorf("%q gives %+v, and a line further down %+v", raw, c, moved)
	}
	placed, ok := errors.AsType[*Error](err)
	if !ok {
		return
	}
	if further, ok := errors.AsType[*Error](movedErr); !ok || further.Line != placed.Line+1 || further.Key != placed.Key ||
		further.Err.Error() != placed.Err.Error() && !strings.Contains(placed.Err.Error(), " in line ") {
		t.Errorf("%q gives %v, and a line further down %v", raw, err, movedErr)
	}
}

// checkRefused checks that an error has the line and the key, and no secret.
func checkRefused(t *testing.T, raw []byte, err error) {
	t.Helper()
	text := err.Error()
	isPattern := strings.Contains(text, "is not a regular expression in RE2 syntax: ") // it is shown
	if strings.Contains(text, "VeryPrivate") && !isPattern {
		t.Errorf("%q gives %q, which shows the secret", raw, text)
	}
	placed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%q gives %q, without a place", raw, text)
	}
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return // UTF-16, whose lines are not counted here
	}
	lines := regexp.MustCompile("\r\n|\r|\n|\u0085|\u2028|\u2029").Split(string(raw), -1)
	if placed.Line < 1 || placed.Line > len(lines) {
		t.Fatalf("%q has %d lines: %v", raw, len(lines), err)
	}
	const known = `(?:atlas|projects|discovery|collectors|refresh|service_account|api_key|clusters|pipelines|include|exclude|` +
		`backup_exports|backup_restores|pipeline_runs|expected_intervals)(?:\[\d+\])?`
	if !regexp.MustCompile(`^(?:` + known + `\.)*[A-Za-z_-]{0,40}(?:\[\d+\])?$`).MatchString(placed.Key) {
		t.Errorf("%q gives the key %q", raw, placed.Key)
	}
	if key := placed.Key[strings.LastIndexByte(placed.Key, '.')+1:]; strings.HasPrefix(placed.Err.Error(), "unknown key: ") &&
		!strings.ContainsAny(string(raw), `\*`) && !strings.Contains(lines[placed.Line-1], key) && !regexp.MustCompile("^"+known+"$").MatchString(key) {
		t.Errorf("%q: %v, but that is not in %q", raw, err, lines[placed.Line-1])
	}
	isSyntax := regexp.MustCompile("^(?:not YAML|not UTF-|a NUL|the control character|a second YAML document)").MatchString(placed.Err.Error())
	if placed.Key == "" && bytes.Contains(raw, []byte("atlas:")) && !isSyntax && !strings.Contains(text, "key") {
		t.Errorf("%q gives %q, which names no key", raw, text)
	}
}

// checkBounds checks that a configuration fulfils what the program relies on.
func checkBounds(t *testing.T, c Config) {
	t.Helper()
	a, r := c.Atlas, c.Refresh
	if a.MaxConcurrentRequests < 1 || a.MaxConcurrentRequests > 256 || a.MaxRetries < 0 || a.MaxRetries > 10 ||
		a.RequestTimeout < time.Millisecond || a.RequestTimeout > 10*time.Minute ||
		r.MinInterval < 0 || r.MinInterval > 15*time.Minute || r.DiscoveryInterval < time.Second || r.DiscoveryInterval > 15*time.Minute ||
		r.RelistInterval < time.Second {
		t.Errorf("out of bounds: %+v %+v", a, r)
	}
	isID := regexp.MustCompile(`^[0-9a-f]{24}$`)
	seen := map[string]bool{}
	for _, p := range c.Projects {
		if !isID.MatchString(p.ID) || seen[p.ID] || slices.ContainsFunc(c.Discovery.Projects.Exclude, func(e Pattern) bool { return e.Match(p.ID) }) {
			t.Errorf("the project %q", p.ID)
		}
		seen[p.ID] = true
	}
	for _, s := range c.Collectors.all {
		if s.minInterval < 0 || s.minInterval > 15*time.Minute {
			t.Errorf("the collector %+v", s)
		}
	}
	for _, e := range c.Collectors.all[0].expectedIntervals {
		if e.Interval != 0 && e.Interval < time.Second || e.GroupID != "" && !isID.MatchString(e.GroupID) {
			t.Errorf("the interval %+v", e)
		}
	}
	none := func(string) string { return "" }
	at, err := a.URL(none)
	if err != nil || at.User != nil || at.RawQuery != "" || at.Host == "" || at.Scheme != "https" && (at.Scheme != "http" ||
		!a.AllowInsecureHTTP && !slices.Contains([]string{"localhost", "::1"}, at.Hostname()) && !strings.HasPrefix(strings.TrimPrefix(at.Hostname(), "::ffff:"), "127.")) {
		t.Errorf("the base URL is %v (%v)", at, err)
	}
	if inline := a.ServiceAccount != nil && a.ServiceAccount.ClientSecret != "" || a.APIKey != nil && a.APIKey.PrivateKey != ""; inline {
		credentials, err := a.Credentials(t.Context(), none)
		if err != nil || credentials.ID == "" || credentials.Secret == "" || credentials.ServiceAccount != (a.APIKey == nil) {
			t.Errorf("the credentials are %+v (%v)", credentials, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v", credentials, c, a); strings.Contains(shown, "VeryPrivate") && !strings.Contains(fmt.Sprint(describe(withoutSecrets(c))), "VeryPrivate") {
			t.Errorf("%q shows the secret", shown)
		}
	}
	if err := c.Collectors.Check(); (err == nil) != slices.ContainsFunc(c.Collectors.Names(), c.Collectors.Enabled) {
		t.Errorf("%+v: %v", c.Collectors, err)
	} else if placed, ok := errors.AsType[*Error](err); err != nil && (!ok || placed.Line < 1) {
		t.Errorf("%v has no place", err)
	}
}

func withoutSecrets(c Config) Config {
	if a := c.Atlas.ServiceAccount; a != nil {
		c.Atlas.ServiceAccount = &ServiceAccount{ClientID: a.ClientID, ClientSecretFile: a.ClientSecretFile}
	}
	if k := c.Atlas.APIKey; k != nil {
		c.Atlas.APIKey = &APIKey{PublicKey: k.PublicKey, PrivateKeyFile: k.PrivateKeyFile}
	}
	return c
}

func parseSeeds() []string {
	const id, other = fuzzedID, "32b6e34b3d91647abb20e7b9"
	return []string{
		"", "\n", "# nothing\n", "---\n", "{}", "null", "[]", "atlas", "%YAML 1.1\n---\n{}", "atlas: {}\n---\natlas: {}", "\xef\xbb\xbfatlas: {}", "\xff\xfea\x00:\x00",
		"atlas:\n  base_url: https://cloud.mongodbgov.com\n  service_account: {client_id: mdb_sa_id_1, client_secret: SECRET}\n  max_retries: 0\n",
		"atlas:\n  api_key:\n    public_key: abcdefgh\n    private_key_file: /run/key\n  request_timeout: 1m30s\n  allow_insecure_http: true\n  base_url: http://10.0.0.1:8080/atlas\n",
		"atlas: {api_key: {public_key: p, private_key: 'SECRET'}, service_account: {client_id: i, client_secret: SECRET}}",
		"projects:\n  - id: " + id + "\n    clusters: {include: [\"prod-.*\"], exclude: [\".*-scratch\"]}\n  - {id: " + other + ", pipelines: {include: []}}\n",
		"projects:\n  - id: " + id + "\n  - id: " + id + "\n", "projects: [{id: " + id + "}]\ndiscovery: {projects: {exclude: ['32b.*']}}",
		"discovery: {clusters: &f {exclude: [&p a.*]}, pipelines: *f, projects: {include: [*p]}}",
		"discovery: {projects: {include: [&atlas x]}}\n*atlas : {max_retries: 1}\n", "discovery: &d {clusters: *d}", "atlas: &a\n  service_account: *a\n",
		"collectors:\n  backup_exports:\n    enabled: false\n    expected_intervals:\n      - {group_id: " + id + ", clusters: \"prod-.*\", interval: 24h}\n      - {interval: none}\n",
		"collectors: {backup_exports: {enabled: false}, backup_restores: {enabled: false}, pipeline_runs: {enabled: false}}",
		"refresh: {min_interval: 0s, discovery_interval: 15m, relist_interval: 52w}", "refresh: {relist_interval: 1y2w3d4h5m6s7ms, min_interval: 0}", "refresh: {relist_interval: 300y}",
		"refresh:\n  min_interval: 16m\n", "atlas:\n  max_retries: 0x0a\n  max_concurrent_requests: 2_0\n", "atlas: {max_retries: 1e1, max_concurrent_requests: 010}", "atlas: {max_retries: -0}",
		"atlas: {max_retries: ~}", "atlas: {allow_insecure_http: yes}", "atlas: {allow_insecure_http: True}", "atlas: {allow_insecure_http: !!bool yes}",
		"atlsa: {}", "Atlas: {}", "\natlas:\n  base-url: x", "<<: {atlas: {}}", "? [a]\n: b\n", "atlas: {}\nrefresh: {}\natlas: {}", "? atlas\n: {max_retries: 1}\n", "'atlas': {\"max_\\x72etries\": 1}",
		"atlas:\n\tservice_account: SECRET", "atlas: {service_account: {client_id: i, client_secret: SECRET", "atlas:\n  service_account:\n    client_id: i\n    client_secret SECRET\n    client_secret_file: x",
		"atlas:\n  service_account:\n    client_secret: *SECRET", "atlas:\n  service_account:\n    client_secret: !SECRET {", "atlas: {service_account: {client_secret: \"\\SECRET\"}}",
		"atlas:\n  service_account:\n    client_id: i\n    client_secret: |\n      SECRET\n", "atlas:\n  service_account:\n    client_id: i\n    client_secret: >-\n      SECRET\n      SECRET\n",
		"SECRET: x", "SECRET", "projects: [SECRET]", "projects: [{id: SECRET}]", "atlas: {max_retries: SECRET}", "atlas: {base_url: 'https://i:SECRET@cloud.mongodb.com'}", "atlas: {SECRET: {}}",
		"atlas: {base_url: 'http://localhost:1', service_account: {client_id: 5, client_secret: 0x5}}", "atlas: {base_url: 'http://[::1]:8080/'}", "atlas: {base_url: 'http://127.0.0.1.example.com'}",
		"discovery: {clusters: {include: ['(']}}", "discovery: {clusters: {include: [a)|(b, '(?m)^a$', '\\Qa']}}", "discovery: {clusters: {include: [5, ~, '']}}", "discovery: {clusters: {include: ['', 5, true]}}",
	}
}
