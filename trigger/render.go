package trigger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/terminal"
)

// result is the JSON form of the output. It is stable for scripts: later versions may add keys, but remove none.
type result struct {
	Outcome Outcome `json:"outcome"`
	Message string  `json:"message"`
	Request request `json:"request"`
	Run     *run    `json:"run"` // null if unknown
}

type request struct {
	Method      string          `json:"method"`
	URL         string          `json:"url"`
	ContentType string          `json:"content_type"`
	Body        json.RawMessage `json:"body"`
}

func requestOf(r atlasapi.SentRequest) request {
	return request{Method: r.Method, URL: r.URL, ContentType: r.ContentType, Body: r.Body}
}

// run is a run in Atlas's own names and spelling. A missing date is "".
type run struct {
	ID                    string     `json:"_id"`
	PipelineID            string     `json:"pipelineId"`
	SnapshotID            string     `json:"snapshotId"`
	State                 string     `json:"state"`
	Phase                 string     `json:"phase"`
	BackupFrequencyType   string     `json:"backupFrequencyType"`
	CreatedDate           string     `json:"createdDate"`
	ScheduledDeletionDate string     `json:"scheduledDeletionDate"`
	DatasetName           string     `json:"datasetName"`
	Retention             *retention `json:"datasetRetentionPolicy"`
}

type retention struct {
	Units string `json:"units"`
	Value int64  `json:"value"`
}

func runOf(r atlasapi.PipelineRun, outcome Outcome) *run {
	if outcome != Accepted {
		return nil
	}
	shown := &run{
		ID: r.ID.String(), PipelineID: idOf(r.PipelineID), SnapshotID: idOf(r.SnapshotID), State: r.State, Phase: r.Phase,
		BackupFrequencyType: r.BackupFrequencyType, CreatedDate: dateOf(r.CreatedDate),
		ScheduledDeletionDate: dateOf(r.ScheduledDeletionDate), DatasetName: r.DatasetName,
	}
	if p := r.RetentionPolicy; p.Set {
		shown.Retention = &retention{Units: p.Value.Units, Value: p.Value.Value}
	}
	return shown
}

func idOf(id atlasapi.ObjectID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// print prints the result of the command.
func (o *Options) print(r result) error {
	var err error
	switch {
	case o.Format == "json":
		encoder := json.NewEncoder(o.Out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	case r.Outcome == DryRun:
		_, err = fmt.Fprintf(o.Out, "%s %s\nAccept: %[3]s\nContent-Type: %[3]s\n\n%s\n", r.Request.Method, r.Request.URL, r.Request.ContentType, r.Request.Body)
	case r.Run != nil:
		err = o.printTable(r.Run)
	}
	if err != nil {
		return fmt.Errorf("the result cannot be written: outcome %s: %w", r.Outcome, err)
	}
	return nil
}

func (o *Options) printTable(r *run) error {
	kept := ""
	if r.Retention != nil {
		kept = fmt.Sprintf("%d %s", r.Retention.Value, strings.ToLower(r.Retention.Units))
	}
	t := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"run", r.ID},
		{"state", r.State},
		{"phase", r.Phase},
		{"project", o.GroupID},
		{"pipeline", o.Pipeline},
		{"snapshot", r.SnapshotID},
		{"created", r.CreatedDate},
		{"dataset", r.DatasetName},
		{"kept for", kept},
		{"deleted on", r.ScheduledDeletionDate},
	} {
		if line[1] != "" {
			_, _ = fmt.Fprintf(t, "%s\t%s\n", line[0], terminal.Printable(line[1])) // Flush returns the error
		}
	}
	return t.Flush()
}

// explain returns a sentence about Atlas's answer to the request, or its absence.
func explain(err error, groupID string) string {
	failure, ok := errors.AsType[*atlasapi.Error](err)
	if !ok {
		return "interrupted before the answer came"
	}
	said := words(failure)
	switch {
	case failure.Kind == atlasapi.KindUnauthorized:
		return "Atlas rejects the credentials" + said
	case failure.Kind == atlasapi.KindIPNotAllowed:
		return "this machine's address is not on the IP access list of the credentials" + said
	case atlasapi.IsOfToken(err) && failure.Kind == atlasapi.KindNotFound:
		return "check atlas.base_url: this server has no token endpoint (/api/oauth/token)" + said
	case atlasapi.IsOfToken(err) && failure.Kind == atlasapi.KindForbidden:
		return "Atlas grants no token" + said
	case failure.Kind == atlasapi.KindForbidden:
		return "the credentials need the role Project Owner in the project " + groupID + said
	case failure.Code == "SNAPSHOT_NOT_FOUND":
		return "Atlas has no such snapshot for this pipeline" + said
	case failure.Kind == atlasapi.KindNotFound:
		return "Atlas knows no such project or pipeline, or does not serve Data Lake pipelines any more" + said
	case failure.Status == http.StatusGone || failure.Status == http.StatusMethodNotAllowed:
		return "Atlas does not serve Data Lake pipelines any more" + said
	case failure.Kind == atlasapi.KindRateLimited:
		return "the rate limit of the project is used up: try again in a minute" + said
	case len(failure.Fields) > 0:
		return "Atlas objects to the request: " + fields(failure.Fields) + said
	case failure.Kind == atlasapi.KindServerError:
		return "Atlas failed" + said
	case failure.Status == 0:
		return "no usable answer came" + said
	}
	return "Atlas refuses the request" + said
}

func fields(all []atlasapi.FieldError) string {
	parts := make([]string, len(all))
	for i, f := range all {
		parts[i] = terminal.Printable(f.Field) + " " + terminal.Printable(f.Description)
	}
	return strings.Join(parts, "; ")
}

// words returns Atlas's message, or why there is none, in parentheses. It leaves out the fields, which are printed
// separately.
func words(failure *atlasapi.Error) string {
	if failure.Status == 0 {
		return fmt.Sprintf(" (%v)", cmp.Or(failure.Err, errors.New("no reason is known")))
	}
	said := fmt.Sprintf("HTTP status %d", failure.Status)
	if failure.Code != "" {
		said += " " + failure.Code
	}
	if failure.Detail != "" {
		said += ": " + terminal.Printable(failure.Detail)
	}
	return " (" + said + ")"
}

// note prints a message for people besides the result.
func note(w io.Writer, text string) { _, _ = fmt.Fprintln(w, text) } // an error does not matter
