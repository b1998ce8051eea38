//go:build unix

package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/daemon"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// watched is a daemon with files as Kubernetes mounts them.
type watched struct {
	*source
	*daemon.Daemon

	dir, baseURL, credentials string
}

// What watch makes its credentials from. The path of the secret file follows.
const (
	serviceAccount = "service_account: {client_id: mdb_sa_id_test, client_secret_file: "
	apiKey         = "api_key: {public_key: public, private_key_file: "
)

// mount makes the links of the directory point to other files, all at once. The configuration ends with extra text.
func (w *watched) mount(t *testing.T, revision, secret, extra string) {
	t.Helper()
	for name, content := range map[string]string{
		"secret": secret,
		"config.yml": fmt.Sprintf("atlas:\n  base_url: %s\n  %s%s}\n%s",
			w.baseURL, w.credentials, filepath.Join(w.dir, "secret"), extra),
	} {
		path := filepath.Join(w.dir, revision, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	next := filepath.Join(w.dir, "..next")
	if err := errors.Join(os.Symlink(revision, next), os.Rename(next, filepath.Join(w.dir, "..data"))); err != nil {
		t.Fatal(err)
	}
}

// watch starts a daemon with the secret "one", whose files are links into a directory that mount swaps.
func watch(t *testing.T, baseURL, credentials string) *watched {
	t.Helper()
	w := &watched{source: new(source), dir: t.TempDir(), baseURL: baseURL, credentials: credentials}
	w.mount(t, "..1", "one", "")
	for _, name := range []string{"config.yml", "secret"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(w.dir, "config.yml")
	reader := new(config.Reader)
	d, err := daemon.New(t.Context(), daemon.Options{
		Load: func(ctx context.Context) (config.Config, error) {
			w.mu.Lock()
			w.loads++
			w.mu.Unlock()
			return reader.LoadFile(ctx, file, collector.All().Config())
		},
		Reader:     reader,
		Table:      collector.All(),
		ConfigFile: file, Getenv: func(string) string { return "" }, Logger: w.source,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	w.Daemon = d
	return w
}

// TestAutoReload checks that the daemon reloads by itself if the content of a file changed, and only then, reads the files
// once for each change, and logs a fault in them once.
func TestAutoReload(t *testing.T) {
	const interval = 30 * time.Second
	const bad = "refesh: {}\n"
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, "https://atlas.example", serviceAccount)
		signals := make(chan os.Signal, 1)
		go w.Run(t.Context(), signals, interval)
		steps := []struct {
			name              string
			do                func()
			reloads, failures int // in the log, from now on
			gauge             float64
		}{
			{"nothing", func() {}, 0, 0, 1},
			{"the same content in other files", func() { w.mount(t, "..2", "one", "") }, 0, 0, 1},
			{"another secret", func() { w.mount(t, "..3", "two", "") }, 1, 0, 1},
			{"a bad configuration", func() { w.mount(t, "..4", "two", bad) }, 0, 1, 0},
			{"the same content again", func() { w.mount(t, "..5", "two", bad) }, 0, 0, 0},
			{"a signal", func() { signals <- syscall.SIGHUP }, 0, 1, 0},
			{"a good configuration", func() { w.mount(t, "..6", "two", "refresh: {min_interval: 1m}\n") }, 1, 0, 1},
			{"no secret", func() { _ = os.Remove(filepath.Join(w.dir, "..6", "secret")) }, 0, 1, 0},
			{"a secret again", func() { w.mount(t, "..7", "two", "refresh: {min_interval: 1m}\n") }, 1, 0, 1},
			{"a change and a signal", func() {
				w.mount(t, "..8", "three", "")
				signals <- syscall.SIGHUP
			}, 1, 0, 1},
			{"a bad configuration once more", func() { w.mount(t, "..9", "three", bad) }, 0, 1, 0},
			{"a good configuration and a signal", func() {
				w.mount(t, "..10", "three", "")
				signals <- syscall.SIGHUP
			}, 1, 0, 1},
			{"the same fault", func() { w.mount(t, "..11", "three", bad) }, 0, 1, 0},
			{"an empty configuration", func() { _ = os.WriteFile(filepath.Join(w.dir, "..11", "config.yml"), []byte("\n"), 0o600) }, 0, 1, 0},
			{"its content", func() { w.mount(t, "..12", "three", "") }, 1, 0, 1},
		}
		for _, step := range steps {
			reloads, failures, loads := w.logged(succeeded), w.logged(failed), w.loaded()
			step.do()
			time.Sleep(3 * interval)
			synctest.Wait()
			reloads, failures = w.logged(succeeded)-reloads, w.logged(failed)-failures
			if gauge := successful(t, w.Daemon); reloads != step.reloads || failures != step.failures || gauge != step.gauge {
				t.Errorf("%s: %d reloads and %d failures in the log, the gauge is %g; want %d, %d and %g",
					step.name, reloads, failures, gauge, step.reloads, step.failures, step.gauge)
			}
			if got := w.loaded() - loads; got != step.reloads+step.failures {
				t.Errorf("%s: the configuration was read %d times, want %d", step.name, got, step.reloads+step.failures)
			}
		}
	})
}

// TestNoAutoReload checks that without an interval only a signal reloads, and that a pipe is not read to find out whether it
// changed.
func TestNoAutoReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, "https://atlas.example", serviceAccount)
		signals := make(chan os.Signal, 1)
		go w.Run(t.Context(), signals, 0)
		w.mount(t, "..2", "two", "")
		time.Sleep(time.Hour)
		synctest.Wait()
		if w.logged(succeeded) != 0 {
			t.Error("a file that changed was reloaded")
		}
		signals <- syscall.SIGHUP
		synctest.Wait()
		if w.logged(succeeded) != 1 {
			t.Error("a signal did not reload")
		}
	})
}

// TestPipeIsNotWatched checks that a named pipe as the secret file, which is empty after the first read, is not read again.
func TestPipeIsNotWatched(t *testing.T) {
	w := watch(t, "https://atlas.example", serviceAccount)
	pipe := filepath.Join(w.dir, "..1", "secret")
	if err := errors.Join(os.Remove(pipe), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := os.WriteFile(pipe, []byte("two"), 0o600); err != nil {
			t.Error(err)
		}
	}()
	if err := w.Reload(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx, nil, time.Millisecond) })
	file := filepath.Join(w.dir, "..1", "config.yml")
	harness.WriteFile(t, file, "refesh: {}\n") // read after the pipe would have been read
	harness.Eventually(t, func() error {
		if w.logged("refesh") == 0 {
			return errors.New("the configuration is not watched")
		}
		return nil
	})
	cancel()
	wg.Wait()
	if w.logged(failed) != 1 {
		t.Errorf("the log reports %d failed reloads", w.logged(failed))
	}
}

// TestFileThatBlocks checks that a named pipe without a writer ends reloads with an error that names it, delays no scrape, costs
// one goroutine, and that neither the pipe nor its late content matters once another file has replaced it.
func TestFileThatBlocks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for the whole time limit of a reload; TestReloadThatBlocks checks the limit")
	}
	w := watch(t, "https://atlas.example", serviceAccount)
	pipe := filepath.Join(w.dir, "..1", "secret")
	if err := errors.Join(os.Remove(pipe), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(w.dir, "secret")
	ended := make(chan error, 3)
	for range cap(ended) {
		go func() { ended <- w.Reload() }()
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // a reload has opened the pipe by then, and waits for input
	if err != nil {
		t.Fatal(err)
	}
	if successful(t, w.Daemon) != 1 || len(ended) != 0 {
		t.Error("a reload ended before its time")
	}
	for range cap(ended) {
		want := "credentials: atlas.service_account.client_secret_file: " + secret + ": could not be read within 10s: if it is a named pipe"
		if err := <-ended; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("a reload that blocks ends with %v, want %s…", err, want)
		}
	}
	stacks := make([]byte, 1<<20)
	if n := strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "config.readFile("); n != 1 {
		t.Errorf("%d goroutines read the pipe", n)
	}
	if successful(t, w.Daemon) != 0 || w.logged(failed) != cap(ended) {
		t.Errorf("the gauge is %g, and the log reports it %d times", successful(t, w.Daemon), w.logged(failed))
	}
	w.mount(t, "..2", "two", "")
	if err := w.Reload(); err != nil || successful(t, w.Daemon) != 1 {
		t.Errorf("without the pipe, a reload ends with %v, and the gauge is %g", err, successful(t, w.Daemon))
	}
	if _, err := writer.WriteString("late\nnonsense"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(writer.Close(), w.Reload()); err != nil {
		t.Error(err)
	}
	if w.logged(succeeded) != 2 || w.logged(failed) != cap(ended) || strings.Contains(w.log.String(), "nonsense") {
		t.Errorf("the log is\n%s", w.log.String())
	}
}

// TestRejectedSecretIsReadAgain checks that a secret that changed in its file is used by the same call whose old secret Atlas
// rejects, while a changed configuration waits for a reload.
func TestRejectedSecretIsReadAgain(t *testing.T) {
	t.Parallel()
	for _, credentials := range []string{serviceAccount, apiKey} {
		t.Run(strings.Fields(credentials)[0], func(t *testing.T) {
			t.Parallel()
			w := watch(t, newAtlas(t, "two").URL(), credentials)
			w.mount(t, "..2", "two", "refesh: {}\n")
			w.Exporter().Refresh(t.Context(), collector.Selection{})
			if err := w.Exporter().Ready(); err != nil {
				t.Error(err)
			}
			if w.logged("using the new content of the secret file") != 1 || w.logged("refesh") != 0 || successful(t, w.Daemon) != 1 {
				t.Errorf("the gauge is %g, and the log is\n%s", successful(t, w.Daemon), w.log.String())
			}
		})
	}
}

// TestReloadKeepsToken checks that a reload requests a new token only if the credentials or Atlas's address changed.
func TestReloadKeepsToken(t *testing.T) {
	t.Parallel()
	const always = "refresh: {min_interval: 0s}\n"
	first, second := newAtlas(t, "one"), newAtlas(t, "two")
	w := watch(t, first.URL(), serviceAccount)
	for i, step := range []struct {
		name          string
		change        func()
		first, second int // tokens that each has given
	}{
		{"the start", func() {}, 1, 0},
		{"the same", func() {}, 1, 0},
		{"another interval", func() { w.mount(t, "..2", "one", always) }, 1, 0},
		{"another secret", func() {
			first.AllowServiceAccount(atlassim.ServiceAccount{ClientID: "mdb_sa_id_test", ClientSecret: "two"})
			w.mount(t, "..3", "two", always)
		}, 2, 0},
		{"another address", func() {
			w.baseURL = second.URL()
			w.mount(t, "..4", "two", always)
		}, 2, 1},
	} {
		step.change()
		if i > 0 {
			if err := w.Reload(); err != nil {
				t.Fatal(err)
			}
		}
		w.Exporter().Refresh(t.Context(), collector.Selection{})
		if first.Mints() != step.first || second.Mints() != step.second {
			t.Errorf("%s: %d and %d tokens, want %d and %d", step.name, first.Mints(), second.Mints(), step.first, step.second)
		}
	}
}

// newAtlas starts a simulated Atlas that accepts a secret with both kinds of credentials.
func newAtlas(t *testing.T, secret string) *atlassim.Server {
	t.Helper()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	org.AddProject("project").AddCluster("cluster", atlassim.ClusterOptions{})
	return harness.StartAtlas(t, org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: "mdb_sa_id_test", ClientSecret: secret}},
		APIKeys:         []atlassim.APIKey{{PublicKey: "public", PrivateKey: secret}},
	})
}
