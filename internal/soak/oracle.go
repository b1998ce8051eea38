package soak

import (
	"math"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// oracle computes the samples that the exporter must show for the simulated Atlas. It is used within Organization.Do.
type oracle struct {
	org      *atlassim.Organization
	settings *settings
	// held are the jobs that the exporter knew at the last check, and known those that it must know now. The exporter keeps
	// them while backup is disabled and Atlas refuses to list them.
	held, known map[list][]job
	// stale are the changes that the exporter may not have noticed yet.
	stale    map[list]staleJobs
	reloaded span // time of the last reload
	// since is the earliest time at which the exporter may have read the current values.
	since time.Time
	// refused is true if Atlas has refused the credentials since then.
	refused bool

	expected []group
}

// list is the list of the jobs that a collector reads of an owner.
type list struct {
	owner     any
	collector string
}

// staleJobs are jobs as Atlas listed them before a change that the exporter notices only at a full read.
type staleJobs struct {
	until time.Time // the exporter must notice by then
	jobs  []job
}

// group adds an empty group that the probe of the project and the scrapes of the collectors show.
func (o *oracle) group(project string, collectors ...string) samples {
	s := samples{}
	o.expected = append(o.expected, group{project: project, collectors: collectors, samples: s})
	return s
}

// thing is a cluster, Flex cluster or pipeline, which has jobs; or a project, or the list of all projects.
type thing struct {
	project      *atlassim.Project
	owner        any // *atlassim.Cluster, *atlassim.FlexCluster or *atlassim.Pipeline
	parent, name string
	remove       func()
	unsupported  string // why Atlas does not serve its backups, or ""
}

func (t thing) labels() []string {
	label := "cl_name"
	if t.parent == pipelines {
		label = "pipeline"
	}
	return []string{"group_id", t.project.ID, "group_name", t.project.Name, label, t.name}
}

// things lists the clusters, Flex clusters and pipelines of a project.
func things(p *atlassim.Project) []thing {
	var all []thing
	for _, c := range p.Clusters() {
		t := thing{p, c, clusters, c.Name, func() { p.RemoveCluster(c) }, ""}
		switch {
		case c.Provider == "TENANT":
			t.unsupported = "free_tier"
		case c.Provider == "FLEX":
			t.unsupported = "flex"
		case !c.BackupEnabled:
			t.unsupported = "backup_disabled"
		}
		all = append(all, t)
	}
	for _, f := range p.FlexClusters() {
		all = append(all, thing{p, f, flexClusters, f.Name, func() { p.RemoveFlexCluster(f) }, ""})
	}
	for _, pl := range p.Pipelines() {
		all = append(all, thing{p, pl, pipelines, pl.Name, func() { p.RemovePipeline(pl) }, ""})
	}
	return all
}

func thingsOf(p *atlassim.Project, parent string) []thing {
	return slices.DeleteFunc(things(p), func(t thing) bool { return t.parent != parent })
}

// projects lists the projects that the exporter reads.
func (o *oracle) projects() []*atlassim.Project {
	return slices.DeleteFunc(o.org.Projects(), func(p *atlassim.Project) bool {
		return p.Unlisted || !o.settings.reads(p)
	})
}

// things lists the clusters, Flex clusters and pipelines that the exporter reads.
func (o *oracle) things() []thing {
	collectors := o.settings.collectors()
	var all []thing
	for _, p := range o.projects() {
		all = append(all, things(p)...)
	}
	return slices.DeleteFunc(all, func(t thing) bool {
		_, enabled := collectors[t.parent]
		return !enabled || o.settings.excludes(t.parent, t.name)
	})
}

// targets expects the health samples of the targets of one collector: a target is up, unsupported, or down while Atlas
// refuses the credentials. It reports whether any target is down.
func (o *oracle) targets(collector string, p *atlassim.Project, of []thing) bool {
	s := o.group(p.ID, scrapeWith(collector))
	counts := map[string]float64{"up": 0, "down": 0, "unsupported": 0, "pending": 0}
	for _, t := range of {
		labels := append(t.labels(), "collector", collector)
		switch {
		case t.unsupported != "":
			counts["unsupported"]++
			s.set(1, "target_unsupported_info", labels, "reason", t.unsupported)
			continue
		case o.refused:
			counts["down"]++
			s.set(1, "target_last_error_info", labels, "reason", "unauthorized")
		default:
			counts["up"]++
		}
		s.flag(!o.refused, "target_up", labels)
		s.within(precise(o.since), math.Inf(1), refreshed, labels)
	}
	for state, n := range counts {
		s.set(n, "targets", thing{project: p}.labels(), "collector", collector, "state", state)
	}
	return counts["down"] > 0
}

const refreshed = "target_last_refresh_timestamp_seconds"

// scrapeWith returns the collector whose scrape shows a collector's health: the scrape of the exporter's own metrics
// shows that of the discovery collectors.
func scrapeWith(collector string) string {
	if slices.ContainsFunc(jobKinds(), func(k jobKind) bool { return k.collector == collector }) {
		return collector
	}
	return "exporter"
}

// groups returns all expected groups. They leave out the families that count the exporter's own calls.
func (o *oracle) groups() []group {
	o.expected, o.known = nil, map[list][]job{}
	own := o.group("", "exporter")
	found := func(p *atlassim.Project) bool { return !p.Unlisted } // also if the configuration excludes every project
	own.flag(slices.ContainsFunc(o.org.Projects(), found) && !o.refused, "up", nil)
	own.flag(true, "exporter_config_last_reload_successful", nil)
	own.within(o.reloaded.low, o.reloaded.high, reloadTime, nil)
	things := o.things()
	for collector, parent := range o.settings.collectors() {
		projects, shownBy, down := o.projects(), anyProject, false
		if collector == "projects" && len(o.settings.named) == 0 {
			projects, shownBy = []*atlassim.Project{{}}, "" // the target is the list of all projects
		}
		for _, p := range projects {
			down = o.targets(collector, p, targetsOf(parent, p, things)) || down
		}
		s := o.group(shownBy, scrapeWith(collector))
		s.flag(!down, "scrape_collector_success", nil, "collector", collector)
		s.within(0, 60, "scrape_collector_duration_seconds", nil, "collector", collector)
	}
	for _, p := range o.projects() {
		o.group(p.ID, "exporter").set(1, "project_info", nil, "group_id", p.ID, "group_name", p.Name, "org_id", o.org.ID)
	}
	for _, t := range things {
		if t.unsupported != "free_tier" && t.unsupported != "flex" {
			o.facts(t)
			o.jobs(t)
		}
	}
	return o.expected
}

// targetsOf returns the targets of a collector in a project: the things of its parent, or one target if it has no parent.
func targetsOf(parent string, p *atlassim.Project, things []thing) []thing {
	if parent == "" {
		return []thing{{project: p}}
	}
	return slices.DeleteFunc(slices.Clone(things), func(t thing) bool { return t.project != p || t.parent != parent })
}

// jobs expects the jobs of a thing, in one group for each kind.
func (o *oracle) jobs(t thing) {
	for _, k := range kindsOf(t.parent) {
		of := list{t.owner, k.collector}
		known, ok := o.held[of]
		if t.unsupported == "" {
			known, ok = k.list(t.owner), true
		}
		if !ok || o.settings.disabled[k.collector] {
			continue
		}
		o.known[of] = known
		g := group{project: t.project.ID, collectors: []string{k.collector}, samples: k.samples(known, t.labels())}
		if old := o.stale[of].jobs; old != nil {
			unchanged := pickJobs(known, func(j job) bool {
				return !slices.ContainsFunc(old, func(was job) bool { return was.id == j.id })
			})
			g.before = k.samples(append(unchanged, old...), t.labels())
		}
		o.expected = append(o.expected, g)
	}
}

// settle records that the exporter has read everything. If a reload shortened relist_interval, the new interval applies to
// earlier reads, too.
func (o *oracle) settle() {
	o.held = o.known
	for of, stale := range o.stale {
		if noticed := time.Now().Add(o.settings.relistInterval); noticed.Before(stale.until) {
			o.stale[of] = staleJobs{noticed, stale.jobs}
		}
	}
}

// facts expects the samples of a thing that are not about its jobs.
func (o *oracle) facts(t thing) {
	id, labels := t.project.ID, t.labels()
	switch of := t.owner.(type) {
	case *atlassim.Cluster:
		o.clusterFacts(of, id, labels)
	case *atlassim.FlexCluster:
		s := o.group(id, "flex_snapshots", "flex_restores")
		s.flag(of.BackupEnabled, "flex_cluster_backup_enabled", labels)
		s.set(seconds(of.Created), "flex_cluster_created_timestamp_seconds", labels)
		if of.BackupEnabled && !o.settings.disabled["flex_snapshots"] {
			o.group(id, "flex_snapshots").set(24*60*60, "flex_snapshot_expected_interval_seconds", labels)
		}
	case *atlassim.Pipeline:
		s := o.group(id, "pipeline_runs")
		s.stateSet(of.State, []string{"ACTIVE", "PAUSED"}, "pipeline_state", labels, "state")
		s.set(1, "pipeline_info", labels, "cl_name", of.Cluster, "source_type", of.SourceType)
	}
}

// clusterFacts expects the samples of a cluster and of its schedule, which is Atlas's default.
func (o *oracle) clusterFacts(c *atlassim.Cluster, id string, labels []string) {
	withExports, withSnapshots := !o.settings.disabled[exports], !o.settings.disabled[snapshots]
	if withExports || withSnapshots {
		s := o.group(id, exports, snapshots)
		s.flag(c.BackupEnabled, "cluster_backup_enabled", labels)
		s.flag(c.Paused, "cluster_paused", labels)
		s.flag(c.PitEnabled, "cluster_pit_enabled", labels)
		s.set(seconds(c.Created), "cluster_created_timestamp_seconds", labels)
		if c.BackupEnabled && c.Schedule.ExportFrequency != "" { // the policy names the first bucket of the project
			s.flag(true, "backup_export_bucket_found", labels)
		}
	}
	if withExports {
		s := o.group(id, exports)
		s.flag(c.BackupEnabled && c.Schedule.AutoExportEnabled, "backup_export_auto_enabled", labels)
		days := map[string]float64{"daily": 1, "weekly": 7, "monthly": 31, "yearly": 366}[c.Schedule.ExportFrequency]
		if days > 0 && c.Schedule.AutoExportEnabled && !c.Paused && c.BackupEnabled {
			s.set(days*24*60*60, "backup_export_expected_interval_seconds", labels)
		}
	}
	if withSnapshots && c.BackupEnabled {
		s := o.group(id, snapshots)
		s.set(float64(len(atlassim.DefaultPolicy())), "backup_snapshot_policy_items", labels)
		s.set(seconds(c.Schedule.NextSnapshot), "backup_snapshot_next_timestamp_seconds", labels)
		if !c.Paused {
			s.set(6*3600, "backup_snapshot_expected_interval_seconds", labels)
		}
		if missed, ok := missingExport(c); ok && withExports {
			s.set(missed, "backup_export_missing_snapshot_created_timestamp_seconds", labels)
		}
	}
}

// missingExport returns the creation time of the oldest snapshot that auto export should have exported: it is newer than the
// newest export job, has the policy's frequency, and has no export. No export of the soak belongs to a listed snapshot.
func missingExport(c *atlassim.Cluster) (float64, bool) {
	exported, taken := kindOf(exports), kindOf(snapshots)
	last, _ := newest("created", anyJob)(exported.list(c))
	return least("created", func(j job) bool {
		return c.Schedule.AutoExportEnabled && j.outcome == succeeded && j.word == c.Schedule.ExportFrequency && j.at["created"] > last
	})(taken.list(c))
}
