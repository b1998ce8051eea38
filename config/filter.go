package config

import (
	"regexp"
	"regexp/syntax"
	"slices"
)

// Pattern is a regular expression in RE2 syntax that matches whole names, as in Prometheus relabelling.
type Pattern struct{ re *regexp.Regexp }

// NewPattern compiles a pattern.
func NewPattern(expression string) (Pattern, error) {
	if _, err := syntax.Parse(expression, syntax.Perl); err != nil {
		return Pattern{}, err // compiled without anchors first: "a)|(b" would escape from them
	}
	re, err := regexp.Compile("^(?s:" + expression + ")$")
	return Pattern{re}, err
}

// Match reports whether the whole name matches. The zero Pattern matches everything.
func (p Pattern) Match(name string) bool { return p.re == nil || p.re.MatchString(name) }

// Filter selects names. The zero Filter selects all.
type Filter struct {
	Include []Pattern // nil includes everything
	Exclude []Pattern
}

// Match reports whether the filter selects an object with these names, such as a project's id and name. One name is
// enough to include or exclude it.
func (f Filter) Match(names ...string) bool {
	return (f.Include == nil || matchAny(f.Include, names)) && !matchAny(f.Exclude, names)
}

func matchAny(patterns []Pattern, names []string) bool {
	return slices.ContainsFunc(patterns, func(p Pattern) bool { return slices.ContainsFunc(names, p.Match) })
}
