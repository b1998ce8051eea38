package soak

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// The exporter's collectors of jobs, in the words of its interface.
const (
	collectorExports  = "backup_exports"
	collectorRestores = "backup_restores"
	collectorRuns     = "pipeline_runs"

	collectorSnapshots          = "backup_snapshots"
	collectorCollectionRestores = "collection_restores"
	collectorFlexSnapshots      = "flex_snapshots"
	collectorFlexRestores       = "flex_restores"
)

// jobList is a collector of jobs. A new one needs an entry in jobLists, its oracle, and steps in jobs.go that make its jobs
// come and go.
type jobList struct {
	collector string
	parent    string   // the collector that lists what has the jobs: clusters, flex_clusters or pipelines
	needs     []string // further collectors of discovery; backup_schedule has a target for each cluster
	operation string   // the call that reads it, and that of needs
	family    string   // begins the names of its series
	// stateSets are the labels of its state sets, by family.
	stateSets map[string]string
	// keep copies the jobs of a cluster, for the time in which Atlas does not answer for them.
	keep func(*atlassim.Cluster) any
	// expect is what a cluster's jobs come to; jobs are those that keep returned.
	expect func(o *oracle, c *atlassim.Cluster, jobs any, labels []string) group
	// flex is what the jobs of a flex cluster come to.
	flex func(f *atlassim.FlexCluster, labels []string) samples
}

// jobLists is the only list of the collectors of jobs.
func jobLists() []jobList {
	return []jobList{
		{
			collector: collectorExports, parent: "clusters", needs: []string{"backup_schedule", "export_buckets"}, operation: atlassim.OpListBackupExports,
			family: exportFamily, stateSets: map[string]string{exportFamily + "_last_job_state": "state"},
			keep: keepExports, expect: (*oracle).exports,
		},
		{
			collector: collectorRestores, parent: "clusters", operation: atlassim.OpListBackupRestores,
			family: restoreFamily, stateSets: map[string]string{restoreFamily + "_last_job_state": "state"},
			keep: keepRestores, expect: (*oracle).restores,
		},
		{
			collector: collectorSnapshots, parent: "clusters", needs: []string{"backup_schedule", "export_buckets"},
			operation: atlassim.OpListBackupSnapshots, family: snapshotFamily,
			stateSets: map[string]string{snapshotFamily + "_last_state": "state"}, keep: keepSnapshots, expect: (*oracle).snapshots,
		},
		{
			collector: collectorCollectionRestores, parent: "clusters", operation: atlassim.OpListCollectionRestores,
			family: collectionFamily, stateSets: map[string]string{collectionFamily + "_last_job_state": "state"},
			keep: keepCollectionRestores, expect: (*oracle).collectionRestores,
		},
		{
			collector: collectorFlexSnapshots, parent: "flex_clusters", operation: atlassim.OpListFlexSnapshots,
			family: flexSnapshotFamily, stateSets: map[string]string{flexSnapshotFamily + "_last_state": "state"}, flex: flexSnapshotSamples,
		},
		{
			collector: collectorFlexRestores, parent: "flex_clusters", operation: atlassim.OpListFlexRestores,
			family: flexRestoreFamily, stateSets: map[string]string{flexRestoreFamily + "_last_job_state": "state"}, flex: flexRestoreSamples,
		},
		{
			collector: collectorRuns, parent: "pipelines", operation: atlassim.OpListPipelineRuns, family: runFamily,
			stateSets: map[string]string{
				runFamily + "_last_run_state": "state", runFamily + "_last_run_phase": "phase", runFamily + "_state": "state",
			},
		},
	}
}

// ofClusters are the lists whose jobs belong to clusters.
func ofClusters() []jobList {
	return slices.DeleteFunc(jobLists(), func(l jobList) bool { return l.parent != "clusters" })
}

// stateSets are the labels of all state sets, by family.
func stateSets() map[string]string {
	all := map[string]string{}
	for _, l := range jobLists() {
		maps.Copy(all, l.stateSets)
	}
	return all
}

// relistInterval is how long the exporter may go without noticing that Atlas has dropped an old job.
const relistInterval = 10 * time.Second

// settings are the exporter's configuration: what is written to its file, and what is expected of it for that.
type settings struct {
	clientID              string
	minInterval           time.Duration
	maxConcurrentRequests int
	disabled              map[string]bool // collectors
	named                 []string        // project ids; none reads all that are listed
	excludedProjects      string          // patterns; "" excludes nothing
	excludedClusters      string
	excludedPipelines     string
	intervals             []expectedInterval
}

// expectedInterval is an entry of expected_intervals.
type expectedInterval struct {
	groupID  string        // "" is every project
	clusters string        // a pattern
	interval time.Duration // 0 is none
}

// matches reports whether a pattern matches a whole name. The pattern "" matches none.
func matches(pattern, name string) bool {
	return pattern != "" && regexp.MustCompile("^(?:"+pattern+")$").MatchString(name)
}

// reads reports whether a project is read.
func (s *settings) reads(id, name string) bool {
	if len(s.named) > 0 {
		return slices.Contains(s.named, id)
	}
	return !matches(s.excludedProjects, id) && !matches(s.excludedProjects, name)
}

// expected is the interval that the first matching entry gives a cluster; ok is false where none matches.
func (s *settings) expected(groupID, cluster string) (interval time.Duration, ok bool) {
	for _, e := range s.intervals {
		if (e.groupID == "" || e.groupID == groupID) && matches(e.clusters, cluster) {
			return e.interval, true
		}
	}
	return 0, false
}

// yaml writes the configuration file.
func (s *settings) yaml(baseURL, secretFile string) string {
	var b strings.Builder
	line := func(format string, values ...any) { _, _ = fmt.Fprintf(&b, format+"\n", values...) }
	line("atlas:")
	line("  base_url: %s", baseURL)
	line("  service_account: {client_id: %s, client_secret_file: %s}", s.clientID, secretFile)
	line("  max_concurrent_requests: %d", s.maxConcurrentRequests)
	line("refresh: {min_interval: %s, discovery_interval: %s, relist_interval: %s}", s.minInterval, discoveryInterval, relistInterval)
	if len(s.named) > 0 {
		line("projects:")
		for _, id := range s.named {
			line("  - id: %s", id)
		}
	}
	line("discovery:")
	for _, filter := range [...][2]string{
		{"projects", s.excludedProjects}, {"clusters", s.excludedClusters}, {"pipelines", s.excludedPipelines},
	} {
		exclude := "[]"
		if filter[1] != "" {
			exclude = "[" + strconv.Quote(filter[1]) + "]"
		}
		line("  %s: {exclude: %s}", filter[0], exclude)
	}
	line("collectors:")
	for _, l := range jobLists() {
		name := l.collector
		line("  %s:", name)
		line("    enabled: %t", !s.disabled[name])
		line("    min_interval: %s", s.minInterval)
		if name != collectorExports || len(s.intervals) == 0 {
			continue
		}
		line("    expected_intervals:")
		for _, e := range s.intervals {
			group, interval := "", "none"
			if e.groupID != "" {
				group = "group_id: " + e.groupID + ", "
			}
			if e.interval > 0 {
				interval = e.interval.String()
			}
			line("      - {%sclusters: %s, interval: %s}", group, strconv.Quote(e.clusters), interval)
		}
	}
	return b.String()
}

// clone is a copy that shares nothing that changes.
func (s *settings) clone() *settings {
	c := *s
	c.disabled = maps.Clone(s.disabled)
	c.named = slices.Clone(s.named)
	c.intervals = slices.Clone(s.intervals)
	return &c
}

// collectors are those that are enabled, and those of discovery that they need.
func (s *settings) collectors() []string {
	names := []string{"projects"}
	for _, l := range jobLists() {
		if !s.disabled[l.collector] {
			names = append(names, l.parent, l.collector)
			names = append(names, l.needs...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// collectorsOfJobs are the enabled collectors of jobs.
func (s *settings) collectorsOfJobs() []string {
	return slices.DeleteFunc(s.collectors(), func(name string) bool { return !isJobs(name) })
}

func isJobs(collector string) bool {
	return slices.ContainsFunc(jobLists(), func(l jobList) bool { return l.collector == collector })
}
