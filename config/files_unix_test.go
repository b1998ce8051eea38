//go:build unix

package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

func makePipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPipe reads the configuration and the secret from named pipes, which some password managers offer.
func TestPipe(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	configFile, secretFile := filepath.Join(folder, "c.yml"), filepath.Join(folder, "secret")
	makePipe(t, configFile)
	makePipe(t, secretFile)
	failed := make(chan error, 2)
	go func() {
		failed <- os.WriteFile(configFile, []byte("atlas: {service_account: {client_id: i, client_secret_file: secret}}"), 0o600)
		failed <- os.WriteFile(secretFile, []byte(secret+"\n"), 0o600)
	}()
	c := load(t, configFile)
	if got, err := c.Atlas.Credentials(t.Context(), nothing); err != nil || got.Secret != secret {
		t.Errorf("%+v (%v)", got, err)
	}
	for range 2 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// TestTimeout checks what happens if nobody writes to the pipe.
func TestTimeout(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yml")
	makePipe(t, path)
	const want = "cannot read the configuration: "
	inTime, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	cancelled, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	for _, test := range []struct {
		ctx  context.Context //nolint:containedctx // what the test varies
		want string
	}{
		{inTime, path + ": could not be read within 10s: if it is a named pipe, try again and write to it meanwhile, else check its file system"},
		{cancelled, path + ": the reading was interrupted: enough"},
	} {
		if _, err := config.LoadFile(test.ctx, path, declared()); err == nil || err.Error() != want+test.want {
			t.Errorf("%v, want %s", err, want+test.want)
		}
	}
}

// TestBlockedFile checks that reading a file that blocks ends with the context, and that reading it again does not add another
// blocked goroutine.
func TestBlockedFile(t *testing.T) {
	folder := t.TempDir()
	configFile, secretFile := filepath.Join(folder, "c.yml"), filepath.Join(folder, "secret")
	makePipe(t, secretFile)
	write(t, configFile, "atlas: {service_account: {client_id: i, client_secret_file: secret}}", 0o600)
	var reader config.Reader
	before := runtime.NumGoroutine()
	for range 20 {
		c, err := reader.LoadFile(t.Context(), configFile, declared())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err = c.Atlas.Credentials(ctx, nothing)
		cancel()
		want := "atlas.service_account.client_secret_file: " + secretFile + ": could not be read within 10s"
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Fatalf("%v, want %s…", err, want)
		}
	}
	for tries := 0; runtime.NumGoroutine()-before > 1; tries++ { // those that read the configuration are about to end
		if tries == 10_000 {
			t.Fatalf("%d goroutines are blocked by one file", runtime.NumGoroutine()-before)
		}
		time.Sleep(time.Millisecond)
	}
	f, err := os.OpenFile(secretFile, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil { // which ends the blocked read
		t.Error(err)
	}
}
