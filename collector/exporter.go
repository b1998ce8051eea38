// Package collector reads the job histories of an Atlas organization and shows them as metrics.
//
// Data flows one way. Discovery finds targets, a refresh brings the history of each target up to date, a summary is
// computed from the history, and a scrape writes samples from the summaries. Apart from the first discovery, the package
// only reads what a scrape asks for.
//
// Every collector is one Declaration in the Table that All returns. Nothing else knows a collector by name.
package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// CollectorExporter is the name under which a scrape selects what the exporter knows about itself: mongodbatlas_up, the
// projects, and the targets of discovery. It needs no reading.
const CollectorExporter = "exporter"

// Exporter holds what was read, and reads what a scrape asks for.
type Exporter struct {
	table     Table
	inventory *inventory
	refresher *refresher
	logger    log.Logger
	changes   *changeLog
}

// New returns an exporter of the collectors of a table that has read nothing yet. Configure tells it what to read and how.
// Metrics observes the calls of its clients, and forgets a project when it is gone.
func New(logger log.Logger, metrics *ClientMetrics, table Table) *Exporter {
	e := &Exporter{table: table, logger: logger, changes: newChangeLog(logger)}
	e.inventory = newInventory(table, func(groupID string) {
		metrics.forget(groupID)
		e.changes.forget(groupID)
		e.inventory.settings.client.Forget(groupID)
	}, e.changes.drop)
	e.refresher = newRefresher(e)
	return e
}

// Configure gives the exporter its first settings, or new ones. What was read of the targets that stay is kept.
func (e *Exporter) Configure(c config.Config, client *atlasapi.Client) {
	e.refresher.setRequests(c.Atlas.MaxConcurrentRequests)
	e.inventory.configure(&settings{config: c, client: client, logger: e.logger})
}

// Close ends all reading.
func (e *Exporter) Close() { e.refresher.stop() }

// Selection is the part of everything that a scrape asks for.
type Selection struct {
	// Collectors are names of configurable collectors, or CollectorExporter; nil selects all.
	Collectors []string
	// GroupID selects one project; "" selects all.
	GroupID string
}

func (s Selection) has(collector string) bool {
	return s.Collectors == nil || slices.Contains(s.Collectors, collector)
}

// key identifies the selection.
func (s Selection) key() string { return s.GroupID + " " + strings.Join(s.Collectors, " ") }

// reads reports whether the selection has anything that needs reading.
func (e *Exporter) reads(s Selection) bool {
	return slices.ContainsFunc(e.table.Configurable(), func(d *Declaration) bool { return s.has(d.Name) })
}

// wants reports whether a target is to be read for a selection that needs reading. Discovery is, for it finds the others.
func (s Selection) wants(t *target) bool {
	return (!t.Configurable || s.has(t.Name)) && (s.GroupID == "" || t.groupID == "" || t.groupID == s.GroupID)
}

// Collectors lists the names that a selection may hold: those of the enabled collectors, and CollectorExporter.
func (e *Exporter) Collectors() []string {
	e.inventory.mu.RLock()
	defer e.inventory.mu.RUnlock()
	return append(e.inventory.enabled.Configurable().Names(), CollectorExporter)
}

// Discover begins a discovery in the background, if one is due. It reads no jobs.
func (e *Exporter) Discover() {
	e.refresher.begin(e.inventory.all(), "discovery", func(t *target) bool { return !t.Configurable })
}

// Refresh reads what the selection asks for and is due. It returns when that is done, or when the context ends; reading
// then goes on for the next scrape. It returns what the scrape shows.
func (e *Exporter) Refresh(ctx context.Context, s Selection) prometheus.Collector {
	if !e.reads(s) {
		e.Discover() // behind this scrape: otherwise what it shows of discovery would grow old where nothing else is scraped
		return &scrape{exporter: e, selection: s}
	}
	b := e.refresher.begin(e.inventory.all(), s.key(), s.wants)
	e.refresher.wait(ctx, b)
	return &scrape{exporter: e, selection: s, took: e.refresher.durations(b)}
}

// due returns when a target is to be read again, and false where it never is.
func (e *Exporter) due(t *target) (time.Time, bool) {
	s, c := t.snapshot(), &e.inventory.current().config
	return s.dueAt(t.interval(c, t.busy != nil && t.busy()), c.Refresh.DiscoveryInterval)
}

// read reads one target, and logs a change of its condition.
func (e *Exporter) read(ctx context.Context, t *target) {
	before, after := t.refresh(ctx, e.inventory.current())
	if parent := t.foundBy(); after.reason == NotFound && parent != nil {
		parent.expire() // the target may be gone: the next discovery tells
	}
	e.changes.note(t, e.inventory.nameOf(t.groupID), &before, &after)
	e.inventory.forgetUnread(t.groupID)
}

// children lists what the reading of a target found.
func (e *Exporter) children(t *target) []*target { return e.inventory.children(t) }

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
			return fmt.Errorf("the first discovery has not succeeded yet: %s", s.describe())
		}
	}
	return errors.New("the first discovery is in progress")
}

// Projects lists the ids of the projects that are read, in order: those that discovery found, and those that the
// configuration names.
func (e *Exporter) Projects() []string { return e.inventory.projectIDs() }
