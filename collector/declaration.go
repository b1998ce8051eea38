package collector

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Declaration is everything that the program knows about a collector. Configuration keys, flags, targets, discovery,
// rows of check and of the page, alert thresholds and documentation are derived from it.
type Declaration struct {
	// Name is the configuration key, the flag and the value of the label collector.
	Name string
	// Title is the heading of the collector's metrics in the documentation, "" if it has no metrics.
	Title string
	// Noun is the word for an item of the collector's list, such as "export" or "restore".
	Noun string
	// Role is the role that reading needs at least in the project, from x-rolesRequirements of the API specification.
	Role string
	// Configurable collectors read jobs and can be enabled, disabled and selected by name. The others are discovery: they run
	// when a configurable one needs them.
	Configurable bool
	// Parent is the collector whose list has an entry for each target of this one. If nil, each project has one target.
	Parent *Declaration
	// Needs are the discovery collectors besides the parent whose data this one uses.
	Needs []*Declaration
	// Step is the link of the backup chain that the collector's jobs belong to.
	Step Step
	// Alert is the part of alert names for the collector's jobs: "BackupExport" in MongoDBAtlasBackupExportFailed.
	Alert string
	// Row says when the page shows a target of this collector.
	Row Row
	// Patience says how long something may last before it needs attention.
	Patience Patience
	// MinInterval is the default of the collector's min_interval; 0: refresh.min_interval.
	MinInterval time.Duration
	// ExpectedIntervals reports whether the configuration of the collector has the key expected_intervals. Only collectors
	// of dedicated clusters can have it: see clusterInterval.
	ExpectedIntervals bool

	root        bool       // finds projects
	mayEnd      bool       // 404, 405 or 410 means that Atlas does not offer the feature, or no longer
	entries     *entryList // of a parent: how its entries are listed and chosen
	showsParent bool       // the metrics of the parent's entry come with this collector
	attach      attachment // returns the reader of a new target
	metrics     []*metric  // that this reader writes
	// due reports whether the list that a reader reads is about to change, although no job is unfinished. If nil, it
	// never is.
	due           func(e *entry, r reader) bool
	entryFamilies families[*entryView] // the metrics of an entry itself: the parent's, and those that a collector adds
	plan          planner              // nil: no knowledge about future jobs
	probe         prober
}

type (
	attachment func(t *target) reader
	planner    func(s *entryView) Plan
	// prober makes the smallest call that shows whether a target can be read. found says to people what it found.
	prober func(ctx context.Context, c *atlasapi.Client, groupID, name string) (found string, err error)
)

// Step is a link of the backup chain.
type Step uint8

// The links of the backup chain. StepNone is for all other jobs.
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
	// RowWhenDown shows a target while reading it fails.
	RowWhenDown
	// RowAlways shows every target.
	RowAlways
	// RowWithJobs shows a target that lists jobs, or that could not be read.
	RowWithJobs
)

// Patience is how long something may last before it needs attention. The page, the alerting rules and the dashboards
// share it.
type Patience struct {
	// News is how long a failure is reported.
	News time.Duration
	// Stuck is how long a job may be unfinished if there is no successful one to compare with; 0: for ever.
	Stuck time.Duration
	// StuckFactor is how many times the duration of the last success a job may take; 0: only Stuck counts.
	StuckFactor int
	// StuckLeast is how long a job may be unfinished, even if the last success was fast.
	StuckLeast time.Duration
	// Grace is the maximum delay of a success beyond its interval.
	Grace time.Duration
	// Missing is how long a completed snapshot may have no export job although auto export covers it.
	Missing time.Duration
	// Behind is how long ago the time of Atlas's own next job may be.
	Behind time.Duration
}

// The roles that the API specification demands.
const (
	readOnly      = "Project Read Only"
	backupManager = "Project Backup Manager"
)

// Table holds all collectors. A parent comes before its children, and discovery before the collectors that need it.
type Table []*Declaration

// Root returns the collector that finds projects.
func (t Table) Root() *Declaration { return t[slices.IndexFunc(t, (*Declaration).IsRoot)] }

// Configurable returns the collectors that the configuration can enable.
func (t Table) Configurable() Table {
	return slices.DeleteFunc(slices.Clone(t), func(d *Declaration) bool { return !d.Configurable })
}

// Names returns the names of the collectors.
func (t Table) Names() []string {
	var names []string
	for _, d := range t {
		names = append(names, d.Name)
	}
	return names
}

// Config returns the configurable collectors as package config needs them.
func (t Table) Config() []config.Collector {
	var declared []config.Collector
	for _, d := range t.Configurable() {
		declared = append(declared, config.Collector{Name: d.Name, MinInterval: d.MinInterval, ExpectedIntervals: d.ExpectedIntervals})
	}
	return declared
}

// Enabled returns the collectors that run: those that the configuration enables, and the discovery that they need.
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

// entryLabels returns the labels that identify an entry: those of its project, and the label that its parent declares.
func (d *Declaration) entryLabels() []string {
	parent := d
	if d.Parent != nil {
		parent = d.Parent
	}
	return with(groupLabels(), parent.entries.label)
}

// IsRoot reports whether the collector finds projects.
func (d *Declaration) IsRoot() bool { return d.root }

// IsParent reports whether the collector's list has entries with targets of other collectors.
func (d *Declaration) IsParent() bool { return d.entries != nil }

// Labels returns the values of the labels cl_name and pipeline for the entry of a target, "" if a label does not apply.
func (d *Declaration) Labels(name string) (cluster, pipeline string) {
	if d.Parent != nil && d.Parent.entries.label == pipelineLabel {
		return "", name
	}
	return name, ""
}

// List reads all entries of a project.
func (d *Declaration) List(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error) {
	return d.entries.list(ctx, c, groupID)
}

// Choose returns the entries that pass the filters, one for each name. named is the project's entry in the
// configuration, nil if the project was discovered.
func (d *Declaration) Choose(c *config.Config, named *config.Project, found []Entry) []Entry {
	chosen := make([]Entry, 0, len(found))
	index := make(map[string]int, len(found))
	for _, e := range found {
		if !d.entries.filter(&c.Discovery).Match(e.Name) || named != nil && !d.entries.filterOf(named).Match(e.Name) {
			continue
		}
		other, known := index[e.Name]
		switch {
		case !known:
			index[e.Name] = len(chosen)
			chosen = append(chosen, e)
		case !e.deleting:
			chosen[other] = e
		}
	}
	return chosen
}

// ReasonFor classifies the error of a read of one of the collector's targets. It returns None without an error.
func (d *Declaration) ReasonFor(err error) Reason {
	kind, answered := atlasapi.KindOf(err)
	switch {
	case err == nil:
		return None
	case !answered && errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case !answered:
		return Network
	case atlasapi.IsOfToken(err): // a failure of the token endpoint says nothing about the target
	case d.Parent != nil && kind == atlasapi.KindBackupDisabled:
		return BackupDisabled
	case d.Parent != nil && kind == atlasapi.KindFlex:
		return Flex
	case d.mayEnd && isGone(err):
		return FeatureGone
	}
	return reasonOf(kind)
}

// Remedy returns what a person can do about the error of a read that has a reason.
func (d *Declaration) Remedy(reason Reason, err error) string {
	switch {
	case atlasapi.IsOfToken(err) && reason == NotFound:
		return "check atlas.base_url: this server has no token endpoint (/api/oauth/token)"
	case atlasapi.IsOfToken(err) && reason == Forbidden:
		return "find out why Atlas grants no token: a service account may hold 100 at a time, each for an hour"
	case atlasapi.IsOfToken(err) && reason == RateLimited:
		return "wait: Atlas grants 10 tokens a minute for an address and client id; check what else requests tokens"
	case d.IsRoot() && reason == NotFound && errorCode(err) == "": // Atlas sends a code
		return "check atlas.base_url: this server does not have Atlas's API (/api/atlas/v2)"
	case reason == Network && errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at this address: check atlas.base_url and the proxy"
	case reason == Forbidden:
		return "give the credentials the role " + d.Role + " in the project"
	}
	return reasonTexts()[reason].remedy
}

// Probe makes the smallest call that shows whether a target can be read. found says to people what it found.
func (d *Declaration) Probe(ctx context.Context, c *atlasapi.Client, groupID, name string) (found string, err error) {
	return d.probe(ctx, c, groupID, name)
}

// interval returns how old the values of a target may become before a scrape reads them again.
func (d *Declaration) interval(c *config.Config, busy bool) time.Duration {
	switch {
	case !d.Configurable:
		return c.Refresh.DiscoveryInterval
	case busy:
		return min(c.Refresh.MinInterval, c.MinInterval(d.Name))
	}
	return c.MinInterval(d.Name)
}
