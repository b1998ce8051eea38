package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// plan is how long and how large a soak is.
type plan struct {
	seed                          uint64
	length                        time.Duration
	busy                          time.Duration // between two looks
	scrapeInterval                time.Duration
	projects, clusters, pipelines int
}

// soak is one run.
type soak struct {
	plan

	log      io.Writer
	atlas    *atlas
	exporter *exporter
	whole    *harness.PrometheusServer // scrapes /metrics
	spread   *harness.PrometheusServer // scrapes /probe of what /sd lists
	journal  *journal
	outages  []span

	began       time.Time
	looks       int
	compared    int
	waited      time.Duration
	differences []difference
	usage       []usage
	// wanted is what was expected at the last look, and last what of it was seen. The look began at lastStop and ended at
	// lastSeen.
	wanted             []group
	last               samples
	lastStop, lastSeen float64
	// disturbed are the times at which targets were changed.
	disturbed []float64
	// rooted are the times at which the exporter began to read all projects instead of named ones, or the other way about:
	// of the new way it knows nothing at first, which a scrape at the same time may show.
	rooted []float64
	stored []storedResult
}

// run soaks, and returns what it found.
func run(t testing.TB, p plan, log io.Writer) (*soak, error) {
	t.Helper()
	s := &soak{plan: p, log: log, journal: newJournal()}
	s.atlas = startAtlas(t, p.seed)
	s.atlas.populate(p.projects, p.clusters, p.pipelines)
	s.atlas.settings = &settings{clientID: s.atlas.account.ClientID, maxConcurrentRequests: 8}
	starting := time.Now()
	s.exporter = startExporter(t, s.atlas.settings, s.atlas.server.URL(), s.atlas.account.ClientSecret)
	s.atlas.reloaded = reloadState{true, span{math64(starting), math64(time.Now())}}
	s.atlas.journal = s.noteOne
	s.atlas.org.Do(s.noteAll)
	s.whole = harness.StartPrometheus(t, s.scrapeConfig(fmt.Sprintf(
		"    static_configs: [{targets: [%q]}]", strings.TrimPrefix(s.exporter.process.URL(), "http://"))), nil)
	s.spread = harness.StartPrometheus(t, s.scrapeConfig(fmt.Sprintf(
		"    http_sd_configs: [{url: %q, refresh_interval: 1s}]", s.exporter.process.URL()+"/sd")), nil)
	s.began = time.Now()
	if err := s.play(t.Context()); err != nil {
		return s, err
	}
	return s, s.finish(t)
}

func (s *soak) scrapeConfig(discovery string) string {
	return fmt.Sprintf("global: {scrape_interval: %[1]s, scrape_timeout: %[1]s}\nscrape_configs:\n  - job_name: mongodbatlas\n%s\n",
		fmt.Sprintf("%dms", s.scrapeInterval.Milliseconds()), discovery)
}

// play alternates between things happening and looking closely at the exporter while Atlas stands still.
func (s *soak) play(ctx context.Context) error {
	usual := s.atlas.population()
	reported := time.Now()
	for time.Since(s.began) < s.length {
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
	return nil
}

// happen has jobs come and go for a while.
func (s *soak) happen(ctx context.Context) error {
	for until := time.Now().Add(s.busy); time.Now().Before(until); {
		s.atlas.org.Do(func() {
			for range 4 {
				s.atlas.step()
			}
			s.atlas.expire()
		})
		if err := pause(ctx, 25*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// intervene changes the credentials, the configuration, and what discovery finds, each now and then. Atlas stands still,
// and the exporter has read everything.
func (s *soak) intervene(ctx context.Context, usual population) error {
	a := s.atlas
	var err error
	switch {
	case s.looks%5 == 0:
		s.disturb()
		err = s.reloadOther(ctx)
	case s.looks%5 == 2 && a.chance(60):
		err = s.reloadBad(ctx)
	case s.looks%5 == 3:
		s.disturb()
		err = s.rotate(ctx)
	}
	if err != nil {
		return err
	}
	a.org.Do(func() {
		s.noteAll() // as it is in force before anything changes
		for range 1 + a.random.IntN(2) {
			if a.change(usual) {
				s.disturb()
			}
		}
		if s.looks%4 == 0 {
			a.drop()
		}
		s.noteAll()
	})
	return nil
}

// disturb takes down that targets may be pending or about to go.
func (s *soak) disturb() { s.disturbed = append(s.disturbed, math64(time.Now())) }

// noteOne takes down what a thing has come to. It is called within Organization.Do.
func (s *soak) noteOne(thing any) {
	s.journal.note(time.Now(), thing, s.atlas.oracle(time.Time{}).of(thing))
}

// noteAll takes down what everything has come to. It is called within Organization.Do.
func (s *soak) noteAll() {
	now := time.Now()
	parts := s.atlas.oracle(time.Time{}).parts()
	gone := s.journal.things()
	for _, p := range parts {
		s.journal.note(now, p.thing, p.groups)
		delete(gone, p.thing)
	}
	for thing := range gone {
		s.journal.note(now, thing, nil)
	}
}

func (s *soak) progress() {
	_, _ = fmt.Fprintf(s.log, "soak: %s: %d transitions, %d discovery changes, %d reloads, %d rotations, %d looks, %d samples compared, %d differences; %s\n",
		time.Since(s.began).Round(time.Second), sum(s.atlas.ledger.transitions), sum(s.atlas.ledger.discovery),
		sum(s.atlas.ledger.reloads), sum(s.atlas.ledger.rotations), s.looks, s.compared, len(s.differences), s.usage[len(s.usage)-1])
}

func sum(counts map[string]int) int {
	total := 0
	for n := range maps.Values(counts) {
		total += n
	}
	return total
}

// differ takes down differences, and shows the first ones at once.
func (s *soak) differ(where string, found []difference) {
	const shown = 40
	for _, d := range found {
		d.series = where + ": " + d.series
		if s.differences = append(s.differences, d); len(s.differences) <= shown {
			_, _ = fmt.Fprintf(s.log, "soak: %s: %s\n", time.Now().Format(time.TimeOnly), d)
		}
	}
}

// finish takes a last look, once the exporter must have noticed everything, and asks the Prometheus servers what they have
// stored.
func (s *soak) finish(t testing.TB) error {
	t.Helper()
	ctx := t.Context()
	s.atlas.clock.stop()
	var until time.Time
	s.atlas.org.Do(func() {
		s.atlas.expire()
		s.noteAll()
		for _, stale := range s.atlas.stale {
			if stale.until.After(until) {
				until = stale.until
			}
		}
	})
	if err := pause(ctx, max(0, time.Until(until))+2*s.scrapeInterval); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	s.progress()
	ended := time.Now()
	for _, server := range []*harness.PrometheusServer{s.whole, s.spread} {
		server.WriteFile(t, "prometheus.yml", "scrape_configs: []\n")
		if err := server.Reload(ctx); err != nil {
			return err
		}
	}
	if err := s.judgeCalls(ctx); err != nil {
		return err
	}
	for _, server := range []struct {
		name string
		*harness.PrometheusServer
	}{{"/metrics", s.whole}, {"/probe", s.spread}} {
		result, err := s.judgeStored(ctx, server.name, server.URL(), ended)
		if err != nil {
			return fmt.Errorf("what Prometheus has stored of %s: %w", server.name, err)
		}
		s.stored = append(s.stored, result)
	}
	return nil
}

// projects lists the ids of the projects that are read, in order.
func (s *soak) projects() []string {
	var ids []string
	for _, p := range s.atlas.oracle(time.Time{}).visible() {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return ids
}
