// Package collector reads the job histories of an Atlas organisation and shows them as metrics.
//
// Data goes one way: discovery says which targets exist, a refresh brings the history of each up to date, a judgement
// is made of each history, and a scrape writes samples from the judgements. Nothing is read that no scrape asked for,
// but for the first discovery.
package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// CollectorExporter is the name under which a scrape selects what the exporter knows of itself: mongodbatlas_up,
// the projects, and the targets of discovery. It needs no reading.
const CollectorExporter = "exporter"

// Exporter knows what was read, and has read what a scrape asks for.
type Exporter struct {
	inventory *inventory
	refresher *refresher
	logger    log.Logger
}

// New returns an exporter that has read nothing yet. Configure gives it what to read and how. The calls of its clients
// are observed by api, which forgets a project when it is gone.
func New(logger log.Logger, api *API) *Exporter {
	e := &Exporter{inventory: newInventory(api.forget), logger: logger}
	e.refresher = newRefresher(e.read, e.inventory.children)
	return e
}

// Configure gives the exporter its first settings, or others. What was read of the targets that stay is kept.
func (e *Exporter) Configure(c config.Config, client *atlasapi.Client) {
	e.refresher.setRequests(c.Atlas.MaxConcurrentRequests)
	e.inventory.configure(&settings{config: c, client: client})
}

// Close ends all reading.
func (e *Exporter) Close() { e.refresher.stop() }

// Selection is the part of everything that a scrape asks for.
type Selection struct {
	// Collectors are names of job collectors, or CollectorExporter; nil selects all.
	Collectors []string
	// GroupID selects one project; "" selects all.
	GroupID string
}

func (s Selection) has(collector string) bool {
	return s.Collectors == nil || slices.Contains(s.Collectors, collector)
}

// reads reports whether the selection has anything that needs reading.
func (s Selection) reads() bool {
	return slices.ContainsFunc(Declared(), func(c config.Collector) bool { return s.has(c.Name) })
}

// wants reports whether a target is to be read for the selection. Discovery is, for it finds the others.
func (s Selection) wants(t *target) bool {
	return s.reads() && (isDiscovery(t.collector) || s.has(t.collector)) &&
		(s.GroupID == "" || t.groupID == "" || t.groupID == s.GroupID)
}

// Collectors lists the names that a selection may hold: those of the enabled collectors, and CollectorExporter.
func (e *Exporter) Collectors() []string {
	c := e.inventory.current().config.Collectors
	names := slices.DeleteFunc(c.Names(), func(name string) bool { return !c.Enabled(name) })
	return append(names, CollectorExporter)
}

// Discover begins a discovery in the background, if one is due. It reads no jobs.
func (e *Exporter) Discover() {
	e.refresher.begin(e.inventory.all(), e.due, func(t *target) bool { return isDiscovery(t.collector) })
}

// Refresh has read what the selection asks for and is due, and returns when it is, or when the context ends. Reading
// goes on then, for the next scrape. It returns what the scrape shows.
func (e *Exporter) Refresh(ctx context.Context, s Selection) prometheus.Collector {
	if !s.reads() {
		e.Discover() // behind this scrape, for the next: what it shows of discovery would grow old if nothing else is asked for
		return &scrape{exporter: e, selection: s}
	}
	b := e.refresher.begin(e.inventory.all(), e.due, s.wants)
	b.wait(ctx)
	return &scrape{exporter: e, selection: s, took: e.refresher.durations(b)}
}

func (e *Exporter) due(t *target) (time.Time, bool) {
	s := t.snapshot()
	return s.dueAt(t.collector, e.inventory.current().config.Refresh)
}

// read reads one target, and says so where its condition changed.
func (e *Exporter) read(ctx context.Context, t *target) {
	before, after := t.refresh(ctx, e.inventory.current())
	if kind, _ := atlasapi.KindOf(after.failure); after.failure != nil && kind == atlasapi.KindNotFound && t.parent != nil {
		t.parent.expire() // it may be gone: let the next discovery say so
	}
	e.inventory.forgetUnread(t.groupID)
	e.logChange(t, &before, &after)
}

// Ready returns nil once the first discovery succeeded, and else why it did not yet.
func (e *Exporter) Ready() error {
	inv := e.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	if inv.discovered {
		return nil
	}
	for _, root := range inv.roots {
		if s := root.snapshot(); s.failure != nil {
			return fmt.Errorf("the first discovery has not succeeded yet: %s", describe(&s))
		}
	}
	return errors.New("the first discovery is under way")
}

// Projects lists the ids of the projects that are read, in order: those that discovery found, and those that the
// configuration names.
func (e *Exporter) Projects() []string {
	inv := e.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	ids := map[string]struct{}{}
	for id := range inv.projects {
		ids[id] = struct{}{}
	}
	for _, p := range inv.settings.config.Projects {
		ids[p.ID] = struct{}{}
	}
	return slices.Sorted(maps.Keys(ids))
}

// up is mongodbatlas_up. The lock is held.
func (inv *inventory) up() bool {
	for _, root := range inv.roots {
		if s := root.snapshot(); s.condition() == up && (root.groupID != "" || len(inv.listed) > 0) {
			return true
		}
	}
	return false
}
