package drill

import (
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
	pages  []expectation
	steps  []step
	// lasts is how long the drill watches the scenario.
	lasts time.Duration
	// sunsets are the times until API operations are removed.
	sunsets map[string]time.Duration
	// own is true for a scenario that affects everything that an exporter reads, or the exporter itself. Such a scenario has
	// its own programs, and all their pages belong to it.
	own bool
	// factor, if not 0, is a smaller factor for a scenario that depends on a time that cannot be scaled, such as the start of a
	// process.
	factor float64
	// exporters is the number of exporters that read the same projects; 0 means 1.
	exporters int
}

// step builds a part of a scenario, or schedules an event.
type step func(*actor)

// actor plays one scenario in its own project.
type actor struct {
	*stack

	scenario scenario
	project  *atlassim.Project
}

// everything returns the scenarios of both tables.
func everything() []scenario { return append(incidents(), benignDays()...) }

func incident(name, story string, pages []expectation, steps ...step) scenario {
	return scenario{name: name, story: story, pages: pages, steps: steps, lasts: 2 * hour}
}

func benign(name, story string, steps ...step) scenario {
	return scenario{name: name, story: story, benign: true, steps: steps, lasts: 3 * hour}
}

// firing returns a benign day with an alert that fires from the start. Its page must neither resolve nor repeat. The scenario
// has its own programs.
func firing(name, story string, steps ...step) scenario {
	s := benign(name, story, append([]step{failingShop}, steps...)...).alone()
	s.pages = failingShopPages()
	return s
}

// alone gives the scenario its own programs.
func (s scenario) alone() scenario {
	s.own, s.lasts = true, 90*minute
	return s
}

// slower sets a smaller factor.
func (s scenario) slower(factor float64) scenario {
	s.factor = factor
	return s
}

// twice lets two exporters read the same projects.
func (s scenario) twice() scenario {
	s.exporters = 2
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

// standing is the time of a cause that exists from the start.
const standing = -hour

// pages returns expected pages about a cause at the given time, from which the time to page counts. An alert is written as
// "BackupExportFailed{cl_name=orders}": without its prefix, and with the labels that matter. Each page must arrive once, and the
// alert must fire until the end.
func pages(due time.Duration, alerts ...string) (all []expectation) {
	for _, alert := range alerts {
		all = append(all, expectation{alert: alert, due: due})
	}
	return all
}

// resolved returns expected pages whose alerts must have resolved at the end.
func resolved(pages []expectation) []expectation {
	for i := range pages {
		pages[i].resolves = true
	}
	return pages
}

// perhaps returns a page that may come any number of times.
func perhaps(alert string) []expectation { return []expectation{{alert: alert, optional: true}} }
