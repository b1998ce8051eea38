// Package daemon is the running exporter without its HTTP server. It holds the current configuration, the client and
// the collectors, and replaces them when the configuration is reloaded.
package daemon

import (
	"context"
	"errors"
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
	load       func(context.Context) (config.Config, error)
	reader     *config.Reader
	configFile string
	getenv     func(string) string
	userAgent  string
	logger     log.Logger
	api        *collector.ClientMetrics
	exporter   *collector.Exporter
	registry   *prometheus.Registry

	reloadSuccessful prometheus.Gauge
	reloadTime       prometheus.Gauge

	ctx    context.Context //nolint:containedctx // the life of the daemon: a reload may be under way when it ends
	cancel context.CancelCauseFunc

	reloading chan struct{} // full while a reload reads files. It is no mutex, so that synctest can test the time limits

	mu     sync.Mutex // never held while files are read, so that a slow file delays no scrape
	config config.Config
	active activeCredentials
	client *atlasapi.Client
	limits *atlasapi.Limits
	files  fingerprint
	failed error // error of the last reload, nil if it succeeded
}

// activeCredentials are the credentials in use, and the settings that they were made from. They cache a token or
// challenges, so they are replaced only if the settings change.
type activeCredentials struct {
	from        config.Credentials
	baseURL     string
	credentials atlasapi.Credentials
}

// Options configure a daemon.
type Options struct {
	// Load reads the configuration and applies the flags. New and every reload call it. It returns when its context
	// ends.
	Load func(context.Context) (config.Config, error)
	// Reader is what Load reads files with; nil is a new one.
	Reader *config.Reader
	// ConfigFile is the file that Load reads, "" if there is none. Run watches its content.
	ConfigFile string
	// Getenv looks up an environment variable; nil is the process's own.
	Getenv func(string) string
	// Table is all collectors.
	Table     collector.Table
	UserAgent string
	Logger    log.Logger
}

// New reads the configuration as a reload does, and creates the client and the collectors. It sends nothing to Atlas. It
// returns an error if the configuration is bad or cannot be read in time, or if the context ends first.
func New(ctx context.Context, o Options) (*Daemon, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Reader == nil {
		o.Reader = new(config.Reader)
	}
	registry := prometheus.NewRegistry()
	api := collector.NewClientMetrics(o.Logger, registry)
	d := &Daemon{
		load: o.Load, reader: o.Reader, configFile: o.ConfigFile, getenv: o.Getenv, userAgent: o.UserAgent, logger: o.Logger,
		registry: registry, api: api, exporter: collector.New(o.Logger, api, o.Table), limits: atlasapi.NewLimits(),
		reloadSuccessful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mongodbatlas_exporter_config_last_reload_successful",
			Help: "1 when the last reload of the configuration succeeded.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mongodbatlas_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration was last reloaded successfully.",
		}),
		reloading: make(chan struct{}, 1), files: fingerprint{},
	}
	registry.MustRegister(d.reloadSuccessful, d.reloadTime)
	d.ctx, d.cancel = context.WithCancelCause(ctx)
	if err := d.replace(ctx, nil); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Exporter returns what scrapes read from.
func (d *Daemon) Exporter() *collector.Exporter { return d.exporter }

// Registry returns the registry with the exporter's own counters.
func (d *Daemon) Registry() *prometheus.Registry { return d.registry }

// Close stops all reading and closes all connections. A running reload ends with an error and changes nothing.
func (d *Daemon) Close() {
	d.cancel(errors.New("the exporter is shutting down"))
	d.exporter.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		d.client.Close()
	}
}

// settings are the result of reading the configuration and the secret file.
type settings struct {
	config      config.Config
	base        string
	credentials config.Credentials
	options     atlasapi.Options
	files       fingerprint
}

// read reads the configuration and the secret file. It changes nothing. With an error it returns only the fingerprint.
func (d *Daemon) read(ctx context.Context) (*settings, error) {
	// The fingerprint is taken before the files are read, so that a change in between is found the next time.
	s := &settings{files: fingerprint{}}
	if d.configFile != "" {
		s.files[d.configFile] = d.sum(ctx, d.configFile)
	}
	c, err := d.load(ctx)
	if err != nil {
		return s, err
	}
	if c.IsBlank() && d.client != nil {
		return s, fmt.Errorf("%s is empty: write the configuration into it, or restart the exporter with the defaults", d.configFile)
	}
	for _, path := range c.Files() {
		if _, done := s.files[path]; !done {
			s.files[path] = d.sum(ctx, path)
		}
	}
	base, err := c.Atlas.URL(d.getenv)
	if err != nil {
		return s, err
	}
	credentials, err := c.Atlas.Credentials(ctx, d.getenv)
	if err != nil {
		return s, fmt.Errorf("credentials: %w", err)
	}
	if loose, ok := c.LooseFile(ctx); ok {
		_ = level.Warn(d.logger).Log("msg", "every user of this machine can read or change a secret",
			"file", loose.Path, "mode", fmt.Sprintf("%04o", loose.Mode), "remedy", loose.Remedy())
	}
	s.config, s.base, s.credentials, s.options = c, base.String(), credentials, c.Atlas.ClientOptions()
	s.options.BaseURL = base
	if path := c.Atlas.SecretFile(); path != "" {
		s.options.RefreshSecret = d.newSecretFile(c.Atlas, path, credentials.Secret).refresh
	}
	return s, nil
}

// apply replaces the current settings. The lock is held.
func (d *Daemon) apply(s *settings) {
	another := d.active.from != s.credentials || d.active.baseURL != s.base
	if another {
		d.active = activeCredentials{from: s.credentials, baseURL: s.base, credentials: s.credentials.ForAtlas()}
	}
	old := d.client
	s.options.Credentials, s.options.Limits = d.active.credentials, d.limits
	s.options.UserAgent, s.options.Observer = d.userAgent, d.api
	d.config, d.client = s.config, atlasapi.New(s.options)
	if another {
		d.exporter.Restart(s.config, d.client) // at the start, the first discovery begins when the program listens
	} else {
		d.exporter.Configure(s.config, d.client)
	}
	if old != nil {
		old.Close()
	}
}
