package soak

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// discoveryInterval is the minimum that the exporter accepts.
const discoveryInterval = time.Second

// settings are the contents of the exporter's configuration file. The oracle expects samples for the same settings.
type settings struct {
	clientID              string
	minInterval           time.Duration
	relistInterval        time.Duration // the exporter may take this long to notice that Atlas dropped an old job
	maxConcurrentRequests int
	disabled              map[string]bool   // collectors
	named                 []string          // project ids; if empty, the exporter reads all projects that Atlas lists
	excluded              map[string]string // patterns by "projects", clusters or pipelines
}

const usualRelistInterval = 10 * time.Second

// otherSettings returns random settings. Some of them narrow the collectors, projects, clusters or pipelines.
func (a *atlas) otherSettings() *settings {
	next := &settings{
		clientID: a.account.ClientID, minInterval: pick(a, 0, 0, 500*time.Millisecond), maxConcurrentRequests: pick(a, 7, 8, 9),
		relistInterval: pick(a, usualRelistInterval, usualRelistInterval, time.Hour),
		disabled:       map[string]bool{}, excluded: map[string]string{},
	}
	if a.chance(20) {
		next.disabled[pick(a, jobKinds()...).collector] = true
	}
	for of, pattern := range map[string]string{"projects": "sandbox-.*", clusters: "scratch-.*", pipelines: "50%.*|what.*"} {
		if a.chance(25) {
			next.excluded[of] = pattern
		}
	}
	if a.chance(20) {
		for _, p := range a.listedProjects() {
			if len(next.named) == 0 || a.chance(70) {
				next.named = append(next.named, p.ID)
			}
		}
	}
	return next
}

// matches reports whether a pattern matches a whole name. The pattern "" matches no name.
func matches(pattern, name string) bool {
	return pattern != "" && regexp.MustCompile("^(?:"+pattern+")$").MatchString(name)
}

// reads reports whether the exporter reads a project.
func (s *settings) reads(id, name string) bool {
	if len(s.named) > 0 {
		return slices.Contains(s.named, id)
	}
	return !matches(s.excluded["projects"], id) && !matches(s.excluded["projects"], name)
}

// excludes reports whether the settings exclude a thing. The patterns for clusters also apply to Flex clusters.
func (s *settings) excludes(t thing) bool {
	if t.parent == flexClusters {
		return matches(s.excluded[clusters], t.name)
	}
	return matches(s.excluded[t.parent], t.name)
}

// yaml returns the contents of the configuration file.
func (s *settings) yaml(baseURL, secretFile string) string {
	collectors := map[string]map[string]any{}
	for _, k := range jobKinds() {
		collectors[k.collector] = map[string]any{"enabled": !s.disabled[k.collector], "min_interval": s.minInterval.String()}
	}
	discovery := map[string]any{}
	for of, pattern := range s.excluded {
		discovery[of] = map[string]any{"exclude": []string{pattern}}
	}
	projects := []map[string]string{}
	for _, id := range s.named {
		projects = append(projects, map[string]string{"id": id})
	}
	text, err := yaml.Marshal(map[string]any{
		"atlas": map[string]any{
			"base_url": baseURL, "max_concurrent_requests": s.maxConcurrentRequests,
			"service_account": map[string]string{"client_id": s.clientID, "client_secret_file": secretFile},
		},
		"refresh": map[string]string{
			"min_interval": s.minInterval.String(), "discovery_interval": discoveryInterval.String(), "relist_interval": s.relistInterval.String(),
		},
		"projects": projects, "discovery": discovery, "collectors": collectors,
	})
	if err != nil {
		panic(err) // impossible: every value can be encoded
	}
	return string(text)
}

// collectors returns the sorted names of the enabled collectors and of the discovery collectors that they need.
func (s *settings) collectors() []string {
	names := map[string]bool{"projects": true}
	for _, k := range jobKinds() {
		if !s.disabled[k.collector] {
			for _, name := range append(k.needs, k.parent, k.collector) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
