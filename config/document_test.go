package config_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestSyntaxErrors checks that every file that is not YAML is refused with the line of the problem, which the library often
// does not name, and without its text, which may contain the secret.
func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	const (
		indentation = "not YAML: did not find expected key: check the indentation"
		noColon     = "not YAML: could not find expected ':'"
		brackets    = "not YAML: did not find expected ',' or '}'"
	)
	for _, test := range []struct{ name, text, want string }{
		{"indented less", "atlas:\n  max_retries: 1\n  service_account:\n    client_id: i\n   client_secret: " + secret + "\n", "line 5: " + indentation},
		{"indented less at the top", "atlas:\n  max_retries: 1\n base_url: x\n", "line 3: " + indentation},
		{"indented more", "atlas:\n  max_retries: 1\n    base_url: x\n", "line 3: not YAML: mapping values are not allowed in this context: check the indentation"},
		{"list in a mapping", "atlas:\n  max_retries: 1\n- a\n", "line 3: " + indentation},
		{"mapping in a list", "projects:\n  - id: a\n  clusters: {}\n", "line 3: not YAML: did not find expected '-' indicator: check the indentation"},
		{"list behind a mapping", "- a\natlas: " + secret, "line 2: not YAML: did not find expected '-' indicator: check the indentation"},
		{"tab", "atlas:\n\tservice_account: " + secret, "line 2: not YAML: found character that cannot start any token: indent with spaces, not with tabs"},
		{"tab below", "# c\natlas:\n  service_account:\n\t  client_id: a\n", "line 4: not YAML: found character that cannot start any token: indent with spaces, not with tabs"},
		{"no colon", "atlas:\n  service_account:\n    client_id: i\n    client_secret " + secret + "\n    client_secret_file: x", "line 4: " + noColon},
		{"two colons", "atlas:\n  service_account:\n    client_secret: " + secret + ": x: y", "line 3: not YAML: mapping values are not allowed in this context: check the indentation"},
		{"open quote", "atlas:\n  base_url: x\n  service_account: {client_secret: '" + secret + "}\nrefresh: {}\n", "line 3: not YAML: found unexpected end of stream"},
		{"open bracket", "atlas:\n  service_account: {client_id: i,\n    client_secret: " + secret + "\n", "line 2: " + brackets},
		{"open bracket in one line", "atlas: {service_account: {client_id: i, client_secret: " + secret, "line 1: " + brackets},
		{"no comma", "atlas: {\n  max_retries: 1,\n  request_timeout: 1s\n  base_url: x\n}\nrefresh: {}\n", "line 4: " + brackets},
		{"no comma in a list", "projects: [\n  {id: a},\n  {id: b}\n  {id: c},\n]\n", "line 4: not YAML: did not find expected ',' or ']'"},
		{"closed twice", "atlas:\n  service_account: {client_id: i}}\n", "line 2: " + indentation},
		{"escape", "\natlas:\n  service_account:\n    client_secret: \"\\" + secret + "\"", "line 4: not YAML: found unknown escape character"},
		{"at sign", "atlas:\n  service_account:\n    client_secret: @" + secret, "line 3: not YAML: found character that cannot start any token"},
		{"percent sign", "atlas:\n  service_account:\n    client_secret: %" + secret, "line 3: not YAML: found character that cannot start any token"},
		{"backtick", "atlas:\n  service_account:\n    client_secret: `" + secret + "`", "line 3: not YAML: found character that cannot start any token"},
		{"tag", "atlas:\n  service_account:\n    client_secret: !" + secret + " {", "line 3: not YAML: did not find expected node content"},
		{"anchor", "atlas:\n  service_account:\n    client_secret: *" + secret + "\nrefresh: {}\n", "line 3: not YAML: unknown anchor … referenced"},
		{"anchor in brackets", "discovery: {\n  clusters: {},\n  pipelines: *filter,\n  projects: {}}\n", "line 3: not YAML: unknown anchor … referenced"},
		{"directive", "%" + secret + "\n---\n{}", "line 1: not YAML: found unknown directive name"},
		{"version", "# c\n%YAML 2.0\n---\natlas: {}\n", "line 2: not YAML: found incompatible YAML document"},
		{"depth", "atlas: {}\nprojects: " + strings.Repeat("[", 10001), "line 2: not YAML: exceeded max depth of 10000"},
		{"second document", "# c\natlas: {}\n---\nrefresh: {}\n", "line 3: a second YAML document begins here: keep one"},
		{"second document without a beginning", "atlas: {}\n...\nrefresh: {}\n", "line 3: not YAML: did not find expected <document start>"},
		{"fault in a second document", "atlas: {}\n---\n\trefresh: {}\n", "line 3: not YAML: found character that cannot start any token: indent with spaces, not with tabs"},
		{"Latin-1", "# c\natlas: {} # f\xfcr\n", "line 2: not UTF-8: save the file as UTF-8"},
		{"Latin-1 at the end", "atlas: {}\r\n# f\xfc", "line 2: not UTF-8: save the file as UTF-8"},
		{"Latin-1 far below", "# a\n# b\n# c\natlas: {} # f\xfcr\n", "line 4: not UTF-8: save the file as UTF-8"},
		{"NUL", "atlas: \x00" + secret, "line 1: a NUL character: save the file as UTF-8"},
		{"control character", "atlas: {}\rrefresh: {}\x1b\n", "line 2: the control character U+001B is not allowed: remove it"},
		{"DEL", "atlas: {}\n\x7f\n", "line 2: the control character U+007F is not allowed: remove it"},
		{"C1", "atlas: {}\n\u009f\n", "line 2: the control character U+009F is not allowed: remove it"},
		{"no character", "atlas: {}\n\uffff\n", "line 2: the control character U+FFFF is not allowed: remove it"},
		{"UTF-16 cut short", "\xff\xfe" + utf16Of("atlas: {}\nrefresh: {}", binary.LittleEndian) + "x", "line 2: not UTF-16, though it begins like it: save the file as UTF-8"},
		{"half a pair in UTF-16", "\xfe\xff" + utf16Of("atlas: {} # ", binary.BigEndian) + "\xd8\x00\x00\n", "line 1: not UTF-16, though it begins like it: save the file as UTF-8"},
		{"UTF-16 without a mark", utf16Of("atlas: {}", binary.LittleEndian), "line 1: a NUL character: save the file as UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse([]byte(test.text), declared())
			if err == nil || err.Error() != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
			if located, ok := errors.AsType[*config.Error](err); !ok || located.Line == 0 {
				t.Errorf("not a *config.Error with a line: %#v", err)
			}
		})
	}
}

func utf16Of(text string, order binary.AppendByteOrder) string {
	var raw []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = order.AppendUint16(raw, unit)
	}
	return string(raw)
}

// TestEncodings reads a file in the encodings of editors of several systems.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "# für \uFFFD \U0001F600\r\natlas:\r\n  max_retries: 7\r\n"
	for name, raw := range map[string]string{
		"UTF-8":            text,
		"UTF-8 with a BOM": "\xef\xbb\xbf" + text,
		"UTF-16LE":         "\xff\xfe" + utf16Of(strings.ReplaceAll(text, "\uFFFD", ""), binary.LittleEndian),
		"UTF-16BE":         "\xfe\xff" + utf16Of(strings.ReplaceAll(text, "\uFFFD", ""), binary.BigEndian),
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := config.Parse([]byte(raw), declared()); err != nil || c.Atlas.MaxRetries != 7 {
				t.Errorf("%d retries (%v)", c.Atlas.MaxRetries, err)
			}
		})
	}
}

// TestAllFaults checks that one run reports every fault, by line.
func TestAllFaults(t *testing.T) {
	t.Parallel()
	_, err := config.Parse([]byte(`discovery:
  projects: {exclude: ["32b.*", "("]}
  clusters: {include: [""]}
atlas:
  base_url: http://cloud.mongodb.com
  max_retries: 11
  service_account: {client_id: i, client_secrets: `+secret+`}
  api_key: {public_key: k}
projects:
  - id: nope
  - id: `+groupID+`
  - id: `+groupID+`
  - clusters: {exclude: [a, [b]]}
collectors:
  exports: {enabled: false}
  backup_restores: {enabled: 5, min_interval: 16m}
refresh: {min_interval: -5s, discovery_interval: 0s}
atlas: {}
`), declared())
	want := []string{
		`line 2: discovery.projects.exclude[1]: "(" is not a regular expression in RE2 syntax: missing closing )`,
		"line 3: discovery.clusters.include[0]: " + emptyPattern,
		"line 5: atlas.base_url: " + inTheClear,
		"line 6: atlas.max_retries: a whole number from 0 to 10 is expected here",
		"line 7: atlas.service_account.client_secrets: unknown key: did you mean client_secret? Known here are client_id, client_secret, client_secret_file",
		"line 8: atlas.api_key: the secret is missing: set private_key_file (or private_key)",
		"line 8: atlas.api_key: atlas.service_account is set too: keep one",
		"line 10: projects[0].id: " + notAnID,
		"line 11: projects[1]: project " + groupID + " is named here, and excluded by discovery.projects.exclude in line 2: keep one",
		"line 12: projects[2]: project " + groupID + " is listed twice: keep one",
		"line 13: projects[3].clusters.exclude[1]: " + valueWanted,
		"line 15: collectors.exports: unknown key: did you mean backup_exports? Known here are backup_exports, backup_restores, backup_snapshots, collection_restores, flex_restores, flex_snapshots, pipeline_runs",
		"line 16: collectors.backup_restores.enabled: " + yesOrNo,
		"line 16: collectors.backup_restores.min_interval: a duration from 0s to 15m is expected here",
		"line 17: refresh.min_interval: " + aDuration,
		"line 17: refresh.discovery_interval: a duration from 1s to 15m is expected here",
		"line 18: atlas: duplicate key: keep one",
	}
	faults, ok := errors.AsType[config.Errors](err)
	if !ok {
		t.Fatalf("not config.Errors: %v", err)
	}
	got := []string{}
	for _, fault := range faults {
		got = append(got, fault.Error())
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if err.Error() != strings.Join(want, "; ") {
		t.Errorf("as one message: %v", err)
	}
}

// TestNearest checks that the error for a misspelled key suggests the intended key, and no other.
func TestNearest(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"backup_export": "backup_exports", "backupexports": "backup_exports", "Backup-Exports": "backup_exports", "backup_exprots": "backup_exports",
		"exports": "backup_exports", "snapshots": "", "backup": "", "restores": "", "collection": "collection_restores", "runs": "pipeline_runs",
		"pipelines": "", "x": "", "": "", "flex_snapshot": "flex_snapshots", "flex_restore": "flex_restores", "clusters": "", "run": "",
		"xipene_runs": "", "efxrestores": "", "flex_restsor": "flex_restores",
	} {
		t.Run(cmp.Or(key, "empty"), func(t *testing.T) {
			_, err := config.Parse([]byte("collectors: {'"+key+"': {}}"), declared())
			_, hint, _ := strings.Cut(err.Error(), "did you mean ")
			if got, _, _ := strings.Cut(hint, "?"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestShownKeys checks which unknown keys a message repeats: none that is long or has characters that do not occur in keys,
// because it may be a secret.
func TestShownKeys(t *testing.T) {
	t.Parallel()
	long := "azAZ-_" + strings.Repeat("k", 34)
	for key, shown := range map[string]bool{long: true, long + "k": false, "k.": false, "k1": false, "mdb_sa_sk_k": false} {
		_, err := config.Parse([]byte("'"+key+"': 1\n"), declared())
		if err == nil || strings.Contains(err.Error(), key) != shown {
			t.Errorf("%q is answered with %v, want it shown: %t", key, err, shown)
		}
	}
}
