package collector

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrape is a prometheus.Collector for the current values of a selection.
type scrape struct {
	exporter  *Exporter
	selection Selection
	took      map[string]time.Duration // by collector: how long this scrape waited for its reads
}

// Describe sends nothing, because the metrics of a scrape depend on what Atlas lists. That makes scrape an unchecked
// collector.
func (s *scrape) Describe(chan<- *prometheus.Desc) {}

// Collect writes the samples in one pass over the inventory, under its read lock, so that a scrape sees one state of
// it. readMetrics counts the targets in the same pass. The order of the samples is nearly that of the exposition, which
// makes sorting them cheap: first the projects and what discovery read, then the entries of each parent, then the
// counts.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	inv := s.exporter.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	w := newWriter(ch)
	reads := newReadMetrics(w, inv, s.selection)
	reads.roots()
	for _, d := range inv.enabled {
		if d.IsParent() {
			for _, e := range s.entries(inv, d) {
				s.writeEntry(w, reads, e)
			}
		}
	}
	reads.write(s.took)
}

// labelledEntry is an entry with the values of its labels: group id, group name and its own name.
type labelledEntry struct {
	entryView
	labels []string
}

// entries returns the selected entries of a parent, sorted by name and project. That is nearly the order of the
// exposition, which makes sorting the samples cheap.
func (s *scrape) entries(inv *inventory, parent *Declaration) []labelledEntry {
	var all []labelledEntry
	for id, p := range inv.projects {
		if s.selection.GroupID != "" && id != s.selection.GroupID {
			continue
		}
		for name, e := range p.entries[parent] {
			labels := append(make([]string, 0, maxLabels), id, p.info.Name, name) // with capacity for labels that metrics add
			all = append(all, labelledEntry{entryView{e, &inv.settings.config, id, p}, labels})
		}
	}
	slices.SortFunc(all, func(a, b labelledEntry) int {
		return cmp.Or(strings.Compare(a.labels[2], b.labels[2]), strings.Compare(a.labels[0], b.labels[0]))
	})
	return all
}

// writeEntry sends the samples of an entry and of its targets.
func (s *scrape) writeEntry(w *writer, reads *readMetrics, e labelledEntry) {
	// The last series of a cluster stay when its backup is switched off.
	supported := e.info().Unsupported == None || e.info().Unsupported == BackupDisabled
	showsParent := false
	for _, t := range e.targets() {
		reads.target(t, e.labels[1])
		if !t.Configurable || !s.selection.has(t.Name) {
			continue
		}
		showsParent = showsParent || t.showsParent
		if supported {
			t.entryFamilies.write(w, e.labels, &e.entryView)
		}
		if shown, ok := t.reader.(sampleWriter); ok {
			shown.write(w, e.labels)
		}
	}
	if showsParent && supported {
		e.parent.entryFamilies.write(w, e.labels, &e.entryView)
	}
}
