package drill

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// scenario is a row of the tables in incidents.go and days.go: a course of events, and the alerts that must page. All times
// are real-world times since the start of the drill; earlier events have negative times. The drill divides them by its
// factor.
type scenario struct {
	// name is unique. The project of the scenario has the same name.
	name, story string
	// benign is true for a day on which nothing is wrong, and false for an incident.
	benign bool
	pages  []string
	steps  []step
	// lasts is how long the drill watches the scenario.
	lasts time.Duration
	// sunsets are the times until API operations are removed.
	sunsets map[string]time.Duration
	// alone is set for a scenario that affects everything that an exporter reads, or the exporter itself. Such a scenario
	// has its own programs, and all their pages belong to it.
	alone *alone
}

// alone has the settings of a scenario with its own programs.
type alone struct {
	// slower, if not 0, is a smaller factor for a scenario that depends on a time that cannot be scaled, such as the start
	// of a process.
	slower float64
	// exporters is the number of exporters that read the same projects; 0 means 1.
	exporters int
	// named lists the projects in the configuration by id.
	named bool
	// timeout replaces the exporter's request_timeout. It is not scaled.
	timeout time.Duration
}

// step builds a part of a scenario, or schedules an event.
type step func(*actor)

func incident(name, story string, pages []string, steps ...step) scenario {
	return scenario{name: name, story: story, pages: pages, steps: steps, lasts: 2 * hour}
}

func benign(name, story string, steps ...step) scenario {
	return scenario{name: name, story: story, benign: true, steps: steps, lasts: 3 * hour}
}

// standing returns a benign day with an alert that fires from the start. Its page must neither resolve nor repeat.
func standing(name, story string, steps ...step) scenario {
	s := benign(name, story, append([]step{failingShop}, steps...)...)
	s.pages = pages(failingShopPages)
	return s
}

// by gives the scenario its own programs.
func (s scenario) by(own alone) scenario {
	s.alone, s.lasts = &own, 90*minute
	return s
}

func (s scenario) watched(lasts time.Duration) scenario {
	s.lasts = lasts
	return s
}

// ending sets the sunset of an API operation.
func (s scenario) ending(operation string, in time.Duration) scenario {
	s.sunsets = map[string]time.Duration{operation: in}
	return s
}

// pages are the expected pages. Each must arrive once. A page is written as "20m BackupExportFailed{cl_name=orders}": the
// time of the cause, from which the time to page counts; the alert without its prefix; and the labels that matter.
//
// "standing" instead of a time is for a cause that exists from the start. The alert must fire until the end, unless
// "resolved" follows: then it must have resolved. With "perhaps" instead of a time, the page may come any number of times.
func pages(expected ...string) []string { return expected }

var pagePattern = regexp.MustCompile(`^(\S+) (\w+)(?:\{(.*)\})?( resolved)?$`)

// expectation is an expected page and its result.
type expectation struct {
	alert  string // with its labels, as in the report
	name   string
	labels map[string]string
	// due is the time of the cause. An earlier page is false.
	due                time.Time
	resolves, optional bool

	paged bool
	after time.Duration // wall-clock time since due
	// wrongEnd is true for a page that should have resolved and did not, or resolved and should not have.
	wrongEnd bool
}

func (e *expectation) missed() bool { return !e.optional && (!e.paged || e.wrongEnd) }

// expect parses one of the pages of a scenario.
func (a *actor) expect(text string) (expectation, error) {
	parts := pagePattern.FindStringSubmatch(text)
	if parts == nil {
		return expectation{}, fmt.Errorf("page %q: invalid format", text)
	}
	e := expectation{name: "MongoDBAtlas" + parts[2], alert: parts[2], labels: map[string]string{}, due: a.built, resolves: parts[4] != ""}
	if parts[3] != "" {
		e.alert += "{" + parts[3] + "}"
		for pair := range strings.SplitSeq(parts[3], ",") {
			name, value, _ := strings.Cut(pair, "=")
			e.labels[name] = value
		}
	}
	switch parts[1] {
	case "standing":
	case "perhaps":
		e.optional = true
	default:
		due, err := time.ParseDuration(parts[1])
		if err != nil {
			return e, fmt.Errorf("page %q: %w", text, err)
		}
		e.due = a.after(due)
	}
	return e, nil
}

// fits reports whether a page with these labels meets the expectation.
func (e *expectation) fits(labels map[string]string) bool {
	for name, value := range e.labels {
		if labels[name] != value {
			return false
		}
	}
	return labels["alertname"] == e.name
}

// clock converts real-world durations to durations in the drill.
type clock struct{ factor float64 }

// scaled returns the duration in the drill.
func (c clock) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / c.factor) }

// actor plays one scenario in its own project.
type actor struct {
	*stack

	scenario scenario
	project  *atlassim.Project
	// built is when the project was created, shortly before the drill begins.
	built, begin time.Time
	expected     []expectation
}

// deed is an action on a process, not on Atlas.
type deed struct {
	at time.Time
	do func()
}

// after returns the time in the drill that is d after the start in the real world.
func (a *actor) after(d time.Duration) time.Time { return a.begin.Add(a.scaled(d)) }
