package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/trigger"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web/page"
)

// The commands.
const (
	serveCommand   = "serve"
	demoCommand    = "demo"
	checkCommand   = "check"
	triggerCommand = "trigger"
	healthCommand  = "healthcheck"
)

// flags are the parsed command-line flags.
type flags struct {
	atlasURL      string
	runbookURL    string
	files         *config.Reader
	table         collector.Table
	configFile    string
	autoReload    time.Duration
	telemetryPath string
	externalURL   string
	timeoutOffset time.Duration
	logLevel      string
	logFormat     string
	collectors    map[string]*switched
	web           *toolkit.FlagConfig
	listenGiven   bool // --web.listen-address
	configGiven   bool // --config.file
	webGiven      bool // --web.config.file

	check         check.Options   // only what its flags set
	trigger       trigger.Options // only what its flags set
	healthAddress string
}

// switched is a flag that turns a collector on or off.
type switched struct{ set, on bool }

// newApp declares the commands and their flags. Parsing the command line sets the flags.
func newApp(stdout, stderr io.Writer) (*kingpin.Application, *flags) {
	app := kingpin.New(program, "Prometheus exporter for MongoDB Atlas backups: snapshots, exports and restores.")
	app.UsageWriter(stdout).ErrorWriter(stderr).HelpFlag.Short('h')
	app.Version(version.Print(program)).VersionFlag.Short('V')
	f := &flags{files: &config.Reader{}, table: collector.All(), web: kingpinflag.AddFlags(app, defaultAddress)}
	f.addCommon(app)
	f.addCollectors(app)

	app.Command(serveCommand, "Serve metrics.").Default()
	app.Command(demoCommand, "Serve metrics of a simulated organization, without an account, a network or a configuration. "+
		"Listens on loopback unless --web.listen-address is set.")
	check.AddFlags(app.Command(checkCommand, check.Help), &f.check)
	trigger.AddFlags(app.Command(triggerCommand, trigger.Help), &f.trigger)
	health := app.Command(healthCommand, "Check that a running exporter is alive. The exit code is 0 if it is, else 1. "+
		"For container images without another HTTP client.")
	health.Flag("address", "Address of the exporter: host:port, or https://host:port if it serves TLS.").
		Default("127.0.0.1" + defaultAddress).StringVar(&f.healthAddress)
	return app, f
}

// addCommon declares the flags of more than one command.
func (f *flags) addCommon(app *kingpin.Application) {
	app.GetFlag("web.listen-address").IsSetByUser(&f.listenGiven).
		Help("Addresses on which to expose metrics and web interface. Repeatable for multiple addresses. " +
			"Examples: `:9972` or `[::1]:9972` for http, `vsock://:9972` for vsock")
	app.GetFlag("web.config.file").IsSetByUser(&f.webGiven)
	app.Flag("config.file", "Path to configuration file. By default, every key has its default and the credentials come from "+
		"the environment.").IsSetByUser(&f.configGiven).StringVar(&f.configFile)
	app.Flag("config.auto-reload-interval", "Interval for checking the configuration file and the secret file, and reloading "+
		"the configuration if they changed. 0 disables it.").Default("0s").DurationVar(&f.autoReload)
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.timeout-offset", "Offset to subtract from Prometheus's scrape timeout.").
		Default("500ms").DurationVar(&f.timeoutOffset)
	app.Flag("web.external-url", "The URL under which users and Prometheus reach the exporter, for example if it is behind a "+
		"reverse proxy. Service discovery uses its scheme, host and path. The exporter also serves everything below its path.").
		PlaceHolder("URL").StringVar(&f.externalURL)
	app.Flag("web.atlas-url", "Base URL of the page's links into Atlas.").Default(page.DefaultAtlasURL).StringVar(&f.atlasURL)
	app.Flag("web.runbook-url", "Prefix of the page's links to runbooks; the alert's name in lower case follows. "+
		"Default: the runbooks of this project.").PlaceHolder("URL").StringVar(&f.runbookURL)
	app.Flag("log.level", "Only log messages with the given severity or above. One of: [debug, info, warn, error]").
		Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Output format of log messages. One of: [logfmt, json]").
		Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
}

// addCollectors declares a flag for each collector.
func (f *flags) addCollectors(app *kingpin.Application) {
	f.collectors = map[string]*switched{}
	for _, name := range f.table.Configurable().Names() {
		given := &switched{}
		f.collectors[name] = given
		app.Flag("collector."+name, "Enable the "+name+" collector. Overrides the configuration file.").Default("true").
			IsSetByUser(&given.set).BoolVar(&given.on)
	}
}

// hideFlags hides the flags that have no effect on a command from its help. It changes only the help, because a word of
// args may also be the value of a flag.
func hideFlags(app *kingpin.Application, args []string) {
	means := func(string) bool { return true }
	for _, arg := range args {
		switch arg {
		case checkCommand, triggerCommand:
			means = func(flag string) bool {
				return !strings.HasPrefix(flag, "web.") && flag != "config.auto-reload-interval"
			}
		case demoCommand:
			means = func(flag string) bool { return !strings.HasPrefix(flag, "config.") }
			app.GetFlag("web.listen-address").PlaceHolder(demoAddress) // shown instead of the default of serve
		case healthCommand:
			means = func(string) bool { return false }
		}
	}
	for _, flag := range app.Model().Flags {
		if !means(flag.Name) && flag.Name != "help" && flag.Name != "version" {
			app.GetFlag(flag.Name).Hidden()
		}
	}
}

// checkPaths refuses an empty path of a file, which a variable that is not set causes: the program would run with other
// credentials, or without the password that the file demands.
func (f *flags) checkPaths() error {
	switch {
	case f.configGiven && f.configFile == "":
		return errors.New("--config.file: a path is expected, but it is empty")
	case f.webGiven && *f.web.WebConfigFile == "":
		return errors.New("--web.config.file: a path is expected, but it is empty")
	}
	return nil
}

// webOptions checks the flags of the commands that serve.
func (f *flags) webOptions(ctx context.Context, isDemo bool) (web.Options, error) {
	if err := web.CheckTelemetryPath(f.telemetryPath); err != nil {
		return web.Options{}, fmt.Errorf("--web.telemetry-path: %w", err)
	}
	for _, address := range *f.web.WebListenAddresses {
		if err := web.CheckListenAddress(ctx, address); err != nil {
			return web.Options{}, fmt.Errorf("--web.listen-address: %w", err)
		}
	}
	external, err := web.ParseExternalURL(f.externalURL)
	switch {
	case err != nil:
		return web.Options{}, fmt.Errorf("--web.external-url: %w", err)
	case f.timeoutOffset < 0:
		return web.Options{}, errors.New("--web.timeout-offset: 0s or more is expected: " +
			"a scrape has to be answered before Prometheus gives it up")
	case f.autoReload < 0:
		return web.Options{}, errors.New("--config.auto-reload-interval: 0s (off) or more is expected")
	case isDemo && f.configFile != "":
		return web.Options{}, errors.New("--config.file: the demo reads no configuration: leave the flag out, or run serve")
	}
	return web.Options{
		TelemetryPath: f.telemetryPath, TimeoutOffset: f.timeoutOffset, ExternalURL: external, Version: version.Version,
		AtlasURL: f.atlasURL, RunbookURL: f.runbookURL,
	}, nil
}

// load reads the configuration file, if there is one, and applies the flags.
func (f *flags) load(ctx context.Context) (config.Config, error) {
	c := config.Default(f.table.Config())
	if f.configFile != "" {
		var err error
		if c, err = f.files.LoadFile(ctx, f.configFile, f.table.Config()); err != nil {
			return config.Config{}, err
		}
	}
	return f.override(c)
}

// override applies the flags that were given to the configuration.
func (f *flags) override(c config.Config) (config.Config, error) {
	for name, given := range f.collectors {
		if given.set {
			c.Collectors.Enable(name, given.on)
		}
	}
	if err := c.Collectors.Check(); err != nil {
		return config.Config{}, fmt.Errorf("%s: %w", cmp.Or(f.configFile, "flags"), err)
	}
	return c, nil
}
