package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// seedVariable fixes what chance goes by, to play again what a test has met.
const seedVariable = "FAULTMATRIX_SEED"

// chosenSeed is another one every day, so that in time every cell has its turn.
func chosenSeed(t *testing.T) uint64 {
	t.Helper()
	given := os.Getenv(seedVariable)
	if given == "" {
		return uint64(time.Now().Unix() / (24 * 60 * 60))
	}
	seed, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return seed
}

// TestShortMatrix plays every fault once, at an endpoint and in a mode that chance chooses.
func TestShortMatrix(t *testing.T) {
	t.Parallel()
	seed := chosenSeed(t)
	m := matrix{program: harness.BuildExporter(t), scrapes: 4, exporters: 8, longest: 8, seed: seed, progress: t.Output()}
	random := rand.New(rand.NewPCG(seed, 1))
	chosen := sample(cells(""), random)
	if slowness > 1 { // every third fault, which is enough to meet a race in time
		random.Shuffle(len(chosen), func(i, k int) { chosen[i], chosen[k] = chosen[k], chosen[i] })
		chosen, m.exporters = chosen[:len(chosen)/3], 4
	}
	r, err := m.run(t.Context(), chosen)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range r.results {
		for _, found := range one.found {
			t.Error(found)
		}
	}
	for _, l := range r.lives {
		for _, wrong := range l.wrong {
			t.Error(wrong)
		}
	}
	if len(r.results) != len(chosen) {
		t.Errorf("%d of %d cells were played", len(r.results), len(chosen))
	}
	t.Log(strings.Join(r.figures(), "\n"))
	if t.Failed() {
		t.Logf("%s=%d plays it again; go run ./internal/faultmatrix -seed %d -only 'fault / endpoint / mode' plays one cell", seedVariable, seed, seed)
	}
}

// TestJudgeOfPlay has the matrix expect what does not come: each must be a violation.
func TestJudgeOfPlay(t *testing.T) {
	t.Parallel()
	s, err := start(t.Context(), harness.BuildExporter(t), setup{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	exportsColumn, clustersColumn := columns()[6], columns()[3]
	for _, test := range []struct {
		name string
		cell cell
		want string
	}{
		{"another reason", cell{&fault{name: "a", answer: status(403, ""), expect: everywhere(down(notFound))}, exportsColumn, once}, "is down: forbidden"},
		{"no failure", cell{&fault{name: "b", answer: status(403, ""), expect: everywhere(outcome{up: true})}, exportsColumn, always}, "is down: forbidden"},
		{"a lie", cell{&fault{
			name: "c", answer: spoiled(func(_ *exchange, d *document) { replace(d.whole, "state", "Queued") }), expect: everywhere(outcome{up: true}),
		}, exportsColumn, always}, "mongodbatlas_backup_export_jobs{"},
		{"a lost cluster", cell{&fault{
			name: "d", answer: func(x *exchange) { x.send(200, jsonType, []byte(`{"results":[]}`)) }, expect: everywhere(outcome{up: true}),
		}, clustersColumn, always}, "is missing"},
		{"a request elsewhere", cell{&fault{name: "e", expect: everywhere(outcome{up: true}), answer: func(x *exchange) {
			x.truth.ServeHTTP(x.w, x.r)
			stray(t, x.elsewhere)
		}}, exportsColumn, once}, "requests went to another host"},
		{"a retry that is none", cell{&fault{name: "f", answer: status(404, "X"), expect: everywhere(retriedThenDown(notFound))}, exportsColumn, once}, "is down: not_found"},
	} {
		r, err := s.play(t.Context(), test.cell, 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		if found := strings.Join(r.found, "\n"); r.violations == 0 || !strings.Contains(found, test.want) {
			t.Errorf("%s: no violation that says %q, but %d:\n%s", test.name, test.want, r.violations, found)
		}
	}
}
