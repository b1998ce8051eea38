package drill

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// verdict is how a scenario went.
type verdict struct {
	scenario scenario
	results  []result
	// others are pages about the scenario's project, or its stack, that nobody expected: false pages.
	others []string
}

// result is what became of an expected page.
type result struct {
	expectation expectation
	// paged tells whether it arrived, and after how long on the wall clock from when it was due.
	paged bool
	after time.Duration
	// unresolved tells that it should have been resolved and was not.
	unresolved bool
}

// missed counts the expected pages that did not arrive, and those that did not end as they should.
func (v *verdict) missed() int {
	n := 0
	for _, r := range v.results {
		if !r.paged || r.unresolved {
			n++
		}
	}
	return n
}

func (v *verdict) passed() bool { return v.missed() == 0 && len(v.others) == 0 }

// early is how long before it is due a page may come: a restore's date is a whole second of the wall clock.
const early = time.Second

// judge compares what was paged with what was expected.
func (s *stack) judge() outcome {
	pages := s.receiver.received()
	o := outcome{failed: s.failedScrapes()}
	owned := map[*actor][]page{}
	for _, p := range pages {
		if owner := s.owner(p); owner != nil {
			owned[owner] = append(owned[owner], p)
		} else {
			o.stray = append(o.stray, p)
		}
	}
	for i, a := range s.actors {
		o.verdicts = append(o.verdicts, judge(s.scenarios[i], a.expected, owned[a]))
	}
	return o
}

// owner finds the scenario that a page is about: by its project, or where it names none, by what is expected.
func (s *stack) owner(p page) *actor {
	if s.alone {
		return s.actors[0]
	}
	for _, a := range s.actors {
		if p.labels["group_id"] == a.project.ID {
			return a
		}
	}
	for _, a := range s.actors {
		for i := range a.expected {
			if p.labels["group_id"] == "" && a.expected[i].fits(p.labels) {
				return a
			}
		}
	}
	return nil
}

// judge compares the pages about one scenario with those that it expects. Each expectation is met by one page; a second
// beginning of the same alert is a false page like any other, for it wakes somebody twice.
func judge(sc scenario, expected []expectation, pages []page) verdict {
	v := verdict{scenario: sc}
	for _, e := range expected {
		v.results = append(v.results, result{expectation: e})
	}
	for _, p := range pages {
		i := slices.IndexFunc(v.results, func(r result) bool { return r.expectation.fits(p.labels) })
		switch {
		case i < 0:
			v.others = append(v.others, p.String())
		case v.results[i].paged:
			v.others = append(v.others, p.String()+" again")
		case p.arrived.Before(v.results[i].expectation.due.Add(-early)):
			before := v.results[i].expectation.due.Sub(p.arrived).Round(10 * time.Millisecond)
			v.others = append(v.others, fmt.Sprintf("%s, %s early", p, before))
		default:
			r := &v.results[i]
			r.paged, r.after = true, max(p.arrived.Sub(r.expectation.due), 0)
			r.unresolved = r.expectation.resolves && p.resolved.IsZero()
		}
	}
	return v
}

// String shows the page's alert and what it is about.
func (p page) String() string { return named(p.labels["alertname"], p.labels) }

// named shows an alert with the labels that tell its target.
func named(alert string, labels map[string]string) string {
	var target []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		switch name {
		case "alertname", "severity", "group_id", "group_name":
		default:
			target = append(target, name+"="+labels[name])
		}
	}
	alert = strings.TrimPrefix(alert, "MongoDBAtlas")
	if len(target) == 0 {
		return alert
	}
	return alert + "{" + strings.Join(target, ",") + "}"
}

// post sends an empty POST and wants 200.
func post(ctx context.Context, url string) error {
	status, err := postStatus(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("POST %s: status %d", url, status)
	}
	return err
}

func postStatus(ctx context.Context, url string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
