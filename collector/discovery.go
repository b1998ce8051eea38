package collector

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"mongodbatlas_backup_exporter/atlasapi"
)

// projectsReader lists all projects that the credentials can see.
type projectsReader struct{ inventory *inventory }

func (r *projectsReader) read(ctx context.Context, s *settings) error {
	listed, err := collect(ctx, s.client.Projects())
	if err == nil {
		r.inventory.foundProjects(listed)
	}
	return err
}

// projectReader reads one project that the configuration names.
type projectReader struct {
	inventory *inventory
	target    *target
}

func (r *projectReader) read(ctx context.Context, s *settings) error {
	info, err := s.client.Project(ctx, r.target.groupID)
	if err == nil && info.ID.String() != r.target.groupID {
		err = &atlasapi.Error{Endpoint: "get_project", Kind: atlasapi.KindBadResponse, Err: errors.New("the answer is another project")}
	}
	if err == nil {
		r.inventory.foundProject(info)
	}
	return err
}

// clustersReader lists the clusters of a project.
type clustersReader struct {
	inventory *inventory
	groupID   string
}

func (r *clustersReader) read(ctx context.Context, s *settings) error {
	clusters, err := collect(ctx, s.client.Clusters(r.groupID))
	if err == nil {
		r.inventory.foundClusters(r.groupID, clusters)
	}
	return err
}

// pipelinesReader lists the Data Lake pipelines of a project.
type pipelinesReader struct {
	inventory *inventory
	groupID   string
}

func (r *pipelinesReader) read(ctx context.Context, s *settings) error {
	pipelines, err := s.client.Pipelines(ctx, r.groupID)
	if isGone(err) {
		r.inventory.foundPipelines(r.groupID, nil)
		return &unsupportedError{reasonFeatureGone, err}
	}
	if err == nil {
		r.inventory.foundPipelines(r.groupID, pipelines)
	}
	return err
}

// isGone tells whether Atlas has ended the feature. MongoDB ended Data Lake pipelines in September 2025, and nobody
// has recorded what the API answers since; 404 of the project itself is another matter.
func isGone(err error) bool {
	answered, ok := errors.AsType[*atlasapi.Error](err)
	if !ok || answered.Code == "GROUP_NOT_FOUND" {
		return false
	}
	switch answered.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return false
}

// scheduleReader reads the backup schedule of a cluster.
type scheduleReader struct {
	target *target
	last   atomic.Pointer[atlasapi.Schedule]
}

func (r *scheduleReader) read(ctx context.Context, s *settings) error {
	schedule, err := s.client.Schedule(ctx, r.target.groupID, r.target.cluster)
	if err != nil {
		return unserved(err)
	}
	r.last.Store(&schedule)
	return nil
}

// exportDue reports whether a new export is due by the export policy of the cluster.
func (r *scheduleReader) exportDue(exports judgement) bool {
	schedule := r.last.Load()
	if schedule == nil || exports == nil || !schedule.AutoExportEnabled.Value {
		return false
	}
	interval := policyInterval(schedule.ExportFrequency)
	newest, _ := exports.latest()
	return interval > 0 && time.Since(newest.Created) >= interval
}

// collect reads a whole list, or nothing of it.
func collect[T any](ctx context.Context, list atlasapi.List[T]) ([]T, error) {
	var items []T
	for item, err := range list.All(ctx) {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
