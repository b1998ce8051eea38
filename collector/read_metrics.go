package collector

import "time"

// readFamilies describe the metrics about the exporter's own reads.
type readFamilies struct {
	up, collectorSuccess, collectorDuration, targetUp, lastRefresh, lastError, unsupported, targets, projectInfo *metric
}

func newReadFamilies() *readFamilies {
	targetLabels := []string{"collector", groupIDLabel, groupNameLabel, clusterLabel, pipelineLabel}
	gauge := func(name, help, example string, labels ...string) *metric {
		m := newMetric("gauge", name, help, labels...)
		m.example = example
		return m
	}
	return &readFamilies{
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

func (m *readFamilies) list() []*metric {
	return []*metric{m.up, m.collectorSuccess, m.collectorDuration, m.targetUp, m.lastRefresh, m.lastError, m.unsupported, m.targets, m.projectInfo}
}

// readMetrics writes the metrics about the exporter's own reads, and counts targets on the way. The inventory's lock is
// held.
type readMetrics struct {
	*readFamilies
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

func newReadMetrics(w *writer, inv *inventory, s Selection) *readMetrics {
	m := &readMetrics{
		readFamilies: inv.readFamilies, w: w, inventory: inv, selection: s,
		all: map[*Declaration]*tally{}, byProject: map[string]map[*Declaration]*tally{},
	}
	for _, d := range inv.enabled {
		if d.Configurable && s.has(d.Name) || !d.Configurable && s.has(CollectorExporter) {
			m.shown = append(m.shown, d)
			m.all[d] = &tally{}
		}
	}
	return m
}

// roots writes the samples that do not belong to an entry: mongodbatlas_up, the projects, and the reads of
// discovery.
func (m *readMetrics) roots() {
	exporter := m.selection.has(CollectorExporter)
	if m.selection.GroupID == "" && exporter {
		m.w.gauge(m.up, truth(m.inventory.up()))
	}
	for _, root := range m.inventory.roots {
		if m.selection.GroupID == "" || root.groupID == m.selection.GroupID {
			m.target(root, m.inventory.groupName(root.groupID))
		}
	}
	for id, p := range m.inventory.projects {
		if m.selection.GroupID != "" && id != m.selection.GroupID {
			continue
		}
		if exporter {
			m.w.gauge(m.projectInfo, 1, id, p.info.Name, p.info.OrgID)
		}
		for _, d := range m.shown { // a collector without a target in the project is shown, too
			if !d.IsRoot() {
				m.tally(id, d)
			}
		}
		for _, t := range p.targets {
			m.target(t, p.info.Name)
		}
	}
}

func (m *readMetrics) tally(groupID string, d *Declaration) *tally {
	if m.byProject[groupID] == nil {
		m.byProject[groupID] = map[*Declaration]*tally{}
	}
	if m.byProject[groupID][d] == nil {
		m.byProject[groupID][d] = &tally{}
	}
	return m.byProject[groupID][d]
}

// target counts a target, and writes its samples if its collector is selected.
func (m *readMetrics) target(t *target, groupName string) {
	all := m.all[t.Declaration]
	if all == nil {
		return // the collector is not selected
	}
	s := t.currentStatus()
	m.writeTarget(t, &s, groupName)
	all.add(&s)
	m.tally(t.groupID, t.Declaration).add(&s)
}

// write sends the counts, and for each collector its success and duration.
func (m *readMetrics) write(took map[string]time.Duration) {
	for id, collectors := range m.byProject {
		for d, t := range collectors {
			for c := range Condition(conditions) {
				m.w.gauge(m.targets, float64(t.counts[c]), d.Name, id, m.inventory.groupName(id), c.String())
			}
		}
	}
	for _, d := range m.shown {
		if m.selection.GroupID != "" && d.IsRoot() && m.all[d].isEmpty() {
			continue // the list of all projects does not belong to a project
		}
		m.writeCollector(d.Name, m.all[d], took[d.Name])
	}
}

func (t *tally) add(s *status) {
	t.counts[s.condition()]++
	t.attempted = t.attempted || s.ended || s.unsupported != None
}

func (t *tally) isEmpty() bool { return t.counts == [conditions]int{} }

// writeTarget sends the samples about the reads of one target.
func (m *readMetrics) writeTarget(t *target, s *status, groupName string) {
	labels := t.labels(groupName)
	switch c := s.condition(); c {
	case Unsupported:
		m.w.gauge(m.unsupported, 1, append(labels, s.why().String())...)
		return
	case Pending:
		return
	case Up, Down:
		m.w.gauge(m.targetUp, truth(c == Up), labels...)
	}
	if !s.refreshed.IsZero() {
		m.w.gauge(m.lastRefresh, float64(s.refreshed.UnixMilli())/1000, labels...)
	}
	if s.failure != nil {
		m.w.gauge(m.lastError, 1, append(labels, s.reason.String())...)
	}
}

// writeCollector sends the success and the duration of a collector.
func (m *readMetrics) writeCollector(name string, t *tally, took time.Duration) {
	if t.isEmpty() && !m.inventory.discovered || !t.isEmpty() && !t.attempted {
		return
	}
	m.w.gauge(m.collectorSuccess, truth(t.counts[Pending] == 0 && t.counts[Down] == 0), name)
	m.w.gauge(m.collectorDuration, took.Seconds(), name)
}
