package config_test

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLooseFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	configFile, secretFile := filepath.Join(folder, "config.yml"), filepath.Join(folder, "secret")
	const none = ""
	for _, test := range []struct {
		name                   string
		text                   string
		configMode, secretMode fs.FileMode
		want                   string
		mode                   string
	}{
		{"a secret file of its owner", "service_account: {client_id: i, client_secret_file: FILE}", 0o644, 0o600, none, ""},
		{"one that cannot be changed", "service_account: {client_id: i, client_secret_file: FILE}", 0o644, 0o400, none, ""},
		{"one of a group, as Kubernetes mounts it", "service_account: {client_id: i, client_secret_file: FILE}", 0o644, 0o440, none, ""},
		{"one of a group, as packages do", "service_account: {client_id: i, client_secret_file: FILE}", 0o644, 0o660, none, ""},
		{"one that others may execute", "service_account: {client_id: i, client_secret_file: FILE}", 0o644, 0o611, none, ""},
		{"one that others may read", "service_account: {client_id: i, client_secret_file: FILE}", 0o600, 0o644, secretFile, "0644"},
		{"one that others may change", "service_account: {client_id: i, client_secret_file: FILE}", 0o600, 0o602, secretFile, "0602"},
		{"a private key that others may read", "api_key: {public_key: k, private_key_file: FILE}", 0o600, 0o404, secretFile, "0404"},
		{"a secret in the configuration", "service_account: {client_id: i, client_secret: s}", 0o600, 0o644, none, ""},
		{"a configuration with a secret that others may read", "service_account: {client_id: i, client_secret: s}", 0o644, 0o600, configFile, "0644"},
		{"a private key in the configuration", "api_key: {public_key: k, private_key: s}", 0o604, 0o600, configFile, "0604"},
		{"no secret", "", 0o644, 0o644, none, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, secretFile, secret, test.secretMode)
			write(t, configFile, "atlas: {"+strings.ReplaceAll(test.text, "FILE", secretFile)+"}", test.configMode)
			c := load(t, configFile)
			loose, ok := c.LooseFile(t.Context())
			if ok != (test.want != none) {
				t.Errorf("loose is %t: %s", ok, loose)
				return
			}
			if !ok {
				return
			}
			if loose.Path != test.want || !strings.Contains(loose.String(), test.want+" has mode "+test.mode+": ") || !strings.Contains(loose.Remedy(), "chmod 600 "+test.want) {
				t.Errorf("%s; %s", loose, loose.Remedy())
			}
		})
	}
}

// TestLooseFileBehindLinks mounts a Secret as Kubernetes does: as a link to a link to the file. The mode of a link itself is
// always 0777.
func TestLooseFileBehindLinks(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stamped := filepath.Join(folder, "..2026_11_20")
	if err := os.Mkdir(stamped, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..2026_11_20", filepath.Join(folder, "..data")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "secret")
	if err := os.Symlink(filepath.Join("..data", "secret"), link); err != nil {
		t.Fatal(err)
	}
	c := parse(t, "atlas: {service_account: {client_id: i, client_secret_file: "+link+"}}")
	for mode, want := range map[fs.FileMode]bool{0o440: false, 0o644: true} {
		write(t, filepath.Join(stamped, "secret"), secret, mode)
		if loose, ok := c.LooseFile(t.Context()); ok != want || ok && (loose.Path != link || loose.Mode != mode) {
			t.Errorf("a Secret with mode %04o: loose is %t: %s", mode, ok, loose)
		}
	}
}

// TestNoLooseFile checks that there is no warning about secrets that are not in a file, about a missing file, and about a
// directory, which chmod 600 would make unusable: the error of reading it is enough.
func TestNoLooseFile(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "service_account: {client_id: i, client_secret: s}", "service_account: {client_id: i, client_secret_file: " + open + "}",
		"api_key: {public_key: k, private_key_file: /nowhere/secret}",
	} {
		t.Run(cmp.Or(text, "empty"), func(t *testing.T) {
			c := parse(t, "atlas: {"+text+"}")
			if loose, ok := c.LooseFile(t.Context()); ok {
				t.Errorf("%s", loose)
			}
		})
	}
}
