package collector

import (
	"time"
)

// healthMetrics are the metrics about the exporter's own readings.
type healthMetrics struct {
	up, collectorSuccess, collectorDuration, targetUp, lastRefresh, lastError, unsupported, targets, projectInfo *metric
}

func newHealthMetrics() *healthMetrics {
	targetLabels := []string{"collector", groupIDLabel, groupNameLabel, clusterLabel, pipelineLabel}
	gauge := func(name, help, example string, labels ...string) *metric {
		m := newMetric("gauge", name, help, labels...)
		m.example = example
		return m
	}
	return &healthMetrics{
		up: gauge("mongodbatlas_up",
			"1 when the list of projects, or at least one of those that are configured, was last read and is not empty.", ""),
		collectorSuccess: gauge("mongodbatlas_scrape_collector_success",
			"1 when every target of the collector is readable or is known not to apply.", "", "collector"),
		collectorDuration: gauge("mongodbatlas_scrape_collector_duration_seconds",
			"How long this scrape waited for readings of the collector.", "", "collector"),
		targetUp: gauge("mongodbatlas_target_up",
			"1 when the last reading of the target succeeded.",
			`mongodbatlas_target_up == 0`, targetLabels...),
		lastRefresh: gauge("mongodbatlas_target_last_refresh_timestamp_seconds",
			"When the values of the target were last proved complete.",
			`time() - mongodbatlas_target_last_refresh_timestamp_seconds > 1800`, targetLabels...),
		lastError: gauge("mongodbatlas_target_last_error_info",
			"Why the last reading of the target failed; 1 while it is down.",
			`count by (group_name, collector, reason) (mongodbatlas_target_last_error_info)`, with(targetLabels, "reason")...),
		unsupported: gauge("mongodbatlas_target_unsupported_info",
			"Why the API does not serve the target; always 1.", "", with(targetLabels, "reason")...),
		targets: gauge("mongodbatlas_targets",
			"Number of targets by state.",
			`sum by (collector, state) (mongodbatlas_targets)`, "collector", groupIDLabel, groupNameLabel, "state"),
		projectInfo: gauge("mongodbatlas_project_info",
			"A project that is read; always 1.", "", groupIDLabel, groupNameLabel, "org_id"),
	}
}

func (m *healthMetrics) list() []*metric {
	return []*metric{m.up, m.collectorSuccess, m.collectorDuration, m.targetUp, m.lastRefresh, m.lastError, m.unsupported, m.targets, m.projectInfo}
}

// health writes the metrics about the exporter's own readings, and counts targets on the way. The inventory's lock is
// held.
type health struct {
	*healthMetrics
	w         *writer
	inventory *inventory
	selection Selection
	shown     Table
	all       map[*Declaration]*tally
	byProject map[string]map[*Declaration]*tally // by group id
}

// tally counts the targets of one collector.
type tally struct {
	counts    [conditions]int
	attempted bool
}

func newHealth(w *writer, inv *inventory, s Selection) *health {
	h := &health{
		healthMetrics: inv.health, w: w, inventory: inv, selection: s,
		all: map[*Declaration]*tally{}, byProject: map[string]map[*Declaration]*tally{},
	}
	for _, d := range inv.enabled {
		if d.Configurable && s.has(d.Name) || !d.Configurable && s.has(CollectorExporter) {
			h.shown = append(h.shown, d)
			h.all[d] = &tally{}
		}
	}
	return h
}

// roots writes the samples that do not belong to an entry: mongodbatlas_up, the projects, and the readings of
// discovery.
func (h *health) roots() {
	exporter := h.selection.has(CollectorExporter)
	if h.selection.GroupID == "" && exporter {
		h.w.gauge(h.up, truth(h.inventory.up()))
	}
	for _, root := range h.inventory.roots {
		if h.selection.GroupID == "" || root.groupID == h.selection.GroupID {
			h.target(root, h.inventory.groupName(root.groupID))
		}
	}
	for id, p := range h.inventory.projects {
		if h.selection.GroupID != "" && id != h.selection.GroupID {
			continue
		}
		if exporter {
			h.w.gauge(h.projectInfo, 1, id, p.info.Name, p.info.OrgID)
		}
		for _, d := range h.shown { // a collector without a target in the project is shown, too
			if !d.IsRoot() {
				h.tally(id, d)
			}
		}
		for _, t := range p.targets {
			h.target(t, p.info.Name)
		}
	}
}

func (h *health) tally(groupID string, d *Declaration) *tally {
	if h.byProject[groupID] == nil {
		h.byProject[groupID] = map[*Declaration]*tally{}
	}
	if h.byProject[groupID][d] == nil {
		h.byProject[groupID][d] = &tally{}
	}
	return h.byProject[groupID][d]
}

// target counts a target, and writes its samples if its collector is selected.
func (h *health) target(t *target, groupName string) {
	all := h.all[t.Declaration]
	if all == nil {
		return // the collector is not selected
	}
	s := t.currentStatus()
	h.writeTarget(t, &s, groupName)
	all.add(&s)
	h.tally(t.groupID, t.Declaration).add(&s)
}

// write sends the counts, and for each collector its success and duration.
func (h *health) write(took map[string]time.Duration) {
	for id, collectors := range h.byProject {
		for d, t := range collectors {
			for c := range Condition(conditions) {
				h.w.gauge(h.targets, float64(t.counts[c]), d.Name, id, h.inventory.groupName(id), c.String())
			}
		}
	}
	for _, d := range h.shown {
		if h.selection.GroupID != "" && d.IsRoot() && h.all[d].isEmpty() {
			continue // the list of all projects does not belong to a project
		}
		h.writeCollector(d.Name, h.all[d], took[d.Name])
	}
}

func (t *tally) add(s *status) {
	t.counts[s.condition()]++
	t.attempted = t.attempted || s.ended || s.unsupported != None
}

func (t *tally) isEmpty() bool { return t.counts == [conditions]int{} }

// writeTarget sends the samples about the readings of one target.
func (h *health) writeTarget(t *target, s *status, groupName string) {
	labels := t.labels(groupName)
	switch c := s.condition(); c {
	case Unsupported:
		h.w.gauge(h.unsupported, 1, append(labels, s.why().String())...)
		return
	case Pending:
		return
	case Up, Down:
		h.w.gauge(h.targetUp, truth(c == Up), labels...)
	}
	if !s.refreshed.IsZero() {
		h.w.gauge(h.lastRefresh, float64(s.refreshed.UnixMilli())/1000, labels...)
	}
	if s.failure != nil {
		h.w.gauge(h.lastError, 1, append(labels, s.reason.String())...)
	}
}

// writeCollector sends the success and the duration of a collector.
func (h *health) writeCollector(name string, t *tally, took time.Duration) {
	if t.isEmpty() && !h.inventory.discovered || !t.isEmpty() && !t.attempted {
		return
	}
	h.w.gauge(h.collectorSuccess, truth(t.counts[Pending] == 0 && t.counts[Down] == 0), name)
	h.w.gauge(h.collectorDuration, took.Seconds(), name)
}
