package faultmatrix

import (
	_ "embed"
	"flag"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Flags of the test binary.
var (
	long  = flag.Bool("long", false, "play every cell, about twelve minutes")                                               //nolint:gochecknoglobals // a flag
	write = flag.Bool("write", false, "write docs/fault-matrix.md")                                                         //nolint:gochecknoglobals // a flag
	only  = flag.String("only", "", "play all cells whose name matches this pattern, such as 'gzip bomb / backup exports'") //nolint:gochecknoglobals // a flag
	seed  = flag.Uint64("seed", 0, "seed of the random numbers; by default, it changes every day")                          //nolint:gochecknoglobals // a flag
)

//go:embed fault-matrix.md.tmpl
var page string

// TestMatrix plays every fault once, at a random endpoint and in a random mode. With -long or -only, it plays all cells.
func TestMatrix(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it takes half a minute")
	m := matrix{scrapes: 4, exporters: 8, longest: 8, seed: *seed}
	if m.seed == 0 {
		m.seed = uint64(time.Now().Unix() / (24 * 60 * 60))
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	chosen := cells(pattern)
	random := rand.New(rand.NewPCG(m.seed, 1))
	switch {
	case *long:
		m.scrapes, m.exporters, m.longest = 6, 10, 48
	case *only == "":
		chosen = sample(chosen, random)
	}
	if slowness > 1 && !*long && *only == "" { // every third fault: over several days, this still finds races
		random.Shuffle(len(chosen), func(i, k int) { chosen[i], chosen[k] = chosen[k], chosen[i] })
		chosen, m.exporters = chosen[:len(chosen)/3], 4
	}
	if len(chosen) == 0 {
		t.Fatalf("no cell's name matches %q", *only)
	}
	r := m.run(t, chosen)
	if len(r.results) != len(chosen) {
		t.Errorf("%d of %d cells were played", len(r.results), len(chosen))
	}
	t.Logf("%+v", r.sums)
	path := filepath.Join(t.TempDir(), "fault-matrix.md")
	if *write {
		path = "../../docs/fault-matrix.md"
	}
	harness.WriteReport(t, path, page, map[string]any{
		"Targets": r.rows(func(c cell) bool { return !c.endures() }), "Hangs": r.rows(cell.endures),
		"Sums": r.sums, "Cells": len(r.results), "Took": r.took.Round(time.Second), "Seed": r.seed,
		"MoreGoroutines": moreGoroutines, "MoreFiles": moreFiles,
		"MostGoroutines": mostGoroutines, "MostFiles": mostFiles, "MostResident": float64(mostResident),
	})
	if t.Failed() {
		t.Logf("-seed %d plays it again; -only 'fault / endpoint / mode' plays one cell", m.seed)
	}
}

// TestJudgeOfPlay plays cells with a wrong expected outcome. Each must be a violation.
func TestJudgeOfPlay(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it plays some cells")
	s := start(t, setup{})
	column := func(title string) column { return column{title: title, endpoint: title} }
	for _, test := range []struct {
		name   string
		fault  fault
		column string
		mode   mode
		want   string
	}{
		{"another reason", fault{answer: status(403, ""), makes: down(notFound)}, exports, once, "is down: forbidden"},
		{"no failure", fault{answer: status(403, ""), makes: outcome{up: true}}, exports, always, "is down: forbidden"},
		{"a lie", fault{answer: respelt(`"state":"[^"]*"`, `"state":"Queued"`), makes: outcome{up: true}}, exports, always, "mongodbatlas_backup_export_jobs{"},
		{"a lost cluster", fault{
			answer: func(x *exchange) { x.send(200, jsonType, []byte(`{"results":[]}`)) }, makes: outcome{up: true},
		}, "clusters", always, "is missing"},
		{"a request elsewhere", fault{makes: outcome{up: true}, answer: func(x *exchange) {
			altered(func(b []byte) []byte { return b })(x)
			stray(t, x.stack.elsewhere.URL)
		}}, exports, once, "requests went to another host"},
		{"a retry that is none", fault{answer: status(404, "X"), makes: retriedThenDown(notFound)}, exports, once, "is down: not_found"},
	} {
		test.fault.name = test.name
		r := s.play(cell{&test.fault, column(test.column), test.mode}, 4, 1)
		if found := strings.Join(r.found, "\n"); r.violations == 0 || !strings.Contains(found, test.want) {
			t.Errorf("%s: no violation that says %q, but %d:\n%s", test.name, test.want, r.violations, found)
		}
	}
}
