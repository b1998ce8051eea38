package soak

import (
	_ "embed"
	"flag"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Flags of the test binary.
var (
	long   = flag.Bool("long", false, "soak for twelve minutes")                                                   //nolint:gochecknoglobals // a flag
	write  = flag.Bool("write", false, "write docs/soak.md")                                                       //nolint:gochecknoglobals // a flag
	seed   = flag.Uint64("seed", 1, "seed of the random numbers; the order of events also depends on the machine") //nolint:gochecknoglobals // a flag
	length = flag.Duration("length", 0, "soak for this long")                                                      //nolint:gochecknoglobals // a flag
)

//go:embed soak.md.tmpl
var page string

// TestSoak runs a soak. At its end it proves that the soak would notice a fault: a sample of any metric that is altered,
// missing or surplus, and a change in Atlas that the exporter does not know.
func TestSoak(t *testing.T) {
	harness.NotShort(t, "it takes a minute")
	p := plan{seed: *seed, length: 30 * time.Second, least: 20, projects: 4}
	heap := 3.0 * (1 << 20) // the heap may grow by this: in a short soak, each new project matters
	if *long {
		p.length, p.projects, heap = 12*time.Minute, 6, 1<<20
	}
	if *length > 0 {
		p.length = *length
	}
	s := run(t, p)
	took := time.Since(s.began)
	// The limits allow for reloads, which change the settings, and for projects that come and go with their connections.
	growth := harness.GrowthOf(s.usage,
		harness.Usage{Heap: 0.10, Resident: 0.15, Goroutines: 0.10, Files: 0.10},
		harness.Usage{Heap: heap, Resident: 4 << 20, Goroutines: 16, Files: 8},
	)
	for _, g := range growth {
		if !g.Flat() {
			t.Errorf("%s grew from %s to %s", g.Name, g.Show(g.Quarters[1]), g.Show(g.Quarters[3]))
		}
	}
	t.Logf("%d checks, %d samples compared, events: %v", s.checks, s.compared, s.done)
	for _, k := range jobKinds() {
		if s.done[k.collector+" started"] == 0 {
			t.Errorf("%s: no job was started", k.collector)
		}
	}
	passed := !t.Failed()
	if passed {
		s.breakIt(t)
	}
	path := filepath.Join(t.TempDir(), "soak.md")
	if *write {
		path = "../../docs/soak.md"
	}
	harness.WriteReport(t, path, page, map[string]any{
		"Passed": passed, "Simulated": (took * timeScale).Round(time.Minute), "Took": took.Round(time.Second),
		"Projects": p.projects, "Done": s.done,
		"Checks": s.checks, "Compared": s.compared,
		"Calls": s.server.Count(""), "Tokens": s.server.Mints(), "Growth": growth,
	})
}

// breakIt alters scrapes, and changes the simulated Atlas without a new scrape. The clock stands still since the last check.
func (s *soak) breakIt(t *testing.T) {
	t.Helper()
	want := s.want()
	got := s.scrape("/metrics")
	if _, found := compare(want, got); len(found) > 0 {
		t.Fatalf("differences before any change: %v", found)
	}
	const ofEachFamily = 3
	tried := map[string]int{}
	for key := range got {
		if tried[harness.Family(key)]++; !promised(key) || tried[harness.Family(key)] > ofEachFamily {
			continue
		}
		altered := maps.Clone(got)
		altered[key] = -1
		wantNoticed(t, want, altered, key)
		delete(altered, key)
		wantNoticed(t, want, altered, key)
		altered[strings.Replace(key, "{", `{a="b",`, 1)] = got[key]
		altered[key] = got[key]
		wantNoticed(t, want, altered, key)
	}
	missed := func(what string) {
		if _, found := compare(s.want(), got); len(found) == 0 {
			t.Errorf("%s changed, but no difference was found", what)
		}
	}
	begun := map[string]bool{}
	for _, of := range s.oracle.things() {
		for _, k := range kindsOf(of.parent) {
			if of.unsupported != "" || s.oracle.settings.disabled[k.collector] || begun[k.collector] {
				continue
			}
			begun[k.collector] = true
			s.org.Do(func() { k.begin(s.atlas, of.owner, s.clock.Now()) })
			missed("a job of " + k.collector)
			s.org.Do(func() { listed := k.list(of.owner); listed[len(listed)-1].remove() })
		}
	}
	for _, p := range s.oracle.projects() {
		s.org.Do(func() { p.Name += "-renamed" })
		missed("the name of " + p.Name)
	}
}

func wantNoticed(t *testing.T, want []group, got harness.Exposition, key string) {
	t.Helper()
	if _, found := compare(want, got); len(found) != 1 {
		t.Errorf("%s was altered: want one difference, got %v", key, found)
	}
}
