package collector

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrape shows the values of a selection.
type scrape struct {
	exporter  *Exporter
	selection Selection
	took      map[string]time.Duration // by collector: how long this scrape waited for it
}

// Describe sends nothing: what a scrape shows depends on what Atlas lists.
func (s *scrape) Describe(chan<- *prometheus.Desc) {}

// Collect writes the samples.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	inv := s.exporter.inventory
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	w := newWriter(ch)
	health := newHealth(w, inv, s.selection)
	health.roots()
	for _, d := range inv.enabled {
		if d.IsParent() {
			for _, e := range s.entries(inv, d) {
				s.writeEntry(w, health, e)
			}
		}
	}
	health.write(s.took)
}

// labelledEntry is an entry with the values of its labels: group id, group name and its own name.
type labelledEntry struct {
	entryView
	labels []string
}

// entries lists the selected entries of a parent by name and project, nearly as the exposition is: sorting what is sorted
// takes little time.
func (s *scrape) entries(inv *inventory, parent *Declaration) []labelledEntry {
	var all []labelledEntry
	for id, p := range inv.projects {
		if s.selection.GroupID != "" && id != s.selection.GroupID {
			continue
		}
		for name, e := range p.entries[parent] {
			labels := append(make([]string, 0, maxLabels), id, p.info.Name, name) // with room for those that metrics add
			all = append(all, labelledEntry{entryView{e, &inv.settings.config, id, p}, labels})
		}
	}
	slices.SortFunc(all, func(a, b labelledEntry) int {
		return cmp.Or(strings.Compare(a.labels[2], b.labels[2]), strings.Compare(a.labels[0], b.labels[0]))
	})
	return all
}

// writeEntry sends the samples of an entry and of its targets.
func (s *scrape) writeEntry(w *writer, h *health, e labelledEntry) {
	everServed := e.info().Unsupported == None || e.info().Unsupported == BackupDisabled
	showsParent := false
	for _, t := range e.targets() {
		h.target(t, e.labels[1])
		if !t.Configurable || !s.selection.has(t.Name) {
			continue
		}
		showsParent = showsParent || t.showsParent
		if t.writeAbout != nil && everServed {
			t.writeAbout(w, e.labels, &e.entryView)
		}
		if shown, ok := t.reader.(shower); ok {
			shown.write(w, e.labels)
		}
	}
	if showsParent && everServed && e.parent.writeAbout != nil {
		e.parent.writeAbout(w, e.labels, &e.entryView)
	}
}
