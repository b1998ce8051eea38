// Package commandline declares the program's commands and flags, and parses and checks the command line.
package commandline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// Program is the name of the program.
const Program = "mongodbatlas_backup_exporter"

// The commands.
const (
	Serve       = "serve"
	Demo        = "demo"
	Check       = "check"
	Trigger     = "trigger"
	Healthcheck = "healthcheck"
)

const (
	defaultAddress = ":9972"
	// demoAddress is loopback, because everybody who reaches the demo's port can see its page and reload it.
	demoAddress = "127.0.0.1:9972"
)

// Flags are the parsed flags, and what main needs to follow them.
type Flags struct {
	// ConfigFile is the path of the configuration file, "" if there is none.
	ConfigFile string
	// Files reads the configuration file and the secret files.
	Files *config.Reader
	// Table is all collectors. Each has a flag.
	Table collector.Table
	// AutoReload is the interval of the checks for changed files, 0 for none.
	AutoReload time.Duration
	// LogLevel and LogFormat are those of the logger.
	LogLevel, LogFormat string
	// Web has the addresses to listen on, and the path of the web configuration.
	Web *toolkit.FlagConfig
	// Check and Trigger have only the options that flags set.
	Check   check.Options
	Trigger trigger.Options
	// HealthAddress is the address that the command healthcheck asks.
	HealthAddress string

	atlasURL, runbookURL       string
	telemetryPath, externalURL string
	timeoutOffset              time.Duration
	collectors                 map[string]*switched
	listenGiven                bool // --web.listen-address
	configGiven                bool // --config.file
	webGiven                   bool // --web.config.file
}

// switched is a flag that turns a collector on or off.
type switched struct{ set, on bool }

// Parse parses the command line and returns the command and its flags. Help and version go to stdout, and end the program.
func Parse(args []string, stdout, stderr io.Writer) (command string, f *Flags, err error) {
	app, f := newApp(stdout, stderr)
	hideFlags(app, args)
	command, err = parse(app, args)
	if err == nil {
		err = f.checkPaths()
	}
	if err != nil {
		return "", nil, err
	}
	if command == Demo && !f.listenGiven {
		*f.Web.WebListenAddresses = []string{demoAddress}
	}
	return command, f, nil
}

// newApp declares the commands and their flags. Parsing the command line sets the flags.
func newApp(stdout, stderr io.Writer) (*kingpin.Application, *Flags) {
	app := kingpin.New(Program, "Prometheus exporter for MongoDB Atlas backups: snapshots, exports and restores.")
	app.UsageWriter(stdout).ErrorWriter(stderr).HelpFlag.Short('h')
	app.Version(version.Print(Program)).VersionFlag.Short('V')
	f := &Flags{Files: &config.Reader{}, Table: collector.All(), Web: kingpinflag.AddFlags(app, defaultAddress)}
	f.addCommon(app)
	f.addCollectors(app)

	app.Command(Serve, "Serve metrics.").Default()
	app.Command(Demo, "Serve metrics of a simulated organization, without an account, a network or a configuration. "+
		"Listens on loopback unless --web.listen-address is set.")
	check.AddFlags(app.Command(Check, check.Help), &f.Check)
	trigger.AddFlags(app.Command(Trigger, trigger.Help), &f.Trigger)
	health := app.Command(Healthcheck, "Check that a running exporter is alive. The exit code is 0 if it is, else 1. "+
		"For container images without another HTTP client.")
	health.Flag("address", "Address of the exporter: host:port, or https://host:port if it serves TLS.").
		Default("127.0.0.1" + defaultAddress).StringVar(&f.HealthAddress)
	return app, f
}

// addCommon declares the flags of more than one command.
func (f *Flags) addCommon(app *kingpin.Application) {
	app.GetFlag("web.listen-address").IsSetByUser(&f.listenGiven).
		Help("Addresses on which to expose metrics and web interface. Repeatable for multiple addresses. " +
			"Examples: `:9972` or `[::1]:9972` for http, `vsock://:9972` for vsock")
	app.GetFlag("web.config.file").IsSetByUser(&f.webGiven)
	app.Flag("config.file", "Path to configuration file. By default, every key has its default and the credentials come from "+
		"the environment.").IsSetByUser(&f.configGiven).StringVar(&f.ConfigFile)
	app.Flag("config.auto-reload-interval", "Interval for checking the configuration file and the secret file, and reloading "+
		"the configuration if they changed. 0 disables it.").Default("0s").DurationVar(&f.AutoReload)
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
		Default("info").EnumVar(&f.LogLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Output format of log messages. One of: [logfmt, json]").
		Default("logfmt").EnumVar(&f.LogFormat, "logfmt", "json")
}

// addCollectors declares a flag for each collector.
func (f *Flags) addCollectors(app *kingpin.Application) {
	f.collectors = map[string]*switched{}
	for _, name := range f.Table.Configurable().Names() {
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
		case Check, Trigger:
			means = func(flag string) bool {
				return !strings.HasPrefix(flag, "web.") && flag != "config.auto-reload-interval"
			}
		case Demo:
			means = func(flag string) bool { return !strings.HasPrefix(flag, "config.") }
			app.GetFlag("web.listen-address").PlaceHolder(demoAddress) // shown instead of the default of serve
		case Healthcheck:
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
func (f *Flags) checkPaths() error {
	switch {
	case f.configGiven && f.ConfigFile == "":
		return errors.New("--config.file: a path is expected, but it is empty")
	case f.webGiven && *f.Web.WebConfigFile == "":
		return errors.New("--web.config.file: a path is expected, but it is empty")
	}
	return nil
}

// WebOptions checks the flags of the commands that serve.
func (f *Flags) WebOptions(ctx context.Context, isDemo bool) (web.Options, error) {
	if err := web.CheckTelemetryPath(f.telemetryPath); err != nil {
		return web.Options{}, fmt.Errorf("--web.telemetry-path: %w", err)
	}
	for _, address := range *f.Web.WebListenAddresses {
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
	case f.AutoReload < 0:
		return web.Options{}, errors.New("--config.auto-reload-interval: 0s (off) or more is expected")
	case isDemo && f.ConfigFile != "":
		return web.Options{}, errors.New("--config.file: the demo reads no configuration: leave the flag out, or run serve")
	}
	return web.Options{
		TelemetryPath: f.telemetryPath, TimeoutOffset: f.timeoutOffset, ExternalURL: external, Version: version.Version,
		AtlasURL: f.atlasURL, RunbookURL: f.runbookURL,
	}, nil
}

// Load reads the configuration file, if there is one, and applies the flags.
func (f *Flags) Load(ctx context.Context) (config.Config, error) {
	c := config.Default(f.Table.Config())
	if f.ConfigFile != "" {
		var err error
		c, err = f.Files.LoadFile(ctx, f.ConfigFile, f.Table.Config())
		if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
			return config.Config{}, fmt.Errorf("%w: name a file that can be read with --config.file", err)
		}
		if err != nil {
			return config.Config{}, err
		}
	}
	return f.Override(c)
}

// Override applies the flags that were given to the configuration.
func (f *Flags) Override(c config.Config) (config.Config, error) {
	for name, given := range f.collectors {
		if given.set {
			c.Collectors.Enable(name, given.on)
		}
	}
	if err := c.Collectors.Check(); err != nil {
		return config.Config{}, fmt.Errorf("%s: %w", cmp.Or(f.ConfigFile, "flags"), err)
	}
	return c, nil
}
