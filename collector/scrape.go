package collector

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// scrape shows what is known, as far as it is selected.
type scrape struct {
	exporter  *Exporter
	selection Selection
	took      map[string]time.Duration // by collector: how long this scrape waited for it
}

// Describe sends nothing: what a scrape shows depends on what Atlas has.
func (s *scrape) Describe(chan<- *prometheus.Desc) {}

// Collect writes the samples.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	inv := s.exporter.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	w := newWriter(ch)
	health := newHealth(w, inv, s.selection)
	if s.selection.GroupID == "" && s.selection.has(CollectorExporter) {
		w.flag(healthMetrics.up, inv.up())
	}
	for _, root := range inv.roots {
		if s.selection.GroupID == "" || root.groupID == s.selection.GroupID {
			health.target(root, inv.groupName(root.groupID))
		}
	}
	var clusters []place[*cluster]
	var pipelines []place[*pipeline]
	for id, p := range inv.projects {
		if s.selection.GroupID != "" && id != s.selection.GroupID {
			continue
		}
		if s.selection.has(CollectorExporter) {
			w.gauge(healthMetrics.projectInfo, 1, id, p.info.Name, p.info.OrgID)
		}
		health.project(id, p)
		for _, t := range p.discovery() {
			health.target(t, p.info.Name)
		}
		for name, cl := range p.clusterByName {
			clusters = append(clusters, placed(cl, id, p.info.Name, name))
		}
		for name, pl := range p.pipelineByName {
			pipelines = append(pipelines, placed(pl, id, p.info.Name, name))
		}
	}
	s.writeClusters(w, health, &inv.settings.config.Collectors, clusters)
	s.writePipelines(w, health, pipelines)
	health.write(s.took)
}

// place is a thing with the values of its labels: group id, group name and its own name.
type place[Thing any] struct {
	labels []string
	thing  Thing
}

// placed returns a place whose labels have room for those that a metric adds, so that adding them costs nothing.
func placed[Thing any](thing Thing, labels ...string) place[Thing] {
	return place[Thing]{append(make([]string, 0, maxLabels), labels...), thing}
}

// inOrder sorts places by name and group, nearly as the exposition is: sorting what is sorted takes little time.
func inOrder[Thing any](places []place[Thing]) []place[Thing] {
	slices.SortFunc(places, func(a, b place[Thing]) int {
		return cmp.Or(strings.Compare(a.labels[2], b.labels[2]), strings.Compare(a.labels[0], b.labels[0]))
	})
	return places
}

func (s *scrape) writeClusters(w *writer, h *health, c *config.Collectors, clusters []place[*cluster]) {
	for _, p := range inOrder(clusters) {
		for _, t := range p.thing.targets() {
			h.target(t, p.labels[1])
		}
		if p.thing.exports != nil && s.selection.has(BackupExports) {
			writeCluster(w, c, p.labels[0], p.thing, p.labels)
		}
		s.writeJobs(w, p.thing.exports, p.labels)
		s.writeJobs(w, p.thing.restores, p.labels)
	}
}

func (s *scrape) writePipelines(w *writer, h *health, pipelines []place[*pipeline]) {
	for _, p := range inOrder(pipelines) {
		h.target(p.thing.runs, p.labels[1])
		if s.selection.has(PipelineRuns) {
			writePipeline(w, p.thing, p.labels)
		}
		s.writeJobs(w, p.thing.runs, p.labels)
	}
}

func (s *scrape) writeJobs(w *writer, t *target, labels []string) {
	if t == nil || !s.selection.has(t.collector) {
		return
	}
	if judged := t.reader.(jobs).judged(); judged != nil {
		judged.write(w, labels)
	}
}
