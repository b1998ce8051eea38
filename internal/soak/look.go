package soak

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	// lookLimit is how long the exporter may take to read everything. It takes a discovery interval.
	lookLimit = time.Minute
	lookPause = 30 * time.Millisecond
)

// look stops Atlas's clock, waits until the exporter has read everything since, and compares all that it shows with what
// Atlas holds. The clock stands still afterwards.
func (s *soak) look(ctx context.Context) error {
	stopped := s.atlas.clock.stop()
	var since time.Time
	var want []group
	s.atlas.org.Do(func() {
		s.atlas.expire()
		// The exporter tells milliseconds: a reading of this one may have begun before.
		since = time.UnixMilli(time.Now().UnixMilli() + 1)
		s.atlas.noticed(stopped)
		want = s.atlas.oracle(since).groups()
	})
	got, err := s.awaitFresh(ctx, want, since)
	if err != nil {
		return err
	}
	s.waited += time.Since(since)
	found := compare(want, got, promised)
	s.account("/metrics", found)
	s.differ("/metrics", s.judgeAPI(got))
	s.usage = append(s.usage, harness.UsageOf(got))
	if err := s.lookElsewhere(ctx, want); err != nil {
		return err
	}
	s.wanted = want
	s.atlas.settle(since)
	s.looks++
	return nil
}

// promised reports whether a series is one that the oracle knows all about.
func promised(key string) bool { return strings.HasPrefix(key, prefix) && !ownFamily(key) }

// ownFamily reports whether a series counts the exporter's calls, or names its version: see judgeAPI.
func ownFamily(key string) bool {
	return strings.HasPrefix(key, prefix+"api_") || harness.Family(key) == prefix+"exporter_build_info"
}

func (s *soak) account(where string, c comparison) {
	s.compared += c.compared
	s.differ(where, c.differences)
}

// awaitFresh scrapes until every target that should be there was read since. When that does not come to pass, it returns
// the last answer, whose differences tell.
func (s *soak) awaitFresh(ctx context.Context, want []group, since time.Time) (harness.Exposition, error) {
	for {
		got, err := s.scrape(ctx, "/metrics")
		if err != nil {
			return nil, err
		}
		if isFresh(want, got) || time.Since(since) > lookLimit {
			return got, nil
		}
		if err := harness.Pause(ctx, lookPause); err != nil {
			return nil, err
		}
	}
}

// isFresh reports whether all targets were read late enough.
func isFresh(want []group, got harness.Exposition) bool {
	for key, allowed := range want[0].alternatives[0] {
		if harness.Family(key) != prefix+"target_last_refresh_timestamp_seconds" {
			continue
		}
		if at, there := got[key]; !there || !allowed.has(at) {
			return false
		}
	}
	return true
}

// lookElsewhere compares the other paths: each project's probe, a scrape of one collector, and service discovery. Each
// shows a part of what /metrics has to show.
func (s *soak) lookElsewhere(ctx context.Context, want []group) error {
	ids := s.projects()
	for _, id := range ids {
		got, err := s.scrape(ctx, probePath(id))
		if err != nil {
			return err
		}
		for key := range got {
			if !strings.HasPrefix(key, prefix) || ownFamily(key) {
				s.differ(probePath(id), []difference{{key, nothing, number(got[key])}})
			}
		}
		part := where(want, func(key string) bool {
			return harness.Label(key, "group_id") == id ||
				strings.HasPrefix(key, prefix+"scrape_collector_") && (harness.Label(key, "collector") != "projects" || len(s.atlas.settings.named) > 0)
		})
		s.account(probePath(id), compare(part, got, promised))
	}
	collectors := append(s.atlas.settings.collectorsOfJobs(), "exporter")
	collector := pick(s.atlas, collectors...)
	got, err := s.scrape(ctx, narrowPath(collector))
	if err != nil {
		return err
	}
	part := where(want, func(key string) bool { return chosenBy(key, collector) })
	s.account(narrowPath(collector), compare(part, got, promised))

	discovered, err := s.discovered(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(discovered, ids) {
		s.differ("/sd", []difference{{"projects", strings.Join(ids, " "), strings.Join(discovered, " ")}})
	}
	return nil
}

// where is the part of what is expected that keep chooses.
func where(want []group, keep func(key string) bool) []group {
	some := make([]group, len(want))
	for i, g := range want {
		for _, alternative := range g.alternatives {
			kept := samples{}
			for key, value := range alternative {
				if keep(key) {
					kept[key] = value
				}
			}
			some[i].alternatives = append(some[i].alternatives, kept)
		}
	}
	return some
}

// chosenBy reports whether a scrape of one collector shows a series.
func chosenBy(key, collector string) bool {
	family := harness.Family(key)
	if strings.HasPrefix(family, prefix+"target") || strings.HasPrefix(family, prefix+"scrape_collector_") {
		if of := harness.Label(key, "collector"); isJobs(of) {
			return collector == of
		}
		return collector == "exporter"
	}
	switch {
	case strings.HasPrefix(family, prefix+"cluster_"), family == exportFamily+"_bucket_found": // what its cluster says
		return collector == collectorExports || collector == collectorSnapshots
	case strings.HasPrefix(family, flexFamily+"_"):
		return collector == collectorFlexSnapshots || collector == collectorFlexRestores
	case family == exportFamily+"_missing_snapshot_created_timestamp_seconds":
		return collector == collectorSnapshots
	}
	for _, l := range jobLists() {
		if strings.HasPrefix(family, l.family) {
			return collector == l.collector
		}
	}
	return collector == "exporter"
}

// probePath is the path of one project's series.
func probePath(groupID string) string { return "/probe?target=" + groupID }

// narrowPath is the path of one collector's series.
func narrowPath(collector string) string {
	return "/metrics?" + url.Values{"collect[]": {collector}}.Encode()
}
