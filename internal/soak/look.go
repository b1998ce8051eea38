package soak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// lookLimit is how long the exporter may take for anything. Reading everything takes it a discovery interval. A token
// lasts longer.
const lookLimit = 30 * time.Second

var errInVain = errors.New("waited in vain")

// path is that of the series of a project, or else of a collector.
func path(project, collector string) string {
	switch {
	case project != "":
		return "/probe?target=" + project
	case collector != "":
		return "/metrics?" + url.Values{"collect[]": {collector}}.Encode()
	}
	return "/metrics"
}

func (s *soak) scrape(ctx context.Context, path string) (harness.Exposition, error) {
	return harness.Scrape(ctx, s.exporter.URL()+path, 10*time.Second)
}

// await scrapes until accept is content with the answer.
func (s *soak) await(ctx context.Context, path string, accept func(harness.Exposition) bool) error {
	for deadline := time.Now().Add(lookLimit); ; {
		got, err := s.scrape(ctx, path)
		switch {
		case err != nil:
			return err
		case accept(got):
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s: %w", path, errInVain)
		}
		if err := harness.Pause(ctx, 30*time.Millisecond); err != nil {
			return err
		}
	}
}

// want is what a scrape must show by now.
func (s *soak) want() (want []group) {
	s.atlas.org.Do(func() { want = s.atlas.oracle.groups() })
	return want
}

// look stops Atlas's clock, waits until the exporter has read everything since, and compares all that it shows with what
// Atlas holds. The clock stands still afterwards.
func (s *soak) look(ctx context.Context) error {
	a := s.atlas
	a.clock.stop()
	o := &a.oracle
	// The exporter's times are in milliseconds: a reading of this one may have begun before.
	o.since = time.UnixMilli(time.Now().UnixMilli() + 1)
	maps.DeleteFunc(o.stale, func(_ any, stale staleJobs) bool { return !stale.until.After(a.clock.Now()) })
	want := s.want()
	var got harness.Exposition
	err := s.await(ctx, path("", ""), func(shown harness.Exposition) bool {
		got = shown
		return isFresh(want, got)
	})
	if err != nil && !errors.Is(err, errInVain) { // its differences tell what is not read
		return err
	}
	s.waited += time.Since(o.since)
	s.hold("/metrics", want, got)
	s.differ("/metrics", s.judgeCalls(got, false))
	s.usage = append(s.usage, harness.UsageOf(got))
	if err := s.lookElsewhere(ctx, want); err != nil {
		return err
	}
	a.org.Do(o.settle)
	s.looks++
	return nil
}

// hold compares an answer with what is expected of it.
func (s *soak) hold(where string, want []group, got harness.Exposition) {
	compared, found := compare(want, got)
	s.compared += compared
	s.differ(where, found)
}

// isFresh reports whether all targets were read late enough.
func isFresh(want []group, got harness.Exposition) bool {
	for _, g := range want {
		for key, allowed := range g.alternatives[0] {
			if harness.Family(key) == prefix+refreshed && got[key] < allowed.low {
				return false
			}
		}
	}
	return true
}

// lookElsewhere compares what shows a part of /metrics: each project's probe, and a scrape of one collector.
func (s *soak) lookElsewhere(ctx context.Context, want []group) error {
	ids := s.projects()
	collectors := slices.DeleteFunc(s.atlas.oracle.settings.collectors(), func(name string) bool { return ownOrExporter(name) != name })
	parts := [][2]string{{"", pick(s.atlas, append(collectors, "exporter")...)}}
	for _, id := range ids {
		parts = append(parts, [2]string{id, ""})
	}
	for _, part := range parts {
		got, err := s.scrape(ctx, path(part[0], part[1]))
		if err != nil {
			return err
		}
		expected := slices.DeleteFunc(slices.Clone(want), func(g group) bool { return !g.chosen(part[0], part[1]) })
		s.hold(path(part[0], part[1]), expected, got)
		for key, value := range got {
			if part[0] != "" && !promised(key) {
				s.differ(path(part[0], ""), []difference{{key, nothing, number(value)}})
			}
		}
	}
	return nil
}

// projects lists the ids of the projects that are read, in order.
func (s *soak) projects() []string {
	var ids []string
	for _, p := range s.atlas.oracle.visible() {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return ids
}

// judgeCalls judges the series that count calls to Atlas: none is of a project that is not read, and no more calls were
// counted than arrived. Where all have ended, none is missing.
func (s *soak) judgeCalls(got harness.Exposition, ended bool) []difference {
	var found []difference
	counted := map[string]float64{}
	ids := s.projects()
	for key, value := range got {
		if !strings.HasPrefix(key, prefix+"api_") {
			continue
		}
		labels := harness.Labels(key)
		if id := labels["group_id"]; id != "" && !slices.Contains(ids, id) {
			found = append(found, difference{key, "no series of a project that is not read", number(value)})
		}
		if harness.Family(key) == prefix+"api_requests_total" {
			counted[labels["endpoint"]] += value
		}
	}
	for endpoint, n := range counted {
		if arrived := float64(s.atlas.server.Count(endpoint)); n > arrived || ended && n < arrived {
			found = append(found, difference{"sum of api_requests_total of " + endpoint, number(arrived), number(n)})
		}
	}
	return found
}

// judgeBetween judges what must hold of every scrape, whatever happens in Atlas: state sets sum to 1, and no counter falls.
func (s *soak) judgeBetween(got harness.Exposition) []difference {
	var found []difference
	sums := map[string]float64{}
	for key, value := range got {
		family := harness.Family(key)
		for _, label := range []string{"state", "phase"} {
			if strings.HasSuffix(family, "_"+label) {
				state := label + "=" + strconv.Quote(harness.Label(key, label))
				sums[strings.NewReplacer(","+state, "", state+",", "").Replace(key)] += value
			}
		}
		isCounter := strings.HasSuffix(family, "_total") || strings.HasSuffix(family, "_count")
		if was, before := s.counted[key]; before && isCounter && value < was {
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
