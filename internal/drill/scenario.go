package drill

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// scenario is a row of the tables in incidents.go and days.go: what happens, and which alerts must page. All its times are
// those of the real world, counted from the beginning of the drill, so that what happened before is negative. The drill
// divides them by its factor.
type scenario struct {
	// name is unique, and the name of the project in which the scenario plays.
	name, story string
	// benign tells a day on which nothing is wrong from an incident.
	benign bool
	pages  []string
	steps  []step
	// lasts is how long the scenario is watched.
	lasts time.Duration
	// sunsets are the operations of the API that end, and when.
	sunsets map[string]time.Duration
	// alone is set for a scenario that concerns everything an exporter reads, or the exporter itself. It has its programs for
	// itself, and every page is its own.
	alone *alone
}

// alone is how the programs of a scenario that plays alone differ from the usual.
type alone struct {
	// slower, unless it is 0, is the factor for a scenario in which something matters that cannot be divided, such as the start
	// of a process.
	slower float64
	// exporters read the same projects: 1 by default.
	exporters int
	// named has the configuration name its projects.
	named bool
	// timeout replaces the exporter's request_timeout, which is on the wall clock.
	timeout time.Duration
}

// step builds a part of a scenario, or plans what happens.
type step func(*actor)

func incident(name, story string, pages []string, steps ...step) scenario {
	return scenario{name: name, story: story, pages: pages, steps: steps, lasts: 2 * hour}
}

func benign(name, story string, steps ...step) scenario {
	return scenario{name: name, story: story, benign: true, steps: steps, lasts: 3 * hour}
}

// standing is a benign day on which a page stands from the beginning, which must neither end nor come again.
func standing(name, story string, steps ...step) scenario {
	s := benign(name, story, append([]step{failingShop}, steps...)...)
	s.pages = pages(failingShopPages)
	return s
}

// by has the scenario play alone.
func (s scenario) by(own alone) scenario {
	s.alone, s.lasts = &own, 90*minute
	return s
}

func (s scenario) watched(lasts time.Duration) scenario {
	s.lasts = lasts
	return s
}

// ending announces the end of an operation of the API.
func (s scenario) ending(operation string, in time.Duration) scenario {
	s.sunsets = map[string]time.Duration{operation: in}
	return s
}

// pages are the alerts that must page, each once, as "20m BackupExportFailed{cl_name=orders}": when the cause has come to
// pass, from which the time to page is counted, then the alert without its prefix, and those of its labels that matter.
// "standing" instead of a time is for what is wrong from the start. A page must stand until the end, unless "resolved"
// follows: then it must have ended. A page for which the first word is "perhaps" may come, any number of times.
func pages(expected ...string) []string { return expected }

var pagePattern = regexp.MustCompile(`^(\S+) (\w+)(?:\{(.*)\})?( resolved)?$`)

// expectation is a page that a scenario expects, and what became of it.
type expectation struct {
	alert  string // with its labels, as the row has it
	name   string
	labels map[string]string
	// due is when the cause has come to pass. A page before it is a false one.
	due                time.Time
	resolves, optional bool

	paged bool
	after time.Duration // from when it was due, on the wall clock
	// wrongEnd is set for a page that should have ended and did not, or ended and should not have.
	wrongEnd bool
}

func (e *expectation) missed() bool { return !e.optional && (!e.paged || e.wrongEnd) }

// expect reads one of a scenario's pages.
func (a *actor) expect(text string) (expectation, error) {
	parts := pagePattern.FindStringSubmatch(text)
	if parts == nil {
		return expectation{}, fmt.Errorf("page %q is not of the form of pages", text)
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

// fits reports whether a page is the expected one.
func (e *expectation) fits(labels map[string]string) bool {
	for name, value := range e.labels {
		if labels[name] != value {
			return false
		}
	}
	return labels["alertname"] == e.name
}

// clock converts from the real world to the drill.
type clock struct{ factor float64 }

// scaled is how long d takes in the drill.
func (c clock) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / c.factor) }

// actor plays one scenario in a project of its own.
type actor struct {
	*stack

	scenario scenario
	project  *atlassim.Project
	// built is when the project was made, shortly before the drill begins.
	built, begin time.Time
	expected     []expectation
}

// deed is something that is done to a process, outside of Atlas.
type deed struct {
	at time.Time
	do func()
}

// after is the date so long after the beginning.
func (a *actor) after(d time.Duration) time.Time { return a.begin.Add(a.scaled(d)) }
