package atlasapi

import (
	"context"
	"encoding/json"
	"net/http"
)

var opTrigger = &operation{name: "trigger_pipeline", accept: version("2023-01-01"), limit: setPipelines}

// Trigger starts ingestions. It is a separate type, so that code with only a Client cannot write to Atlas.
type Trigger struct{ client *Client }

// NewTrigger returns a Trigger that uses the client's credentials. They need Project Owner.
func NewTrigger(c *Client) Trigger { return Trigger{c} }

// Ingestion is a request to a pipeline to ingest one snapshot now.
type Ingestion struct {
	SnapshotID ObjectID
	// Retention is how long Atlas keeps the dataset. If unset, the pipeline decides.
	Retention Optional[RetentionPolicy]
}

// Body returns the request body, as it is sent.
func (i Ingestion) Body() []byte {
	type retention struct {
		Units string `json:"units"`
		Value int64  `json:"value"`
	}
	body := struct {
		SnapshotID string     `json:"snapshotId"`
		Retention  *retention `json:"datasetRetentionPolicy,omitempty"`
	}{SnapshotID: i.SnapshotID.String()}
	if i.Retention.Set {
		body.Retention = &retention{i.Retention.Value.Units, i.Retention.Value.Value}
	}
	encoded, _ := json.Marshal(body) // strings and a number cannot fail
	return encoded
}

// SentRequest describes a request for people, without its authorization.
type SentRequest struct {
	Method, URL, ContentType string
	Body                     []byte
}

// Request returns what Start would send. It sends nothing.
func (t Trigger) Request(groupID, pipeline string, i Ingestion) SentRequest {
	r := t.request(groupID, pipeline, i)
	return SentRequest{Method: r.method, URL: r.url.String(), ContentType: r.contentType, Body: r.body}
}

func (t Trigger) request(groupID, pipeline string, i Ingestion) *request {
	r := t.client.newRequest(opTrigger, http.MethodPost, groupID, nil, "groups", groupID, "pipelines", pipeline, "trigger")
	r.body, r.contentType = i.Body(), opTrigger.accept
	return r
}

// Start sends the request once. Do not retry it if no answer came: the ingestion may have begun.
//
// POST /groups/{groupId}/pipelines/{pipelineName}/trigger, for Project Owner.
func (t Trigger) Start(ctx context.Context, groupID, pipeline string, i Ingestion) (PipelineRun, error) {
	answered, err := t.client.attempt(ctx, t.request(groupID, pipeline, i))
	if err != nil {
		return PipelineRun{}, err
	}
	defer t.client.release(answered)
	var run PipelineRun
	if err := decodeDocument(answered.Bytes(), decodeOneRun, &run); err != nil {
		return PipelineRun{}, &Error{Endpoint: opTrigger.name, Kind: KindBadResponse, Err: err}
	}
	return run, nil
}
