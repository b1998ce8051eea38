package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The exporter's collectors of jobs.
const (
	collectorExports  = "backup_exports"
	collectorRestores = "backup_restores"
	collectorRuns     = "pipeline_runs"
)

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
	for _, name := range []string{collectorExports, collectorRestores, collectorRuns} {
		line("  %s:", name)
		line("    enabled: %t", !s.disabled[name])
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
