package soak

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// discoveryInterval is the minimum that the exporter accepts.
const discoveryInterval = time.Second

// settings are the contents of the exporter's configuration file, but for the credentials. The oracle expects samples for the
// same settings.
type settings struct {
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
		minInterval: pick(a, 0, 0, 500*time.Millisecond), maxConcurrentRequests: pick(a, 7, 8, 9),
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

// reads reports whether the exporter reads a project.
func (s *settings) reads(p *atlassim.Project) bool {
	if len(s.named) > 0 {
		return slices.Contains(s.named, p.ID)
	}
	return !s.excludes("projects", p.ID) && !s.excludes("projects", p.Name)
}

// excludes reports whether a pattern excludes a whole name. The patterns for clusters also apply to Flex clusters.
func (s *settings) excludes(of, name string) bool {
	if of == flexClusters {
		of = clusters
	}
	pattern, ok := s.excluded[of]
	return ok && regexp.MustCompile("^(?:"+pattern+")$").MatchString(name)
}

// yaml returns the contents of the configuration file.
func (s *settings) yaml(baseURL, clientID, secretFile string) string {
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
			"service_account": map[string]string{"client_id": clientID, "client_secret_file": secretFile},
		},
		"refresh": map[string]string{
			"min_interval": s.minInterval.String(), "discovery_interval": discoveryInterval.String(),
			"relist_interval": s.relistInterval.String(),
		},
		"projects": projects, "discovery": discovery, "collectors": collectors,
	})
	if err != nil {
		panic(err) // impossible: every value can be encoded
	}
	return string(text)
}

// collectors returns the enabled collectors and the discovery collectors that they need, each with the collector that lists
// what it reads, or "" if it reads the project itself.
func (s *settings) collectors() map[string]string {
	parents := map[string]string{"projects": ""}
	for _, k := range jobKinds() {
		if !s.disabled[k.collector] {
			parents[k.parent], parents[k.collector] = "", k.parent
			maps.Copy(parents, k.needs)
		}
	}
	return parents
}

// reloadTime is the metric with the time of the last successful reload.
const reloadTime = "exporter_config_last_reload_success_timestamp_seconds"

func (s *soak) write() {
	harness.WriteFile(s.t, s.configFile, s.oracle.settings.yaml(s.server.URL(), s.account.ClientID, s.secretFile))
	harness.WriteFile(s.t, s.secretFile, s.account.ClientSecret+"\n")
}

// reload loads new settings, by SIGHUP or by POST, and waits until the exporter's metrics confirm it.
func (s *soak) reload(next *settings) {
	const series = prefix + reloadTime + "{}"
	before := s.scrape(exporterOnly)[series]
	s.oracle.settings = next
	s.write()
	began, kind := time.Now(), pick(s.atlas, "SIGHUP", "POST /-/reload")
	var err error
	if kind == "SIGHUP" {
		err = s.exporter.Signal(syscall.SIGHUP)
	} else {
		err = s.exporter.Reload(s.t.Context())
	}
	if err != nil {
		s.t.Fatalf("%s: %v", kind, err)
	}
	harness.Eventually(s.t, func() error {
		if s.scrape(exporterOnly)[series] == before {
			return errors.New("the configuration was not reloaded")
		}
		return nil
	})
	s.oracle.reloaded = span{precise(began), precise(time.Now()) + 0.001}
	s.done[kind]++
}

// rotate changes or invalidates the exporter's credentials in one of four ways.
func (s *soak) rotate(n int) {
	old, fresh := s.account, atlassim.NewServiceAccount()
	var way string
	switch n % 4 {
	case 0:
		way = "tokens forgotten by Atlas"
		s.server.ForgetTokens()
	case 1:
		way = "secret replaced, then reloaded"
		fresh.ClientID = old.ClientID
		s.use(fresh)
		s.server.ForgetTokens() // Atlas issues tokens for the new secret only
	case 2:
		way = "another service account, the old one deleted after the reload"
		s.use(fresh)
		s.server.Deny(old.ClientID)
	default:
		way = "secret revoked before the reload"
		s.server.Deny(old.ClientID)
		s.outage()
		s.use(fresh)
	}
	s.done[way]++
}

// use gives the exporter another service account. It waits a second so that reads that began before the reload end: they
// may still use the old account.
func (s *soak) use(account atlassim.ServiceAccount) {
	s.server.AllowServiceAccount(account)
	s.account = account
	s.reload(s.oracle.settings)
	time.Sleep(time.Second)
}

// outage waits until every target reports that the credentials are refused, and checks that all values stay. Nothing has
// changed since the last check.
func (s *soak) outage() {
	s.oracle.refused = true
	defer func() { s.oracle.refused = false }()
	want := s.want()
	harness.Eventually(s.t, func() error {
		if _, found := compare(want, s.scrape("/metrics")); len(found) > 0 {
			return errors.New(strings.Join(found, "\n"))
		}
		return nil
	})
}
