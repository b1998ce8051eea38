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

// expectation is an expected page and its result. See pages for the alert and the time of the cause.
type expectation struct {
	alert string
	// due is the time of the cause. An earlier page is false.
	due                time.Duration
	resolves, optional bool

	paged bool
	after time.Duration // wall-clock time since due
	// wrongEnd is true for a page that should have resolved and did not, or resolved and should not have.
	wrongEnd bool
}

func (e *expectation) missed() bool { return !e.optional && (!e.paged || e.wrongEnd) }

// fits reports whether a page with these labels meets the expectation.
func (e *expectation) fits(labels map[string]string) bool {
	name, pairs, _ := strings.Cut(strings.TrimSuffix(e.alert, "}"), "{")
	for pair := range strings.SplitSeq(pairs, ",") {
		if label, value, _ := strings.Cut(pair, "="); labels[label] != value {
			return false
		}
	}
	return labels["alertname"] == "MongoDBAtlas"+name
}

// verdict is the result of a scenario.
type verdict struct {
	scenario scenario
	factor   float64
	results  []expectation
	// others are unexpected pages, which are false.
	others []string
}

// missed reports whether an expected page did not arrive, or did not resolve as expected.
func (v *verdict) missed() bool {
	return slices.ContainsFunc(v.results, func(e expectation) bool { return e.missed() })
}

func (v *verdict) passed() bool { return !v.missed() && len(v.others) == 0 }

// judge compares the pages about the scenario with the expected ones. One page meets an expectation: a second start of the
// same alert wakes somebody twice, and is a false page. Unexpected pages count until the end of the scenario.
func (a *actor) judge(pages []page) verdict {
	const early = time.Second // because the dates of Atlas are whole seconds
	v := verdict{scenario: a.scenario, factor: a.factor, results: slices.Clone(a.scenario.pages)}
	end := a.after(a.scenario.lasts)
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
		r := &v.results[i]
		after := p.arrived.Sub(a.after(r.due))
		switch {
		case r.optional:
			r.paged = true
		case r.paged:
			other(p, " again")
		case after < -early:
			other(p, fmt.Sprintf(", %s early", -after.Round(10*time.Millisecond)))
		default:
			r.paged, r.after = true, max(after, 0)
			if r.wrongEnd = r.resolves; !p.resolved.IsZero() {
				r.wrongEnd = !r.resolves && p.resolved.Before(end)
			}
		}
	}
	return v
}

// verdicts returns the verdicts for all scenarios of a stack. The project decides which scenario a page is about; for a page
// without a project, the expected pages decide. Pages that belong to none are false pages of the first scenario.
func (s *stack) verdicts() (all []verdict) {
	owned := map[*actor][]page{}
	for _, p := range pagesOf(s.webhook.Received()) {
		i := slices.IndexFunc(s.actors, func(a *actor) bool {
			id := p.labels["group_id"]
			return id == a.project.ID ||
				id == "" && slices.ContainsFunc(a.scenario.pages, func(e expectation) bool { return e.fits(p.labels) })
		})
		owner := s.actors[max(i, 0)]
		owned[owner] = append(owned[owner], p)
	}
	for _, a := range s.actors {
		all = append(all, a.judge(owned[a]))
	}
	return all
}
