package soak

import (
	_ "embed"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// Flags of the test binary.
var (
	long   = flag.Bool("long", false, "soak for twelve minutes")                                                        //nolint:gochecknoglobals // a flag
	write  = flag.Bool("write", false, "write docs/soak.md")                                                            //nolint:gochecknoglobals // a flag
	seed   = flag.Uint64("seed", 1, "seed of what is drawn by chance; the order of things depends on the machine, too") //nolint:gochecknoglobals // a flag
	length = flag.Duration("length", 0, "soak for this long")                                                           //nolint:gochecknoglobals // a flag
)

//go:embed soak.md.tmpl
var page string

// TestSoak soaks. At its end it proves that the soak would have noticed a fault: a sample of any metric that is altered,
// missing or surplus, and a change in Atlas that the exporter does not know of.
func TestSoak(t *testing.T) {
	harness.NotShort(t, "it takes a minute")
	p := shortPlan()
	if *long {
		p = longPlan()
	}
	p.seed = *seed
	if *length > 0 {
		p.length = *length
	}
	s, err := run(t, p, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.differences {
		t.Error(d)
	}
	const enough = 16 // looks; on a busy machine there are fewer, which say nothing about these
	flat := true
	for _, g := range s.growth() {
		t.Log(g)
		if s.looks >= enough && !g.Flat() {
			flat = false
			t.Errorf("%s grew from %s to %s", g.Name, g.Show(g.Quarters[1]), g.Show(g.Quarters[3]))
		}
	}
	for _, kind := range s.changes() {
		t.Logf("%s: %d: %v", kind.Name, kind.Sum, kind.Counts)
		if s.looks >= enough && kind.Sum == 0 {
			t.Errorf("%s: none", kind.Name)
		}
	}
	t.Logf("%d looks, %d samples compared", s.looks, s.compared)
	if s.compared == 0 {
		t.Error("nothing was compared")
	}
	if !t.Failed() {
		s.breakIt(t)
	}
	path := filepath.Join(t.TempDir(), "soak.md")
	if *write {
		path = "../../docs/soak.md"
	}
	harness.WriteReport(t, path, page, map[string]any{
		"Passed": flat && len(s.differences) == 0, "Differences": len(s.differences),
		"Simulated": (s.took * timeScale).Round(time.Minute), "Took": s.took.Round(time.Second),
		"Projects": p.projects, "Clusters": p.clusters, "Pipelines": p.pipelines, "Changes": s.changes(),
		"Looks": s.looks, "Waited": (s.waited / time.Duration(max(1, s.looks))).Round(time.Millisecond), "Compared": s.compared,
		"Calls": s.atlas.server.Count(""), "Tokens": s.atlas.server.Mints(), "Growth": s.growth(),
	})
}

// breakIt alters what the exporter answers, and what Atlas holds behind its back.
func (s *soak) breakIt(t *testing.T) {
	t.Helper()
	var want []group
	s.atlas.org.Do(func() { want = s.atlas.oracle(s.began).groups() })
	got, err := s.scrape(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if found := compare(want, got, promised); len(found.differences) > 0 {
		t.Fatalf("before anything is broken: %v", found.differences)
	}
	const ofEachFamily = 12
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
	o := s.atlas.oracle(s.began)
	s.atlas.org.Do(func() {
		for _, p := range o.visible() {
			for _, c := range o.clusters(p) {
				if notServed(c) != "" || s.atlas.settings.disabled[collectorExports] {
					continue
				}
				e := c.AddExport(atlassim.Export{State: "Failed"})
				wantMissed(t, o, got, "a job of "+c.Name)
				c.RemoveExport(e)
			}
			p.Name += "-renamed"
			wantMissed(t, o, got, "the name of "+p.Name)
		}
	})
}

// wantMissed holds that an answer from before a change does not pass.
func wantMissed(t *testing.T, o *oracle, got harness.Exposition, what string) {
	t.Helper()
	if found := compare(o.groups(), got, promised); len(found.differences) == 0 {
		t.Errorf("%s changed, and is not missed", what)
	}
}

func wantNoticed(t *testing.T, want []group, got harness.Exposition, key string) {
	t.Helper()
	if found := compare(want, got, promised); len(found.differences) != 1 {
		t.Errorf("%s was broken, and these differences were found: %v", key, found.differences)
	}
}
