package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// resolve finds out whether a run began though the answer does not tell. It looks until it sees one or its patience ends,
// and once more when the command is interrupted.
func (i *ingestion) resolve(ctx context.Context, unclear error, before map[atlasapi.ObjectID]atlasapi.PipelineRun, beforeErr error) (atlasapi.PipelineRun, Outcome, error) {
	why := explain(unclear, i.GroupID)
	patience := i.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	if ctx.Err() != nil {
		cancel()
		look, cancel = context.WithTimeout(context.WithoutCancel(ctx), min(patience, lastLook))
	}
	defer cancel()
	note(i.Notes, fmt.Sprintf("the answer leaves open whether the ingestion began (%s): looking at the pipeline's runs", why))

	var now map[atlasapi.ObjectID]atlasapi.PipelineRun
	var lookErr error
	for {
		listed, err := i.runs(look)
		if err == nil {
			now = listed
		} else if look.Err() == nil {
			lookErr = err
		}
		if run, found := newest(now, before); found && beforeErr == nil {
			note(i.Notes, "the ingestion began: its run is listed, and nothing was sent again")
			return run, Accepted, nil
		}
		if lookErr != nil && !passes(lookErr) || !wait(ctx, look, patience/looks) {
			break
		}
	}
	run, found := newest(now, before)
	switch {
	case now == nil:
		unread := "no answer in time"
		if lookErr != nil {
			unread = explain(lookErr, i.GroupID)
		}
		return run, Unclear, fmt.Errorf(
			"it is not known whether the ingestion began: %s; and the pipeline's runs cannot be read: %s: look at them in Atlas before you try again", why, unread)
	case found: // which were there before is not known
		return run, Unclear, fmt.Errorf(
			"it is not known whether the ingestion began: %s; the newest run of this snapshot is %s, %s, created at %s: where that is just now, it did", why, run.ID, run.State, created(run).Format(time.RFC3339))
	}
	return run, NotFound, fmt.Errorf(
		"no run of this snapshot began as far as Atlas lists them, and nothing was sent again: %s: look at the runs once more before you try again", why)
}

// passes reports whether a list that could not be read may be readable a moment later.
func passes(err error) bool {
	kind, ok := atlasapi.KindOf(err)
	switch kind {
	case atlasapi.KindNetwork, atlasapi.KindTimeout, atlasapi.KindRateLimited, atlasapi.KindServerError:
		return ok
	default:
		return false
	}
}

// wait waits before another look. It returns false where there is to be none: the time is over, or the command was
// interrupted.
func wait(ctx, look context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-look.Done():
		return false
	case <-timer.C:
		return true
	}
}

// newest returns the newest of the runs that were not there before.
func newest(now, before map[atlasapi.ObjectID]atlasapi.PipelineRun) (run atlasapi.PipelineRun, found bool) {
	for id, candidate := range now {
		if _, known := before[id]; !known && (!found || created(candidate).After(created(run))) {
			run, found = candidate, true
		}
	}
	return run, found
}

// created is when a run was created: its id tells where Atlas leaves the date out.
func created(run atlasapi.PipelineRun) time.Time {
	if run.CreatedDate.IsZero() {
		return run.ID.Time()
	}
	return run.CreatedDate
}
