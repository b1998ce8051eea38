package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Collector declares one collector to the configuration.
type Collector struct {
	Name              string
	MinInterval       time.Duration // default of min_interval; 0: refresh.min_interval
	ExpectedIntervals bool          // whether the key expected_intervals exists
}

// Collectors are the settings of the declared collectors. Methods that change a setting copy all of them first, so that
// a copy of a Config is independent of the original.
type Collectors struct {
	all  []collectorSettings // in the order of the declarations
	line int                 // line of the key collectors, if the file disables every collector, else 0
}

type collectorSettings struct {
	declared          Collector
	enabled           bool
	minInterval       time.Duration
	minIntervalSet    bool // because 0s is a valid value
	expectedIntervals []ExpectedInterval
}

func newCollectors(declared []Collector) Collectors {
	c := Collectors{all: make([]collectorSettings, 0, len(declared))}
	for _, d := range declared {
		c.all = append(c.all, collectorSettings{declared: d, enabled: true})
	}
	return c
}

// Names returns the names of the declared collectors, in the order of their declarations.
func (c *Collectors) Names() []string {
	names := make([]string, 0, len(c.all))
	for i := range c.all {
		names = append(names, c.all[i].declared.Name)
	}
	return names
}

// Enabled reports whether a collector is declared and enabled.
func (c *Collectors) Enabled(name string) bool {
	s := c.settings(name)
	return s != nil && s.enabled
}

// Enable turns a declared collector on or off.
func (c *Collectors) Enable(name string, on bool) {
	c.change(name, func(s *collectorSettings) { s.enabled = on })
}

// SetMinInterval sets the min_interval of a declared collector.
func (c *Collectors) SetMinInterval(name string, d time.Duration) {
	c.change(name, func(s *collectorSettings) { s.minInterval, s.minIntervalSet = d, true })
}

// SetExpectedIntervals sets the expected_intervals of a declared collector.
func (c *Collectors) SetExpectedIntervals(name string, intervals ...ExpectedInterval) {
	c.change(name, func(s *collectorSettings) { s.expectedIntervals = intervals })
}

// ExpectedInterval returns the interval of the first entry in a collector's expected_intervals that matches a cluster,
// and whether one matches. An interval of 0 means that nothing is expected.
func (c *Collectors) ExpectedInterval(name, groupID, cluster string) (time.Duration, bool) {
	s := c.settings(name)
	if s == nil {
		return 0, false
	}
	for _, e := range s.expectedIntervals {
		if (e.GroupID == "" || e.GroupID == groupID) && e.Clusters.Match(cluster) {
			return e.Interval, true
		}
	}
	return 0, false
}

// Check returns an error if no collector is enabled. Call it after applying the flags, because they may enable one.
func (c *Collectors) Check() error {
	if slices.ContainsFunc(c.all, func(s collectorSettings) bool { return s.enabled }) {
		return nil
	}
	err := errors.New("no collector is enabled: enable at least one of " + strings.Join(c.Names(), ", "))
	if c.line == 0 {
		return err
	}
	return &Error{Line: c.line, Key: "collectors", Err: err}
}

// settings returns the settings of a collector, nil if it is not declared.
func (c *Collectors) settings(name string) *collectorSettings {
	i := slices.IndexFunc(c.all, func(s collectorSettings) bool { return s.declared.Name == name })
	if i < 0 {
		return nil
	}
	return &c.all[i]
}

// change changes the settings of a collector in a copy. It panics if the collector is not declared.
func (c *Collectors) change(name string, change func(*collectorSettings)) {
	c.all = slices.Clone(c.all)
	s := c.settings(name)
	if s == nil {
		panic("config: no collector is declared as " + name)
	}
	change(s)
}

// keys returns the keys below collectors.
func (c *Collectors) keys() keys {
	all := keys{}
	for i := range c.all {
		s := &c.all[i]
		own := keys{
			"enabled": boolean(&s.enabled),
			"min_interval": func(n *yaml.Node) error {
				s.minIntervalSet = true
				return duration(&s.minInterval, 0, maxInterval)(n)
			},
		}
		if s.declared.ExpectedIntervals {
			own["expected_intervals"] = s.readIntervals
		}
		all[s.declared.Name] = own.read
	}
	return all
}

func (s *collectorSettings) readIntervals(n *yaml.Node) error {
	return list(n, func(entry *yaml.Node) error {
		var e ExpectedInterval
		given := false
		err := keys{
			"group_id": projectID(&e.GroupID),
			"clusters": pattern(&e.Clusters),
			"interval": func(n *yaml.Node) error {
				given = true
				if s, err := scalar(n); err == nil && s == "none" {
					return nil
				}
				if err := duration(&e.Interval, time.Second, 0)(n); err != nil {
					return fmt.Errorf("%w (or none, to expect nothing)", err)
				}
				return nil
			},
		}.read(entry)
		if err == nil && !given {
			err = errors.New("interval is missing")
		}
		s.expectedIntervals = append(s.expectedIntervals, e)
		return err
	})
}
