package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

const (
	groupID = "32b6e34b3d91647abb20e7b8"
	otherID = "32b6e34b3d91647abb20e7b9"
	secret  = "mdb_sa_sk_VeryPrivate-1_2"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := config.Config{
		Atlas:      config.Atlas{MaxConcurrentRequests: 8, RequestTimeout: 30 * time.Second, MaxRetries: 3},
		Collectors: config.Default(declared()).Collectors,
		Refresh:    config.Refresh{MinInterval: 30 * time.Second, DiscoveryInterval: 10 * time.Minute, RelistInterval: 6 * time.Hour},
	}
	for _, text := range []string{
		"", "\n", "# nothing\n", "---\n", "{}", "null", "~", "atlas:\nprojects:\ndiscovery:\ncollectors:\nrefresh:\n",
		"projects: []", "discovery: {projects: {include: null}, clusters: {}, pipelines: ~}", "collectors: {backup_exports: {expected_intervals: []}}",
	} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			got, err := config.Parse([]byte(text), declared())
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v (%v)", got, want, err)
			}
		})
	}
	if got := config.Default(declared()); !reflect.DeepEqual(got, want) {
		t.Errorf("the default is %+v", got)
	}
}

func TestEverySetting(t *testing.T) {
	t.Parallel()
	got, err := config.Parse([]byte(`
atlas:
  base_url: https://cloud.mongodbgov.com
  service_account: {client_id: mdb_sa_id_1, client_secret: `+secret+`}
  max_concurrent_requests: 256
  request_timeout: 1m30s
  max_retries: 0
  allow_insecure_http: true
projects:
  - id: `+groupID+`
  - {id: `+otherID+`}
collectors:
  backup_exports: {enabled: false, expected_intervals: [{interval: 7d}, {group_id: `+groupID+`, interval: none}]}
  backup_restores: {enabled: false, min_interval: 15m}
  backup_snapshots: {expected_intervals: [{interval: 1h}]}
  pipeline_runs: {enabled: true}
refresh: {min_interval: 0s, discovery_interval: 15m, relist_interval: 52w}
`), declared())
	if err != nil {
		t.Fatal(err)
	}
	collectors := config.Default(declared()).Collectors
	collectors.Enable("backup_exports", false)
	collectors.Enable("backup_restores", false)
	collectors.SetMinInterval("backup_restores", 15*time.Minute)
	collectors.SetExpectedIntervals("backup_exports", config.ExpectedInterval{Interval: 7 * 24 * time.Hour}, config.ExpectedInterval{GroupID: groupID})
	collectors.SetExpectedIntervals("backup_snapshots", config.ExpectedInterval{Interval: time.Hour})
	want := config.Config{
		Atlas: config.Atlas{
			BaseURL:               "https://cloud.mongodbgov.com",
			ServiceAccount:        &config.ServiceAccount{ClientID: "mdb_sa_id_1", ClientSecret: secret},
			MaxConcurrentRequests: 256, RequestTimeout: 90 * time.Second, AllowInsecureHTTP: true,
		},
		Projects:   []config.Project{{ID: groupID}, {ID: otherID}},
		Collectors: collectors,
		Refresh:    config.Refresh{DiscoveryInterval: 15 * time.Minute, RelistInterval: 52 * 7 * 24 * time.Hour},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	got, err = config.Parse([]byte("atlas: {api_key: {public_key: abcdefgh, private_key_file: /run/key}, max_concurrent_requests: 1, request_timeout: 10m, max_retries: 10}"), declared())
	if want := (&config.APIKey{PublicKey: "abcdefgh", PrivateKeyFile: "/run/key"}); err != nil || !reflect.DeepEqual(got.Atlas.APIKey, want) {
		t.Errorf("the key is %+v, want %+v (%v)", got.Atlas.APIKey, want, err)
	}
}

// TestAliases checks that YAML aliases work: a value is written once and used twice.
func TestAliases(t *testing.T) {
	t.Parallel()
	got, err := config.Parse([]byte("discovery: {clusters: &f {exclude: [&p a.*]}, pipelines: *f, projects: {include: [*p]}}"), declared())
	if err != nil || got.Discovery.Pipelines.Match("abc") || !got.Discovery.Projects.Match("abc") || got.Discovery.Projects.Match("b") {
		t.Errorf("%+v (%v)", got, err)
	}
}

const (
	atlasKeys    = "allow_insecure_http, api_key, base_url, max_concurrent_requests, max_retries, request_timeout, service_account"
	account      = "service_account: {client_id: i, client_secret: " + secret + "}"
	notAServer   = "not a URL of a server: write it like https://cloud.mongodb.com"
	notAnID      = "not a project id: it is 24 digits of 0-9 and a-f, as in the project's settings in Atlas"
	aDuration    = "a duration is expected here, such as 30s, 10m, 24h or 7d"
	noUnit       = "is no duration: write it with a unit, like 30s, 10m, 24h or 7d"
	inTheClear   = "plain http would send credentials in the clear: use https, or set atlas.allow_insecure_http: true"
	noPassword   = "a URL with a user or password: credentials belong in service_account or api_key"
	noQuery      = "a URL with a query or a fragment: write it like https://cloud.mongodb.com"
	yesOrNo      = "true or false is expected here"
	emptyValue   = "an empty value: write one, or leave the key out"
	aResource    = "a URL of one of the API's resources: write the address of the server, like https://cloud.mongodb.com"
	unreplaced   = "the value is a placeholder that nothing replaced: the exporter expands no variables and no templates. "
	forSecret    = "Use client_secret_file, or MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET in the environment"
	valueWanted  = "a value is expected here"
	emptyPattern = "an empty pattern matches no name: write one, or leave it out"
)

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		// keys
		{"atlsa: {}", "line 1: atlsa: unknown key: did you mean atlas? Known here are atlas, collectors, discovery, projects, refresh"},
		{"Atlas: {}", "line 1: Atlas: unknown key: did you mean atlas? Known here are atlas, collectors, discovery, projects, refresh"},
		{"\natlas:\n  base-url: x", "line 3: atlas.base-url: unknown key: did you mean base_url? Known here are " + atlasKeys},
		{"atlas:\n  Max-Retries: 1", "line 2: atlas.Max-Retries: unknown key: did you mean max_retries? Known here are " + atlasKeys},
		{"atlas:\n  timeout: 1s", "line 2: atlas.timeout: unknown key: did you mean request_timeout? Known here are " + atlasKeys},
		{"atlas: {service_account: {id: x}}", "line 1: atlas.service_account.id: unknown key: known here are client_id, client_secret, client_secret_file"},
		{"atlas: {api_key: {public: x}}", "line 1: atlas.api_key.public: unknown key: did you mean public_key? Known here are private_key, private_key_file, public_key"},
		{"projects:\n  - id: " + groupID + "\n    cluster: x", "line 3: projects[0].cluster: unknown key: did you mean clusters? Known here are clusters, id, pipelines"},
		{"projects:\n  - id: " + groupID + "\n    clusters:\n      inklude: x", "line 4: projects[0].clusters.inklude: unknown key: did you mean include? Known here are exclude, include"},
		{"discovery:\n  cluster: {}", "line 2: discovery.cluster: unknown key: did you mean clusters? Known here are clusters, pipelines, projects"},
		{"collectors:\n  exports: {}", "line 2: collectors.exports: unknown key: did you mean backup_exports? Known here are backup_exports, backup_restores, backup_snapshots, collection_restores, flex_restores, flex_snapshots, pipeline_runs"},
		{"collectors: {backup_restores: {expected_intervals: []}}", "line 1: collectors.backup_restores.expected_intervals: unknown key: known here are enabled, min_interval"},
		{
			"collectors:\n  backup_exports:\n    expected_intervals:\n      - {interval: 1d}\n      - {interval: 1d, cluster: x}",
			"line 5: collectors.backup_exports.expected_intervals[1].cluster: unknown key: did you mean clusters? Known here are clusters, group_id, interval",
		},
		{"refresh: {interval: 1s}", "line 1: refresh.interval: unknown key: known here are discovery_interval, min_interval, relist_interval"},
		{"<<: {atlas: {}}", "line 1: unknown key: known here are atlas, collectors, discovery, projects, refresh"},
		// keys twice
		{"atlas: {}\nrefresh: {}\natlas: {}", "line 3: atlas: duplicate key: keep one"},
		{"refresh:\n  min_interval: 1s\n  min_interval: 1s", "line 3: refresh.min_interval: duplicate key: keep one"},
		{"atlas:\n  service_account:\n    client_id: a\n    client_secret: " + secret + "\n    client_secret: " + secret, "line 5: atlas.service_account.client_secret: duplicate key: keep one"},
		// shapes
		{"[]", "line 1: a mapping with the keys atlas, collectors, discovery, projects, refresh is expected here"},
		{"atlas", "line 1: a mapping with the keys atlas, collectors, discovery, projects, refresh is expected here"},
		{"atlas: 5", "line 1: atlas: a mapping with the keys " + atlasKeys + " is expected here"},
		{"atlas: {service_account: " + secret + "}", "line 1: atlas.service_account: a mapping with the keys client_id, client_secret, client_secret_file is expected here"},
		{"projects: {}", "line 1: projects: a list is expected here"},
		{"projects: " + groupID, "line 1: projects: a list is expected here"},
		{"projects:\n  - " + groupID, "line 2: projects[0]: a mapping with the keys clusters, id, pipelines is expected here"},
		{"discovery:\n  clusters: [a]", "line 2: discovery.clusters: a mapping with the keys exclude, include is expected here"},
		{"discovery:\n  clusters:\n    include: a", "line 3: discovery.clusters.include: a list is expected here"},
		{"discovery: {clusters: {exclude: [a, [b]]}}", "line 1: discovery.clusters.exclude[1]: " + valueWanted},
		{"discovery: {clusters: {exclude: [~]}}", "line 1: discovery.clusters.exclude[0]: " + valueWanted},
		{"collectors: {backup_exports: true}", "line 1: collectors.backup_exports: a mapping with the keys enabled, expected_intervals, min_interval is expected here"},
		{"collectors: {backup_exports: {expected_intervals: 24h}}", "line 1: collectors.backup_exports.expected_intervals: a list is expected here"},
		// values
		{"atlas: {base_url: }", "line 1: atlas.base_url: " + valueWanted},
		{"atlas: {base_url: '  '}", "line 1: atlas.base_url: " + emptyValue},
		{"atlas: {base_url: [https://a]}", "line 1: atlas.base_url: " + valueWanted},
		{"atlas: {service_account: {client_id: ''}}", "line 1: atlas.service_account.client_id: " + emptyValue},
		{"atlas: {service_account: {client_id: i, client_secret: }}", "line 1: atlas.service_account.client_secret: " + valueWanted},
		{"atlas: {service_account: {client_id: i, client_secret: [" + secret + "]}}", "line 1: atlas.service_account.client_secret: " + valueWanted},
		{"atlas: {max_retries: many}", "line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"},
		{"atlas: {max_retries: '3'}", "line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"},
		{"atlas: {max_retries: -1}", "line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"},
		{"atlas: {max_retries: 11}", "line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"},
		{"atlas: {max_retries: 1.5}", "line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"},
		{"atlas: {max_retries: }", "line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"},
		{"atlas: {max_concurrent_requests: 0}", "line 1: atlas.max_concurrent_requests: a whole number from 1 to 256 is expected here"},
		{"atlas: {max_concurrent_requests: 257}", "line 1: atlas.max_concurrent_requests: a whole number from 1 to 256 is expected here"},
		{"atlas: {max_concurrent_requests: 99999999999999999999}", "line 1: atlas.max_concurrent_requests: a whole number from 1 to 256 is expected here"},
		{"atlas: {allow_insecure_http: yes}", "line 1: atlas.allow_insecure_http: " + yesOrNo},
		{"atlas: {allow_insecure_http: 'true'}", "line 1: atlas.allow_insecure_http: " + yesOrNo},
		{"atlas: {allow_insecure_http: 1}", "line 1: atlas.allow_insecure_http: " + yesOrNo},
		{"collectors:\n  pipeline_runs:\n    enabled: on", "line 3: collectors.pipeline_runs.enabled: " + yesOrNo},
		{"collectors: {pipeline_runs: {enabled: }}", "line 1: collectors.pipeline_runs.enabled: " + yesOrNo},
		{"collectors: {pipeline_runs: {enabled: {}}}", "line 1: collectors.pipeline_runs.enabled: " + yesOrNo},
		// durations
		{"atlas: {request_timeout: 30}", "line 1: atlas.request_timeout: `30` " + noUnit},
		{"atlas: {request_timeout: 1 hour}", "line 1: atlas.request_timeout: `1 hour` " + noUnit},
		{"refresh: {min_interval: 20m30}", "line 1: refresh.min_interval: `20m30` " + noUnit},
		{"refresh: {min_interval: 1m 30s}", "line 1: refresh.min_interval: `1m 30s` " + noUnit},
		{"refresh: {min_interval: 5M}", "line 1: refresh.min_interval: `5M` " + noUnit},
		{"refresh: {min_interval: 30-aB3-9xQ}", "line 1: refresh.min_interval: " + aDuration},
		{"atlas: {request_timeout: 1.5s}", "line 1: atlas.request_timeout: " + aDuration},
		{"atlas: {request_timeout: -1s}", "line 1: atlas.request_timeout: " + aDuration},
		{"atlas: {request_timeout: 0s}", "line 1: atlas.request_timeout: a duration from 1ms to 10m is expected here"},
		{"atlas: {request_timeout: 601s}", "line 1: atlas.request_timeout: a duration from 1ms to 10m is expected here"},
		{"atlas: {request_timeout: 99999999y}", "line 1: atlas.request_timeout: " + aDuration},
		{"atlas: {request_timeout: [1s]}", "line 1: atlas.request_timeout: " + valueWanted},
		{"refresh: {min_interval: soon}", "line 1: refresh.min_interval: " + aDuration},
		{"refresh: {min_interval: 16m}", "line 1: refresh.min_interval: a duration from 0s to 15m is expected here"},
		{"refresh: {discovery_interval: 0s}", "line 1: refresh.discovery_interval: a duration from 1s to 15m is expected here"},
		{"refresh: {discovery_interval: 1h}", "line 1: refresh.discovery_interval: a duration from 1s to 15m is expected here"},
		{"refresh: {relist_interval: 0}", "line 1: refresh.relist_interval: a duration of at least 1s is expected here"},
		{"collectors: {backup_exports: {expected_intervals: [{interval: daily}]}}", "line 1: collectors.backup_exports.expected_intervals[0].interval: " + aDuration + " (or none, to expect nothing)"},
		{"collectors: {backup_exports: {expected_intervals: [{interval: }]}}", "line 1: collectors.backup_exports.expected_intervals[0].interval: " + valueWanted + " (or none, to expect nothing)"},
		{"collectors: {backup_exports: {expected_intervals: [{interval: 0s}]}}", "line 1: collectors.backup_exports.expected_intervals[0].interval: a duration of at least 1s is expected here (or none, to expect nothing)"},
		{"collectors: {backup_exports: {expected_intervals: [{clusters: a}]}}", "line 1: collectors.backup_exports.expected_intervals[0]: interval is missing"},
		{"collectors: {backup_exports: {expected_intervals: [{interval: 1d, group_id: x}]}}", "line 1: collectors.backup_exports.expected_intervals[0].group_id: " + notAnID},
		// patterns
		{"discovery: {clusters: {include: ['(']}}", `line 1: discovery.clusters.include[0]: "(" is not a regular expression in RE2 syntax: missing closing )`},
		{"discovery:\n  projects:\n    exclude:\n      - a\n      - '['", `line 5: discovery.projects.exclude[1]: "[" is not a regular expression in RE2 syntax: missing closing ]`},
		{"projects: [{id: " + groupID + ", pipelines: {include: ['a**']}}]", "line 1: projects[0].pipelines.include[0]: \"a**\" is not a regular expression in RE2 syntax: invalid nested repetition operator"},
		{"discovery: {clusters: {include: ['(?=a)']}}", `line 1: discovery.clusters.include[0]: "(?=a)" is not a regular expression in RE2 syntax: invalid or unsupported Perl syntax`},
		{"collectors: {backup_exports: {expected_intervals: [{interval: 1d, clusters: '\\'}]}}", `line 1: collectors.backup_exports.expected_intervals[0].clusters: "\\" is not a regular expression in RE2 syntax: trailing backslash at end of expression`},
		{"discovery: {clusters: {include: ['']}}", "line 1: discovery.clusters.include[0]: " + emptyPattern},
		{"discovery: {clusters: {exclude: [a, \"\"]}}", "line 1: discovery.clusters.exclude[1]: " + emptyPattern},
		{"projects: [{id: " + groupID + ", clusters: {include: ['']}}]", "line 1: projects[0].clusters.include[0]: " + emptyPattern},
		{"collectors: {backup_exports: {expected_intervals: [{interval: 1d, clusters: ''}]}}", "line 1: collectors.backup_exports.expected_intervals[0].clusters: " + emptyPattern},
		// projects
		{"projects:\n  - clusters: {}", "line 2: projects[0]: id is missing"},
		{"projects:\n  -", "line 2: projects[0]: id is missing"},
		{"projects:\n  - id: 5", "line 2: projects[0].id: " + notAnID},
		{"projects:\n  - id: " + strings.ToUpper(groupID), "line 2: projects[0].id: a project id in upper case: write its letters in lower case"},
		{"projects:\n  - id: " + groupID + "0", "line 2: projects[0].id: " + notAnID},
		{"projects:\n  - id: my-project", "line 2: projects[0].id: " + notAnID},
		{"projects:\n  - id: " + groupID + "\n  - id: " + otherID + "\n  - id: " + groupID, "line 4: projects[2]: project " + groupID + " is listed twice: keep one"},
		{"projects: [{id: " + groupID + "}]\ndiscovery: {projects: {exclude: ['32b.*']}}", "line 1: projects[0]: project " + groupID + " is named here, and excluded by discovery.projects.exclude in line 2: keep one"},
		// credentials
		{"atlas:\n  service_account: {client_secret: " + secret + "}", "line 2: atlas.service_account: client_id is missing"},
		{"atlas:\n  service_account:", "line 2: atlas.service_account: client_id is missing"},
		{"atlas:\n  service_account: {client_id: i}", "line 2: atlas.service_account: the secret is missing: set client_secret_file (or client_secret)"},
		{"atlas:\n  service_account:\n    client_id: i\n    client_secret: " + secret + "\n    client_secret_file: /f", "line 3: atlas.service_account: client_secret and client_secret_file are both set: keep one"},
		{"atlas:\n  api_key: {private_key: " + secret + "}", "line 2: atlas.api_key: public_key is missing"},
		{"atlas:\n  api_key: {public_key: p}", "line 2: atlas.api_key: the secret is missing: set private_key_file (or private_key)"},
		{"atlas:\n  api_key: {public_key: p, private_key: " + secret + ", private_key_file: /f}", "line 2: atlas.api_key: private_key and private_key_file are both set: keep one"},
		{"atlas:\n  " + account + "\n  api_key: {public_key: p, private_key: " + secret + "}", "line 3: atlas.api_key: atlas.service_account is set too: keep one"},
		// the base URL
		{"atlas: {base_url: cloud.mongodb.com}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'ftp://cloud.mongodb.com'}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'https://'}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'https:///api'}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'https://:8443'}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'https://a b'}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'https://" + secret + "@cloud.mongodb.com'}", "line 1: atlas.base_url: " + noPassword},
		{"atlas: {base_url: 'https://i:" + secret + "@cloud.mongodb.com'}", "line 1: atlas.base_url: " + noPassword},
		{"atlas: {base_url: 'https://i:" + secret + "@%zz'}", "line 1: atlas.base_url: " + notAServer},
		{"atlas: {base_url: 'https://cloud.mongodb.com?key=" + secret + "'}", "line 1: atlas.base_url: " + noQuery},
		{"atlas: {base_url: 'https://cloud.mongodb.com#" + secret + "'}", "line 1: atlas.base_url: " + noQuery},
		{"atlas: {base_url: 'http://cloud.mongodb.com'}", "line 1: atlas.base_url: " + inTheClear},
		{"atlas: {base_url: 'http://127.0.0.1.example.com', " + account + "}", "line 1: atlas.base_url: " + inTheClear},
		{"atlas: {base_url: 'http://localhost.example.com'}", "line 1: atlas.base_url: " + inTheClear},
		{"atlas: {base_url: 'http://10.0.0.1:8080', allow_insecure_http: false}", "line 1: atlas.base_url: " + inTheClear},
		{"atlas: {base_url: 'http://0.0.0.0:8080'}", "line 1: atlas.base_url: " + inTheClear},
		{"atlas: {base_url: 'https://cloud.mongodb.com/api/atlas/v2/groups'}", "line 1: atlas.base_url: " + aResource},
		{"atlas: {base_url: 'https://cloud.mongodb.com/api/atlas/v1.0/groups/" + groupID + "/'}", "line 1: atlas.base_url: " + aResource},
		// credentials that are something else
		{"atlas:\n  service_account:\n    client_id: " + secret, "line 3: atlas.service_account.client_id: the value is a client secret (mdb_sa_sk_…): it should be the client id (mdb_sa_id_…)"},
		{"atlas:\n  service_account:\n    client_id: i\n    client_secret: mdb_sa_id_VeryPrivate", "line 4: atlas.service_account.client_secret: the value is a client id (mdb_sa_id_…): it should be the client secret (mdb_sa_sk_…)"},
		{"atlas: {api_key: {public_key: " + secret + "}}", "line 1: atlas.api_key.public_key: the value belongs to a service account, not to an API key: set service_account"},
		{"atlas: {api_key: {public_key: mdb_sa_id_1}}", "line 1: atlas.api_key.public_key: the value belongs to a service account, not to an API key: set service_account"},
		{"atlas: {service_account: {client_secret: '${VeryPrivate}'}}", "line 1: atlas.service_account.client_secret: " + unreplaced + forSecret},
		{"atlas: {service_account: {client_secret: $VeryPrivate}}", "line 1: atlas.service_account.client_secret: " + unreplaced + forSecret},
		{"atlas: {service_account: {client_secret: $(VeryPrivate)}}", "line 1: atlas.service_account.client_secret: " + unreplaced + forSecret},
		{"atlas: {service_account: {client_secret: '{{ .VeryPrivate }}'}}", "line 1: atlas.service_account.client_secret: " + unreplaced + forSecret},
		{"atlas:\n  service_account:\n    client_secret: {{ VeryPrivate }}", "line 3: atlas.service_account.client_secret: " + unreplaced + forSecret},
		{"atlas: {service_account: {client_id: '${ATLAS_ID}'}}", "line 1: atlas.service_account.client_id: " + unreplaced + "Write the client id, or use MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET in the environment"},
		{"atlas: {api_key: {public_key: $KEY}}", "line 1: atlas.api_key.public_key: " + unreplaced + "Write the public key, or use MONGODB_ATLAS_PUBLIC_KEY and MONGODB_ATLAS_PRIVATE_KEY in the environment"},
		{"atlas: {api_key: {private_key: $KEY}}", "line 1: atlas.api_key.private_key: " + unreplaced + "Use private_key_file, or MONGODB_ATLAS_PUBLIC_KEY and MONGODB_ATLAS_PRIVATE_KEY in the environment"},
		{"atlas:\n  service_account:\n    client_secret: \"" + secret + "\\n" + secret + "\"", "line 3: atlas.service_account.client_secret: the value has more than one line: it must contain only the secret"},
		{"atlas: {service_account: {client_id: \"a\\rb\"}}", "line 1: atlas.service_account.client_id: the value has more than one line: it must contain only the id"},
		{"atlas: {api_key: {private_key: 'VeryPrivät'}}", "line 1: atlas.api_key.private_key: the value has a character at position 9 that is not printable ASCII: copy it again from Atlas"},
		{"atlas: {api_key: {public_key: \"ab\\tc\"}}", "line 1: atlas.api_key.public_key: the value has a character at position 3 that is not printable ASCII: copy it again from Atlas"},
		{"atlas: {api_key: {private_key: \"VeryPrivate\\0\"}}", "line 1: atlas.api_key.private_key: the value has a NUL character at position 12: if it is in UTF-16, save it as UTF-8"},
		{"atlas: {api_key: {private_key: \"\\uFEFF\"}}", "line 1: atlas.api_key.private_key: " + emptyValue},
	} {
		t.Run(test.text, func(t *testing.T) {
			_, err := config.Parse([]byte(test.text), declared())
			if err == nil {
				t.Fatal("accepted as a configuration")
			}
			if err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), "VeryPrivate") {
				t.Errorf("%q shows a secret", err)
			}
			var placed *config.Error
			if strings.HasPrefix(test.want, "line ") && (!errors.As(err, &placed) || placed.Line == 0) {
				t.Errorf("%q is not a *config.Error with a line: %T", err, err)
			}
		})
	}
}

// TestSecretsInOddPlaces checks that no error shows a secret that was put, by mistake, in place of a key, a pattern or a value
// of another kind.
func TestSecretsInOddPlaces(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"atlas: {service_account: {client_id: i, client_secret " + secret + "}}",
		"atlas:\n  service_account:\n    client_id: i\n    " + secret + ":",
		"atlas:\n  service_account:\n    client_id: i\n    client_secret=" + secret + ": x",
		"atlas: {" + secret + "}",
		secret + ": x",
		"mdb_sa_sk_VeryPrivate: x", // no digit, and not too long for a key
		"atlas: {max_retries: " + secret + "}",
		"atlas: {base_url: " + secret + "}",
		"atlas: {request_timeout: " + secret + "}",
		"projects: [{id: " + secret + "}]",
		"projects: [" + secret + "]",
		secret,
	} {
		t.Run(text, func(t *testing.T) {
			_, err := config.Parse([]byte(text), declared())
			if err == nil {
				t.Fatal("accepted as a configuration")
			}
			if strings.Contains(err.Error(), "VeryPrivate") {
				t.Errorf("%q shows the secret", err)
			}
		})
	}
}

func TestLoadFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "c.yml")
	if _, err := config.LoadFile(t.Context(), path, declared()); err == nil || !strings.HasPrefix(err.Error(), "cannot read the configuration: ") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	write(t, path, "atlas: {max_retries: 7}", 0o600)
	if c, err := config.LoadFile(t.Context(), path, declared()); err != nil || c.Atlas.MaxRetries != 7 {
		t.Errorf("%+v (%v)", c, err)
	}
	write(t, path, "atlas: {max_retries: x}", 0o600)
	want := path + ": line 1: atlas.max_retries: a whole number from 0 to 10 is expected here"
	if _, err := config.LoadFile(t.Context(), path, declared()); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
