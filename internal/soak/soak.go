// Package soak runs the exporter for minutes against a simulated Atlas in which hours pass. Jobs change state thousands of
// times; projects, clusters and pipelines come and go; the configuration is reloaded, and credentials are rotated. An oracle
// that shares no code with the exporter computes every expected sample. The package is a test and has a long form:
//
//	go test ./internal/soak                                         a minute
//	go test ./internal/soak -run Soak -long -write -timeout 30m     twelve minutes, and writes docs/soak.md
package soak

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// plan is the length and the size of a soak.
type plan struct {
	seed                          uint64
	length                        time.Duration
	least                         int           // minimum number of checks
	busy                          time.Duration // time between two checks
	heap                          float64       // bytes that the heap may grow; in a short soak, each new project matters
	projects, clusters, pipelines int
}

// longPlan returns the plan of the soak that docs/soak.md reports.
func longPlan() plan {
	return plan{seed: 1, length: 12 * time.Minute, busy: 1200 * time.Millisecond, heap: 1 << 20, projects: 6, clusters: 42, pipelines: 15}
}

// shortPlan returns the plan of the soak in an ordinary test run.
func shortPlan() plan {
	p := longPlan()
	p.length, p.least, p.heap = 30*time.Second, 20, 3<<20
	p.projects, p.clusters, p.pipelines = 4, 24, 8
	return p
}

// soak is one run. Every difference fails the test.
type soak struct {
	plan

	t                      *testing.T
	atlas                  *atlas
	exporter               *harness.Exporter
	configFile, secretFile string

	began       time.Time
	looks       int
	compared    int
	differences int
	waited      time.Duration
	usage       []harness.Usage
	last        harness.Exposition // the last scrape between two checks
}

// run alternates between changes and checks. Atlas does not change during a check.
func run(t *testing.T, p plan) *soak {
	t.Helper()
	dir := t.TempDir()
	s := &soak{
		plan: p, t: t, atlas: startAtlas(t, p), configFile: filepath.Join(dir, "exporter.yml"), secretFile: filepath.Join(dir, "secret"),
	}
	a := s.atlas
	a.oracle.settings = a.otherSettings()
	s.write()
	starting := time.Now()
	s.exporter = harness.StartExporter(t, "--config.file="+s.configFile, "--log.level=info")
	s.began = time.Now()
	a.oracle.reloaded = span{precise(starting), precise(s.began)}
	for usual := a.population(); time.Since(s.began) < s.length || s.looks < s.least; a.clock.resume() {
		s.happen()
		s.look()
		s.intervene(usual)
	}
	s.finish()
	return s
}

// happen starts jobs for a while and scrapes meanwhile, so that lists change while the exporter reads them.
func (s *soak) happen() {
	for until := time.Now().Add(s.busy); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		s.atlas.org.Do(func() {
			for range 4 {
				s.atlas.begin()
			}
		})
		got := s.scrape(path("", ""))
		s.differ("/metrics between two checks", got.Contradictions(s.last))
		s.last = got
	}
}

// intervene now and then changes the credentials, the configuration, and the projects, clusters and pipelines. The clock is
// stopped, and the exporter has read everything.
func (s *soak) intervene(usual map[string]int) {
	a := s.atlas
	switch s.looks % 5 {
	case 0:
		s.reload(a.otherSettings())
	case 3:
		s.rotate()
	}
	a.org.Do(func() {
		for range 1 + a.random.IntN(2) {
			a.change(usual)
		}
		if s.looks%4 == 0 {
			a.drop()
		}
	})
}

// finish makes a last check when the exporter must have noticed every change, and compares the numbers of calls.
func (s *soak) finish() {
	next := *s.atlas.oracle.settings
	next.relistInterval = usualRelistInterval
	s.reload(&next)
	s.look()
	time.Sleep(usualRelistInterval)
	s.atlas.clock.resume()
	s.look()
	var found []string
	s.await(path("", "exporter"), func(got harness.Exposition) bool { // requests of the last scrape may still be in progress
		found = s.judgeCalls(got, true)
		return len(found) == 0
	})
	s.differ("calls", found)
}

// differ records differences.
func (s *soak) differ(where string, found []string) {
	s.differences += len(found)
	for _, difference := range found {
		s.t.Errorf("%s: %s: %s", time.Now().Format(time.TimeOnly), where, difference)
	}
}
