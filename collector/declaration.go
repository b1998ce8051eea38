package collector

import (
	"context"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Declaration is everything that the program knows about one collector. Configuration keys, flags, targets, discovery,
// rows of check and of the page, alert thresholds and documentation derive from it.
type Declaration struct {
	// Name is the configuration key, the flag and the value of the label collector.
	Name string
	// Title heads the collector's metrics in the documentation, "" where it has none.
	Title string
	// Noun says for people what one target of the collector lists: "export", "restore".
	Noun string
	// Role is the least role in a project with which Atlas answers, by the x-rolesRequirements of the API specification.
	Role string
	// Configurable collectors read jobs and can be enabled, disabled and selected by name. The others are discovery: they run
	// when a configurable one needs them.
	Configurable bool
	// Parent is the list whose entries each have one target of this collector, nil where a project has one.
	Parent *Declaration
	// Needs are discovery collectors, beside the parent, without which this one cannot say everything it should.
	Needs []*Declaration
	// Step is the link of the backup chain that the collector's jobs are.
	Step Step
	// Alert is how the names of the alerts on the collector's jobs begin, as in MongoDBAtlasBackupExportFailed: "BackupExport".
	Alert string
	// Row says when the page shows a target of this collector.
	Row Row
	// Patience bounds how long something may last before it needs attention.
	Patience Patience
	// MinInterval is the default of the collector's min_interval; 0: refresh.min_interval holds.
	MinInterval time.Duration
	// ExpectedIntervals reports whether the collector takes expected_intervals in the configuration.
	ExpectedIntervals bool

	root        bool        // finds projects
	mayEnd      bool        // 404, 405 or 410 says that Atlas does not offer the feature (any more)
	entries     *entryList  // of a parent: how its entries are listed and chosen
	showsParent bool        // the metrics of the parent's entry come with this collector
	about       []*metric   // metrics of the entry itself
	metrics     []*metric   // metrics of the target
	attach      attachment  // returns the reader of a new target
	writeAbout  aboutWriter // nil: the collector says nothing about the entry itself
	plan        planner     // nil: nothing is known of jobs to come
	probe       prober
}

type (
	attachment  func(t *target) reader
	aboutWriter func(w *writer, labels []string, s *entryView)
	planner     func(s *entryView) Plan
	// prober reads as little as shows that the target can be read. found says what it found, for a person.
	prober func(ctx context.Context, c *atlasapi.Client, groupID, name string) (found string, err error)
)

// Step is a link of the backup chain.
type Step uint8

// The links of the backup chain. What other jobs do stands beside it.
const (
	StepNone Step = iota
	StepSnapshot
	StepExport
	StepRestore
)

// Row says when the page shows a target.
type Row uint8

const (
	// RowWhenNotUp shows a target while it is not up.
	RowWhenNotUp Row = iota
	// RowWhenDown shows a target while its reading fails.
	RowWhenDown
	// RowAlways shows every target.
	RowAlways
	// RowWithJobs shows a target that lists jobs, or that could not be read.
	RowWithJobs
)

// Patience is how long something may last before it needs attention. The page, check, the alerting rules and the
// dashboards share it.
type Patience struct {
	// News is how long a failure is reported.
	News time.Duration
	// Stuck is how long a job may be unfinished where no success says how long one takes; 0: for ever.
	Stuck time.Duration
	// StuckFactor is how many times the duration of the last success a job may take; 0: Stuck alone decides.
	StuckFactor int
	// StuckLeast is how long a job may be unfinished however fast the last success was.
	StuckLeast time.Duration
	// Grace is the most that a success may be late beyond its interval.
	Grace time.Duration
	// Missing is how long a completed snapshot may be without the export that auto export should have made.
	Missing time.Duration
	// Behind is how long Atlas's own next job may be in the past.
	Behind time.Duration
}

// The roles that the API specification demands.
const (
	readOnly      = "Project Read Only"
	backupManager = "Project Backup Manager"
)

// Table is all collectors. A parent stands before its children, and discovery before what needs it.
type Table []*Declaration

// Root is the collector that finds projects.
func (t Table) Root() *Declaration { return t[slices.IndexFunc(t, (*Declaration).IsRoot)] }

// Configurable lists the collectors that the configuration can enable.
func (t Table) Configurable() Table {
	return slices.DeleteFunc(slices.Clone(t), func(d *Declaration) bool { return !d.Configurable })
}

// Names lists the names of the collectors.
func (t Table) Names() []string {
	var names []string
	for _, d := range t {
		names = append(names, d.Name)
	}
	return names
}

// Config declares the configurable collectors to the configuration.
func (t Table) Config() []config.Collector {
	var declared []config.Collector
	for _, d := range t.Configurable() {
		declared = append(declared, config.Collector{Name: d.Name, MinInterval: d.MinInterval, ExpectedIntervals: d.ExpectedIntervals})
	}
	return declared
}

// Enabled lists the collectors that run: those that the configuration enables, and the discovery that they need.
func (t Table) Enabled(c *config.Collectors) Table {
	wanted := map[*Declaration]bool{t.Root(): true}
	for _, d := range t {
		if d.Configurable && c.Enabled(d.Name) {
			d.want(wanted)
		}
	}
	return slices.DeleteFunc(slices.Clone(t), func(d *Declaration) bool { return !wanted[d] })
}

func (d *Declaration) want(wanted map[*Declaration]bool) {
	wanted[d] = true
	if d.Parent != nil {
		d.Parent.want(wanted)
	}
	for _, needed := range d.Needs {
		needed.want(wanted)
	}
}

// describe declares metrics of the entry itself: the parent's, or those that a collector adds to it.
func (d *Declaration) describe(labels []string, declared ...family[*entryView]) {
	bound := bind(labels, declared...)
	d.about, d.writeAbout = bound.metrics(), bound.write
}

// dueWhen makes a target busy also while due reports that its list is about to change.
func (d *Declaration) dueWhen(due func(e *entry, r reader) bool) {
	attach := d.attach
	d.attach = func(t *target) reader {
		r := attach(t)
		unfinished := t.busy
		t.busy = func() bool { return unfinished() || due(t.entry, r) }
		return r
	}
}

// IsRoot reports whether the collector finds projects.
func (d *Declaration) IsRoot() bool { return d.root }

// IsParent reports whether the collector lists what other collectors have one target for.
func (d *Declaration) IsParent() bool { return d.entries != nil }

// Labels returns the values of the labels cl_name and pipeline for the entry of a target, "" where a label does not apply.
func (d *Declaration) Labels(name string) (cluster, pipeline string) {
	if d.Parent != nil && d.Parent.entries.label == pipelineLabel {
		return "", name
	}
	return name, ""
}

// Probe reads as little as shows whether a target can be read. Found says what it found, for a person.
func (d *Declaration) Probe(ctx context.Context, c *atlasapi.Client, groupID, name string) (found string, err error) {
	return d.probe(ctx, c, groupID, name)
}

// interval is how old the values of a target may be before a scrape asks for them again.
func (d *Declaration) interval(c *config.Config, busy bool) time.Duration {
	switch {
	case !d.Configurable:
		return c.Refresh.DiscoveryInterval
	case busy:
		return min(c.Refresh.MinInterval, c.MinInterval(d.Name))
	}
	return c.MinInterval(d.Name)
}
