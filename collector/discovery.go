package collector

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
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
	if err == nil || Unsupported(CollectorPipelines, err) != "" { // with the feature, all pipelines are gone
		r.inventory.foundPipelines(r.groupID, pipelines)
	}
	return unserved(CollectorPipelines, err)
}

// scheduleReader reads the backup schedule of a cluster.
type scheduleReader struct {
	target *target
	last   atomic.Pointer[atlasapi.Schedule]
}

func (r *scheduleReader) read(ctx context.Context, s *settings) error {
	schedule, err := s.client.Schedule(ctx, r.target.groupID, r.target.cluster)
	if err != nil {
		return unserved(CollectorSchedules, err)
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
