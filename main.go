// Command mongodbatlas_backup_exporter is a Prometheus exporter for the backups of MongoDB Atlas: snapshots, export
// jobs, restore jobs, and the runs of Data Lake pipelines, which MongoDB ended in September 2025.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

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

// run is the program. It returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fail := func(code int, what string, err error) int {
		_, _ = fmt.Fprintf(stderr, "%s: %s: %v\n", commandline.Program, what, err)
		return code
	}
	command, f, err := commandline.Parse(args, stdout, stderr)
	if err != nil {
		return fail(2, "error", fmt.Errorf("%w; try --help", err))
	}
	isDemo := command == commandline.Demo
	serves := command == commandline.Serve || isDemo
	if !serves {
		hangup.Release()
	}
	if command == commandline.Healthcheck {
		if err := healthcheck.Ask(ctx, f.HealthAddress); err != nil {
			return fail(1, "not healthy", err)
		}
		return 0
	}
	if err := atlasapi.CheckProxy(os.Getenv); err != nil {
		return fail(1, "error", err)
	}
	loggers := logging.New(stderr, f.LogLevel, f.LogFormat)
	if serves {
		options, err := f.WebOptions(ctx, isDemo)
		if err != nil {
			return fail(2, "error", err)
		}
		if err := serve(ctx, f, isDemo, options, loggers); err != nil {
			_ = level.Error(loggers.Kit).Log("msg", "the exporter cannot run", "err", err)
			return 1
		}
		return 0
	}

	ok, err := runOnce(ctx, f, command, stdout, stderr, loggers.Kit)
	switch {
	case err != nil:
		return fail(1, command, err)
	case !ok:
		return 1
	}
	return 0
}

// runOnce runs the command check or trigger. It returns whether the command found no problem.
func runOnce(
	ctx context.Context, f *commandline.Flags, command string, stdout, stderr io.Writer, logger log.Logger,
) (ok bool, err error) {
	load := func() (config.Config, error) { return f.Load(ctx) }
	observer := collector.NewClientMetrics(logger, prometheus.NewRegistry()) // logs calls at level debug
	if command == commandline.Check {
		o := f.Check
		o.Load, o.Getenv, o.UserAgent, o.Observer = load, os.Getenv, userAgent(), observer
		o.Table, o.ConfigFile = f.Table, f.ConfigFile
		o.Out, o.Progress = stdout, terminal.Of(stderr)
		return check.Run(ctx, o)
	}
	o := f.Trigger
	o.Load, o.Getenv, o.UserAgent, o.Observer = load, os.Getenv, userAgent(), observer
	o.Out, o.Notes = stdout, stderr
	err = trigger.Run(ctx, o)
	return err == nil, err
}

func userAgent() string { return commandline.Program + "/" + version.Version }

// serve runs the exporter, or its demo, until the context ends.
func serve(ctx context.Context, f *commandline.Flags, isDemo bool, o web.Options, loggers logging.Loggers) error {
	logger := loggers.Kit
	load := f.Load
	if isDemo {
		simulated, end, err := startDemo(f.Table)
		if err != nil {
			return fmt.Errorf("the demo cannot start: %w", err)
		}
		defer end()
		load = func(context.Context) (config.Config, error) { return f.Override(simulated) }
	}
	if info, err := f.Files.Stat(ctx, *f.Web.WebConfigFile); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--web.config.file: %s is not a regular file: it is read again for each connection", *f.Web.WebConfigFile)
	}
	if err := toolkit.Validate(*f.Web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %s: %s", *f.Web.WebConfigFile, config.HideValues(err.Error()))
	}
	d, err := daemon.New(ctx, daemon.Options{
		Load: load, Reader: f.Files, ConfigFile: f.ConfigFile, Table: f.Table, UserAgent: userAgent(), Logger: logger,
	})
	if err != nil {
		return err
	}
	defer d.Close()
	d.Registry().MustRegister(
		versioncollector.NewCollector("mongodbatlas_exporter"),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	_ = level.Info(logger).Log("msg", "starting", "program", commandline.Program, "version", version.Info(), "build", version.BuildContext())

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
	go d.Run(ctx, hangup.Signals(), f.AutoReload)
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, f.Web, loggers.Slog) }()
	select {
	case err := <-ended:
		if failure, ok := errors.AsType[*net.OpError](err); ok && failure.Op == "listen" {
			return fmt.Errorf("--web.listen-address: %w: choose another address", err)
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
