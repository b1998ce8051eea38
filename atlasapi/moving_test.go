package atlasapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// movingList serves a list of projects by position. change is called before each page except the first, with the number of
// pages served so far.
type movingList struct {
	ids    []string
	change func(l *movingList, served int)
	hidden map[string]bool // counted in positions, and left out of pages
	served int
}

func newMovingList(n int, order func(i int) int) *movingList {
	l := &movingList{hidden: map[string]bool{}}
	for i := range n {
		l.ids = append(l.ids, fmt.Sprintf("%024x", 0x10000+order(i)))
	}
	return l
}

// scattered is an order of ids that neither rises nor falls, like that of projects that are sorted by name.
func scattered(i int) int { return i * 7919 % 100_003 }

func rising(i int) int { return i }

func (l *movingList) answer(req *http.Request) *http.Response {
	if l.change != nil && l.served > 0 {
		l.change(l, l.served)
	}
	l.served++
	number, size := must(strconv.Atoi(req.URL.Query().Get("pageNum"))), must(strconv.Atoi(req.URL.Query().Get("itemsPerPage")))
	from, to := min((number-1)*size, len(l.ids)), min(number*size, len(l.ids))
	type item struct {
		ID string `json:"id"`
	}
	page := struct {
		Results []item              `json:"results"`
		Links   []map[string]string `json:"links"`
	}{Results: []item{}}
	for _, id := range l.ids[from:to] {
		if !l.hidden[id] {
			page.Results = append(page.Results, item{id})
		}
	}
	if to < len(l.ids) {
		page.Links = append(page.Links, map[string]string{"rel": "next"})
	}
	return answering(http.StatusOK, nil, must(json.Marshal(page)))
}

// drop removes items from the list.
func (l *movingList) drop(from, n int) { l.ids = slices.Delete(l.ids, from, from+n) }

// TestMovingLists changes a list of more than a page while it is read. Each item that is listed throughout must be returned
// exactly once, or there must be an error.
func TestMovingLists(t *testing.T) {
	t.Parallel()
	once := func(change func(*movingList)) func(*movingList, int) {
		return func(l *movingList, served int) {
			if served == 1 {
				change(l)
			}
		}
	}
	shuffle := func(l *movingList, _ int) {
		rand.Shuffle(len(l.ids), func(i, j int) { l.ids[i], l.ids[j] = l.ids[j], l.ids[i] })
	}
	rotate := func(by int) func(*movingList, int) {
		return func(l *movingList, _ int) { l.ids = slices.Concat(l.ids[by:], l.ids[:by]) }
	}
	for _, test := range []struct {
		name   string
		items  int
		order  func(int) int
		change func(*movingList, int)
		fails  bool
		pages  int
	}{
		{"one page", 500, scattered, nil, false, 1},
		{"still", 600, scattered, nil, false, 2},
		{"still, many pages", 2600, scattered, nil, false, 6},
		{"two deleted", 600, scattered, once(func(l *movingList) { l.drop(10, 2) }), false, 4},
		{"five deleted from the first page", 600, rising, once(func(l *movingList) { l.drop(490, 5) }), false, 4},
		{"five deleted from the second page", 600, scattered, once(func(l *movingList) { l.drop(550, 5) }), false, 2},
		{"all of the second page deleted", 600, scattered, once(func(l *movingList) { l.drop(450, 150) }), false, 3},
		{"one deleted and one added before", 600, scattered, once(func(l *movingList) {
			l.drop(10, 1)
			l.ids = slices.Insert(l.ids, 20, fmt.Sprintf("%024x", 1))
		}), false, 2},
		{"some added before", 600, scattered, once(func(l *movingList) {
			l.ids = slices.Insert(l.ids, 20, fmt.Sprintf("%024x", 1), fmt.Sprintf("%024x", 2))
		}), false, 4},
		{"deleted all the time", 900, scattered, func(l *movingList, _ int) { l.drop(10, 2) }, true, 4},
		{"shuffled once", 600, scattered, once(func(l *movingList) { shuffle(l, 0) }), false, 4},
		{"shuffled all the time", 600, scattered, shuffle, true, 4},
		{"rotated up", 600, scattered, rotate(100), true, 4},
		{"rotated down", 600, scattered, rotate(500), true, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newMovingList(test.items, test.order)
			l.change = test.change
			before := slices.Clone(l.ids)
			c := clientOn(t, Options{}, l.answer)
			got := map[string]bool{}
			var err error
			for project, readErr := range c.Projects().All(t.Context()) {
				if err = readErr; err != nil {
					break
				}
				if id := project.ID.String(); got[id] {
					t.Errorf("%s is returned twice", id)
				} else {
					got[id] = true
				}
			}
			missed := 0
			for _, id := range before {
				if !got[id] && slices.Contains(l.ids, id) {
					missed++
				}
			}
			// In a list of n items in random order, one move in n goes unnoticed.
			if test.name == "shuffled all the time" && err == nil && l.served < test.pages {
				t.Skip("one page began with the last item of the other")
			}
			failure, ok := errors.AsType[*Error](err)
			if test.fails != (err != nil) || err != nil && (!ok || failure.Kind != KindBadResponse) || err == nil && missed > 0 {
				t.Errorf("%d of %d were missed (%v)", missed, len(before), err)
			}
			if l.served != test.pages {
				t.Errorf("%d pages, want %d", l.served, test.pages)
			}
		})
	}
}

// TestHiddenItems checks that pages may be shorter than their size, because Atlas leaves out items that the caller may not
// see: the list has not moved.
func TestHiddenItems(t *testing.T) {
	t.Parallel()
	for _, hidden := range [][2]int{{0, 5}, {495, 505}, {498, 500}, {400, 499}, {499, 500}, {500, 520}, {990, 1010}} {
		t.Run(fmt.Sprint(hidden), func(t *testing.T) {
			t.Parallel()
			l := newMovingList(1700, scattered)
			for _, id := range l.ids[hidden[0]:hidden[1]] {
				l.hidden[id] = true
			}
			c := clientOn(t, Options{}, l.answer)
			if n, want := count(t, c.Projects()), 1700-(hidden[1]-hidden[0]); n != want || l.served > 5 {
				t.Errorf("%d of %d items in %d pages", n, want, l.served)
			}
		})
	}
}

// TestThinnedList removes an item from the middle of a list whose newest items come first: in the list of snapshots, each
// frequency has its own retention.
func TestThinnedList(t *testing.T) {
	t.Parallel()
	l := newMovingList(600, func(i int) int { return 100_000 - i })
	l.change = func(l *movingList, served int) {
		if served == 1 {
			l.drop(250, 1)
		}
	}
	c := clientOn(t, Options{}, l.answer)
	if n := count(t, c.Snapshots(fuzzedGroup, "prod")); n != 600 { // the one that vanished was read before
		t.Errorf("%d snapshots", n)
	}
}

// count reads a list to its end, and returns the number of its items.
func count[T any](t *testing.T, list List[T]) int {
	t.Helper()
	n := 0
	for _, err := range list.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// BenchmarkPages reads a list of three full pages whose newest items come first.
func BenchmarkPages(b *testing.B) {
	page := func(n int) []byte {
		var items []string
		for i := range MaxPageSize {
			items = append(items, fmt.Sprintf(`{"id":"%024x","state":"Successful","createdAt":"2026-08-10T03:28:25Z","finishedAt":"2026-08-10T03:43:05Z","exportStatus":{"exportedCollections":0,"totalCollections":0},"prefix":"%s"}`,
				int64(1<<40)-int64(n*MaxPageSize+i), strings.Repeat("p", 150)))
		}
		links := ""
		if n < 3 {
			links = `{"rel":"next"}`
		}
		return []byte(`{"results":[` + strings.Join(items, ",") + `],"links":[` + links + `]}`)
	}
	bodies := map[string][]byte{"1": page(1), "2": page(2), "3": page(3)}
	c := clientOn(b, Options{}, func(req *http.Request) *http.Response {
		return answering(http.StatusOK, nil, bodies[req.URL.Query().Get("pageNum")])
	})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for page, err := range c.ExportJobs(fuzzedGroup, "prod").Pages(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(page.Items)
		}
		if n != 3*MaxPageSize {
			b.Fatal(n)
		}
	}
}
