package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// walk calls Atlas just often enough to see what can be read. It reads each list of discovery in full, because it needs
// their entries, and one job of each list of jobs.
type walk struct {
	config      *config.Config
	client      *atlasapi.Client
	table       collector.Table
	credentials *Credentials
	progress    *progress

	listing  *Row // the list of all projects, nil if the configuration lists them
	visible  int  // number of projects in it
	projects []*project
}

// project is a project to check.
type project struct {
	named *config.Project // its entry in the configuration, nil if it was discovered
	row   *Row            // the row of the project itself
	lists []*list
}

// list is something that is read once for each project: a list whose entries have targets, such as the clusters, or a
// target of the project itself.
type list struct {
	declaration *collector.Declaration
	row         *Row
	entries     []collector.Entry
	targets     []*Row
}

// probe is a call, and the row for its result.
type probe struct {
	row  *Row
	read func(context.Context) (found string, err error)
}

// run makes all calls. It fails only if the context ends.
func (w *walk) run(ctx context.Context) error {
	if err := w.findProjects(ctx); err != nil {
		return err
	}
	if err := w.each(ctx, "lists", w.lists()); err != nil {
		return err
	}
	return w.each(ctx, "targets", w.targets())
}

// findProjects reads the projects. The first call shows whether Atlas accepts the credentials. If it does not, it makes
// no further calls.
func (w *walk) findProjects(ctx context.Context) error {
	var probes []probe
	if len(w.config.Projects) == 0 {
		w.listing = &Row{declaration: w.table.Root(), Collector: w.table.Root().Name}
		probes = append(probes, probe{w.listing, w.listProjects})
	}
	for i := range w.config.Projects {
		named := &w.config.Projects[i]
		p := &project{named: named, row: &Row{
			GroupID: named.ID, declaration: w.table.Root(), Collector: w.table.Root().Name, Status: NotChecked,
			Message: "not tried, because the credentials do not work",
		}}
		w.projects = append(w.projects, p)
		probes = append(probes, probe{p.row, func(ctx context.Context) (string, error) { return w.readProject(ctx, p) }})
	}
	goOn := false
	first := probe{probes[0].row, func(ctx context.Context) (string, error) {
		found, err := probes[0].read(ctx)
		goOn = w.credentials.judge(w.table.Root(), err)
		return found, err
	}}
	if err := w.each(ctx, "the credentials", []probe{first}); err != nil || !goOn {
		return err
	}
	err := w.each(ctx, "projects", probes[1:])
	for _, p := range w.projects {
		if s := p.row.Status; s == Readable || s == Forbidden || s == Gone { // the first call may have failed for a temporary reason
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
				GroupID: id, GroupName: p.Name, declaration: w.table.Root(), Collector: w.table.Root().Name, Status: Readable, Message: id,
			}})
		}
	}
	return chosen(len(w.projects), len(listed), "project"), nil
}

// judgeListing turns an empty list of projects into a failure. It says whether a role is missing or the filters exclude
// everything.
func (w *walk) judgeListing() {
	if w.listing == nil || w.listing.Status != Readable || len(w.projects) > 0 {
		return
	}
	l := w.listing
	if w.visible == 0 {
		l.Status, l.Reason, l.MissingRole = Forbidden, "no_project", l.declaration.Role
		l.Message = "missing role: " + l.MissingRole + ": the credentials see no project, because a role in the organization is not enough"
		l.remedy = l.declaration.Remedy(collector.Forbidden, nil) + ", for each project to read"
		return
	}
	l.Status, l.Reason = Unreadable, "filtered"
	l.Message = "discovery.projects excludes everything: " + l.Message
	l.remedy = "correct discovery.projects in the configuration"
}

func (w *walk) readProject(ctx context.Context, p *project) (string, error) {
	info, err := collector.ReadProject(ctx, w.client, p.named.ID)
	if err != nil {
		return "", err
	}
	p.row.GroupName = info.Name
	return p.named.ID, nil
}

// lists returns the probes of the lists that the enabled collectors need in each project.
func (w *walk) lists() []probe {
	w.judgeListing()
	var probes []probe
	for _, p := range w.projects {
		if p.row.Status != Readable {
			continue
		}
		for _, d := range w.table.Enabled(&w.config.Collectors) {
			if d.IsRoot() || d.Parent != nil {
				continue
			}
			l := &list{declaration: d, row: p.newRow(d, "")}
			p.lists = append(p.lists, l)
			probes = append(probes, probe{l.row, func(ctx context.Context) (string, error) { return w.readList(ctx, p, l) }})
		}
	}
	return probes
}

func (p *project) newRow(d *collector.Declaration, entry string) *Row {
	r := &Row{GroupID: p.row.GroupID, GroupName: p.row.GroupName, declaration: d, Collector: d.Name, Status: NotChecked}
	r.Cluster, r.Pipeline = d.Labels(entry)
	return r
}

func (w *walk) readList(ctx context.Context, p *project, l *list) (string, error) {
	if !l.declaration.IsParent() {
		return l.declaration.Probe(ctx, w.client, p.row.GroupID, "")
	}
	found, err := l.declaration.List(ctx, w.client, p.row.GroupID)
	if err != nil {
		return "", err
	}
	l.entries = l.declaration.Choose(w.config, p.named, found)
	slices.SortFunc(l.entries, func(a, b collector.Entry) int { return strings.Compare(a.Name, b.Name) })
	return chosen(len(l.entries), len(found), l.declaration.Noun), nil
}

// targets returns the probes of the targets of the enabled collectors. A target that Atlas does not serve gets its row
// without a call.
func (w *walk) targets() []probe {
	var probes []probe
	for _, p := range w.projects {
		for _, l := range p.lists {
			for _, e := range l.entries {
				for _, d := range w.table.Enabled(&w.config.Collectors) {
					if d.Parent != l.declaration {
						continue
					}
					row := p.newRow(d, e.Name)
					l.targets = append(l.targets, row)
					if e.Unsupported != collector.None {
						row.unsupported(e.Unsupported)
						continue
					}
					probes = append(probes, probe{row, func(ctx context.Context) (string, error) {
						return d.Probe(ctx, w.client, row.GroupID, e.Name)
					}})
				}
			}
		}
	}
	return probes
}

// each makes calls concurrently, as many as the configuration allows. It fails only if the context ends.
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

// rows returns all rows, in the order in which they are shown.
func (w *walk) rows() []Row {
	rows := []Row{}
	if w.listing != nil {
		rows = append(rows, *w.listing)
	}
	for _, p := range w.projects {
		rows = append(rows, *p.row)
		for _, l := range p.lists {
			rows = append(rows, *l.row)
			for _, t := range l.targets {
				rows = append(rows, *t)
			}
		}
	}
	return rows
}

// chosen says how many of the entries found pass the filters.
func chosen(read, found int, thing string) string {
	if found != 1 {
		thing += "s"
	}
	if read == found {
		return fmt.Sprintf("%d %s", found, thing)
	}
	return fmt.Sprintf("%d of %d %s pass the filters", read, found, thing)
}
