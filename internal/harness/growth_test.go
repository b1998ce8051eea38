package harness

import (
	"maps"
	"strings"
	"testing"
)

// TestGrowth distinguishes growth from fluctuation.
func TestGrowth(t *testing.T) {
	t.Parallel()
	level := Usage{Heap: 20 << 20, Resident: 60 << 20, Goroutines: 20, Files: 12}
	for name, test := range map[string]struct {
		change func(*Usage, float64)
		grows  string
	}{
		"a sawtooth": {change: func(u *Usage, i float64) { u.Heap += float64(int(i)%16) * (1 << 20) }},
		"heap":       {func(u *Usage, i float64) { u.Heap += i * (1 << 20) / 20 }, "heap in use"},
		"resident":   {func(u *Usage, i float64) { u.Resident += i * (1 << 20) / 5 }, "resident memory"},
		"goroutines": {func(u *Usage, i float64) { u.Goroutines += i }, "goroutines"},
		"files":      {func(u *Usage, i float64) { u.Files += i }, "open files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []Usage
			for i := range 320 {
				u := level
				test.change(&u, float64(i))
				all = append(all, u)
			}
			share, amount := Usage{Heap: 0.1, Resident: 0.15}, Usage{1 << 20, 4 << 20, 16, 8}
			for _, g := range GrowthOf(all, share, amount) {
				if g.Flat() == (g.Name == test.grows) {
					t.Errorf("%s: by quarters %v, at most %v", g.Name, g.Quarters, g.Limit)
				}
			}
			for _, g := range GrowthOf(all[:3], share, amount) {
				if !g.Flat() {
					t.Errorf("three samples: %s: %v", g.Name, g.Quarters)
				}
			}
		})
	}
}

func TestParseExposition(t *testing.T) {
	t.Parallel()
	const head = "# HELP a What.\n# TYPE a gauge\n"
	got, err := ParseExposition([]byte(head + `a{y="2",x="1 \"q\"",z=""} 5` + "\n# HELP b_total What.\n# TYPE b_total counter\nb_total 7\n"))
	if err != nil || len(got) != 2 || got[`a{x="1 \"q\"",y="2"}`] != 5 || got["b_total{}"] != 7 {
		t.Errorf("%v, %v", got, err)
	}
	for series, want := range map[string]string{`a{x="1 \"q\"",y="2"}`: `1 "q"`, `a{y="x="}`: "", "a{}": ""} {
		if got := Labels(series)["x"]; got != want {
			t.Errorf("the label x of %s is %q, want %q", series, got, want)
		}
	}
	for text, want := range map[string]string{
		head + "a 1":                         "incomplete last line",
		head + "a \xff\n":                    "UTF-8",
		head + "a 1\na 2\n":                  "twice",
		head + "a{x=\"\"} 1\na 2\n":          "twice",
		head + "a NaN\n":                     "NaN",
		"# TYPE a gauge\na 1\n":              "no help",
		"a 1\n":                              "no help",
		head + "a{\n":                        "not the text format",
		head + "a{x=\"1\",x=\"2\"} 1\n":      "not the text format",
		head + "a 1\n# HELP a Another.\na 2": "incomplete last line",
	} {
		if _, err := ParseExposition([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %q", text, err, want)
		}
	}
}

// TestContradictions finds errors that are never allowed.
func TestContradictions(t *testing.T) {
	t.Parallel()
	const state = `a_state{cl_name="a",state="`
	before := Exposition{"requests_total{}": 5, "seconds_count{}": 3}
	whole := Exposition{state + `Failed"}`: 0, state + `Queued"}`: 1, "requests_total{}": 5, "seconds_count{}": 3}
	for name, test := range map[string]struct {
		series string
		value  float64
		want   string
	}{
		"a true scrape":          {state + `Queued"}`, 1, ""},
		"two states":             {state + `Failed"}`, 1, "the state set a_state map[cl_name:a] sums to 2"},
		"no state":               {state + `Queued"}`, 0, "sums to 0"},
		"a counter that fell":    {"requests_total{}", 4, "requests_total{} fell from 5 to 4"},
		"a histogram that fell":  {"seconds_count{}", 2, "seconds_count{} fell from 3 to 2"},
		"a counter that began":   {"retries_total{}", 0, ""},
		"two states of another":  {`a_state{cl_name="b",state="Queued"}`, 2, "map[cl_name:b] sums to 2"},
		"a gauge that may do so": {"goroutines{}", 1, ""},
	} {
		got := maps.Clone(whole)
		got[test.series] = test.value
		found := strings.Join(got.Contradictions(before), "; ")
		if (found == "") != (test.want == "") || !strings.Contains(found, test.want) {
			t.Errorf("%s: %q, want %q", name, found, test.want)
		}
	}
	if found := whole.Contradictions(nil); len(found) > 0 {
		t.Errorf("a first scrape: %q", found)
	}
}
