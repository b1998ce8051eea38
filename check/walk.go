package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// walk asks Atlas for as little as shows what can be read: each list of discovery whole, since it names what comes
// next, and of each list of jobs one.
type walk struct {
	config      *config.Config
	client      *atlasapi.Client
	credentials *Credentials
	progress    *progress

	listing  *Row // the list of all projects, nil where the configuration names them
	visible  int  // how many it holds
	projects []*project
}

// project is a project on the walk. Its rows stand in the order in which they are shown.
type project struct {
	named     *config.Project // nil where it was only discovered
	row       *Row            // of itself
	clusters  []atlasapi.Cluster
	pipelines []atlasapi.Pipeline

	clusterList, pipelineList *Row // nil where no collector needs them
	targets                   []*Row
}

// probe is one thing to read, and where what comes of it is noted.
type probe struct {
	row  *Row
	read func(context.Context) (found string, err error)
}

// run walks. It fails only when the context ends.
func (w *walk) run(ctx context.Context) error {
	if err := w.findProjects(ctx); err != nil {
		return err
	}
	if err := w.each(ctx, "clusters and pipelines", w.lists()); err != nil {
		return err
	}
	return w.each(ctx, "targets", w.targets())
}

// findProjects reads the projects. The first call shows whether Atlas takes the credentials; where it does not, there is
// no use in others.
func (w *walk) findProjects(ctx context.Context) error {
	var probes []probe
	if len(w.config.Projects) == 0 {
		w.listing = &Row{Collector: collector.CollectorProjects}
		probes = append(probes, probe{w.listing, w.listProjects})
	}
	for i := range w.config.Projects {
		named := &w.config.Projects[i]
		p := &project{named: named, row: &Row{
			GroupID: named.ID, Collector: collector.CollectorProjects, Status: NotChecked, Message: "the credentials come first",
		}}
		w.projects = append(w.projects, p)
		probes = append(probes, probe{p.row, func(ctx context.Context) (string, error) { return w.readProject(ctx, p) }})
	}
	first := probes[0].read
	goOn := false
	probes[0].read = func(ctx context.Context) (string, error) {
		found, err := first(ctx)
		goOn = w.credentials.judge(err)
		return found, err
	}
	if err := w.each(ctx, "the credentials", probes[:1]); err != nil || !goOn {
		return err
	}
	err := w.each(ctx, "projects", probes[1:])
	for _, p := range w.projects {
		if s := p.row.Status; s == Readable || s == Forbidden || s == Gone { // the first call may have met a passing fault
			w.credentials.accept()
		}
	}
	return err
}

func (w *walk) listProjects(ctx context.Context) (string, error) {
	var listed []atlasapi.Project
	for p, err := range w.client.Projects().All(ctx) {
		if err != nil {
			return "", err
		}
		listed = append(listed, p)
	}
	w.visible = len(listed)
	slices.SortFunc(listed, func(a, b atlasapi.Project) int { return strings.Compare(a.Name, b.Name) })
	for _, p := range listed {
		id := p.ID.String()
		if w.config.Discovery.Projects.Match(id, p.Name) {
			w.projects = append(w.projects, &project{row: &Row{
				GroupID: id, GroupName: p.Name, Collector: collector.CollectorProjects, Status: Readable, Message: id,
			}})
		}
	}
	return chosen(len(w.projects), len(listed), "project"), nil
}

// judgeListing has a list without anything to read be no success.
func (w *walk) judgeListing() {
	if w.listing == nil || w.listing.Status != Readable || len(w.projects) > 0 {
		return
	}
	l := w.listing
	if w.visible == 0 {
		l.Status, l.Reason, l.MissingRole = Forbidden, "no_project", collector.RequiredRole(collector.CollectorProjects)
		l.Message = "missing role: " + l.MissingRole + ": the credentials see no project, since roles of an organisation alone show none"
		l.remedy = collector.Remedy(atlasapi.KindForbidden.String(), l.Collector) + ", in each that is to be read"
		return
	}
	l.Status, l.Reason = Unreadable, "filtered"
	l.Message = "discovery.projects leaves nothing to read: " + l.Message
	l.remedy = "correct discovery.projects in the configuration"
}

func (w *walk) readProject(ctx context.Context, p *project) (string, error) {
	info, err := w.client.Project(ctx, p.named.ID)
	if err != nil {
		return "", err
	}
	if id := info.ID.String(); id != p.named.ID {
		return "", &atlasapi.Error{Kind: atlasapi.KindBadResponse, Err: errors.New("the answer is another project, " + id)}
	}
	p.row.GroupName = info.Name
	return p.named.ID, nil
}

// lists are the lists of clusters and pipelines that the enabled collectors need.
func (w *walk) lists() []probe {
	w.judgeListing()
	on := &w.config.Collectors
	var probes []probe
	for _, p := range w.projects {
		if p.row.Status != Readable {
			continue
		}
		if on.BackupExports.Enabled || on.BackupRestores.Enabled {
			p.clusterList = p.newRow(collector.CollectorClusters)
			probes = append(probes, probe{p.clusterList, func(ctx context.Context) (string, error) { return w.listClusters(ctx, p) }})
		}
		if on.PipelineRuns.Enabled {
			p.pipelineList = p.newRow(collector.CollectorPipelines)
			probes = append(probes, probe{p.pipelineList, func(ctx context.Context) (string, error) { return w.listPipelines(ctx, p) }})
		}
	}
	return probes
}

func (p *project) newRow(collector string) *Row {
	return &Row{GroupID: p.row.GroupID, GroupName: p.row.GroupName, Collector: collector, Status: NotChecked}
}

func (w *walk) listClusters(ctx context.Context, p *project) (string, error) {
	var found []atlasapi.Cluster
	for c, err := range w.client.Clusters(p.row.GroupID).All(ctx) {
		if err != nil {
			return "", err
		}
		found = append(found, c)
	}
	p.clusters = collector.ChooseClusters(w.config, p.named, found)
	slices.SortFunc(p.clusters, func(a, b atlasapi.Cluster) int { return strings.Compare(a.Name, b.Name) })
	return chosen(len(p.clusters), len(found), "cluster"), nil
}

func (w *walk) listPipelines(ctx context.Context, p *project) (string, error) {
	found, err := w.client.Pipelines(ctx, p.row.GroupID)
	if err != nil {
		return "", err
	}
	p.pipelines = collector.ChoosePipelines(w.config, p.named, found)
	slices.SortFunc(p.pipelines, func(a, b atlasapi.Pipeline) int { return strings.Compare(a.Name, b.Name) })
	return chosen(len(p.pipelines), len(found), "pipeline"), nil
}

// targets are what the enabled collectors read. What is known not to be served gets its row, and is not asked for.
func (w *walk) targets() []probe {
	on := &w.config.Collectors
	var probes []probe
	for _, p := range w.projects {
		add := func(name, cluster, pipeline, unsupported string, read func(context.Context) (string, error)) {
			row := p.newRow(name)
			row.Cluster, row.Pipeline = cluster, pipeline
			p.targets = append(p.targets, row)
			if unsupported != "" {
				row.unsupported(unsupported)
				return
			}
			probes = append(probes, probe{row, read})
		}
		group := p.row.GroupID
		for _, c := range p.clusters {
			why := collector.NotServed(&c)
			if on.BackupExports.Enabled {
				add(collector.CollectorSchedules, c.Name, "", why, func(ctx context.Context) (string, error) {
					return readSchedule(ctx, w.client, group, c.Name)
				})
				add(config.BackupExports, c.Name, "", why, readOne(w.client.ExportJobs(group, c.Name)))
			}
			if on.BackupRestores.Enabled {
				add(config.BackupRestores, c.Name, "", why, readOne(w.client.RestoreJobs(group, c.Name)))
			}
		}
		for _, pl := range p.pipelines {
			add(config.PipelineRuns, "", pl.Name, "", readOne(w.client.PipelineRuns(group, pl.Name)))
		}
	}
	return probes
}

func readSchedule(ctx context.Context, client *atlasapi.Client, groupID, cluster string) (string, error) {
	schedule, err := client.Schedule(ctx, groupID, cluster)
	switch {
	case err != nil:
		return "", err
	case !schedule.AutoExportEnabled.Value:
		return "auto export is off", nil
	case schedule.ExportFrequency == "":
		return "auto export is on", nil
	}
	return "auto export is on, " + schedule.ExportFrequency, nil
}

// readOne reads one job of a list: enough to show that the list may be read. An answer that is none may be owed to the
// size of the page, when Atlas hides its only job: what the exporter itself would ask for decides.
func readOne[T any](list atlasapi.List[T]) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		page, err := list.Page(ctx, 1, 1)
		if failure, ok := errors.AsType[*atlasapi.Error](err); ok && failure.Kind == atlasapi.KindBadResponse && failure.Status == 0 {
			page, err = list.Page(ctx, 1, atlasapi.MaxPageSize)
		}
		if err != nil || len(page.Items) > 0 {
			return "", err
		}
		return "none listed", nil
	}
}

// each makes calls at the same time, as many as the configuration allows. It fails only when the context ends.
func (w *walk) each(ctx context.Context, what string, probes []probe) error {
	w.progress.begin(what, len(probes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(w.config.Atlas.MaxConcurrentRequests)
	for _, p := range probes {
		group.Go(func() error {
			found, err := p.read(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.row.judge(found, err)
			w.progress.step()
			return nil
		})
	}
	return group.Wait()
}

// rows are all rows, in the order in which they are shown.
func (w *walk) rows() []Row {
	rows := []Row{}
	add := func(row *Row) {
		if row != nil {
			rows = append(rows, *row)
		}
	}
	add(w.listing)
	for _, p := range w.projects {
		add(p.row)
		add(p.clusterList)
		for _, t := range p.targets {
			if t.Cluster != "" {
				add(t)
			}
		}
		add(p.pipelineList)
		for _, t := range p.targets {
			if t.Pipeline != "" {
				add(t)
			}
		}
	}
	return rows
}

// chosen says how many of the things that were found are read.
func chosen(read, found int, thing string) string {
	if found != 1 {
		thing += "s"
	}
	if read == found {
		return fmt.Sprintf("%d %s", found, thing)
	}
	return fmt.Sprintf("%d of %d %s, the filters leave out the rest", read, found, thing)
}
