//go:build unix

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// TestSecretFile checks that the secret file is read again at most once an interval, that a fault in it is logged once, and
// that a named pipe is not read again.
func TestSecretFile(t *testing.T) {
	const cannot, using = "cannot be read again", "using the new content"
	path := filepath.Join(t.TempDir(), "secret")
	write := func(content string) func() error {
		return func() error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	remove := func() error { return os.Remove(path) }
	for _, kind := range []struct {
		name  string
		atlas config.Atlas
	}{
		{"service account", config.Atlas{ServiceAccount: &config.ServiceAccount{ClientID: "id", ClientSecretFile: path}}},
		{"API key", config.Atlas{APIKey: &config.APIKey{PublicKey: "public", PrivateKeyFile: path}}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged strings.Builder
				d := &Daemon{
					reader: new(config.Reader),
					getenv: func(string) string { return "" },
					logger: log.LoggerFunc(func(keyvals ...any) error {
						_, err := fmt.Fprintln(&logged, keyvals...)
						return err
					}),
				}
				f := d.newSecretFile(kind.atlas, kind.atlas.SecretFile(), "one")
				for _, step := range []struct {
					name   string
					do     func() error
					wait   time.Duration
					secret string
					fails  bool
					log    string // what one line has
				}{
					{"unchanged", write("one"), 0, "one", false, ""},
					{"changed within the interval", write("two"), rereadInterval / 2, "one", false, ""},
					{"changed", write("two"), rereadInterval, "two", false, using},
					{"missing", remove, rereadInterval, "", true, cannot},
					{"back within the interval", write("three"), rereadInterval / 2, "", true, ""},
					{"missing still", remove, rereadInterval, "", true, ""},
					{"a pipe", func() error { return syscall.Mkfifo(path, 0o600) }, rereadInterval, "two", false, ""},
					{"changed after a failure", func() error { return errors.Join(remove(), write("four")()) }, rereadInterval, "four", false, using},
					{"empty", write(""), rereadInterval, "", true, cannot},
				} {
					if err := step.do(); err != nil {
						t.Fatal(step.name, err)
					}
					time.Sleep(step.wait)
					logged.Reset()
					ctx, cancel := context.WithCancel(t.Context())
					cancel() // a scrape that ended leaves no failure for the next one
					secret, err := f.refresh(ctx)
					if (err != nil) != step.fails || err == nil && secret.Reveal() != step.secret {
						t.Errorf("%s: %q (%v), want %q", step.name, secret.Reveal(), err, step.secret)
					}
					if got := logged.String(); strings.Count(got, "\n") != min(len(step.log), 1) || !strings.Contains(got, step.log) {
						t.Errorf("%s: the log has %q, want one line with %q", step.name, got, step.log)
					}
				}
			})
		})
	}
}
