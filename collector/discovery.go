package collector

import (
	"cmp"
	"context"
	"errors"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// projects is the collector that finds projects. Its targets are the list of all projects, or each configured project.
// The inventory creates them.
func projects() *Declaration {
	return &Declaration{Name: "projects", Noun: "project", Role: readOnly, root: true}
}

// projectsReader lists all projects that the credentials can see.
type projectsReader struct{ inventory *inventory }

func (r *projectsReader) read(ctx context.Context, s *settings) error {
	listed, err := collect(ctx, s.client.Projects())
	if err = cmp.Or(err, ctx.Err()); err == nil {
		r.inventory.setProjects(listed)
	}
	return err
}

// projectReader reads a configured project.
type projectReader struct {
	inventory *inventory
	target    *target
}

func (r *projectReader) read(ctx context.Context, s *settings) error {
	info, err := ReadProject(ctx, s.client, r.target.groupID)
	if err = cmp.Or(err, ctx.Err()); err == nil {
		r.inventory.setProject(info)
	}
	return err
}

// ReadProject reads one project by its id. An answer about another project is an error.
func ReadProject(ctx context.Context, c *atlasapi.Client, groupID string) (atlasapi.Project, error) {
	info, err := c.Project(ctx, groupID)
	if err == nil && info.ID.String() != groupID {
		err = &atlasapi.Error{Endpoint: "get_project", Kind: atlasapi.KindBadResponse, Err: errors.New("the answer is about another project, " + info.ID.String())}
	}
	return info, err
}

// entriesReader lists the entries of a parent in a project.
type entriesReader struct {
	inventory *inventory
	target    *target
}

func (r *entriesReader) read(ctx context.Context, s *settings) error {
	entries, err := r.target.List(ctx, s.client, r.target.groupID)
	switch err = cmp.Or(err, ctx.Err()); {
	case err == nil:
		r.inventory.setEntries(r.target, entries)
	case r.target.ReasonFor(err) == FeatureGone:
		r.inventory.setEntries(r.target, nil) // without the feature there are no entries
	}
	return err
}
