package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestSoak is the short form of the soak. At its end it shows that the soak would have noticed: a sample of any metric that is
// altered, missing or too many, and a change in Atlas that the exporter does not know of.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	s, err := run(t, shortPlan(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	r := s.report()
	var shown strings.Builder
	r.print(&shown)
	t.Logf("\n%s", &shown)
	for _, d := range s.differences {
		t.Error(d)
	}
	const enough = 16 // looks; on a machine that is busy otherwise there are fewer, which say nothing of these
	for _, f := range r.flat {
		if s.looks >= enough && !f.flat() {
			t.Errorf("%s grew from %s to %s", f.name, f.show(f.quarters[1]), f.show(f.quarters[3]))
		}
	}
	for _, kind := range r.kinds {
		if s.looks >= enough && sum(kind.counts) == 0 {
			t.Errorf("no %s", kind.name)
		}
	}
	if r.tooSlow {
		t.Log("the machine was too slow for some scrapes: what is stored says less")
	}
	if s.compared == 0 || slices.ContainsFunc(s.stored, func(st storedResult) bool { return st.samples == 0 }) {
		t.Errorf("nothing was compared: %d looks, %d samples, %+v", s.looks, s.compared, s.stored)
	}
	if !t.Failed() {
		s.breakIt(t)
	}
}

// breakIt alters what the exporter answers, and what Atlas holds behind its back.
func (s *soak) breakIt(t *testing.T) {
	t.Helper()
	var want []group
	s.atlas.org.Do(func() { want = s.atlas.oracle(s.began).groups() })
	got, err := s.exporter.scrape(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if found := compare(want, got, promised); len(found.differences) > 0 {
		t.Fatalf("before anything is broken: %v", found.differences)
	}
	const ofEachFamily = 12
	tried := map[string]int{}
	for key := range got {
		if tried[familyOf(key)]++; !promised(key) || tried[familyOf(key)] > ofEachFamily {
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
func wantMissed(t *testing.T, o *oracle, got scraped, what string) {
	t.Helper()
	if found := compare(o.groups(), got, promised); len(found.differences) == 0 {
		t.Errorf("%s changed, and is not missed", what)
	}
}

func wantNoticed(t *testing.T, want []group, got scraped, key string) {
	t.Helper()
	if found := compare(want, got, promised); len(found.differences) != 1 {
		t.Errorf("%s was broken, and these differences were found: %v", key, found.differences)
	}
}
