package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// resolve finds out whether a run began, after an answer that leaves it open. It reads the runs again and again until
// it sees a new one or Patience is over.
//
// It must look even if the user interrupted the command, because a run may have begun. So the look context does not end
// with ctx: it ends after Patience, or after lastLook if ctx has ended already. If ctx ends while resolve waits for the
// next look, that look was the last. There are two errors because they answer two questions: why the request failed
// (unclear), and why the runs could not be read (beforeErr before the request, lookErr now). Without the runs from
// before the request, no run can be proved new, and the outcome is Unclear.
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
	note(i.Notes, fmt.Sprintf("the answer does not say whether the ingestion began (%s): looking at the pipeline's runs", why))

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
	case found: // unknown whether the run is new, because the runs were not read before the request
		return run, Unclear, fmt.Errorf(
			"it is not known whether the ingestion began: %s; the newest run of this snapshot is %s, %s, created at %s: if that is just now, the ingestion began", why, run.ID, run.State, created(run).Format(time.RFC3339))
	}
	return run, NotFound, fmt.Errorf(
		"no run of this snapshot began as far as Atlas lists them, and nothing was sent again: %s: look at the runs once more before you try again", why)
}

// passes reports whether an error of reading the runs may be temporary.
func passes(err error) bool {
	kind, ok := atlasapi.KindOf(err)
	switch kind {
	case atlasapi.KindNetwork, atlasapi.KindTimeout, atlasapi.KindRateLimited, atlasapi.KindServerError:
		return ok
	default:
		return false
	}
}

// wait waits before the next look. It returns false if there is to be none, because the time is over or the command was
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

// newest returns the newest run that was not there before.
func newest(now, before map[atlasapi.ObjectID]atlasapi.PipelineRun) (run atlasapi.PipelineRun, found bool) {
	for id, candidate := range now {
		if _, known := before[id]; !known && (!found || created(candidate).After(created(run))) {
			run, found = candidate, true
		}
	}
	return run, found
}

// created returns when a run was created, from its id if Atlas sends no date.
func created(run atlasapi.PipelineRun) time.Time {
	if run.CreatedDate.IsZero() {
		return run.ID.Time()
	}
	return run.CreatedDate
}
