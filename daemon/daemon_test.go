package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/daemon"
)

// source is a configuration that tests change, and the log of the daemon that loads it.
type source struct {
	mu    sync.Mutex
	bad   error
	block <-chan struct{}
	loads int
	log   strings.Builder
	onLog func(line string)
}

// set changes what is loaded from now on: err if it is not nil, and nothing before block is closed.
func (s *source) set(err error, block <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad, s.block = err, block
}

func (s *source) load(ctx context.Context) (config.Config, error) {
	s.mu.Lock()
	s.loads++
	bad, block := s.bad, s.block
	s.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done(): // like a read of a file
			return config.Config{}, fmt.Errorf("the file blocks: %w", context.Cause(ctx))
		}
	}
	c := config.Default(collector.All().Config())
	c.Atlas.ServiceAccount = &config.ServiceAccount{ClientID: "mdb_sa_id_test", ClientSecret: "secret"}
	return c, bad
}

func (s *source) loaded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// Log implements log.Logger.
func (s *source) Log(keyvals ...any) error {
	line := fmt.Sprintln(keyvals...)
	if s.onLog != nil {
		s.onLog(line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.WriteString(line)
	return nil
}

func (s *source) logged(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.log.String(), text)
}

const (
	failed    = "reload failed, keeping the previous configuration"
	succeeded = "the configuration was reloaded"
)

func start(t *testing.T, s *source) *daemon.Daemon {
	t.Helper()
	d, err := daemon.New(t.Context(), daemon.Options{Load: s.load, Table: collector.All(), Getenv: func(string) string { return "" }, Logger: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// successful returns mongodbatlas_exporter_config_last_reload_successful.
func successful(t *testing.T, d *daemon.Daemon) float64 {
	t.Helper()
	families, err := d.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "mongodbatlas_exporter_config_last_reload_successful" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no gauge of the last reload")
	return 0
}

// TestReloadThatBlocks checks that a file that cannot be read ends a reload with its error in time, and delays no later reload
// by more than that.
func TestReloadThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(source)
		d := start(t, s)
		s.set(nil, make(chan struct{}))
		began := time.Now()
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- d.Reload() }()
		}
		for range 2 {
			if err := <-ended; err == nil || !strings.Contains(err.Error(), "the file blocks") {
				t.Errorf("a reload that blocks ends with %v", err)
			}
		}
		if took := time.Since(began); took != config.ReadTimeout+time.Second {
			t.Errorf("two reloads take %s", took)
		}
		if successful(t, d) != 0 || s.logged(failed) != 2 {
			t.Errorf("the gauge is %g, and the log reports it %d times", successful(t, d), s.logged(failed))
		}
		s.set(nil, nil)
		if err := d.Reload(); err != nil || successful(t, d) != 1 {
			t.Errorf("the next reload ends with %v, and the gauge is %g", err, successful(t, d))
		}
	})
}

// TestCloseWhileReloading checks that Close ends a blocked reload, and that a reload that can be read by then changes nothing.
func TestCloseWhileReloading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(source)
		d := start(t, s)
		s.set(nil, make(chan struct{}))
		ended := make(chan error, 1)
		go func() { ended <- d.Reload() }()
		synctest.Wait()
		began := time.Now()
		d.Close()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "shutting down") || time.Since(began) != 0 {
			t.Errorf("the reload ends with %v after %v", err, time.Since(began))
		}
		s.set(nil, nil)
		if err := d.Reload(); err == nil || successful(t, d) != 0 {
			t.Errorf("a reload after the end ends with %v, and the gauge is %g", err, successful(t, d))
		}
	})
}

// TestStartThatBlocks checks that a start waits as long as a reload, and can be cancelled meanwhile.
func TestStartThatBlocks(t *testing.T) {
	for _, test := range []struct {
		name      string
		cancelled bool
		after     time.Duration
		want      string
	}{
		{"until the end", false, config.ReadTimeout, "the file blocks: context deadline exceeded"},
		{"cancelled", true, time.Second, "the file blocks: terminated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(source)
				s.set(nil, make(chan struct{}))
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.cancelled {
					time.AfterFunc(test.after, func() { cancel(errors.New("terminated")) })
				}
				began := time.Now()
				_, err := daemon.New(ctx, daemon.Options{Load: s.load, Table: collector.All(), Logger: s})
				if err == nil || err.Error() != test.want || time.Since(began) != test.after {
					t.Errorf("the start ends with %v after %s, want %s after %s", err, time.Since(began), test.want, test.after)
				}
			})
		})
	}
}

// TestGaugeOfConcurrentReloads checks that the gauge shows the outcome of the last reload, even if an earlier one is slow to
// log its own.
func TestGaugeOfConcurrentReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(source)
		d := start(t, s)
		release := make(chan struct{})
		s.onLog = func(line string) {
			if strings.Contains(line, failed) {
				<-release
			}
		}
		s.set(errors.New("line 7: nonsense"), nil)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if d.Reload() == nil {
				t.Error("a bad configuration was reloaded")
			}
		}()
		synctest.Wait()
		if successful(t, d) != 0 {
			t.Error("the gauge does not show the failure")
		}
		s.set(nil, nil)
		if err := d.Reload(); err != nil {
			t.Error(err)
		}
		close(release)
		<-ended
		if successful(t, d) != 1 {
			t.Error("the gauge shows an earlier failure")
		}
	})
}
