package atlasapi

import (
	"context"
	"net/http"

	"github.com/go-faster/jx"
)

var (
	opListProjects = &operation{name: "list_projects", accept: version("2023-01-01"), limit: setGroups}
	opGetProject   = &operation{name: "get_project", accept: version("2023-01-01"), limit: setProjects}
)

// Project is an Atlas project, which the API calls a group.
type Project struct {
	ID    ObjectID
	Name  string
	OrgID string
}

// Projects lists the projects that the credentials can see. For a credential without any membership, the list is empty.
//
// GET /groups, for any member.
func (c *Client) Projects() List[Project] {
	return List[Project]{
		client: c, op: opListProjects, path: []string{"groups"},
		decode: decodeProject, id: func(p *Project) ObjectID { return p.ID },
	}
}

// Project reads one project.
//
// GET /groups/{groupId}, for Project Read Only.
func (c *Client) Project(ctx context.Context, groupID string) (Project, error) {
	r := c.newRequest(opGetProject, http.MethodGet, groupID, nil, "groups", groupID)
	return get(ctx, c, r, func(d *jx.Decoder, p *Project) error {
		if err := decodeProject(d, p); err != nil {
			return err
		}
		if p.ID.IsZero() {
			return errNoID
		}
		return nil
	})
}

func decodeProject(d *jx.Decoder, p *Project) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &p.ID)
		case "name":
			return str(d, &p.Name)
		case "orgId":
			return str(d, &p.OrgID)
		}
		return d.Skip()
	})
}
