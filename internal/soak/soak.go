// Package soak runs the exporter through hours of an organisation's life in minutes: thousands of transitions of jobs,
// changes of what discovery finds, reloads, and rotations of credentials. An oracle that shares no code with the exporter
// says what every sample must be. The package is a test and has a long form:
//
//	go test ./internal/soak                                         a minute
//	go test ./internal/soak -run Soak -long -write -timeout 30m     twelve minutes, and writes docs/soak.md
package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// plan is how long and how large a soak is.
type plan struct {
	seed                          uint64
	length                        time.Duration
	least                         int           // looks, however long they take
	busy                          time.Duration // between two looks
	heap                          float64       // how much it may grow: each new project counts in a short soak
	projects, clusters, pipelines int
}

// longPlan is the soak whose result docs/soak.md shows.
func longPlan() plan {
	return plan{seed: 1, length: 12 * time.Minute, busy: 1200 * time.Millisecond, heap: 1 << 20, projects: 6, clusters: 42, pipelines: 15}
}

// shortPlan is a soak that every test run can wait for.
func shortPlan() plan {
	p := longPlan()
	p.length, p.least, p.heap = 30*time.Second, 20, 3<<20
	p.projects, p.clusters, p.pipelines = 4, 24, 8
	return p
}

// soak is one run.
type soak struct {
	plan

	log                    io.Writer
	atlas                  *atlas
	exporter               *harness.Exporter
	configFile, secretFile string

	began       time.Time
	looks       int
	compared    int
	waited      time.Duration
	differences []difference
	usage       []harness.Usage
	counted     harness.Exposition // the last scrape between two looks
}

// run soaks, and returns what it found.
func run(t testing.TB, p plan, log io.Writer) (*soak, error) {
	t.Helper()
	dir := t.TempDir()
	s := &soak{
		plan: p, log: log, atlas: startAtlas(t, p), configFile: filepath.Join(dir, "exporter.yml"), secretFile: filepath.Join(dir, "secret"),
	}
	a := s.atlas
	a.oracle.settings = a.otherSettings()
	if err := s.write(); err != nil {
		return s, err
	}
	starting := time.Now()
	s.exporter = harness.StartExporter(t, "--config.file="+s.configFile, "--log.level=info")
	s.began = time.Now()
	a.oracle.reloaded = span{precise(starting), precise(s.began)}
	return s, s.play(t.Context())
}

// play alternates between changes and looking closely at the exporter while Atlas stands still.
func (s *soak) play(ctx context.Context) error {
	usual, reported := s.atlas.population(), time.Now()
	for time.Since(s.began) < s.length || s.looks < s.least {
		if err := s.happen(ctx); err != nil {
			return err
		}
		if err := s.look(ctx); err != nil {
			return err
		}
		if err := s.intervene(ctx, usual); err != nil {
			return err
		}
		s.atlas.clock.resume()
		if time.Since(reported) > 10*time.Second {
			reported = time.Now()
			s.progress()
		}
	}
	return s.finish(ctx)
}

// happen lets jobs come and go for a while, and scrapes meanwhile: lists change while the exporter reads them.
func (s *soak) happen(ctx context.Context) error {
	for until := time.Now().Add(s.busy); time.Now().Before(until); {
		s.atlas.org.Do(func() {
			for range 4 {
				s.atlas.begin()
			}
		})
		got, err := s.scrape(ctx, path("", ""))
		if err != nil {
			return err
		}
		s.differ("/metrics in between", s.judgeBetween(got))
		if err := harness.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// intervene changes the credentials, the configuration, and what discovery finds, each now and then. Atlas stands still,
// and the exporter has read everything.
func (s *soak) intervene(ctx context.Context, usual map[string]int) error {
	a := s.atlas
	var err error
	switch s.looks % 5 {
	case 0:
		err = s.reload(ctx, a.otherSettings())
	case 3:
		err = s.rotate(ctx)
	}
	a.org.Do(func() {
		for range 1 + a.random.IntN(2) {
			a.change(usual)
		}
		if s.looks%4 == 0 {
			a.drop()
		}
	})
	return err
}

// finish takes a last look when the exporter must have noticed everything, and compares the numbers of calls.
func (s *soak) finish(ctx context.Context) error {
	next := *s.atlas.oracle.settings
	next.relistInterval = usualRelistInterval
	if err := errors.Join(s.reload(ctx, &next), s.look(ctx), harness.Pause(ctx, usualRelistInterval)); err != nil {
		return err
	}
	s.atlas.clock.resume()
	if err := s.look(ctx); err != nil {
		return err
	}
	s.progress()
	var found []difference
	err := s.await(ctx, path("", "exporter"), func(got harness.Exposition) bool { // what the last scrape began may take a moment to end
		found = s.judgeCalls(got, true)
		return len(found) == 0
	})
	s.differ("calls", found)
	return err
}

func (s *soak) progress() {
	d := s.atlas.done
	_, _ = fmt.Fprintf(s.log, "soak: %s: %d jobs, %d discovery changes, %d reloads, %d rotations, %d looks, %d samples compared, %d differences; %s\n",
		time.Since(s.began).Round(time.Second), d.Jobs.Sum(), d.Discovery.Sum(), d.Reloads.Sum(), d.Rotations.Sum(),
		s.looks, s.compared, len(s.differences), s.usage[len(s.usage)-1])
}

// differ records differences, and shows the first ones at once.
func (s *soak) differ(where string, found []difference) {
	const shown = 40
	for _, d := range found {
		d.series = where + ": " + d.series
		if s.differences = append(s.differences, d); len(s.differences) <= shown {
			_, _ = fmt.Fprintf(s.log, "soak: %s: %s\n", time.Now().Format(time.TimeOnly), d)
		}
	}
}

// growth is how each resource developed. The first quarter is left out: organisation and connections come to their size in it.
func (s *soak) growth() []harness.Growth {
	// Settings change with the reloads, and projects come and go with their connections: hence the amounts.
	var all []harness.Growth
	for _, r := range harness.Resources(
		harness.Usage{Heap: 0.10, Resident: 0.15, Goroutines: 0.10, Files: 0.10},
		harness.Usage{Heap: s.heap, Resident: 4 << 20, Goroutines: 16, Files: 8},
	) {
		all = append(all, harness.GrowthOf(r, 1, s.usage))
	}
	return all
}
