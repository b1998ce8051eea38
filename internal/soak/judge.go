package main

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// storedResult is what one Prometheus has stored.
type storedResult struct {
	name     string
	targets  int
	scrapes  int // of all targets together
	lost     int // scrapes that the machine was too slow for
	series   int
	samples  int // of the exporter's metrics
	demanded int // samples that had to be there
}

// storedScrape is one scrape of one target.
type storedScrape struct {
	at   float64
	good bool
	// oldest is when the target was last read whose values are the oldest that the scrape shows.
	oldest float64
}

// storedScrapes are the scrapes of a target, in order of time.
type storedScrapes []storedScrape

// find is the scrape at a time.
func (s storedScrapes) find(at float64) *storedScrape {
	i, there := slices.BinarySearchFunc(s, at, func(one storedScrape, at float64) int {
		switch {
		case one.at < at:
			return -1
		case one.at > at:
			return 1
		}
		return 0
	})
	if !there {
		return &storedScrape{at: at, oldest: at}
	}
	return &s[i]
}

// judgeStored holds every sample that a Prometheus has stored against what Atlas held when it was scraped.
func (s *soak) judgeStored(ctx context.Context, name, base string, ended time.Time) (storedResult, error) {
	result := storedResult{name: name}
	st := store{base: base, at: ended, window: ended.Sub(s.began) + time.Minute}
	scrapes, err := s.storedScrapes(ctx, st, &result)
	if err != nil {
		return result, err
	}
	families, err := st.families(ctx)
	if err != nil {
		return result, err
	}
	for _, family := range families {
		if ownFamily(family + "{}") {
			continue
		}
		all, err := st.raw(ctx, family)
		if err != nil {
			return result, err
		}
		for _, one := range all {
			result.series++
			result.samples += len(one.Values)
			s.differ("stored of "+name, s.judgeSeries(one, scrapes[groupOf(one.Metric)], &result))
		}
	}
	return result, s.judgeExpressions(ctx, st, name)
}

// storedScrapes are the scrapes of each target, by its project. A scrape must be good where the project is read, unless it
// took all the time that it had, which is the machine's fault.
func (s *soak) storedScrapes(ctx context.Context, st store, result *storedResult) (map[string]storedScrapes, error) {
	ups, err := st.raw(ctx, "up")
	if err != nil {
		return nil, err
	}
	durations, err := st.raw(ctx, "scrape_duration_seconds")
	if err != nil {
		return nil, err
	}
	slow := map[string]map[float64]bool{}
	for _, one := range durations {
		group := groupOf(one.Metric)
		slow[group] = map[float64]bool{}
		for _, sample := range one.Values {
			slow[group][sample.at] = sample.value >= s.scrapeInterval.Seconds()
		}
	}
	scrapes := map[string]storedScrapes{}
	for _, up := range ups {
		group := groupOf(up.Metric)
		result.targets++
		for _, sample := range up.Values {
			result.scrapes++
			scrapes[group] = append(scrapes[group], storedScrape{at: sample.at, good: sample.value == 1, oldest: sample.at})
			switch {
			case sample.value == 1 || !s.mustAnswer(group, sample.at):
			case slow[group][sample.at]:
				result.lost++
			default:
				s.differ("stored of "+result.name, []difference{{"up{} of project " + group + " at " + clockTime(sample.at), "1", "0"}})
			}
		}
	}
	refreshes, err := st.raw(ctx, prefix+"target_last_refresh_timestamp_seconds")
	for _, one := range refreshes {
		for _, sample := range one.Values {
			scrape := scrapes[groupOf(one.Metric)].find(sample.at)
			scrape.oldest = min(scrape.oldest, sample.value)
		}
	}
	return scrapes, err
}

// mustAnswer reports whether the exporter must answer a scrape of a project that begins at a time.
func (s *soak) mustAnswer(group string, at float64) bool {
	if group == "" {
		return true
	}
	for key, h := range s.journal.series {
		if familyOf(key) == prefix+"project_info" && labelOf(key, "group_id") == group && h.demands(at) {
			return true
		}
	}
	return false
}

// judgeSeries judges one stored series: each value must be one that Atlas held then, and none may be missing.
func (s *soak) judgeSeries(one storedSeries, scrapes storedScrapes, result *storedResult) []difference {
	key := one.key()
	h := s.journal.history(key)
	var found []difference
	wrong := func(at float64, want, got string) {
		found = append(found, difference{key + " at " + clockTime(at), want, got})
	}
	there := map[float64]bool{}
	for _, sample := range one.Values {
		there[sample.at] = true
		scrape := scrapes.find(sample.at)
		switch {
		case math.IsNaN(sample.value):
			wrong(sample.at, "a number", "NaN")
		case !s.allows(h, sample, scrape) && !s.renamed(key, sample, scrape) && !s.excused(key, scrape):
			wrong(sample.at, h.around(sample.at), number(sample.value))
		}
	}
	if groupOf(one.Metric) != "" && labelOf(key, "group_id") == "" {
		return found // of no project: each probe shows it, while there is one
	}
	for _, scrape := range scrapes {
		if !scrape.good || !h.demands(scrape.at) {
			continue
		}
		result.demanded++
		if !there[scrape.at] && (labelOf(key, "collector") != "projects" || !s.soonAfter(s.rooted, &scrape)) {
			wrong(scrape.at, "a sample", "a hole")
		}
	}
	return found
}

// allows reports whether Atlas held a value at a time from the oldest reading that a scrape shows up to its end.
func (s *soak) allows(h *history, sample storedSample, scrape *storedScrape) bool {
	return h.held(sample.value, scrape.oldest-leeway, scrape.at+s.scrapeInterval.Seconds()+leeway)
}

// excused reports whether a value may differ from what is expected of a healthy target: while the credentials are refused,
// and where a target is only just found or about to go.
func (s *soak) excused(key string, scrape *storedScrape) bool {
	family := strings.TrimPrefix(familyOf(key), prefix)
	switch family {
	case "up", "scrape_collector_success", "target_up", "targets", "target_last_error_info":
	default:
		return false
	}
	for _, o := range s.outages {
		if o.low-leeway <= scrape.at && min(scrape.oldest, scrape.at-recovery) <= o.high {
			return true
		}
	}
	switch family {
	case "up":
		return s.soonAfter(s.rooted, scrape)
	case "target_up":
		return !s.journal.history(key).demands(scrape.at)
	case "target_last_error_info":
		return !s.journal.history(series(prefix+"target_up", "collector", labelOf(key, "collector"),
			"group_id", labelOf(key, "group_id"), "group_name", labelOf(key, "group_name"),
			"cl_name", labelOf(key, "cl_name"), "pipeline", labelOf(key, "pipeline"))).demands(scrape.at)
	}
	return s.soonAfter(s.disturbed, scrape)
}

const (
	// leeway is for what is noted here a little later or earlier than it happens there.
	leeway = 1.0
	// recovery is how long a target may be down or pending after what was the cause is over.
	recovery = 10.0
)

// soonAfter reports whether a scrape may show that something was not read yet since one of the times.
func (s *soak) soonAfter(times []float64, scrape *storedScrape) bool {
	return slices.ContainsFunc(times, func(t float64) bool {
		return t-leeway <= scrape.at+s.scrapeInterval.Seconds() && min(scrape.oldest-leeway, scrape.at-recovery) <= t
	})
}

// renamed reports whether a value is right but for the name of its project, which changed a moment ago.
func (s *soak) renamed(key string, sample storedSample, scrape *storedScrape) bool {
	id, name := labelOf(key, "group_id"), labelOf(key, "group_name")
	return slices.ContainsFunc(s.atlas.renames, func(r rename) bool {
		return r.groupID == id && r.was == name && s.soonAfter([]float64{r.at}, scrape) &&
			s.allows(s.journal.history(strings.Replace(key, "group_name="+strconv.Quote(name), "group_name="+strconv.Quote(r.is), 1)), sample, scrape)
	})
}

func clockTime(at float64) string {
	if math.IsInf(at, 0) {
		return "the end"
	}
	return time.UnixMilli(int64(at * 1000)).Format("15:04:05.000")
}

// judgeExpressions has Prometheus itself look for state sets that do not sum to 1 at any time, and for counters that were
// reset.
func (s *soak) judgeExpressions(ctx context.Context, st store, name string) error {
	for family, label := range map[string]string{
		exportFamily + "_last_job_state":  "state",
		restoreFamily + "_last_job_state": "state",
		runFamily + "_last_run_state":     "state",
		runFamily + "_last_run_phase":     "phase",
		runFamily + "_state":              "state",
	} {
		found, err := st.evaluate(ctx, fmt.Sprintf("sum without (%s) (%s) != 1", label, family), s.scrapeInterval)
		if err != nil {
			return err
		}
		for _, one := range found {
			s.differ("stored of "+name, []difference{{
				fmt.Sprintf("sum of the state set %s %v at %s", family, one.Metric, clockTime(one.Values[0].at)), "1", number(one.Values[0].value),
			}})
		}
	}
	var resets []storedSeries
	window := int(st.window.Seconds())
	for _, family := range []string{
		prefix + "api_requests_total", prefix + "api_retries_total", prefix + "api_throttled_seconds_total",
		prefix + "api_request_duration_seconds_count", "process_cpu_seconds_total", "promhttp_metric_handler_requests_total",
	} {
		err := st.query(ctx, "/api/v1/query", url.Values{
			"query": {fmt.Sprintf("resets(%s[%ds]) > 0", family, window)},
			"time":  {strconv.FormatFloat(math64(st.at), 'f', 3, 64)},
		}, &resets)
		if err != nil {
			return err
		}
		for _, one := range resets {
			s.differ("stored of "+name, []difference{{fmt.Sprintf("resets of %s %v", family, one.Metric), "none", "some"}})
		}
	}
	return nil
}
