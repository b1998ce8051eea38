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

// reloadTimeout bounds a reload: reading the files, and waiting for another reload that reads them.
const reloadTimeout = 10 * time.Second

// errUnchanged is the outcome of a reload that found nothing to change.
var errUnchanged = errors.New("nothing changed")

// Reload reads the configuration and the secret file again. When they are bad or cannot be read in time, it returns why
// and keeps everything as it was. Reloads take turns.
func (d *Daemon) Reload() error {
	err := d.reload(nil)
	d.log(err)
	return err
}

// Run reloads at each signal, and when the content of the files changed: it looks once an interval, and 0 never looks. It
// returns when the context ends.
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
			_ = d.Reload() // which logs it
		case <-ticks:
			err := d.reload(d.changed)
			if auto.isNew(err) {
				d.log(err)
			}
		}
	}
}

// repeated tells an error from the same one again.
type repeated struct{ last string }

// isNew reports whether an outcome differs from the last, which is then this one. What changed nothing is not looked at.
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

// log logs the outcome of a reload.
func (d *Daemon) log(err error) {
	switch {
	case errors.Is(err, errUnchanged):
	case err != nil:
		_ = level.Error(d.logger).Log("msg", "reload failed, keeping the previous configuration", "err", err)
	default:
		_ = level.Info(d.logger).Log("msg", "the configuration was reloaded")
	}
}

// reload reads the configuration again, unless wanted reports that there is no need; nil always reads it.
func (d *Daemon) reload(wanted func() bool) error {
	ctx, cancel := context.WithTimeout(d.ctx, reloadTimeout)
	defer cancel()
	return d.replace(ctx, wanted)
}

// attempt is a reload that is under way.
type attempt struct {
	ended chan error
	over  bool // it has an outcome. The daemon's lock guards it
}

// replace waits for its turn, reads the configuration and puts it in force. It gives up when the context ends. A file that
// blocks keeps the turn then, so that no more than one goroutine ever waits for files, and what it reads is dropped.
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

// errBlocked says why a reload did not come to its end.
func errBlocked(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the configuration or the secret file could not be read within %s: is it a named pipe without a writer, or on a dead file system?", reloadTimeout)
	}
	return errors.New("the exporter is shutting down")
}

// conclude puts in force what was read, unless the attempt was given up meanwhile.
func (d *Daemon) conclude(a *attempt, s *settings, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.over {
		return
	}
	a.over = true
	if err != nil {
		maps.Copy(d.files, s.files) // a configuration that cannot be read names no secret file
	} else {
		d.files = s.files
		d.apply(s)
	}
	d.report(err)
	a.ended <- err
}

// giveUp ends an attempt with an error, unless it has ended meanwhile.
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

// ReloadError returns why the last reload failed, nil where it succeeded.
func (d *Daemon) ReloadError() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// report sets the gauges to the outcome of an attempt. The lock is held, so that they always show the last outcome.
func (d *Daemon) report(err error) {
	d.failed = err
	if err != nil {
		d.reloadSuccessful.Set(0)
		return
	}
	d.reloadSuccessful.Set(1)
	d.reloadTime.SetToCurrentTime()
}
