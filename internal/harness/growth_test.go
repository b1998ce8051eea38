package harness

import (
	"strings"
	"testing"
)

// TestGrowth tells what grows from what only goes up and down.
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
			for _, r := range Resources(Usage{Heap: 0.1, Resident: 0.15}, Usage{1 << 20, 4 << 20, 16, 8}) {
				for from := range 2 {
					if g := GrowthOf(r, from, all); g.Flat() == (r.Name == test.grows) {
						t.Errorf("%s", g)
					}
				}
				if g := GrowthOf(r, 0, all[:3]); !g.Flat() {
					t.Errorf("three samples: %s", g)
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
		if got := Label(series, "x"); got != want {
			t.Errorf("the label x of %s is %q, want %q", series, got, want)
		}
	}
	for text, want := range map[string]string{
		head + "a 1":                         "within a line",
		head + "a \xff\n":                    "UTF-8",
		head + "a 1\na 2\n":                  "twice",
		head + "a{x=\"\"} 1\na 2\n":          "twice",
		head + "a NaN\n":                     "NaN",
		"# TYPE a gauge\na 1\n":              "no help",
		"a 1\n":                              "no help",
		head + "a{\n":                        "not the text format",
		head + "a{x=\"1\",x=\"2\"} 1\n":      "not the text format",
		head + "a 1\n# HELP a Another.\na 2": "within a line",
	} {
		if _, err := ParseExposition([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %q", text, err, want)
		}
	}
}
