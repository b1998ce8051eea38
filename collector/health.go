package collector

import (
	"errors"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

var targetLabels = []string{"collector", "group_id", "group_name", "cl_name", "pipeline"}

var healthMetrics = struct {
	up, collectorSuccess, collectorDuration, targetUp, lastRefresh, lastError, unsupported, targets, projectInfo *metric
}{
	up: gauge("mongodbatlas_up",
		"1 when the list of projects, or at least one of those that are configured, was last read and is not empty.", ""),
	collectorSuccess: gauge("mongodbatlas_scrape_collector_success",
		"1 when every target of the collector is readable or is known not to apply.", "", "collector"),
	collectorDuration: gauge("mongodbatlas_scrape_collector_duration_seconds",
		"How long this scrape waited for readings of the collector.", "", "collector"),
	targetUp: gauge("mongodbatlas_target_up",
		"1 when the last reading of the target succeeded.", "", targetLabels...),
	lastRefresh: gauge("mongodbatlas_target_last_refresh_timestamp_seconds",
		"When the values of the target were last proved complete.", "", targetLabels...),
	lastError: gauge("mongodbatlas_target_last_error_info",
		"Why the last reading of the target failed; 1 while it is down.", "", with(targetLabels, "reason")...),
	unsupported: gauge("mongodbatlas_target_unsupported_info",
		"Why the API does not serve the target; always 1.", "", with(targetLabels, "reason")...),
	targets: gauge("mongodbatlas_targets",
		"Number of targets by state.", "", "collector", "group_id", "group_name", "state"),
	projectInfo: gauge("mongodbatlas_project_info",
		"A project that is read; always 1.", "", "group_id", "group_name", "org_id"),
}

// health writes what the exporter knows of its own reading, and counts as it goes.
type health struct {
	w          *writer
	selection  Selection
	discovered bool
	collectors []string
	all        map[string]*tally            // by collector
	byProject  map[string]map[string]*tally // by group id and collector
	names      map[string]string            // of projects, by id
}

// tally counts the targets of one collector.
type tally struct {
	counts    [conditions]int
	attempted bool
}

func newHealth(w *writer, inv *inventory, s Selection) *health {
	h := &health{
		w: w, selection: s, discovered: inv.discovered,
		all: map[string]*tally{}, byProject: map[string]map[string]*tally{}, names: map[string]string{},
	}
	c := &inv.settings.config.Collectors
	if s.has(CollectorExporter) {
		h.collectors = discoveryCollectors(c)
	}
	for _, name := range c.Names() {
		if s.has(name) && c.Enabled(name) {
			h.collectors = append(h.collectors, name)
		}
	}
	for _, name := range h.collectors {
		h.all[name] = &tally{}
	}
	return h
}

// discoveryCollectors lists the collectors of discovery that the enabled collectors need.
func discoveryCollectors(c *config.Collectors) []string {
	names := []string{CollectorProjects}
	if c.Enabled(BackupExports) || c.Enabled(BackupRestores) {
		names = append(names, CollectorClusters)
	}
	if c.Enabled(BackupExports) {
		names = append(names, CollectorSchedules)
	}
	if c.Enabled(PipelineRuns) {
		names = append(names, CollectorPipelines)
	}
	return names
}

// project makes room for the counts of a project: a collector that has no target there is shown too.
func (h *health) project(id string, p *project) {
	h.names[id] = p.info.Name
	if h.byProject[id] == nil {
		h.byProject[id] = map[string]*tally{}
	}
	for _, name := range h.collectors {
		if name != CollectorProjects && h.byProject[id][name] == nil {
			h.byProject[id][name] = &tally{}
		}
	}
}

// target writes and counts one target.
func (h *health) target(t *target, groupName string) {
	all := h.all[t.collector]
	if all == nil {
		return // its collector is not selected
	}
	s := t.snapshot()
	writeTarget(h.w, t, &s, groupName)
	h.names[t.groupID] = groupName
	if h.byProject[t.groupID] == nil {
		h.byProject[t.groupID] = map[string]*tally{}
	}
	if h.byProject[t.groupID][t.collector] == nil {
		h.byProject[t.groupID][t.collector] = &tally{}
	}
	all.add(&s)
	h.byProject[t.groupID][t.collector].add(&s)
}

// write sends the counts, and the success and the duration of each collector.
func (h *health) write(took map[string]time.Duration) {
	for id, collectors := range h.byProject {
		for name, t := range collectors {
			for i, state := range conditionNames() {
				h.w.gauge(healthMetrics.targets, float64(t.counts[i]), name, id, h.names[id], state)
			}
		}
	}
	for _, name := range h.collectors {
		if h.selection.GroupID != "" && name == CollectorProjects && h.all[name].total() == 0 {
			continue // the list of all projects is no target of one of them
		}
		writeCollector(h.w, name, h.all[name], h.discovered, took[name])
	}
}

func (t *tally) add(s *status) {
	t.counts[s.condition()]++
	t.attempted = t.attempted || s.ended || s.excluded != ""
}

func (t *tally) total() int {
	return t.counts[pending] + t.counts[up] + t.counts[down] + t.counts[unsupported]
}

// writeTarget sends what is known of the reading of one target.
func writeTarget(w *writer, t *target, s *status, groupName string) {
	m := &healthMetrics
	labels := t.labels(groupName)
	switch c := s.condition(); c {
	case unsupported:
		w.gauge(m.unsupported, 1, append(labels, s.unsupportedReason())...)
		return
	case pending:
		return
	case up, down:
		w.flag(m.targetUp, c == up, labels...)
	}
	w.time(m.lastRefresh, instantOf(s.refreshed), labels...)
	if s.failure != nil {
		w.gauge(m.lastError, 1, append(labels, s.reason())...)
	}
}

// writeCollector sends the success and the duration of a collector.
func writeCollector(w *writer, name string, t *tally, discovered bool, took time.Duration) {
	m := &healthMetrics
	if t.total() == 0 && !discovered || t.total() > 0 && !t.attempted {
		return
	}
	w.flag(m.collectorSuccess, t.counts[pending] == 0 && t.counts[down] == 0, name)
	w.gauge(m.collectorDuration, took.Seconds(), name)
}

// errorCode returns Atlas's code of a failure, for people.
func errorCode(err error) string {
	if e, ok := errors.AsType[*atlasapi.Error](err); ok {
		return e.Code
	}
	return ""
}
