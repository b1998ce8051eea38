package config

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzPattern checks that a pattern matches a name if, and only if, its expression on its own matches the whole name.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"prod-.*", "prod-orders"},
		{"a|b", "ab"},
		{"a)|(b", "a"},
		{"", ""},
		{".*", "a\nb"},
		{"(?i)PROD", "prod"},
		{"(?m)a$", "a\nb"},
		{`\Qa.b`, "a.b"},
		{`\Qa\E.`, "ax"},
		{"^a$", "a"},
		{"a??", "a"},
		{"(a|ab)(c|bcd)", "abcd"},
		{`\z`, ""},
		{`[[:^word:]]`, "\xff"},
		{`\pL+`, "é☃"},
		{"(?U)a+", "aaa"},
		{`a\`, "a"},
		{"(", "("},
		{"x{1001}", "x"},
		{`\bprod\b`, "prod"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, expression, name string) {
		p, err := NewPattern(expression)
		alone, aloneErr := regexp.Compile("(?s)" + expression)
		if err != nil {
			if aloneErr == nil && !strings.Contains(expression, `\Q`) {
				t.Errorf("%q is refused: %v", expression, err)
			}
			return
		}
		if aloneErr != nil {
			t.Fatalf("%q is accepted, but not on its own: %v", expression, aloneErr)
		}
		alone.Longest()
		found := alone.FindStringIndex(name)
		if want := found != nil && found[0] == 0 && found[1] == len(name); p.Match(name) != want {
			t.Errorf("%q matches %q: %t, want %t", expression, name, !want, want)
		}
		include, exclude := Filter{Include: []Pattern{p}}, Filter{Exclude: []Pattern{p}}
		if include.Match(name) == exclude.Match(name) || !(Filter{}).Match(name) || (Filter{Include: []Pattern{p}, Exclude: []Pattern{p}}).Match(name) {
			t.Errorf("a filter of %q contradicts itself about %q", expression, name)
		}
	})
}
