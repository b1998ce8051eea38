package atlassim_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// addExports adds daily jobs, oldest first, and returns their ids in that order.
func addExports(c *atlassim.Cluster, n int) []string {
	var ids []string
	for i := range n {
		created := noon().Add(-time.Duration(n-i) * 24 * time.Hour)
		ids = append(ids, c.AddExport(atlassim.Export{CreatedAt: created, FinishedAt: created.Add(time.Hour)}).ID)
	}
	return ids
}

func reversed(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}

func TestPages(t *testing.T) {
	_, org, _, cluster := small()
	ids := reversed(addExports(cluster, 7))
	c := serve(t, org, atlassim.Options{})

	first := c.page(exports(cluster) + "?itemsPerPage=3")
	if !slices.Equal(first.ids(), ids[:3]) || *first.TotalCount != 7 {
		t.Errorf("first page has %v of %d", first.ids(), *first.TotalCount)
	}
	next := first.link("next")
	if want := "https://cloud.mongodb.com/api/atlas/v2" + exports(cluster) +
		"?includeCount=true&pageNum=2&itemsPerPage=3"; next != want {
		t.Errorf("next is %s, want %s", next, want)
	}
	if first.link("previous") != "" || first.link("self") == "" {
		t.Errorf("first page has links %v", first.Links)
	}
	second := c.page(exports(cluster) + "?itemsPerPage=3&pageNum=2&includeCount=false")
	if !slices.Equal(second.ids(), ids[3:6]) || second.TotalCount != nil || second.link("previous") == "" {
		t.Errorf("second page is %+v", second)
	}
	third := c.page(exports(cluster) + "?itemsPerPage=3&pageNum=3")
	if !slices.Equal(third.ids(), ids[6:]) || third.link("next") != "" {
		t.Errorf("third page is %+v", third)
	}
	beyond := c.page(exports(cluster) + "?itemsPerPage=3&pageNum=4")
	if beyond.Results == nil || len(beyond.Results) != 0 || beyond.link("next") != "" {
		t.Errorf("the page after the last is %+v", beyond)
	}
	if _, plain := c.get(exports(cluster)); bytes.ContainsRune(plain, '\n') || !bytes.Contains(plain, []byte("true&pageNum")) {
		t.Errorf("the answer is not as compact as Atlas's: %s", plain)
	}
	if _, pretty := c.get(exports(cluster) + "?pretty=true"); !bytes.HasPrefix(pretty, []byte("{\n  \"links\": [")) {
		t.Errorf("the answer is not pretty: %s", pretty)
	}
	c.rejects(t, exports(cluster)+"?", "pageNum=0", "pageNum=x", "itemsPerPage=0", "itemsPerPage=501", "includeCount=maybe", "page=2", "pageNum=99999999999")
}

func TestDefaultPageSize(t *testing.T) {
	_, org, _, cluster := small()
	addExports(cluster, 101)
	c := serve(t, org, atlassim.Options{CentralURL: "http://central.invalid"})
	p := c.page(exports(cluster))
	if len(p.Results) != 100 || !strings.HasPrefix(p.link("next"), "http://central.invalid/api/atlas/v2/groups/") {
		t.Errorf("%d results, next %q", len(p.Results), p.link("next"))
	}
	if all := c.all(exports(cluster)); len(all) != 101 {
		t.Errorf("%d items in all", len(all))
	}
}

func TestOrders(t *testing.T) {
	_, org, _, cluster := small()
	ids := addExports(cluster, 40)
	early := cluster.AddExport(atlassim.Export{CreatedAt: noon().Add(-1000 * time.Hour)}).ID // the oldest, added last
	byCreation := append([]string{early}, ids...)
	c := serve(t, org, atlassim.Options{})
	listed := func() []string { return c.page(exports(cluster)).ids() }

	if got := listed(); !slices.Equal(got, reversed(byCreation)) {
		t.Errorf("newest first: %v", got)
	}
	org.Do(func() { cluster.OrderExports(atlassim.OldestFirst) })
	if got := listed(); !slices.Equal(got, byCreation) {
		t.Errorf("oldest first: %v", got)
	}
	org.Do(func() { cluster.OrderExports(atlassim.AsAdded) })
	if got := listed(); !slices.Equal(got, append(slices.Clone(ids), early)) {
		t.Errorf("as added: %v", got)
	}
	org.Do(func() { cluster.OrderExports(atlassim.Shuffled) })
	shuffled := listed()
	if slices.Equal(shuffled, byCreation) || slices.Equal(shuffled, reversed(byCreation)) {
		t.Error("shuffled is sorted")
	}
	var added string
	org.Do(func() { added = cluster.AddExport(atlassim.Export{}).ID })
	grown := listed()
	if !slices.Contains(grown, added) {
		t.Error("the new job is not listed")
	}
	if kept := slices.DeleteFunc(grown, func(id string) bool { return id == added }); !slices.Equal(kept, shuffled) {
		t.Error("a new job changes the order of the old ones")
	}
	slices.Sort(shuffled)
	slices.Sort(byCreation)
	if !slices.Equal(shuffled, byCreation) {
		t.Error("shuffling loses jobs")
	}
}

// TestSameSecond checks that jobs of the same second keep the order in which they were added, reversed if the newest comes
// first.
func TestSameSecond(t *testing.T) {
	_, org, _, cluster := small()
	first := cluster.AddExport(atlassim.Export{CreatedAt: noon()}).ID
	second := cluster.AddExport(atlassim.Export{CreatedAt: noon()}).ID
	old := cluster.AddExport(atlassim.Export{CreatedAt: noon().Add(-time.Hour)}).ID // breaks the order of adding
	third := cluster.AddExport(atlassim.Export{CreatedAt: noon()}).ID
	c := serve(t, org, atlassim.Options{})
	want := []string{third, second, first, old}
	if got := c.page(exports(cluster)).ids(); !slices.Equal(got, want) {
		t.Errorf("newest first: %v, want %v", got, want)
	}
	org.Do(func() { cluster.OrderExports(atlassim.OldestFirst) })
	if got := c.page(exports(cluster)).ids(); !slices.Equal(got, reversed(want)) {
		t.Errorf("oldest first: %v, want %v", got, reversed(want))
	}
}

func TestGeneratedHistory(t *testing.T) {
	for _, order := range []atlassim.Order{atlassim.NewestFirst, atlassim.OldestFirst, atlassim.Shuffled} {
		_, org, _, cluster := small()
		cluster.OrderExports(order)
		cluster.GenerateExports(1200, func(n int) atlassim.Export {
			created := noon().Add(-time.Duration(1200-n) * time.Hour)
			return atlassim.Export{CreatedAt: created, FinishedAt: created.Add(20 * time.Minute)}
		})
		newest := cluster.AddExport(atlassim.Export{}).ID
		c := serve(t, org, atlassim.Options{})
		all := c.all(exports(cluster))
		seen := map[string]bool{}
		var times []string
		for _, job := range all {
			seen[text(job, "id")] = true
			times = append(times, text(job, "createdAt"))
		}
		if len(all) != 1201 || len(seen) != 1201 || !seen[newest] {
			t.Errorf("order %d: %d jobs with %d ids", order, len(all), len(seen))
		}
		if slices.IsSorted(times) != (order == atlassim.OldestFirst) {
			t.Errorf("order %d is not kept", order)
		}
		slices.Reverse(times)
		if slices.IsSorted(times) != (order == atlassim.NewestFirst) {
			t.Errorf("order %d is not kept", order)
		}
		one := c.object(exports(cluster) + "/" + text(all[700], "id"))
		if one["createdAt"] != all[700]["createdAt"] {
			t.Errorf("the job read by its id is another: %v, %v", one, all[700])
		}
	}
}

func TestShortPage(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.NewOrganization(clock)
	for i := range 8 {
		org.AddProject(fmt.Sprintf("p%d", i))
	}
	c := serve(t, org, atlassim.Options{ShortPages: map[string]int{atlassim.OpListProjects: 2}})

	first := c.page("/groups?itemsPerPage=5")
	if len(first.Results) != 3 || *first.TotalCount != 10 || first.link("next") == "" {
		t.Errorf("first page: %d of %d, next %q", len(first.Results), *first.TotalCount, first.link("next"))
	}
	second := c.page("/groups?itemsPerPage=5&pageNum=2")
	if len(second.Results) != 5 || second.link("next") != "" {
		t.Errorf("second page: %d, next %q", len(second.Results), second.link("next"))
	}
	names := map[any]bool{}
	for _, p := range append(first.Results, second.Results...) {
		names[p["name"]] = true
	}
	if len(names) != 8 {
		t.Errorf("%d projects in all", len(names))
	}
	if only := c.page("/groups"); len(only.Results) != 8 || *only.TotalCount != 10 || only.link("next") != "" {
		t.Errorf("one page: %d of %d, next %q", len(only.Results), *only.TotalCount, only.link("next"))
	}
	if empty := c.page("/groups?itemsPerPage=2"); len(empty.Results) != 0 || empty.link("next") == "" {
		t.Errorf("empty page: %d, next %q", len(empty.Results), empty.link("next"))
	}
}

func TestProjectsByName(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.NewOrganization(clock)
	for _, name := range []string{"beta", "Zeta", "alpha"} {
		org.AddProject(name)
	}
	hidden := org.AddProject("hidden")
	hidden.Hide(atlassim.NotInGroup())
	c := serve(t, org, atlassim.Options{})
	var names []string
	for _, p := range c.page("/groups").Results {
		names = append(names, text(p, "name"))
	}
	if !slices.Equal(names, []string{"Zeta", "alpha", "beta"}) {
		t.Errorf("projects are %v", names)
	}
	c.fails("/groups/"+hidden.ID, http.StatusUnauthorized, "NOT_IN_GROUP")
	org.Do(hidden.Show)
	c.object("/groups/" + hidden.ID)
}

func TestBeforePage(t *testing.T) {
	_, org, _, cluster := small()
	addExports(cluster, 6)
	c := serve(t, org, atlassim.Options{})
	first := c.page(exports(cluster) + "?itemsPerPage=3").ids()
	c.server.SetBeforePage(func(operation string, page int) {
		if operation == atlassim.OpListBackupExports && page == 2 {
			org.Do(func() { cluster.AddExport(atlassim.Export{}) })
		}
	})
	second := c.page(exports(cluster) + "?itemsPerPage=3&pageNum=2").ids()
	if second[0] != first[2] {
		t.Error("a job added before the second page does not shift the list")
	}
}
