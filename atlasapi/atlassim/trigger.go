package atlassim

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
)

// triggerRequest is the body of POST .../trigger.
type triggerRequest struct {
	SnapshotID             string `json:"snapshotId"`
	DatasetRetentionPolicy *struct {
		Units string `json:"units"`
		Value int    `json:"value"`
	} `json:"datasetRetentionPolicy"`
}

// invalid returns the fields of the body that Atlas would reject.
func (t triggerRequest) invalid() []wireField {
	var fields []wireField
	if !isObjectID(t.SnapshotID) {
		fields = append(fields, wireField{Field: "snapshotId", Description: "must be 24 hexadecimal digits"})
	}
	if policy := t.DatasetRetentionPolicy; policy != nil {
		switch policy.Units {
		case "DAYS", "WEEKS", "MONTHS":
		default:
			fields = append(fields, wireField{
				Field: "datasetRetentionPolicy.units", Description: "must be one of DAYS, WEEKS, MONTHS",
			})
		}
		if policy.Value < 1 {
			fields = append(fields, wireField{Field: "datasetRetentionPolicy.value", Description: "must be at least 1"})
		}
	}
	return fields
}

// trigger reads the body of a trigger request and starts the run.
func (s *Server) trigger(c *call) reply {
	mediaType, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if mediaType != "application/json" && !(strings.HasPrefix(mediaType, "application/vnd.atlas.") &&
		strings.HasSuffix(mediaType, "+json")) {
		return failure(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	}
	body, err := io.ReadAll(io.LimitReader(c.request.Body, 1<<20))
	if err != nil {
		return failure(http.StatusBadRequest, "INVALID_JSON")
	}
	var wanted triggerRequest
	if err := json.Unmarshal(body, &wanted); err != nil {
		return failure(http.StatusBadRequest, "INVALID_JSON")
	}
	answer := reply{}
	s.org.Do(func() {
		if refused := s.locate(c); refused != nil {
			answer = *refused
			return
		}
		if fields := wanted.invalid(); len(fields) > 0 {
			answer = failureBody(wireError{
				Error: http.StatusBadRequest, ErrorCode: "VALIDATION_ERROR", Reason: http.StatusText(http.StatusBadRequest),
				Detail: "Validation failed.", BadRequestDetail: &wireBadRequest{Fields: fields},
			})
			return
		}
		if !c.pipeline.accepts(wanted.SnapshotID) {
			answer = failure(http.StatusNotFound, "SNAPSHOT_NOT_FOUND", wanted.SnapshotID)
			return
		}
		answer = s.startRun(c, wanted)
	})
	return answer
}

func (s *Server) startRun(c *call, wanted triggerRequest) reply {
	run := Run{SnapshotID: wanted.SnapshotID, Frequency: "ON_DEMAND"}
	if policy := wanted.DatasetRetentionPolicy; policy != nil {
		run.Retention = Retention{Units: policy.Units, Value: policy.Value}
	}
	added := c.pipeline.start(run, RunRoutine{}, RunOutcome{})
	return s.object(c, added.appendJSON(nil, s.base()))
}

// triggerPipeline is the entry in the table of resources. Unlike other resources, it changes the organization.
func (s *Server) triggerPipeline(c *call) reply { return s.trigger(c) }
