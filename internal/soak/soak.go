// Package soak runs the exporter for minutes against a simulated Atlas in which hours pass. Jobs change state thousands of
// times; projects, clusters and pipelines come and go; the configuration is reloaded, and credentials are rotated. An oracle
// that shares no code with the exporter computes every expected sample. The package is a test and has a long form:
//
//	go test ./internal/soak                                         a minute
//	go test ./internal/soak -run Soak -long -write -timeout 30m     twelve minutes, and writes docs/soak.md
package soak

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// plan is the length and the size of a soak.
type plan struct {
	seed     uint64
	length   time.Duration
	least    int // minimum number of checks
	projects int
}

// soak is one run. Every difference fails the test.
type soak struct {
	*atlas

	t                      *testing.T
	exporter               *harness.Exporter
	configFile, secretFile string

	began            time.Time
	checks, compared int
	usage            []harness.Usage
	last             harness.Exposition // the last scrape between two checks
}

// run alternates between changes and checks. Atlas does not change during a check.
func run(t *testing.T, p plan) *soak {
	t.Helper()
	dir := t.TempDir()
	s := &soak{
		atlas: startAtlas(t, p), t: t, configFile: filepath.Join(dir, "exporter.yml"), secretFile: filepath.Join(dir, "secret"),
	}
	s.oracle.settings = s.otherSettings()
	s.write()
	starting := time.Now()
	s.exporter = harness.StartExporter(t, "--config.file="+s.configFile, "--log.level=info")
	s.began = time.Now()
	s.oracle.reloaded = span{precise(starting), precise(s.began)}
	for time.Since(s.began) < s.length || s.checks < s.least {
		s.happen()
		s.check()
		s.intervene()
	}
	// At the end, the exporter must have noticed every change.
	next := *s.oracle.settings
	next.relistInterval = usualRelistInterval
	s.reload(&next)
	s.check()
	time.Sleep(usualRelistInterval)
	s.check()
	return s
}

// happen lets Atlas's clock run and starts jobs for a while. It scrapes meanwhile, so that lists change while the exporter
// reads them.
func (s *soak) happen() {
	for until := time.Now().Add(1200 * time.Millisecond); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		s.clock.Set(time.Now())
		s.org.Do(func() {
			for range 6 {
				s.begin()
			}
		})
		got := s.scrape("/metrics")
		s.differ("/metrics between two checks", got.Contradictions(s.last))
		s.last = got
	}
}

// intervene now and then changes the credentials, the configuration, and the projects, clusters and pipelines. The clock is
// stopped, and the exporter has read everything.
func (s *soak) intervene() {
	switch s.checks % 5 {
	case 0:
		s.reload(s.otherSettings())
	case 3:
		s.rotate(s.checks / 5)
	}
	s.org.Do(func() {
		for range 1 + s.random.IntN(2) {
			s.change()
		}
		if s.checks%4 == 0 {
			s.drop()
		}
	})
}

// check stops Atlas's clock, waits until the exporter has read everything, and compares every sample with the simulated
// Atlas. It leaves the clock stopped. Events that come due meanwhile happen when the clock runs again, with their planned
// dates.
func (s *soak) check() {
	now := time.Now()
	s.clock.Set(now)
	// The exporter's times have milliseconds: a read of the same millisecond may have begun before.
	s.oracle.since = time.UnixMilli(now.UnixMilli() + 1)
	maps.DeleteFunc(s.oracle.stale, func(_ list, stale staleJobs) bool { return !stale.until.After(now) })
	want := s.want()
	var got harness.Exposition
	harness.Eventually(s.t, func() error {
		got = s.scrape("/metrics")
		return checkFresh(want, got)
	})
	s.compare("/metrics", want, got)
	s.usage = append(s.usage, harness.UsageOf(got))
	s.checkParts(want)
	harness.Eventually(s.t, s.checkCalls) // requests of the last scrape may still be in progress
	s.org.Do(s.oracle.settle)
	s.checks++
}

// want returns the expected samples.
func (s *soak) want() (want []group) {
	s.org.Do(func() { want = s.oracle.groups() })
	return want
}

func (s *soak) scrape(path string) harness.Exposition {
	got, err := harness.Scrape(s.t.Context(), s.exporter.URL()+path, 10*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// checkFresh returns an error if a target was last read before the check.
func checkFresh(want []group, got harness.Exposition) error {
	for _, g := range want {
		for key, allowed := range g.samples {
			if harness.Family(key) == prefix+refreshed && got[key] < allowed.low {
				return fmt.Errorf("%s: want %s, got %s", key, allowed, number(got[key]))
			}
		}
	}
	return nil
}

// exporterOnly is the scrape of the exporter's own metrics.
const exporterOnly = "/metrics?collect%5B%5D=exporter"

// checkParts compares the endpoints that return a part of /metrics: the probe of each project, and the scrape of one
// collector.
func (s *soak) checkParts(want []group) {
	check := func(path, project, collector string) harness.Exposition {
		got := s.scrape(path)
		s.compare(path, slices.DeleteFunc(slices.Clone(want), func(g group) bool { return !g.shownBy(project, collector) }), got)
		return got
	}
	collector := scrapeWith(pick(s.atlas, slices.Collect(maps.Keys(s.oracle.settings.collectors()))...))
	check("/metrics?collect%5B%5D="+collector, "", collector)
	for _, p := range s.oracle.projects() {
		for key := range check("/probe?target="+p.ID, p.ID, "") {
			if !promised(key) {
				s.differ("the probe of "+p.ID, []string{key + " is not in the project"})
			}
		}
	}
}

// checkCalls returns an error if the exporter's counters of Atlas calls name a project that is not read, or differ from the
// number of requests that Atlas received.
func (s *soak) checkCalls() error {
	counted := map[string]float64{}
	isRead := map[string]bool{"": true}
	for _, p := range s.oracle.projects() {
		isRead[p.ID] = true
	}
	for key, value := range s.scrape(exporterOnly) {
		if !strings.HasPrefix(key, prefix+"api_") {
			continue
		}
		labels := harness.Labels(key)
		if !isRead[labels["group_id"]] {
			return fmt.Errorf("%s names a project that is not read", key)
		}
		if harness.Family(key) == prefix+"api_requests_total" {
			counted[labels["endpoint"]] += value
		}
	}
	for endpoint, n := range counted {
		if arrived := s.server.Count(endpoint); n != float64(arrived) {
			return fmt.Errorf("the exporter counted %v calls of %s, Atlas received %d", n, endpoint, arrived)
		}
	}
	return nil
}

// compare fails the test with the differences between a scrape and the expected samples.
func (s *soak) compare(where string, want []group, got harness.Exposition) {
	compared, found := compare(want, got)
	s.compared += compared
	s.differ(where, found)
}

// differ ends the test if there are differences. Later ones would only follow from these.
func (s *soak) differ(where string, found []string) {
	if len(found) > 0 {
		s.t.Fatalf("%s: %s:\n%s", time.Now().Format(time.TimeOnly), where, strings.Join(found, "\n"))
	}
}
