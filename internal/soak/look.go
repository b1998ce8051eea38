package soak

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// lookLimit is the maximum time that await waits for the exporter. Reading everything takes a discovery interval. It is
// shorter than the lifetime of a token.
const lookLimit = 30 * time.Second

// path returns the path of the probe of a project, else of the scrape of a collector, else of the whole scrape.
func path(project, collector string) string {
	switch {
	case project != "":
		return "/probe?target=" + project
	case collector != "":
		return "/metrics?" + url.Values{"collect[]": {collector}}.Encode()
	}
	return "/metrics"
}

func (s *soak) scrape(path string) harness.Exposition {
	got, err := harness.Scrape(s.t.Context(), s.exporter.URL()+path, 10*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// await scrapes until accept returns true. It returns false after lookLimit.
func (s *soak) await(path string, accept func(harness.Exposition) bool) bool {
	for deadline := time.Now().Add(lookLimit); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if accept(s.scrape(path)) {
			return true
		}
	}
	return false
}

// want returns the expected samples.
func (s *soak) want() (want []group) {
	s.atlas.org.Do(func() { want = s.atlas.oracle.groups() })
	return want
}

// look stops Atlas's clock, waits until the exporter has read everything, and compares every sample with the simulated
// Atlas. It leaves the clock stopped.
func (s *soak) look() {
	a := s.atlas
	a.clock.stop()
	o := &a.oracle
	// The exporter's times have milliseconds: a read of the same millisecond may have begun before.
	o.since = time.UnixMilli(time.Now().UnixMilli() + 1)
	maps.DeleteFunc(o.stale, func(_ any, stale staleJobs) bool { return !stale.until.After(a.clock.Now()) })
	want := s.want()
	var got harness.Exposition
	s.await(path("", ""), func(shown harness.Exposition) bool { // after a timeout, differences name the targets
		got = shown
		return isFresh(want, got)
	})
	s.waited += time.Since(o.since)
	s.hold("/metrics", want, got)
	s.differ("/metrics", s.judgeCalls(got, false))
	s.usage = append(s.usage, harness.UsageOf(got))
	s.lookElsewhere(want)
	a.org.Do(o.settle)
	s.looks++
}

// hold records the differences between a scrape and the expected samples.
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

// lookElsewhere compares the endpoints that return a part of /metrics: the probe of each project, and the scrape of one
// collector.
func (s *soak) lookElsewhere(want []group) {
	collectors := slices.DeleteFunc(s.atlas.oracle.settings.collectors(), func(name string) bool { return ownOrExporter(name) != name })
	hold := func(project, collector string) harness.Exposition {
		where := path(project, collector)
		got := s.scrape(where)
		s.hold(where, slices.DeleteFunc(slices.Clone(want), func(g group) bool { return !g.chosen(project, collector) }), got)
		return got
	}
	hold("", pick(s.atlas, append(collectors, "exporter")...))
	for _, id := range s.projects() {
		for key := range hold(id, "") {
			if !promised(key) {
				s.differ(path(id, ""), []string{key + " is not in the project"})
			}
		}
	}
}

// projects returns the sorted ids of the projects that the exporter reads.
func (s *soak) projects() []string {
	var ids []string
	for _, p := range s.atlas.oracle.visible() {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return ids
}

// judgeCalls checks the exporter's counters of Atlas calls: no counter may name a project that is not read, and none may
// exceed the number of requests that Atlas received. If ended is true, none may be lower either.
func (s *soak) judgeCalls(got harness.Exposition, ended bool) []string {
	var found []string
	counted := map[string]float64{}
	ids := s.projects()
	for key, value := range got {
		if !strings.HasPrefix(key, prefix+"api_") {
			continue
		}
		labels := harness.Labels(key)
		if id := labels["group_id"]; id != "" && !slices.Contains(ids, id) {
			found = append(found, key+" names a project that is not read")
		}
		if harness.Family(key) == prefix+"api_requests_total" {
			counted[labels["endpoint"]] += value
		}
	}
	for endpoint, n := range counted {
		if arrived := float64(s.atlas.server.Count(endpoint)); n > arrived || ended && n < arrived {
			found = append(found, fmt.Sprintf("the exporter counted %v calls of %s, Atlas received %v", n, endpoint, arrived))
		}
	}
	return found
}
