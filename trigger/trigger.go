// Package trigger implements the command trigger: it starts an on-demand ingestion of a snapshot by a Data Lake
// pipeline, a feature that MongoDB ended in September 2025. It is the only part of the program that sends Atlas
// anything else than GET requests and the request for a token. The exporter's server does not use it.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Help is the command's help.
const Help = "Start an on-demand ingestion of one snapshot by a Data Lake pipeline, and print the run. MongoDB ended " +
	"pipelines in September 2025. The credentials need the role Project Owner, which the exporter itself should not have: use a " +
	"separate --config.file or environment. The command never starts two ingestions: if the answer is unclear, it reads the " +
	"pipeline's runs instead of sending the request again. The exit code is 0 if Atlas accepted the request, else 1."

const (
	// defaultPatience is how long the command looks for a run after an unclear answer.
	defaultPatience = 20 * time.Second
	// looks is how often it looks in that time.
	looks = 10
	// lastLook bounds the one look after the user interrupted the command.
	lastLook = 5 * time.Second
)

// Options configure the command.
type Options struct {
	GroupID, Pipeline string
	Ingestion         atlasapi.Ingestion
	// DryRun prints the request and sends nothing.
	DryRun bool
	// Format is "table" or "json".
	Format string
	// Load reads the configuration.
	Load func() (config.Config, error)
	// Getenv looks up an environment variable.
	Getenv    func(string) string
	UserAgent string
	// Observer observes every request; it may be nil.
	Observer atlasapi.Observer
	// Out is for the run, and Notes for messages to people.
	Out, Notes io.Writer
	// Patience is how long the command looks for a run after an unclear answer; 0 means 20 s.
	Patience time.Duration
}

// Outcome is the result of the command.
type Outcome string

// The outcomes.
const (
	DryRun   Outcome = "dry_run"   // nothing was sent
	Accepted Outcome = "accepted"  // Atlas started the run, and said so or lists it
	Refused  Outcome = "refused"   // nothing was started
	NotFound Outcome = "not_found" // the answer was unclear, and Atlas lists no new run
	Unclear  Outcome = "unclear"   // the answer was unclear, and the runs cannot be told apart or read
)

// Run starts the ingestion. It returns nil once Atlas accepted it, or for a dry run.
func Run(ctx context.Context, o Options) error {
	c, err := o.Load()
	if err != nil {
		return err
	}
	base, err := c.Atlas.URL(o.Getenv)
	if err != nil {
		return err
	}
	if loose, ok := c.LooseFile(ctx); ok {
		note(o.Notes, "warning: "+loose.Warning())
	}
	options := c.Atlas.ClientOptions()
	options.BaseURL, options.UserAgent, options.Observer = base, o.UserAgent, o.Observer
	credentials, credentialsErr := c.Atlas.Credentials(ctx, o.Getenv)
	if credentialsErr == nil {
		options.Credentials = credentials.ForAtlas()
	}
	client := atlasapi.New(options)
	defer client.Close()
	request := atlasapi.NewTrigger(client).Request(o.GroupID, o.Pipeline, o.Ingestion)
	if o.DryRun {
		if credentialsErr != nil {
			note(o.Notes, "this would fail: credentials: "+credentialsErr.Error())
		}
		return o.print(result{Outcome: DryRun, Message: "nothing was sent", Request: requestOf(request)})
	}
	if credentialsErr != nil {
		return fmt.Errorf("credentials: %w", credentialsErr)
	}
	i := &ingestion{Options: &o, client: client}
	run, outcome, err := i.start(ctx)
	done := result{Outcome: outcome, Request: requestOf(request), Run: runOf(run, outcome)}
	if err != nil {
		done.Message = err.Error()
	}
	if printErr := o.print(done); err == nil {
		return printErr
	}
	return err
}

// ingestion is an ingestion in progress.
type ingestion struct {
	*Options
	client *atlasapi.Client
}

// start sends the request once. If the answer leaves open whether a run began, it reads the list of runs: a run of this
// snapshot that was not there before is the new one.
func (i *ingestion) start(ctx context.Context) (atlasapi.PipelineRun, Outcome, error) {
	before, listErr := i.runs(ctx)
	if ctx.Err() != nil {
		return atlasapi.PipelineRun{}, Refused, errors.New("interrupted: nothing was sent")
	}
	run, err := atlasapi.NewTrigger(i.client).Start(ctx, i.GroupID, i.Pipeline, i.Ingestion)
	switch {
	case err == nil:
		return run, Accepted, nil
	case isClear(err):
		return run, Refused, fmt.Errorf("nothing was started: %s", explain(err, i.GroupID))
	}
	return i.resolve(ctx, err, before, listErr)
}

// runs returns the runs of the snapshot, by id.
func (i *ingestion) runs(ctx context.Context) (map[atlasapi.ObjectID]atlasapi.PipelineRun, error) {
	runs := map[atlasapi.ObjectID]atlasapi.PipelineRun{}
	for run, err := range i.client.PipelineRuns(i.GroupID, i.Pipeline).All(ctx) {
		if err != nil {
			return nil, err
		}
		if run.SnapshotID == i.Ingestion.SnapshotID {
			runs[run.ID] = run
		}
	}
	return runs, nil
}

// isClear reports whether a failure proves that no run was started: the request did not reach Atlas, or Atlas refused
// it.
func isClear(err error) bool {
	failure, ok := errors.AsType[*atlasapi.Error](err)
	if !ok {
		return false // the context ended
	}
	dial, dialled := errors.AsType[*net.OpError](err)
	switch {
	case atlasapi.IsOfToken(err): // signing in failed
		return true
	case dialled && (dial.Op == "dial" || dial.Op == "proxyconnect"):
		return true
	case failure.Kind == atlasapi.KindRateLimited:
		return true
	}
	return failure.Status >= 300 && failure.Status < 500 && failure.Status != http.StatusRequestTimeout
}
