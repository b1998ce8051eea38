package drill

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// page is a notification about a firing alert: one start of one label set.
type page struct {
	labels  map[string]string
	arrived time.Time
	// resolved is when the resolved notification arrived. It is zero until then.
	resolved time.Time
}

// String returns the alert's name with the labels that identify its target.
func (p page) String() string {
	var target []string
	for _, name := range slices.Sorted(maps.Keys(p.labels)) {
		switch name {
		case "alertname", "severity", "group_id", "group_name":
		default:
			target = append(target, name+"="+p.labels[name])
		}
	}
	return strings.TrimPrefix(p.labels["alertname"], "MongoDBAtlas") + "{" + strings.Join(target, ",") + "}"
}

// pagesOf returns the pages in notifications, in the order of their arrival.
func pagesOf(received []harness.Notification) []page {
	var all []page
	index := map[string]int{}
	for _, n := range received {
		for _, alert := range n.Alerts {
			key := alert.Fingerprint + alert.StartsAt.String()
			i, known := index[key]
			switch {
			case !known && alert.Status == "firing":
				index[key] = len(all)
				all = append(all, page{labels: alert.Labels, arrived: n.Arrived})
			case known && alert.Status == "resolved":
				all[i].resolved = n.Arrived
			}
		}
	}
	return all
}

// verdict is the result of a scenario.
type verdict struct {
	clock

	scenario scenario
	results  []expectation
	// others are unexpected pages, which are false.
	others []string
}

// missed reports whether an expected page did not arrive, or did not resolve as expected.
func (v *verdict) missed() bool {
	return slices.ContainsFunc(v.results, func(e expectation) bool { return e.missed() })
}

func (v *verdict) passed() bool { return !v.missed() && len(v.others) == 0 }

// early is the tolerance for early pages, because the dates of Atlas are whole seconds.
const early = time.Second

// judge compares the pages about one scenario with the expected ones. One page meets an expectation: a second start of the
// same alert wakes somebody twice, and is a false page. Unexpected pages count until the end of the scenario.
func judge(sc scenario, expected []expectation, pages []page, end time.Time) verdict {
	v := verdict{scenario: sc, results: slices.Clone(expected)}
	other := func(p page, more string) {
		if p.arrived.Before(end) {
			v.others = append(v.others, p.String()+more)
		}
	}
	for _, p := range pages {
		i := slices.IndexFunc(v.results, func(e expectation) bool { return e.fits(p.labels) })
		if i < 0 {
			other(p, "")
			continue
		}
		switch r := &v.results[i]; {
		case r.optional:
			r.paged = true
		case r.paged:
			other(p, " again")
		case p.arrived.Before(r.due.Add(-early)):
			other(p, fmt.Sprintf(", %s early", r.due.Sub(p.arrived).Round(10*time.Millisecond)))
		default:
			r.paged, r.after = true, max(p.arrived.Sub(r.due), 0)
			if r.wrongEnd = r.resolves; !p.resolved.IsZero() {
				r.wrongEnd = !r.resolves && p.resolved.Before(end)
			}
		}
	}
	return v
}

// judge returns the verdicts for all scenarios of a stack. Pages that belong to none are false pages of the first scenario.
func (s *stack) judge() []verdict {
	owned := map[*actor][]page{}
	for _, p := range pagesOf(s.webhook.Received()) {
		owner := s.owner(p)
		owned[owner] = append(owned[owner], p)
	}
	var verdicts []verdict
	for _, a := range s.actors {
		v := judge(a.scenario, a.expected, owned[a], a.after(a.scenario.lasts))
		v.clock = s.clock
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// owner returns the scenario that a page is about. The project decides; for a page without a project, the expected pages
// decide.
func (s *stack) owner(p page) *actor {
	for _, a := range s.actors {
		if id := p.labels["group_id"]; id == a.project.ID ||
			id == "" && slices.ContainsFunc(a.expected, func(e expectation) bool { return e.fits(p.labels) }) {
			return a
		}
	}
	return s.actors[0]
}
