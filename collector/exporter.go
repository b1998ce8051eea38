// Package collector reads the job histories of an Atlas organization and exports them as metrics.
//
// Data flows one way. Discovery finds targets, a refresh brings the history of each target up to date, a summary is
// computed from the history, and a scrape writes samples from the summaries. Apart from the first discovery, and from one
// retry soon after a failed read, the package only reads when a caller asks for it.
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

// CollectorExporter is the name with which a scrape selects the exporter's own metrics: mongodbatlas_up, the projects,
// and the targets of discovery. These need no reading.
const CollectorExporter = "exporter"

// slowDiscovery is how long a discovery may take before Ready and the log say so.
const slowDiscovery = 10 * time.Second

// Exporter holds the values that were read, and reads what a scrape asks for. Its methods are safe for concurrent use.
type Exporter struct {
	table     Table
	inventory *inventory
	refresher *refresher
	logger    log.Logger
	changes   *changeLog
	source    *source
}

// New returns an exporter for the collectors of a table. It reads nothing before Configure. metrics observes the calls
// of its clients, and drops the series of projects that are gone.
func New(logger log.Logger, metrics *ClientMetrics, table Table) *Exporter {
	e := &Exporter{table: table, logger: logger, changes: newChangeLog(logger), source: newSource()}
	e.inventory = newInventory(table, func(groupID string) {
		metrics.forget(groupID)
		e.changes.forget(groupID)
		e.inventory.settings.client.Forget(groupID)
	}, e.changes.drop)
	e.refresher = newRefresher(e)
	return e
}

// Configure applies the first or new settings. Targets that stay keep their values. Calls of Configure and Restart must not
// overlap.
func (e *Exporter) Configure(c config.Config, client *atlasapi.Client) {
	e.configure(c, client, e.source)
}

// Restart is Configure for another account or another Atlas. It ends the reads in progress, whose answers are about what the
// old account sees. If there was a discovery before, it starts another one.
func (e *Exporter) Restart(c config.Config, client *atlasapi.Client) {
	e.source.stop()
	e.source = newSource()
	e.configure(c, client, e.source)
	began := false
	for _, t := range e.inventory.all() {
		began = t.renew() || began
	}
	if began {
		e.Discover()
	}
}

func (e *Exporter) configure(c config.Config, client *atlasapi.Client, from *source) {
	e.refresher.setRequests(c.Atlas.MaxConcurrentRequests)
	e.inventory.configure(&settings{config: c, client: client, logger: e.logger, source: from})
}

// Close stops all reading and waits for it.
func (e *Exporter) Close() { e.refresher.stop() }

// Selection says what a scrape asks for.
type Selection struct {
	// Collectors are names of configurable collectors, or CollectorExporter; nil selects all.
	Collectors []string
	// GroupID selects one project; "" selects all.
	GroupID string
}

func (s Selection) has(collector string) bool {
	return s.Collectors == nil || slices.Contains(s.Collectors, collector)
}

// key returns a string that identifies the selection.
func (s Selection) key() string { return s.GroupID + " " + strings.Join(s.Collectors, " ") }

// reads reports whether the selection needs any read.
func (e *Exporter) reads(s Selection) bool {
	return slices.ContainsFunc(e.table.Configurable(), func(d *Declaration) bool { return s.has(d.Name) })
}

// wants reports whether a selection that needs reading needs this target. It always needs discovery, which finds the
// others.
func (s Selection) wants(t *target) bool {
	return (!t.Configurable || s.has(t.Name)) && (s.GroupID == "" || t.groupID == "" || t.groupID == s.GroupID)
}

// Collectors returns the names that a selection may contain: the enabled collectors and CollectorExporter.
func (e *Exporter) Collectors() []string {
	e.inventory.mu.RLock()
	defer e.inventory.mu.RUnlock()
	return append(e.inventory.enabled.Configurable().Names(), CollectorExporter)
}

// Discover starts a discovery in the background, if one is due. It reads no jobs.
func (e *Exporter) Discover() {
	e.refresher.begin(e.inventory.all(), "discovery", func(t *target) bool { return !t.Configurable })
}

// Refresh reads the selected targets that are due, and returns a collector of their values. It returns when they are
// read or when the context ends. In the latter case, reading goes on in the background for the next scrape.
func (e *Exporter) Refresh(ctx context.Context, s Selection) prometheus.Collector {
	if !e.reads(s) {
		e.Discover() // in the background: if nothing else is scraped, the values of discovery would otherwise grow old
		return &scrape{exporter: e, selection: s}
	}
	b := e.refresher.begin(e.inventory.all(), s.key(), s.wants)
	e.refresher.wait(ctx, b)
	return &scrape{exporter: e, selection: s, took: e.refresher.durations(b)}
}

// due returns when to read a target again, and false if never.
func (e *Exporter) due(t *target) (time.Time, bool) {
	s, c := t.currentStatus(), &e.inventory.current().config
	return s.dueAt(t.interval(c, t.busy != nil && t.busy()), c.Refresh.DiscoveryInterval)
}

// read reads one target, and logs a change of its condition. What it read is valid until another source replaces this one.
func (e *Exporter) read(ctx context.Context, t *target) (valid context.Context) {
	s := e.inventory.current()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.source.ctx, cancel)
	defer stop()
	answered := e.changes.awaiting(t, e.inventory.nameOf(t.groupID))
	before, after := t.refresh(ctx, s)
	answered()
	if parent := t.foundBy(); after.reason == NotFound && parent != nil {
		parent.expire() // the target may be gone: the next discovery finds out
	}
	e.changes.note(t, e.inventory.nameOf(t.groupID), &before, &after)
	e.inventory.forgetIfGone(t.groupID)
	return s.source.ctx
}

// children returns the targets that a read of a target found.
func (e *Exporter) children(t *target) []*target { return e.inventory.children(t) }

// Ready returns nil after the first successful discovery, and before that an error that says why there is none.
func (e *Exporter) Ready() error {
	inv := e.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	if inv.discovered {
		return nil
	}
	var took time.Duration
	for _, root := range inv.roots {
		s := root.currentStatus()
		if s.failure != nil {
			return fmt.Errorf("the first discovery has not succeeded yet: %s", s.describe())
		}
		if !s.attempted.IsZero() {
			took = max(took, time.Since(s.attempted))
		}
	}
	if took >= slowDiscovery {
		return fmt.Errorf("the first discovery has been in progress for %s", took.Truncate(time.Second))
	}
	return errors.New("the first discovery is in progress")
}

// Projects returns the sorted ids of the projects that are read: the configured ones, or those that discovery found.
func (e *Exporter) Projects() []string { return e.inventory.projectIDs() }
