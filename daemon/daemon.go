// Package daemon holds what runs: the configuration in force, the client and the collectors made of it, and the one
// path by which they are replaced.
package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Daemon is the running exporter without its HTTP server.
type Daemon struct {
	load      func() (config.Config, error)
	getenv    func(string) string
	userAgent string
	logger    log.Logger
	api       *collector.ClientMetrics
	exporter  *collector.Exporter
	registry  *prometheus.Registry

	reloadSuccessful prometheus.Gauge
	reloadTime       prometheus.Gauge

	mu     sync.Mutex
	proof  proof
	client *atlasapi.Client
	limits *atlasapi.Limits
}

// proof is the credentials in use, and what they are known by. It is replaced only when they change, because it
// caches a token or challenges.
type proof struct {
	of          config.Credentials
	baseURL     string
	credentials atlasapi.Credentials
}

// Options are what a daemon is made of.
type Options struct {
	// Load reads the configuration, with the flags applied to it. It is called at the start and at each reload.
	Load func() (config.Config, error)
	// Getenv looks up an environment variable; nil is the process's own.
	Getenv func(string) string
	// Table is all collectors.
	Table     collector.Table
	UserAgent string
	Logger    log.Logger
}

// New reads the configuration and makes everything of it. It sends nothing yet.
func New(o Options) (*Daemon, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	registry := prometheus.NewRegistry()
	api := collector.NewClientMetrics(o.Logger, registry)
	d := &Daemon{
		load: o.Load, getenv: o.Getenv, userAgent: o.UserAgent, logger: o.Logger, registry: registry,
		api: api, exporter: collector.New(o.Logger, api, o.Table), limits: atlasapi.NewLimits(),
		reloadSuccessful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mongodbatlas_exporter_config_last_reload_successful",
			Help: "1 when the last reload of the configuration succeeded.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mongodbatlas_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration was last reloaded successfully.",
		}),
	}
	registry.MustRegister(d.reloadSuccessful, d.reloadTime)
	if err := d.apply(); err != nil {
		d.exporter.Close()
		return nil, err
	}
	return d, nil
}

// Exporter returns the collectors.
func (d *Daemon) Exporter() *collector.Exporter { return d.exporter }

// Registry holds what the daemon counts itself.
func (d *Daemon) Registry() *prometheus.Registry { return d.registry }

// Reload reads the configuration and the secret files again. When they are bad, it returns why, and everything stays
// as it was.
func (d *Daemon) Reload() error {
	err := d.apply()
	if err != nil {
		_ = level.Error(d.logger).Log("msg", "the configuration was not reloaded, the old one stays in force", "err", err)
		d.reloadSuccessful.Set(0)
		return err
	}
	_ = level.Info(d.logger).Log("msg", "the configuration was reloaded")
	return nil
}

// Close ends all reading and all connections.
func (d *Daemon) Close() {
	d.exporter.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.client.Close()
}

func (d *Daemon) apply() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.load()
	if err != nil {
		return err
	}
	base, err := c.Atlas.URL(d.getenv)
	if err != nil {
		return err
	}
	credentials, err := c.Atlas.Credentials(context.Background(), d.getenv)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	if loose, ok := c.LooseFile(); ok {
		_ = level.Warn(d.logger).Log("msg", "every user of this machine can get at a secret",
			"file", loose.Path, "mode", fmt.Sprintf("%04o", loose.Mode), "remedy", loose.Remedy())
	}
	if d.proof.of != credentials || d.proof.baseURL != base.String() {
		d.proof = proof{of: credentials, baseURL: base.String(), credentials: credentials.ForAtlas()}
	}
	old := d.client
	options := c.Atlas.ClientOptions()
	options.BaseURL, options.Credentials, options.Limits = base, d.proof.credentials, d.limits
	options.UserAgent, options.Observer = d.userAgent, d.api
	d.client = atlasapi.New(options)
	d.exporter.Configure(c, d.client)
	if old != nil {
		old.Close()
	}
	d.reloadSuccessful.Set(1)
	d.reloadTime.SetToCurrentTime()
	return nil
}
