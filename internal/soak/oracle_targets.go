package main

import (
	"math"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// held is what the exporter holds of a cluster's jobs while Atlas does not answer for them.
type held struct {
	exports  []*atlassim.Export
	restores []*atlassim.Restore
	// whether they were read, and not forgotten since
	hasExports, hasRestores bool
}

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
	h.samples[series(prefix+"target_last_refresh_timestamp_seconds", labels...)] = span{h.since, math.Inf(1)}
}

// collectors are those that are enabled and those of discovery that they need.
func (s *settings) collectors() []string {
	names := []string{"projects"}
	if !s.disabled[collectorExports] || !s.disabled[collectorRestores] {
		names = append(names, "clusters")
	}
	if !s.disabled[collectorExports] {
		names = append(names, "backup_schedule")
	}
	if !s.disabled[collectorRuns] {
		names = append(names, "pipelines")
	}
	for _, name := range []string{collectorExports, collectorRestores, collectorRuns} {
		if !s.disabled[name] {
			names = append(names, name)
		}
	}
	return names
}

// part is what is expected of one thing: a cluster, a pipeline, or the exporter itself.
type part struct {
	thing  any
	groups []group
}

// exporterItself is the thing that the health of all targets belongs to.
type exporterItself struct{}

// parts is everything that is expected of a scrape but what passes for no gauge of Atlas's: see ownFamily.
func (o *oracle) parts() []part {
	h := &health{
		samples: samples{}, since: math64(o.since), counts: map[[4]string]int{},
	}
	parts := []part{{exporterItself{}, []group{{[]samples{h.samples}}}}}
	visible := o.visible()
	h.samples.flag(len(visible) > 0, prefix+"up")
	h.samples.flag(o.reloaded.good, reloadGood)
	h.samples[series(reloadTime)] = o.reloaded.at
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
			case "clusters", "pipelines":
				h.target(collector, p.ID, p.Name, "", "", "")
			default:
				h.conditions(collector, p.ID, p.Name)
			}
		}
		for _, c := range o.clusters(p) {
			for _, collector := range o.clusterCollectors() {
				h.target(collector, p.ID, p.Name, c.Name, "", notServed(c))
			}
			parts = append(parts, part{c, o.cluster(c)})
		}
		for _, pl := range o.pipelines(p) {
			h.target(collectorRuns, p.ID, p.Name, "", pl.Name, "")
			parts = append(parts, part{pl, []group{o.pipeline(pl)}})
		}
	}
	for at, n := range h.counts {
		h.samples.set(float64(n), prefix+"targets", "collector", at[0], "group_id", at[1], "group_name", at[2], "state", at[3])
	}
	for _, collector := range o.settings.collectors() {
		h.samples.set(1, prefix+"scrape_collector_success", "collector", collector)
		h.samples[series(prefix+"scrape_collector_duration_seconds", "collector", collector)] = span{0, 60}
	}
	return parts
}

// groups are those of all parts.
func (o *oracle) groups() []group {
	var all []group
	for _, p := range o.parts() {
		all = append(all, p.groups...)
	}
	return all
}

// of is what is expected of one cluster or pipeline, nothing where it is not read.
func (o *oracle) of(thing any) []group {
	switch thing := thing.(type) {
	case *atlassim.Cluster:
		p := thing.Project()
		if slices.Contains(o.visible(), p) && slices.Contains(o.clusters(p), thing) {
			return o.cluster(thing)
		}
	case *atlassim.Pipeline:
		p := thing.Project()
		if slices.Contains(o.visible(), p) && slices.Contains(o.pipelines(p), thing) {
			return []group{o.pipeline(thing)}
		}
	}
	return nil
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
	return slices.DeleteFunc(o.settings.collectors(), func(name string) bool {
		return name != collectorExports && name != collectorRestores && name != "backup_schedule"
	})
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

// cluster is what is expected of a cluster: one group for the cluster itself and its exports, one for its restores.
func (o *oracle) cluster(c *atlassim.Cluster) []group {
	reason := notServed(c)
	if reason == "free_tier" || reason == "flex" {
		return nil
	}
	p := c.Project()
	labels := []string{"group_id", p.ID, "group_name", p.Name, "cl_name", c.Name}
	jobs := held{c.Exports(), c.Restores(), true, true}
	if reason != "" {
		jobs = o.evidence[c]
	}
	var groups []group
	if !o.settings.disabled[collectorExports] {
		plain := o.schedule(c, labels)
		if !jobs.hasExports {
			groups = append(groups, group{[]samples{plain}})
		} else {
			g := group{}
			for _, jobs := range o.listings(c, jobs.exports) {
				s := exportSamples(jobs, labels...)
				s.add(plain)
				g.alternatives = append(g.alternatives, s)
			}
			groups = append(groups, g)
		}
	}
	if !o.settings.disabled[collectorRestores] && jobs.hasRestores {
		g := group{[]samples{restoreSamples(jobs.restores, labels...)}}
		if older := o.stale[c].restores; len(older) > 0 {
			g.alternatives = append(g.alternatives, restoreSamples(append(slices.Clone(jobs.restores), older...), labels...))
		}
		groups = append(groups, g)
	}
	return groups
}

// schedule is what is expected of a cluster but its jobs.
func (o *oracle) schedule(c *atlassim.Cluster, labels []string) samples {
	s := samples{}
	s.flag(c.BackupEnabled, prefix+"cluster_backup_enabled", labels...)
	s.flag(c.Paused, prefix+"cluster_paused", labels...)
	s.set(seconds(c.Created), prefix+"cluster_created_timestamp_seconds", labels...)
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

// listings are the export jobs of a cluster as they are, and as the exporter may still know them.
func (o *oracle) listings(c *atlassim.Cluster, jobs []*atlassim.Export) [][]*atlassim.Export {
	if older := o.stale[c].exports; len(older) > 0 {
		return [][]*atlassim.Export{jobs, append(slices.Clone(jobs), older...)}
	}
	return [][]*atlassim.Export{jobs}
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
