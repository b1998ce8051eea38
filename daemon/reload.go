package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/go-kit/log/level"
)

// reloadTimeout bounds a reload: waiting for another reload, and reading the files.
const reloadTimeout = 10 * time.Second

// errUnchanged is the result of a reload that found no change.
var errUnchanged = errors.New("nothing changed")

// Reload reads the configuration and the secret file again. If they are bad or cannot be read in time, it returns an
// error and keeps the previous configuration. Concurrent reloads run one after the other.
func (d *Daemon) Reload() error {
	err := d.reload(nil)
	d.log(err)
	return err
}

// Run reloads at each signal, and when the content of the files has changed. It checks the files once in each interval,
// or never if the interval is 0. It returns when the context ends.
func (d *Daemon) Run(ctx context.Context, signals <-chan os.Signal, interval time.Duration) {
	var ticks <-chan time.Time
	if interval > 0 {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		ticks = ticker.C
	}
	var auto repeated
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_ = d.Reload() // it logs the error itself
		case <-ticks:
			err := d.reload(d.changed)
			if auto.isNew(err) {
				d.log(err)
			}
		}
	}
}

// repeated detects an error that is the same as the last one.
type repeated struct{ last string }

// isNew reports whether a result differs from the last one, and remembers it. It ignores errUnchanged.
func (r *repeated) isNew(err error) bool {
	text := ""
	switch {
	case errors.Is(err, errUnchanged):
		return false
	case err != nil:
		text = err.Error()
	}
	last := r.last
	r.last = text
	return err == nil || text != last
}

// log logs the result of a reload.
func (d *Daemon) log(err error) {
	switch {
	case errors.Is(err, errUnchanged):
	case err != nil:
		_ = level.Error(d.logger).Log("msg", "reload failed, keeping the previous configuration", "err", err)
	default:
		_ = level.Info(d.logger).Log("msg", "the configuration was reloaded")
	}
}

// reload reads the configuration again if wanted returns true. If wanted is nil, it always reads it.
func (d *Daemon) reload(wanted func() bool) error {
	ctx, cancel := context.WithTimeout(d.ctx, reloadTimeout)
	defer cancel()
	return d.replace(ctx, wanted)
}

// attempt is a running reload.
type attempt struct {
	ended chan error
	over  bool // whether it has a result; guarded by the daemon's lock
}

// replace waits for its turn, reads the configuration and applies it. It gives up when the context ends. If a file
// still blocks then, the goroutine that reads it keeps the turn and drops its result, so that never more than one
// goroutine waits for files.
func (d *Daemon) replace(ctx context.Context, wanted func() bool) error {
	a := &attempt{ended: make(chan error, 1)}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return d.giveUp(a, fmt.Errorf("an earlier reload still reads a file: %w", errBlocked(ctx)))
	}
	go func() {
		defer func() { <-d.turn }()
		if wanted != nil && !wanted() {
			a.ended <- errUnchanged
			return
		}
		s, err := d.read(ctx)
		d.conclude(a, s, err)
	}()
	select {
	case err := <-a.ended:
		return err
	case <-ctx.Done():
		return d.giveUp(a, errBlocked(ctx))
	}
}

// errBlocked says why a reload was given up.
func errBlocked(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the configuration or the secret file could not be read within %s: is it a named pipe without a writer, or on a dead file system?", reloadTimeout)
	}
	return errors.New("the exporter is shutting down")
}

// conclude applies the settings, unless the attempt was given up in the meantime.
func (d *Daemon) conclude(a *attempt, s *settings, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.over {
		return
	}
	a.over = true
	if err != nil {
		maps.Copy(d.files, s.files) // a configuration that cannot be read does not name its secret file: keep that of the last one
	} else {
		d.files = s.files
		d.apply(s)
	}
	d.report(err)
	a.ended <- err
}

// giveUp ends an attempt with an error, unless it ended in the meantime.
func (d *Daemon) giveUp(a *attempt, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.over {
		return <-a.ended
	}
	a.over = true
	d.report(err)
	return err
}

// ReloadError returns the error of the last reload, nil if it succeeded.
func (d *Daemon) ReloadError() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// report sets the gauges to the result of an attempt. The lock is held, so that they always show the last result.
func (d *Daemon) report(err error) {
	d.failed = err
	if err != nil {
		d.reloadSuccessful.Set(0)
		return
	}
	d.reloadSuccessful.Set(1)
	d.reloadTime.SetToCurrentTime()
}
