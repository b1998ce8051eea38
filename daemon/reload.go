package daemon

import (
	"context"
	"errors"
	"maps"
	"os"
	"time"

	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// errUnchanged is the result of a reload that found no change.
var errUnchanged = errors.New("nothing changed")

// Reload reads the configuration and the secret file again. If they are bad or cannot be read in time, it returns an
// error and keeps the previous configuration. Concurrent reloads run one after the other.
func (d *Daemon) Reload() error {
	err := d.replace(d.ctx, nil)
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
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_ = d.Reload() // it logs the error itself
		case <-ticks:
			before := d.ReloadError()
			err := d.replace(d.ctx, d.changed)
			if !isSameError(before, err) {
				d.log(err)
			}
		}
	}
}

// isSameError reports whether an error is the one before it, which is logged already.
func isSameError(before, err error) bool {
	return before != nil && err != nil && before.Error() == err.Error()
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

// replace reads the configuration and applies it, if wanted is nil or returns true. Waiting for an earlier reload and
// reading take config.ReadTimeout together. Reading has at least a second of it, to find out which file blocks.
func (d *Daemon) replace(ctx context.Context, wanted func(context.Context) bool) error {
	began := time.Now()
	select {
	case d.reloading <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-d.reloading }()
	ctx, cancel := context.WithTimeout(ctx, max(config.ReadTimeout-time.Since(began), time.Second))
	defer cancel()
	if wanted != nil && !wanted(ctx) {
		return errUnchanged
	}
	s, err := d.read(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		err = context.Cause(d.ctx) // after Close, nothing would close another client
	}
	if err != nil {
		maps.Copy(d.files, s.files) // a configuration that cannot be read names no secret file: keep that of the last one
	} else {
		d.files = s.files
		d.apply(s)
	}
	d.report(err)
	return err
}

// ReloadError returns the error of the last reload, nil if it succeeded.
func (d *Daemon) ReloadError() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// report sets the gauges to the result of a reload. The lock is held, so that they always show the last result.
func (d *Daemon) report(err error) {
	d.failed = err
	if err != nil {
		d.reloadSuccessful.Set(0)
		return
	}
	d.reloadSuccessful.Set(1)
	d.reloadTime.SetToCurrentTime()
}
