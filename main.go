// Command mongodbatlas_backup_exporter is a Prometheus exporter for the backups of MongoDB Atlas: snapshots, export
// jobs, restore jobs, and the runs of Data Lake pipelines, which MongoDB ended in September 2025.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/check"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/daemon"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/healthcheck"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/commandline"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/hangup"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/logging"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/terminal"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/trigger"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web"
)

const (
	program        = "mongodbatlas_backup_exporter"
	defaultAddress = ":9972"
	// demoAddress is loopback, because everybody who reaches the demo's port can see its page and reload it.
	demoAddress = "127.0.0.1:9972"
	// garbagePercent is lower than Go's default of 100, to keep the largest organization within the memory that the
	// documentation promises.
	garbagePercent = 50
	// drainTime is how long the program waits at its end for requests that are being answered.
	drainTime = 5 * time.Second
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if build, ok := debug.ReadBuildInfo(); ok && version.Version == "" {
		version.Version = build.Main.Version // for builds without release flags, such as go install
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

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
}

// switched is a flag that turns a collector on or off.
type switched struct{ set, on bool }

// run is the program. It returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := kingpin.New(program, "Prometheus exporter for MongoDB Atlas backups: snapshots, exports and restores.")
	app.UsageWriter(stdout).ErrorWriter(stderr).HelpFlag.Short('h')
	app.Version(version.Print(program)).VersionFlag.Short('V')
	f := flags{files: &config.Reader{}, table: collector.All(), web: kingpinflag.AddFlags(app, defaultAddress), collectors: map[string]*switched{}}
	app.GetFlag("web.listen-address").IsSetByUser(&f.listenGiven).Help("Addresses on which to expose metrics and web interface. " +
		"Repeatable for multiple addresses. Examples: `:9972` or `[::1]:9972` for http, `vsock://:9972` for vsock")
	app.GetFlag("web.config.file").IsSetByUser(&f.webGiven)
	app.Flag("config.file", "Path to configuration file. By default, every key has its default and the credentials come from the environment.").IsSetByUser(&f.configGiven).StringVar(&f.configFile)
	app.Flag("config.auto-reload-interval", "Interval for checking the configuration file and the secret file, and reloading the configuration if they changed. 0 disables it.").Default("0s").DurationVar(&f.autoReload)
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.timeout-offset", "Offset to subtract from Prometheus's scrape timeout.").Default("500ms").DurationVar(&f.timeoutOffset)
	app.Flag("web.external-url", "The URL under which users and Prometheus reach the exporter, for example if it is behind a reverse proxy. Service discovery uses its scheme, host and path. The exporter also serves everything below its path.").PlaceHolder("URL").StringVar(&f.externalURL)
	app.Flag("web.atlas-url", "Base URL of the page's links into Atlas.").Default(web.DefaultAtlasURL).StringVar(&f.atlasURL)
	app.Flag("web.runbook-url", "Prefix of the page's links to runbooks; the alert's name in lower case follows. Default: the runbooks of this project.").PlaceHolder("URL").StringVar(&f.runbookURL)
	app.Flag("log.level", "Only log messages with the given severity or above. One of: [debug, info, warn, error]").Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Output format of log messages. One of: [logfmt, json]").Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	for _, name := range f.table.Configurable().Names() {
		given := &switched{}
		f.collectors[name] = given
		app.Flag("collector."+name, "Enable the "+name+" collector. Overrides the configuration file.").Default("true").
			IsSetByUser(&given.set).BoolVar(&given.on)
	}
	serving := app.Command("serve", "Serve metrics.").Default()
	demo := app.Command("demo", "Serve metrics of a simulated organization, without an account, a network or a configuration. Listens on loopback unless --web.listen-address is set.")
	checkOptions, triggerOptions := check.Options{}, trigger.Options{}
	checking := app.Command("check", check.Help)
	check.AddFlags(checking, &checkOptions)
	triggering := app.Command("trigger", trigger.Help)
	trigger.AddFlags(triggering, &triggerOptions)
	health := app.Command("healthcheck", "Check that a running exporter is alive. The exit code is 0 if it is, else 1. For container images without another HTTP client.")
	healthAddress := health.Flag("address", "Address of the exporter: host:port, or https://host:port if it serves TLS.").Default("127.0.0.1" + defaultAddress).String()
	hideFlags(app, args)
	command, err := commandline.Parse(app, args)
	if err == nil {
		err = f.checkPaths()
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %v; try --help\n", program, err)
		return 2
	}
	if command != serving.FullCommand() && command != demo.FullCommand() {
		hangup.Release()
	}
	if command == health.FullCommand() {
		if err := healthcheck.Ask(ctx, *healthAddress); err != nil {
			_, _ = fmt.Fprintf(stderr, "%s: not healthy: %v\n", program, err)
			return 1
		}
		return 0
	}

	if err := atlasapi.CheckProxy(os.Getenv); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %v\n", program, err)
		return 1
	}

	loggers := logging.New(stderr, f.logLevel, f.logFormat)
	logger := loggers.Kit
	switch command {
	case checking.FullCommand():
		return f.check(ctx, checkOptions, stdout, stderr, logger)
	case triggering.FullCommand():
		return f.trigger(ctx, triggerOptions, stdout, stderr, logger)
	}
	isDemo := command == demo.FullCommand()
	options, err := f.webOptions(ctx, isDemo)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %v\n", program, err)
		return 2
	}
	load := f.load
	if isDemo {
		simulated, end, err := startDemo(f.table)
		if err != nil {
			_ = level.Error(logger).Log("msg", "the demo cannot start", "err", err)
			return 1
		}
		defer end()
		load = func(context.Context) (config.Config, error) { return f.override(simulated) }
		if !f.listenGiven {
			*f.web.WebListenAddresses = []string{demoAddress}
		}
	}
	if err := serve(ctx, &f, load, options, isDemo, loggers); err != nil {
		_ = level.Error(logger).Log("msg", "the exporter cannot run", "err", err)
		return 1
	}
	return 0
}

// hideFlags hides the flags that have no effect on a command from its help. It changes only the help, because a word of
// args may also be the value of a flag.
func hideFlags(app *kingpin.Application, args []string) {
	means := func(string) bool { return true }
	for _, arg := range args {
		switch arg {
		case "check", "trigger":
			means = func(flag string) bool {
				return !strings.HasPrefix(flag, "web.") && flag != "config.auto-reload-interval"
			}
		case "demo":
			means = func(flag string) bool { return !strings.HasPrefix(flag, "config.") }
			app.GetFlag("web.listen-address").PlaceHolder(demoAddress) // shown instead of the default of serve
		case "healthcheck":
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
		return web.Options{}, errors.New("--web.timeout-offset: 0s or more is expected: a scrape has to be answered before Prometheus gives it up")
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

// check runs the command check.
func (f *flags) check(ctx context.Context, o check.Options, stdout, stderr io.Writer, logger log.Logger) int {
	o.Load = func() (config.Config, error) { return f.load(ctx) }
	o.Table, o.ConfigFile, o.Getenv, o.UserAgent = f.table, f.configFile, os.Getenv, userAgent()
	o.Observer = collector.NewClientMetrics(logger, prometheus.NewRegistry()) // logs calls at level debug
	o.Out, o.Progress = stdout, terminal.Of(stderr)
	ok, err := check.Run(ctx, o)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: check: %v\n", program, err)
	}
	if !ok {
		return 1
	}
	return 0
}

// trigger runs the command trigger.
func (f *flags) trigger(ctx context.Context, o trigger.Options, stdout, stderr io.Writer, logger log.Logger) int {
	o.Load = func() (config.Config, error) { return f.load(ctx) }
	o.Getenv, o.UserAgent = os.Getenv, userAgent()
	o.Observer = collector.NewClientMetrics(logger, prometheus.NewRegistry()) // logs calls at level debug
	o.Out, o.Notes = stdout, stderr
	if err := trigger.Run(ctx, o); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: trigger: %v\n", program, err)
		return 1
	}
	return 0
}

func userAgent() string { return program + "/" + version.Version }

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

// startDemo starts the simulated Atlas on loopback, and returns the configuration that reads it.
func startDemo(table collector.Table) (c config.Config, end func(), err error) {
	const secret = "mdb_sa_sk_demo"
	account := atlassim.ServiceAccount{ClientID: "mdb_sa_id_demo", ClientSecret: secret}
	simulated := atlassim.NewServer(atlassim.Demo(atlassim.WallClock{}), atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{account},
		Latency:         atlassim.RecordedLatency,
	})
	if err := simulated.Start(); err != nil {
		return config.Config{}, nil, err
	}
	c = config.Default(table.Config())
	c.Atlas.BaseURL = simulated.URL()
	c.Atlas.ServiceAccount = &config.ServiceAccount{ClientID: account.ClientID, ClientSecret: atlasapi.Secret(secret)}
	c.Refresh.MinInterval = 0
	for _, name := range c.Collectors.Names() {
		c.Collectors.SetMinInterval(name, 0)
	}
	return c, func() { _ = simulated.Close() }, nil
}

// serve runs the exporter until the context ends.
func serve(ctx context.Context, f *flags, load func(context.Context) (config.Config, error), o web.Options, isDemo bool, loggers logging.Loggers) error {
	logger := loggers.Kit
	if err := toolkit.Validate(*f.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %s: %s", *f.web.WebConfigFile, config.HideValues(err.Error()))
	}
	d, err := daemon.New(ctx, daemon.Options{Load: load, Reader: f.files, Table: f.table, ConfigFile: f.configFile, UserAgent: userAgent(), Logger: logger})
	if err != nil {
		return err
	}
	defer d.Close()
	d.Registry().MustRegister(
		versioncollector.NewCollector("mongodbatlas_exporter"),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	_ = level.Info(logger).Log("msg", "starting", "program", program, "version", version.Info(), "build", version.BuildContext())

	o.Logger = logger
	server := web.NewServer(d, o)
	server.ErrorLog = loggers.Server
	server.BaseContext = func(l net.Listener) context.Context {
		if isDemo {
			_ = level.Info(logger).Log("msg", "demo: open "+web.Address(l, o.ExternalURL))
		}
		d.Exporter().Discover() // only now: a program that cannot listen should not use up a token
		return ctx              // a scrape that waits for Atlas ends with the program
	}
	go d.Run(ctx, hangup.Signals(), f.autoReload)
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, f.web, loggers.Slog) }()
	select {
	case err := <-ended:
		if failure, ok := errors.AsType[*net.OpError](err); ok && failure.Op == "listen" {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
		return shutDown(context.WithoutCancel(ctx), server, logger)
	}
}

// shutDown lets requests that are being answered finish, for drainTime at most.
func shutDown(ctx context.Context, server *http.Server, logger log.Logger) error {
	_ = level.Info(logger).Log("msg", "shutting down: waiting for running requests")
	drain, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		_ = level.Warn(logger).Log("msg", "shutting down: closed a connection whose client did not finish its request")
		return server.Close()
	}
	return err
}
