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

// lookLimit is how long the exporter may take for anything. Reading everything takes it a discovery interval. A token
// lasts longer.
const lookLimit = 30 * time.Second

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

func (s *soak) scrape(path string) harness.Exposition {
	got, err := harness.Scrape(s.t.Context(), s.exporter.URL()+path, 10*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// await scrapes until accept is content with the answer. It returns false where that was in vain.
func (s *soak) await(path string, accept func(harness.Exposition) bool) bool {
	for deadline := time.Now().Add(lookLimit); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if accept(s.scrape(path)) {
			return true
		}
	}
	return false
}

// want is what a scrape must show by now.
func (s *soak) want() (want []group) {
	s.atlas.org.Do(func() { want = s.atlas.oracle.groups() })
	return want
}

// look stops Atlas's clock, waits until the exporter has read everything since, and compares all that it shows with what
// Atlas holds. The clock stands still afterwards.
func (s *soak) look() {
	a := s.atlas
	a.clock.stop()
	o := &a.oracle
	// The exporter's times are in milliseconds: a reading of this one may have begun before.
	o.since = time.UnixMilli(time.Now().UnixMilli() + 1)
	maps.DeleteFunc(o.stale, func(_ any, stale staleJobs) bool { return !stale.until.After(a.clock.Now()) })
	want := s.want()
	var got harness.Exposition
	s.await(path("", ""), func(shown harness.Exposition) bool { // where it is in vain, the differences tell what is not read
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
				s.differ(path(id, ""), []string{key + " is not of the project"})
			}
		}
	}
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
			found = append(found, key+" is of a project that is not read")
		}
		if harness.Family(key) == prefix+"api_requests_total" {
			counted[labels["endpoint"]] += value
		}
	}
	for endpoint, n := range counted {
		if arrived := float64(s.atlas.server.Count(endpoint)); n > arrived || ended && n < arrived {
			found = append(found, fmt.Sprintf("%v calls of %s were counted, and %v arrived", n, endpoint, arrived))
		}
	}
	return found
}
