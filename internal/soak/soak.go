// Package soak runs the exporter through hours of an organisation's life in minutes: thousands of transitions of jobs,
// changes of what discovery finds, reloads, and rotations of credentials. An oracle that shares no code with the exporter
// says what every sample must be. The package is a test and has a long form:
//
//	go test ./internal/soak                                         a minute
//	go test ./internal/soak -run Soak -long -write -timeout 30m     twelve minutes, and writes docs/soak.md
package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
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
	projects, clusters, pipelines int
}

// longPlan is the soak whose result docs/soak.md shows.
func longPlan() plan {
	return plan{seed: 1, length: 12 * time.Minute, busy: 1200 * time.Millisecond, projects: 6, clusters: 42, pipelines: 15}
}

// shortPlan is a soak that every test run can wait for.
func shortPlan() plan {
	p := longPlan()
	p.length, p.projects, p.clusters, p.pipelines = 40*time.Second, 4, 24, 8
	return p
}

// soak is one run.
type soak struct {
	plan

	log      io.Writer
	atlas    *atlas
	exporter *harness.Exporter
	dir      string // of the exporter's files

	began       time.Time
	took        time.Duration
	looks       int
	compared    int
	waited      time.Duration
	differences []difference
	usage       []harness.Usage
	// wanted is what was expected at the last look.
	wanted []group
	// counted are the counters of the last scrape.
	counted harness.Exposition
}

// run soaks, and returns what it found.
func run(t testing.TB, p plan, log io.Writer) (*soak, error) {
	t.Helper()
	s := &soak{plan: p, log: log, dir: t.TempDir()}
	s.atlas = startAtlas(t, p.seed)
	s.atlas.populate(p.projects, p.clusters, p.pipelines)
	s.atlas.settings = &settings{clientID: s.atlas.account.ClientID, maxConcurrentRequests: 8}
	if err := errors.Join(s.writeSecret(s.atlas.account.ClientSecret), s.writeConfig(s.atlas.settings)); err != nil {
		return s, err
	}
	starting := time.Now()
	s.exporter = harness.StartExporter(t, "--config.file="+s.configFile(), "--log.level=info")
	s.atlas.reloaded = reloadState{true, span{math64(starting), math64(time.Now())}}
	s.began = time.Now()
	err := s.play(t.Context())
	if err == nil {
		err = s.finish(t.Context())
	}
	s.took = time.Since(s.began)
	return s, err
}

func (s *soak) configFile() string { return filepath.Join(s.dir, "exporter.yml") }
func (s *soak) secretFile() string { return filepath.Join(s.dir, "secret") }

func (s *soak) writeSecret(secret string) error {
	return harness.WriteFile(s.secretFile(), secret+"\n")
}

func (s *soak) writeConfig(c *settings) error {
	return harness.WriteFile(s.configFile(), c.yaml(s.atlas.server.URL(), s.secretFile()))
}

// scrapeTimeout is what the exporter has for an answer.
const scrapeTimeout = 10 * time.Second

func (s *soak) scrape(ctx context.Context, path string) (harness.Exposition, error) {
	return harness.Scrape(ctx, s.exporter.URL()+path, scrapeTimeout)
}

func (s *soak) ask(ctx context.Context, method, path string) (harness.Answer, error) {
	return harness.Ask(ctx, method, s.exporter.URL()+path, scrapeTimeout)
}

// play alternates between changes and looking closely at the exporter while Atlas stands still.
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

// happen lets jobs come and go for a while, and scrapes meanwhile: lists change while the exporter reads them.
func (s *soak) happen(ctx context.Context) error {
	for until := time.Now().Add(s.busy); time.Now().Before(until); {
		s.atlas.org.Do(func() {
			for range 12 {
				s.atlas.step()
			}
			s.atlas.expire()
		})
		got, err := s.scrape(ctx, "/metrics")
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

// judgeBetween judges what must hold of every scrape, whatever happens in Atlas: state sets sum to 1, and no counter falls.
func (s *soak) judgeBetween(got harness.Exposition) []difference {
	var found []difference
	sums := map[string]float64{}
	for key, value := range got {
		family := harness.Family(key)
		if label := stateSets()[family]; label != "" {
			state := label + "=" + strconv.Quote(harness.Label(key, label))
			sums[strings.NewReplacer(","+state, "", state+",", "").Replace(key)] += value
		}
		if was, before := s.counted[key]; before && isCounter(family) && value < was {
			found = append(found, difference{key, "at least " + number(was), number(value)})
		}
	}
	for key, sum := range sums {
		if sum != 1 {
			found = append(found, difference{"sum of the state set " + key, "1", number(sum)})
		}
	}
	s.counted = got
	return found
}

func isCounter(family string) bool {
	return strings.HasSuffix(family, "_total") || strings.HasSuffix(family, "_count")
}

// intervene changes the credentials, the configuration, and what discovery finds, each now and then. Atlas stands still,
// and the exporter has read everything.
func (s *soak) intervene(ctx context.Context, usual population) error {
	a := s.atlas
	var err error
	switch {
	case s.looks%5 == 0:
		err = s.reloadOther(ctx)
	case s.looks%5 == 2 && a.chance(60):
		err = s.reloadBad(ctx)
	case s.looks%5 == 3:
		err = s.rotate(ctx)
	}
	if err != nil {
		return err
	}
	a.org.Do(func() {
		for range 1 + a.random.IntN(2) {
			a.change(usual)
		}
		if s.looks%4 == 0 {
			a.drop()
		}
	})
	return nil
}

func (s *soak) progress() {
	l := s.atlas.ledger
	_, _ = fmt.Fprintf(s.log, "soak: %s: %d transitions, %d discovery changes, %d reloads, %d rotations, %d looks, %d samples compared, %d differences; %s\n",
		time.Since(s.began).Round(time.Second), sum(l.transitions), sum(l.discovery), sum(l.reloads), sum(l.rotations),
		s.looks, s.compared, len(s.differences), s.usage[len(s.usage)-1])
}

func sum(counts map[string]int) int {
	total := 0
	for n := range maps.Values(counts) {
		total += n
	}
	return total
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

// finish takes a last look when the exporter must have noticed everything, and compares the numbers of calls.
func (s *soak) finish(ctx context.Context) error {
	s.atlas.clock.stop()
	var until time.Time
	s.atlas.org.Do(func() {
		s.atlas.expire()
		for _, stale := range s.atlas.stale {
			if stale.until.After(until) {
				until = stale.until
			}
		}
	})
	if err := harness.Pause(ctx, max(0, time.Until(until))); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	s.progress()
	return s.judgeCalls(ctx)
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

// growth is how each resource developed. The first quarter is left out: organisation and connections come to their size in it.
func (s *soak) growth() []harness.Growth {
	// Settings change with the reloads, and projects come and go with their connections: hence the amounts.
	var all []harness.Growth
	for _, r := range harness.Resources(
		harness.Usage{Heap: 0.10, Resident: 0.15, Goroutines: 0.10, Files: 0.10},
		harness.Usage{Heap: 1 << 20, Resident: 4 << 20, Goroutines: 16, Files: 8},
	) {
		all = append(all, harness.GrowthOf(r, 1, s.usage))
	}
	return all
}

// kindOfChange is how often something was done.
type kindOfChange struct {
	Name   string
	Counts map[string]int
	Sum    int
}

func (s *soak) changes() []kindOfChange {
	l := s.atlas.ledger
	var kinds []kindOfChange
	for _, kind := range []kindOfChange{
		{Name: "Job transitions", Counts: l.transitions},
		{Name: "Discovery changes", Counts: l.discovery},
		{Name: "Reloads", Counts: l.reloads},
		{Name: "Rotations of credentials", Counts: l.rotations},
	} {
		kind.Sum = sum(kind.Counts)
		kinds = append(kinds, kind)
	}
	return kinds
}

// discovered asks for the projects that service discovery shows, in order.
func (s *soak) discovered(ctx context.Context) ([]string, error) {
	a, err := s.ask(ctx, http.MethodGet, "/sd")
	if err != nil {
		return nil, err
	}
	var groups []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(a.Body, &groups); err != nil {
		return nil, fmt.Errorf("GET /sd: %w", err)
	}
	var ids []string
	for _, g := range groups {
		ids = append(ids, g.Labels["__param_target"])
	}
	slices.Sort(ids)
	return ids, nil
}
