package soak

import (
	"math"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// held is what the exporter holds of a cluster's jobs while Atlas does not answer for them, by collector. A collector is not
// in it if its jobs were never read, or have been forgotten.
type held map[string]any

// oracle says what the exporter has to show of the simulated Atlas. It is used within Organization.Do.
type oracle struct {
	org      *atlassim.Organization
	settings *settings
	// evidence is what was read of clusters whose backup is off, from before that. A cluster is not in it where the
	// exporter never read its jobs, or had no reason to keep them.
	evidence map[*atlassim.Cluster]held
	// stale is what Atlas does not list any more, and the exporter need not know yet.
	stale    map[any]staleJobs
	reloaded reloadState
	// since is when the values must have been read at the earliest.
	since time.Time
}

// staleJobs are jobs as they were listed before a change that the exporter notices when it reads the whole list.
type staleJobs struct {
	until    time.Time // when it must have noticed
	exports  []*atlassim.Export
	restores []*atlassim.Restore
	runs     []*atlassim.Run
}

// health collects what is expected of the targets.
type health struct {
	samples samples
	since   float64
	// counts is by collector, group id, group name and state.
	counts map[[4]string]int
}

// targetStates are the states of a target that mongodbatlas_targets counts by.
var targetStates = []string{"up", "down", "unsupported", "pending"}

// conditions has the counts of a project's collector begin with nothing in any state.
func (h *health) conditions(collector, groupID, groupName string) {
	for _, state := range targetStates {
		h.counts[[4]string{collector, groupID, groupName, state}] += 0
	}
}

// target expects a target that is up, or the reason for which it is not supported.
func (h *health) target(collector, groupID, groupName, cluster, pipeline, unsupported string) {
	h.conditions(collector, groupID, groupName)
	labels := []string{
		"collector", collector, "group_id", groupID, "group_name", groupName, "cl_name", cluster, "pipeline", pipeline,
	}
	if unsupported != "" {
		h.counts[[4]string{collector, groupID, groupName, "unsupported"}]++
		h.samples.set(1, prefix+"target_unsupported_info", append(labels, "reason", unsupported)...)
		return
	}
	h.counts[[4]string{collector, groupID, groupName, "up"}]++
	h.samples.set(1, prefix+"target_up", labels...)
	h.samples[harness.Series(prefix+"target_last_refresh_timestamp_seconds", labels...)] = span{h.since, math.Inf(1)}
}

// groups is everything that is expected of a scrape, except the families that count the exporter's own calls. The first
// group is the health of all targets.
func (o *oracle) groups() []group {
	h := &health{samples: samples{}, since: math64(o.since), counts: map[[4]string]int{}}
	groups := []group{{[]samples{h.samples}}}
	visible := o.visible()
	h.samples.flag(len(visible) > 0, prefix+"up")
	h.samples.flag(o.reloaded.good, reloadGood)
	h.samples[harness.Series(reloadTime)] = o.reloaded.at
	if len(o.settings.named) == 0 {
		h.target("projects", "", "", "", "", "")
	}
	for _, p := range visible {
		if len(o.settings.named) > 0 {
			h.target("projects", p.ID, p.Name, "", "", "")
		}
		h.samples.set(1, prefix+"project_info", "group_id", p.ID, "group_name", p.Name, "org_id", o.org.ID)
		for _, collector := range o.settings.collectors() {
			switch collector {
			case "projects":
			case "clusters", "flex_clusters", "pipelines", "export_buckets":
				h.target(collector, p.ID, p.Name, "", "", "")
			default:
				h.conditions(collector, p.ID, p.Name)
			}
		}
		for _, c := range o.clusters(p) {
			for _, collector := range o.clusterCollectors() {
				h.target(collector, p.ID, p.Name, c.Name, "", notServed(c))
			}
			groups = append(groups, o.cluster(c)...)
		}
		groups = append(groups, o.flexClusters(p, h))
		for _, pl := range o.pipelines(p) {
			h.target(collectorRuns, p.ID, p.Name, "", pl.Name, "")
			groups = append(groups, o.pipeline(pl))
		}
	}
	for at, n := range h.counts {
		h.samples.set(float64(n), prefix+"targets", "collector", at[0], "group_id", at[1], "group_name", at[2], "state", at[3])
	}
	for _, collector := range o.settings.collectors() {
		h.samples.set(1, prefix+"scrape_collector_success", "collector", collector)
		h.samples[harness.Series(prefix+"scrape_collector_duration_seconds", "collector", collector)] = span{0, 60}
	}
	return groups
}

// visible lists the projects that are read.
func (o *oracle) visible() []*atlassim.Project {
	return slices.DeleteFunc(o.org.Projects(), func(p *atlassim.Project) bool {
		return p.Unlisted || !o.settings.reads(p.ID, p.Name)
	})
}

// clusters lists the clusters of a project that are read.
func (o *oracle) clusters(p *atlassim.Project) []*atlassim.Cluster {
	if len(o.clusterCollectors()) == 0 {
		return nil
	}
	return slices.DeleteFunc(p.Clusters(), func(c *atlassim.Cluster) bool { return matches(o.settings.excludedClusters, c.Name) })
}

// clusterCollectors are the enabled collectors that have a target for each cluster.
func (o *oracle) clusterCollectors() []string {
	var names []string
	for _, l := range ofClusters() {
		if o.settings.disabled[l.collector] {
			continue
		}
		names = append(names, l.collector)
		if slices.Contains(l.needs, "backup_schedule") {
			names = append(names, "backup_schedule")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// pipelines lists the pipelines of a project that are read.
func (o *oracle) pipelines(p *atlassim.Project) []*atlassim.Pipeline {
	if o.settings.disabled[collectorRuns] {
		return nil
	}
	return slices.DeleteFunc(p.Pipelines(), func(pl *atlassim.Pipeline) bool {
		return matches(o.settings.excludedPipelines, pl.Name)
	})
}

// notServed is why Atlas serves no backups of a cluster, or "".
func notServed(c *atlassim.Cluster) string {
	switch {
	case c.Provider == "TENANT":
		return "free_tier"
	case c.Provider == "FLEX":
		return "flex"
	case !c.BackupEnabled:
		return "backup_disabled"
	}
	return ""
}

// cluster is what is expected of a cluster: a group for each list of jobs, the first of which has the cluster itself too.
func (o *oracle) cluster(c *atlassim.Cluster) []group {
	reason := notServed(c)
	if reason == "free_tier" || reason == "flex" {
		return nil
	}
	p := c.Project()
	labels := []string{"group_id", p.ID, "group_name", p.Name, "cl_name", c.Name}
	groups := []group{{[]samples{o.plain(c, labels)}}}
	for _, l := range ofClusters() {
		if o.settings.disabled[l.collector] {
			continue
		}
		if reason == "" {
			groups = append(groups, l.expect(o, c, l.keep(c), labels))
		} else if jobs, isHeld := o.evidence[c][l.collector]; isHeld {
			groups = append(groups, l.expect(o, c, jobs, labels))
		}
	}
	return groups
}

func keepExports(c *atlassim.Cluster) any {
	return copied(c.Exports())
}

func (o *oracle) exports(c *atlassim.Cluster, jobs any, labels []string) group {
	listed := jobs.([]*atlassim.Export)
	listings := [][]*atlassim.Export{listed}
	if older := o.stale[c].exports; len(older) > 0 {
		listings = append(listings, append(slices.Clone(listed), older...))
	}
	g := group{}
	for _, listed := range listings {
		s := exportSamples(listed, labels...)
		if !o.settings.disabled[collectorSnapshots] {
			s.add(o.missing(c, listed, labels))
		}
		g.alternatives = append(g.alternatives, s)
	}
	return g
}

func keepRestores(c *atlassim.Cluster) any {
	var kept []*atlassim.Restore
	for _, r := range c.Restores() {
		was := *r
		was.Components = slices.Clone(r.Components) // an expiring download changes them in place
		kept = append(kept, &was)
	}
	return kept
}

func (o *oracle) restores(c *atlassim.Cluster, jobs any, labels []string) group {
	listed := jobs.([]*atlassim.Restore)
	g := group{[]samples{restoreSamples(listed, labels...)}}
	if older := o.stale[c].restores; len(older) > 0 {
		g.alternatives = append(g.alternatives, restoreSamples(append(slices.Clone(listed), older...), labels...))
	}
	return g
}

// plain is what is expected of a cluster itself, and of its schedule.
func (o *oracle) plain(c *atlassim.Cluster, labels []string) samples {
	s := samples{}
	if o.settings.disabled[collectorExports] && o.settings.disabled[collectorSnapshots] {
		return s
	}
	s.flag(c.BackupEnabled, prefix+"cluster_backup_enabled", labels...)
	s.flag(c.Paused, prefix+"cluster_paused", labels...)
	s.flag(c.PitEnabled, prefix+"cluster_pit_enabled", labels...)
	if c.BackupEnabled && c.Schedule.ExportFrequency != "" { // the policy names the first bucket of the project
		s.flag(true, prefix+"backup_export_bucket_found", labels...)
	}
	s.set(seconds(c.Created), prefix+"cluster_created_timestamp_seconds", labels...)
	if !o.settings.disabled[collectorSnapshots] {
		s.add(o.policy(c, labels))
	}
	if o.settings.disabled[collectorExports] {
		return s
	}
	s.flag(c.BackupEnabled && c.Schedule.AutoExportEnabled, exportFamily+"_auto_enabled", labels...)
	if c.Paused || !c.BackupEnabled {
		return s
	}
	interval, configured := o.settings.expected(c.Project().ID, c.Name)
	if !configured && c.Schedule.AutoExportEnabled {
		interval = map[string]time.Duration{
			"daily": 86400 * time.Second, "weekly": 604800 * time.Second,
			"monthly": 2678400 * time.Second, "yearly": 31622400 * time.Second,
		}[c.Schedule.ExportFrequency]
	}
	if interval > 0 {
		s.set(interval.Seconds(), exportFamily+"_expected_interval_seconds", labels...)
	}
	return s
}

// pipeline is what is expected of a pipeline.
func (o *oracle) pipeline(pl *atlassim.Pipeline) group {
	p := pl.Project()
	labels := []string{"group_id", p.ID, "group_name", p.Name, "pipeline", pl.Name}
	plain := samples{}
	plain.stateSet(pl.State, pipelineStates, "state", runFamily+"_state", labels...)
	plain.set(1, runFamily+"_info", append(slices.Clip(labels), "cl_name", pl.Cluster, "source_type", pl.SourceType)...)
	g := group{}
	for _, runs := range o.runListings(pl) {
		s := runSamples(runs, labels...)
		s.add(plain)
		g.alternatives = append(g.alternatives, s)
	}
	return g
}

// runListings are the runs of a pipeline as they are, and as the exporter may still know them.
func (o *oracle) runListings(pl *atlassim.Pipeline) [][]*atlassim.Run {
	runs := pl.Runs()
	stale, ok := o.stale[pl]
	if !ok {
		return [][]*atlassim.Run{runs}
	}
	older := slices.DeleteFunc(slices.Clone(runs), func(r *atlassim.Run) bool {
		return slices.ContainsFunc(stale.runs, func(s *atlassim.Run) bool { return s.ID == r.ID })
	})
	return [][]*atlassim.Run{runs, append(older, stale.runs...)}
}
