package config

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// described is a configuration as the YAML library reads and writes it, in the terms of the file.
type described struct {
	Atlas      describedAtlas     `yaml:"atlas"`
	Projects   []describedProject `yaml:"projects,omitempty"`
	Discovery  describedDiscovery `yaml:"discovery"`
	Collectors struct {
		Exports  describedCollector `yaml:"backup_exports"`
		Restores describedCollector `yaml:"backup_restores"`
		Runs     describedCollector `yaml:"pipeline_runs"`
	} `yaml:"collectors"`
	Refresh struct {
		Min      span `yaml:"min_interval"`
		Discover span `yaml:"discovery_interval"`
		Relist   span `yaml:"relist_interval"`
	} `yaml:"refresh"`
}

type describedAtlas struct {
	BaseURL    phrase            `yaml:"base_url,omitempty"`
	Account    *describedAccount `yaml:"service_account,omitempty"`
	Key        *describedKey     `yaml:"api_key,omitempty"`
	Concurrent int               `yaml:"max_concurrent_requests"`
	Timeout    span              `yaml:"request_timeout"`
	Retries    int               `yaml:"max_retries"`
	Insecure   bool              `yaml:"allow_insecure_http"`
}

type describedAccount struct {
	ID         phrase `yaml:"client_id"`
	Secret     phrase `yaml:"client_secret,omitempty"`
	SecretFile phrase `yaml:"client_secret_file,omitempty"`
}

type describedKey struct {
	ID         phrase `yaml:"public_key"`
	Secret     phrase `yaml:"private_key,omitempty"`
	SecretFile phrase `yaml:"private_key_file,omitempty"`
}

type describedProject struct {
	ID        phrase          `yaml:"id"`
	Clusters  describedFilter `yaml:"clusters"`
	Pipelines describedFilter `yaml:"pipelines"`
}

type describedDiscovery struct {
	Projects  describedFilter `yaml:"projects"`
	Clusters  describedFilter `yaml:"clusters"`
	Pipelines describedFilter `yaml:"pipelines"`
}

type describedFilter struct {
	Include []phrase `yaml:"include,omitempty"`
	Exclude []phrase `yaml:"exclude,omitempty"`
}

type describedCollector struct {
	Enabled   bool                `yaml:"enabled"`
	Min       *span               `yaml:"min_interval,omitempty"`
	Intervals []describedInterval `yaml:"expected_intervals,omitempty"`
}

// declared are the collectors of a fuzzed file.
func declared() []Collector {
	return []Collector{{Name: "backup_exports", ExpectedIntervals: true}, {Name: "backup_restores"}, {Name: "pipeline_runs", MinInterval: time.Minute}}
}

type describedInterval struct {
	Group    phrase  `yaml:"group_id,omitempty"`
	Clusters *phrase `yaml:"clusters,omitempty"`
	Interval expect  `yaml:"interval"`
}

// phrase is a text that is written in quotes: the library cannot read every block that it writes.
type phrase string

func (q phrase) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: string(q)}, nil
}

// span is a duration, parsed here in another way than the program does, and written as Prometheus writes it.
type span time.Duration

func (s *span) UnmarshalYAML(n *yaml.Node) error {
	parts := regexp.MustCompile(`^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$`).FindStringSubmatch(n.Value)
	if parts == nil || n.Value == "" {
		if n.Value != "0" {
			return fmt.Errorf("%q is not a duration", n.Value)
		}
		parts = make([]string, 8)
	}
	sum := new(big.Int)
	for i, unit := range []int64{365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1} {
		count, ok := new(big.Int).SetString("0"+parts[i+1], 10)
		if !ok {
			return fmt.Errorf("%q is not a number", parts[i+1])
		}
		sum.Add(sum, count.Mul(count, big.NewInt(unit)))
	}
	if sum.Mul(sum, big.NewInt(int64(time.Millisecond))); !sum.IsInt64() {
		return fmt.Errorf("%q is too long", n.Value)
	}
	*s = span(sum.Int64())
	return nil
}

func (s span) MarshalYAML() (any, error) { return model.Duration(s).String(), nil }

// expect is a duration that may be absent.
type expect time.Duration

func (e *expect) UnmarshalYAML(n *yaml.Node) error {
	if n.Value == "none" {
		return nil
	}
	return (*span)(e).UnmarshalYAML(n)
}

func (e expect) MarshalYAML() (any, error) {
	if e == 0 {
		return "none", nil
	}
	return span(e).MarshalYAML()
}

// describe converts a configuration to the terms of the file.
func describe(c Config) described {
	var d described
	d.Atlas.BaseURL, d.Atlas.Concurrent, d.Atlas.Timeout = phrase(c.Atlas.BaseURL), c.Atlas.MaxConcurrentRequests, span(c.Atlas.RequestTimeout)
	d.Atlas.Retries, d.Atlas.Insecure = c.Atlas.MaxRetries, c.Atlas.AllowInsecureHTTP
	if a := c.Atlas.ServiceAccount; a != nil {
		d.Atlas.Account = &describedAccount{phrase(a.ClientID), phrase(a.ClientSecret.Reveal()), phrase(a.ClientSecretFile)}
	}
	if k := c.Atlas.APIKey; k != nil {
		d.Atlas.Key = &describedKey{phrase(k.PublicKey), phrase(k.PrivateKey.Reveal()), phrase(k.PrivateKeyFile)}
	}
	for _, p := range c.Projects {
		d.Projects = append(d.Projects, describedProject{phrase(p.ID), describeFilter(p.Clusters), describeFilter(p.Pipelines)})
	}
	d.Discovery = describedDiscovery{describeFilter(c.Discovery.Projects), describeFilter(c.Discovery.Clusters), describeFilter(c.Discovery.Pipelines)}
	d.Collectors.Exports, d.Collectors.Restores = describeCollector(&c.Collectors.all[0]), describeCollector(&c.Collectors.all[1])
	d.Collectors.Runs = describeCollector(&c.Collectors.all[2])
	d.Refresh.Min, d.Refresh.Discover, d.Refresh.Relist = span(c.Refresh.MinInterval), span(c.Refresh.DiscoveryInterval), span(c.Refresh.RelistInterval)
	return d
}

func describeCollector(c *collectorSettings) describedCollector {
	d := describedCollector{Enabled: c.enabled}
	if c.minIntervalSet {
		d.Min = (*span)(&c.minInterval)
	}
	for _, e := range c.expectedIntervals {
		interval := describedInterval{Group: phrase(e.GroupID), Interval: expect(e.Interval)}
		if e.Clusters.re != nil {
			interval.Clusters = new(phrase)
			*interval.Clusters = expressionOf(e.Clusters)
		}
		d.Intervals = append(d.Intervals, interval)
	}
	return d
}

func describeFilter(f Filter) describedFilter {
	var d describedFilter
	for _, p := range f.Include {
		d.Include = append(d.Include, expressionOf(p))
	}
	for _, p := range f.Exclude {
		d.Exclude = append(d.Exclude, expressionOf(p))
	}
	return d
}

func expressionOf(p Pattern) phrase {
	return phrase(strings.TrimSuffix(strings.TrimPrefix(p.re.String(), "^(?s:"), ")$"))
}
