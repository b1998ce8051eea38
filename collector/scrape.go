package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mongodbatlas_backup_exporter/config"
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
	w := &writer{ch}
	health := newHealth(w, inv, s.selection)
	if s.selection.GroupID == "" && s.selection.has(CollectorExporter) {
		w.flag(healthMetrics.up, inv.up())
	}
	for _, root := range inv.roots {
		if s.selection.GroupID == "" || root.groupID == s.selection.GroupID {
			health.target(root, inv.groupName(root.groupID))
		}
	}
	for id, p := range inv.projects {
		if s.selection.GroupID == "" || id == s.selection.GroupID {
			s.writeProject(w, health, id, p)
		}
	}
	health.write(s.took)
}

func (s *scrape) writeProject(w *writer, health *health, id string, p *project) {
	name := p.info.Name
	if s.selection.has(CollectorExporter) {
		w.gauge(healthMetrics.projectInfo, 1, id, name, p.info.OrgID)
	}
	health.project(id, p)
	for _, cl := range p.clusterByName {
		labels := []string{id, name, cl.info.Name}
		if cl.exports != nil && s.selection.has(config.BackupExports) {
			writeCluster(w, &s.exporter.inventory.settings.config.Collectors.BackupExports, id, cl, labels)
		}
		s.writeJobs(w, cl.exports, labels)
		s.writeJobs(w, cl.restores, labels)
	}
	for _, pl := range p.pipelineByName {
		labels := []string{id, name, pl.info.Name}
		if s.selection.has(config.PipelineRuns) {
			writePipeline(w, pl, labels)
		}
		s.writeJobs(w, pl.runs, labels)
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
