package faultmatrix

import (
	_ "embed"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Flags of the test binary.
var (
	long  = flag.Bool("long", false, "play every cell, about ten minutes")                                                       //nolint:gochecknoglobals // a flag
	write = flag.Bool("write", false, "write docs/fault-matrix.md")                                                              //nolint:gochecknoglobals // a flag
	only  = flag.String("only", "", "play all cells whose name matches this pattern, such as 'truncated JSON / backup_exports'") //nolint:gochecknoglobals // a flag
	seed  = flag.Uint64("seed", 0, "seed of the random numbers; by default, it changes every day")                               //nolint:gochecknoglobals // a flag
)

//go:embed fault-matrix.md.tmpl
var report string

func TestMain(m *testing.M) { harness.RunWaiting(m) }

// TestMatrix plays every fault once, at a random endpoint and in a random mode. With -long or -only, it plays all cells.
func TestMatrix(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it takes half a minute")
	if *seed == 0 {
		*seed = uint64(time.Now().Unix() / (24 * 60 * 60))
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(*seed, 0))
	chosen, scrapes, longest := cells(pattern), 6, 48
	if !*long {
		scrapes, longest = 4, 8
	}
	if !*long && *only == "" {
		chosen = sample(chosen, random)
	}
	if len(chosen) == 0 {
		t.Fatalf("no cell's name matches %q", *only)
	}
	sums := struct {
		Cells, Scrapes, Exporters int
		Faults                    map[string]int
		Took                      time.Duration
		Seed                      uint64
	}{Cells: len(chosen), Seed: *seed, Faults: map[string]int{}}
	for _, c := range chosen {
		sums.Faults[c.fault.Name]++
	}
	var mu sync.Mutex
	began := time.Now()
	t.Run("exporters", func(t *testing.T) { // returns when all of them have stopped
		for i, batch := range batches(chosen, longest, random) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				s := start(t, batch[0].column.setup)
				for i, c := range batch {
					if !t.Run(c.String(), func(t *testing.T) {
						violations := s.try(t, c, scrapes, *seed)
						for _, violation := range violations[:min(len(violations), 8)] {
							t.Error(violation)
						}
						if len(violations) > 8 {
							t.Errorf("%d violations in all", len(violations))
						}
					}) {
						t.Logf("%d more cells are not played, because this one may have broken the exporter", len(batch)-i-1)
						break
					}
				}
				s.stop(t)
				mu.Lock()
				defer mu.Unlock()
				sums.Exporters++
				sums.Scrapes += s.scrapes
			})
		}
	})
	sums.Took = time.Since(began).Round(time.Second)
	t.Logf("%+v", sums)
	if t.Failed() {
		t.Logf("-seed %d plays it again; -only 'fault / endpoint / mode' plays one cell", *seed)
		return
	}
	path := filepath.Join(t.TempDir(), "fault-matrix.md")
	if *write {
		path = "../../docs/fault-matrix.md"
	}
	harness.WriteReport(t, path, report, map[string]any{
		"Sums": sums, "Faults": allFaults(), "MoreGoroutines": moreGoroutines, "MoreFiles": moreFiles,
	})
}

// TestJudgeOfTrial plays cells with a wrong expected outcome. Each must be a violation.
func TestJudgeOfTrial(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it plays some cells")
	s := start(t, setup{})
	for _, test := range []struct {
		name     string
		answer   func(*exchange)
		outcome  outcome
		endpoint string
		mode     mode
		want     string
	}{
		{"another reason", status(403, ""), down(notFound), exports, once, `is "down: forbidden"`},
		{"no failure", status(403, ""), outcome{up: true}, exports, always, `is "down: forbidden"`},
		{"a lie", respelt(`"state":"[^"]*"`, `"state":"Queued"`), outcome{up: true}, exports, always, "backup_export_jobs{"},
		{"lost clusters", respelt(`^.*$`, `{"results":[]}`), outcome{up: true}, "clusters", always, "is missing"},
		{"no retry", status(404, "X"), outcome{up: true}, exports, once, `is "down: not_found"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			place := column{title: test.endpoint, endpoint: endpointOf(test.endpoint)}
			found := s.try(t, cell{fault{Name: test.name, answer: test.answer}, place, test.mode, test.outcome}, 4, 1)
			if all := strings.Join(found, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("no violation says %q:\n%s", test.want, all)
			}
		})
	}
}
