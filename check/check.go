// Package check implements the command check. It tries what a configuration can read, and reports it in the order in
// which a person corrects it: the configuration, the credentials, the projects, and the collectors and targets in each
// project.
package check

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Help is the command's help.
const Help = "Check what the configuration can read: one row for each project, collector and target. Sends only " +
	"GET requests and the request for a token. The exit code is 0 if everything configured is readable or does not apply, else 1."

// Options configure a check.
type Options struct {
	// Offline checks only the configuration and the secret files that it names, and sends nothing.
	Offline bool
	// Format is "table" or "json".
	Format string
	// ConfigFile is the name of the configuration file, for messages; "" where there is none.
	ConfigFile string
	// Load reads the configuration, with the flags applied to it.
	Load func() (config.Config, error)
	// Table holds all collectors.
	Table collector.Table
	// Getenv looks up an environment variable.
	Getenv    func(string) string
	UserAgent string
	// Observer observes every request; it may be nil.
	Observer atlasapi.Observer
	// Out is where the report goes.
	Out io.Writer
	// Progress is a terminal for a line that shows the progress; nil shows none.
	Progress io.Writer
}

// AddFlags declares the command's own flags.
func AddFlags(command *kingpin.CmdClause, o *Options) {
	command.Flag("offline", "Only check the configuration and its secret files. Send nothing.").BoolVar(&o.Offline)
	command.Flag("format", "Output format: table or json.").Default("table").EnumVar(&o.Format, "table", "json")
}

// Run checks the configuration and writes the report. It returns whether everything configured is readable. The error
// is non-nil only if no report could be written, for example because the context ended.
func Run(ctx context.Context, o Options) (ok bool, err error) {
	report, err := run(ctx, &o)
	if err != nil {
		return false, err
	}
	report.finish()
	write := report.writeTable
	if o.Format == "json" {
		write = report.writeJSON
	}
	if err := write(o.Out); err != nil {
		return false, fmt.Errorf("the report cannot be written: %w", err)
	}
	return report.OK, nil
}

func run(ctx context.Context, o *Options) (*Report, error) {
	r := newReport(o)
	c, err := o.Load()
	if err != nil {
		r.Configuration.fail(err)
		return r, nil
	}
	r.Configuration.take(ctx, &c)
	base, urlErr := c.Atlas.URL(o.Getenv)
	if urlErr != nil {
		r.Configuration.fail(urlErr)
	} else {
		r.BaseURL = base.String()
	}
	credentials, credentialsErr := c.Atlas.Credentials(ctx, o.Getenv)
	if credentialsErr != nil {
		r.Credentials.miss(credentialsErr)
	} else {
		r.Credentials.take(credentials)
	}
	if o.Offline || urlErr != nil || credentialsErr != nil {
		return r, nil
	}

	calls := newCalls(o.Observer)
	options := c.Atlas.ClientOptions()
	options.BaseURL, options.Credentials = base, credentials.ForAtlas()
	options.UserAgent, options.Observer = o.UserAgent, calls
	client := atlasapi.New(options)
	defer client.Close()
	w := &walk{config: &c, client: client, table: o.Table, credentials: &r.Credentials, progress: &progress{out: o.Progress}}
	err = w.run(ctx)
	w.progress.end()
	r.Rows = w.rows()
	r.Endpoints = calls.endpoints()
	return r, err
}
