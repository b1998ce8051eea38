package atlasapi

import (
	"context"
	"net/http"

	"github.com/go-faster/jx"
)

var opListPipelines = &operation{name: "list_pipelines", accept: version("2023-01-01"), limit: setPipelines}

// Pipeline is a Data Lake pipeline: it ingests snapshots of one collection of a cluster. MongoDB ended the feature in
// September 2025; the API's answers since then are not documented.
type Pipeline struct {
	ID          ObjectID
	Name        string
	State       string // ACTIVE or PAUSED
	SourceType  string // PERIODIC_CPS or ON_DEMAND_CPS
	ClusterName string
}

// Pipelines reads the pipelines of a project. Atlas sends them as a bare array, in one answer.
//
// GET /groups/{groupId}/pipelines, for Project Read Only.
func (c *Client) Pipelines(ctx context.Context, groupID string) ([]Pipeline, error) {
	r := c.newRequest(opListPipelines, http.MethodGet, groupID, nil, "groups", groupID, "pipelines")
	return get(ctx, c, r, func(d *jx.Decoder, pipelines *[]Pipeline) error {
		if got := d.Next(); got != jx.Array {
			return mismatch("an array", got)
		}
		return array(d, pipelines, decodePipeline)
	})
}

func decodePipeline(d *jx.Decoder, p *Pipeline) error {
	err := object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "_id":
			return objectID(d, &p.ID)
		case "name":
			return str(d, &p.Name)
		case "state":
			return str(d, &p.State)
		case "source":
			return nullable(d, func() error {
				return object(d, func(d *jx.Decoder, name []byte) error {
					switch string(name) {
					case "type":
						return str(d, &p.SourceType)
					case "clusterName":
						return str(d, &p.ClusterName)
					}
					return d.Skip()
				})
			})
		}
		return d.Skip()
	})
	switch {
	case err != nil:
		return err
	case p.ID.IsZero():
		return errNoID
	case p.Name == "":
		return errNoName
	}
	return nil
}
