package config_test

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// described is a row of the reference: the description of a key in docs/configuration.md.
type described struct{ value, defaultValue string }

// reference returns the tables of the page that describe keys. A row for <collector> is repeated for every collector that has
// the key.
func reference(t *testing.T) map[string]described {
	t.Helper()
	page := read(t, "../docs/configuration.md")
	rows := map[string]described{}
	row := regexp.MustCompile("(?m)^\\| `((?:atlas|projects|discovery|collectors|refresh)[\\w.\\[\\]<>]*)` \\| ([^|]*) \\| ([^|]*) \\|")
	for _, cells := range row.FindAllStringSubmatch(page, -1) {
		for _, key := range expanded(cells[1]) {
			if _, duplicate := rows[key]; duplicate {
				t.Errorf("%s has two rows", key)
			}
			rows[key] = described{cells[2], cells[3]}
		}
	}
	return rows
}

// expanded returns the keys that a row describes.
func expanded(key string) (keys []string) {
	if !strings.Contains(key, "<collector>") {
		return []string{key}
	}
	for _, c := range shipped() {
		if c.ExpectedIntervals || !strings.Contains(key, "expected_intervals") {
			keys = append(keys, strings.ReplaceAll(key, "<collector>", c.Name))
		}
	}
	return keys
}

// TestReferenceCollectors checks that the table of collectors lists the declared collectors in their order.
func TestReferenceCollectors(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/configuration.md")
	var want, got []string
	for _, c := range shipped() {
		interval, expected := "that of `refresh`", "no"
		if c.MinInterval != 0 {
			interval = "`" + model.Duration(c.MinInterval).String() + "`"
		}
		if c.ExpectedIntervals {
			expected = "yes"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", c.Name, interval, expected))
	}
	_, table, _ := strings.Cut(page, "| collector | reads | `min_interval` | `expected_intervals` |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, cells := range regexp.MustCompile("(?m)^(\\| `[a-z_]+` \\|) [^|]+ (\\| .*)$").FindAllStringSubmatch(table, -1) {
		got = append(got, cells[1]+cells[2][1:])
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("the page has\n%s\nand the collectors are\n%s", g, w)
	}
}

// leaves returns the keys that have a value, named as in the reference.
func leaves(t *testing.T) []string {
	t.Helper()
	known := allKeys(t)
	known = slices.DeleteFunc(slices.Clone(known), func(key string) bool {
		return slices.ContainsFunc(known, func(other string) bool { return strings.HasPrefix(other, key+".") })
	})
	for i, key := range known {
		known[i] = strings.ReplaceAll(key, ".[]", "[]")
	}
	return known
}

// document nests a value below a key: "a.b[].c" and "1" give {a: {b: [{c: 1}]}}.
func document(key, value string) string {
	for _, name := range slices.Backward(strings.Split(key, ".")) {
		name, isList := strings.CutSuffix(name, "[]")
		if isList {
			value = "[" + value + "]"
		}
		value = "{" + name + ": " + value + "}"
	}
	return value
}

// faultOf returns the parser's error about a value itself, or "" if it accepts the value.
func faultOf(key, value string) string {
	_, err := config.Parse([]byte(document(key, value)), shipped())
	var fault *config.Error
	if !errors.As(err, &fault) || !strings.HasPrefix(fault.Key, strings.ReplaceAll(key, "[]", "[0]")) {
		return ""
	}
	return fault.Err.Error()
}

// valueOf returns which values a key takes, in the words of the reference. It tries wrong values to find out.
func valueOf(key string) string {
	fault := faultOf(key, "'?'")
	limits := regexp.MustCompile(`(from \S+ to \S+|at least \S+)`)
	switch {
	case fault == "":
		return "text"
	case strings.HasPrefix(fault, "not a URL"):
		return "URL"
	case strings.HasPrefix(fault, "not a project id"):
		return "project id"
	case strings.HasPrefix(fault, "true or false"):
		return "`true` or `false`"
	case strings.HasPrefix(fault, "a whole number"):
		return "whole number, " + limits.FindString(fault)
	case strings.Contains(fault, "is not a regular expression"):
		return "pattern"
	case strings.HasPrefix(fault, "a list"):
		if strings.Contains(faultOf(key, "['?']"), "is not a regular expression") {
			return "list of patterns"
		}
		return "list"
	case strings.HasPrefix(fault, "a duration"):
		value := "duration, " + limits.FindString(faultOf(key, "0s")+" "+faultOf(key, "200y"))
		if strings.Contains(fault, "or none") && faultOf(key, "none") == "" {
			value += ", or `none`"
		}
		return value
	}
	return fault
}

// TestReference checks that docs/configuration.md describes exactly the keys that exist, and that its values, limits and
// defaults are those of the parser.
func TestReference(t *testing.T) {
	t.Parallel()
	rows, known := reference(t), leaves(t)
	for key := range rows {
		if !slices.Contains(known, key) {
			t.Errorf("it describes %s, which does not exist", key)
		}
	}
	for _, key := range known {
		row, found := rows[key]
		if !found {
			t.Errorf("it does not describe %s", key)
			continue
		}
		want := valueOf(key)
		if row.value != want {
			t.Errorf("%s: it says that a value is %q, but it is %q", key, row.value, want)
		}
		plain := strings.HasPrefix(want, "text") || strings.HasPrefix(want, "list") || want == "pattern" || want == "project id"
		switch {
		case row.defaultValue == "none" && !plain:
			t.Errorf("%s: a %s has a default", key, want)
		case row.defaultValue == "required":
			at := strings.LastIndex(key, ".")
			if fault := faultOf(key[:at], "{}"); fault != key[at+1:]+" is missing" {
				t.Errorf("%s is not required: %q", key, fault)
			}
		}
	}
}

// TestReferenceDefaults checks that a file that sets every documented default loads as the default.
func TestReferenceDefaults(t *testing.T) {
	t.Parallel()
	settings := map[string]any{}
	stated := 0
	for key, row := range reference(t) {
		value, isCode := strings.CutPrefix(row.defaultValue, "`")
		if !isCode {
			byCollector := row.defaultValue == "by collector" && strings.HasSuffix(key, ".min_interval") // see TestReferenceCollectors
			if row.defaultValue != "none" && row.defaultValue != "required" && !byCollector {
				t.Errorf("%s: what default is %q?", key, row.defaultValue)
			}
			continue
		}
		stated++
		below := settings
		names := strings.Split(key, ".")
		for _, name := range names[:len(names)-1] {
			if below[name] == nil {
				below[name] = map[string]any{}
			}
			below = below[name].(map[string]any)
		}
		var parsed any
		if err := yaml.Unmarshal([]byte(strings.TrimSuffix(value, "`")), &parsed); err != nil {
			t.Fatal(err)
		}
		below[names[len(names)-1]] = parsed
	}
	text, err := yaml.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Parse(text, shipped())
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default(shipped())
	want.Atlas.BaseURL = config.DefaultBaseURL // which applies later, after the environment
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d defaults that it states make %+v, and the default is %+v", stated, got, want)
	}
}
