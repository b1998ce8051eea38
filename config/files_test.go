package config_test

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestRelativeSecretPath checks that the path of a secret file is relative to the folder of the configuration file.
func TestRelativeSecretPath(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	configFile, secretFile := filepath.Join(folder, "c.yml"), filepath.Join(folder, "run", "secret")
	write(t, secretFile, secret, 0o644)
	for _, text := range []string{
		"atlas: {service_account: {client_id: i, client_secret_file: run/secret}}",
		"atlas: {service_account: {client_id: i, client_secret_file: ./run/../run/secret}}",
		"atlas: {api_key: {public_key: k, private_key_file: run/secret}}",
		"atlas: {api_key: {public_key: k, private_key_file: " + secretFile + "}}",
	} {
		t.Run(text, func(t *testing.T) {
			write(t, configFile, text, 0o600)
			c := load(t, configFile)
			if got, err := c.Atlas.Credentials(t.Context(), nothing); err != nil || got.Secret != secret {
				t.Errorf("%+v (%v)", got, err)
			}
			if got := c.Files(); !slices.Equal(got, []string{configFile, secretFile}) {
				t.Errorf("the files are %q", got)
			}
			if loose, ok := c.LooseFile(t.Context()); !ok || loose.Path != secretFile {
				t.Errorf("the loose file is %s", loose)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	configFile := filepath.Join(t.TempDir(), "c.yml")
	for _, text := range []string{"", "atlas: {service_account: {client_id: i, client_secret: s}}"} {
		t.Run(cmp.Or(text, "empty"), func(t *testing.T) {
			write(t, configFile, text, 0o600)
			c := load(t, configFile)
			if got := c.Files(); !slices.Equal(got, []string{configFile}) {
				t.Errorf("the files are %q", got)
			}
		})
	}
	c := config.Default(declared())
	if got := c.Files(); len(got) != 0 {
		t.Errorf("without a file, the files are %q", got)
	}
}

func TestEndlessFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /dev/zero")
	}
	const want = "cannot read the configuration: /dev/zero is longer than 16 MiB"
	if _, err := config.LoadFile(t.Context(), "/dev/zero", declared()); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestVariableInPath checks that the error explains a path with a variable, which only a shell would have expanded.
func TestVariableInPath(t *testing.T) {
	t.Parallel()
	c := parse(t, "atlas: {api_key: {public_key: k, private_key_file: '/$CREDENTIALS_DIRECTORY/key'}}")
	const want = "atlas.api_key.private_key_file: there is no file /$CREDENTIALS_DIRECTORY/key: the exporter expands no variables, so write the path out"
	if _, err := c.Atlas.Credentials(t.Context(), nothing); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestLargestFile checks that a file of the maximum size is read, and a longer one is not.
func TestLargestFile(t *testing.T) {
	t.Parallel()
	const longest = 16 << 20
	path := filepath.Join(t.TempDir(), "c.yml")
	text := []byte("{}\n#" + strings.Repeat("x", longest-4))
	for more, want := range map[string]bool{"": true, "x": false} {
		write(t, path, string(text)+more, 0o600)
		if _, err := config.LoadFile(t.Context(), path, declared()); (err == nil) != want {
			t.Errorf("%d bytes: %v", len(text)+len(more), err)
		}
	}
}
