package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Atlas divides a list into pages by position. It documents no order, and the list may change while it is read. An item
// that moves to a later page is read twice, and dropped the second time. An item that moves to an earlier page is
// missed, so such moves must be detected:
//
//   - If the ids of a list fall, its newest items come first. New items move the others to later pages, and Atlas
//     removes items only at the end. So no item moves to an earlier page. This does not apply to a list that loses items
//     from its middle (List.thins).
//   - Any other list is read in overlapping pages: each page begins before the end of the previous one. Nothing moved
//     if the page begins with the last items of the previous page in the same order, at most as many as the pages overlap
//     by, and if all its other items are new. Otherwise the page is Shifted. A list of n items in random order passes this
//     check with a probability of 1/n.
//
// A page begins at a multiple of its size. The size must therefore change for a small overlap. If Atlas leaves items
// out of a page, the next page begins earlier by as many items.

// maxPages bounds a list, so that an endless chain of next links ends: half a million items.
const maxPages = 1000

var (
	errRepeated = errors.New("a page with only known items, and a link to a next page")
	errTooLong  = fmt.Errorf("the list does not end within %d pages", maxPages)
	errMoves    = errors.New("the list changed while it was read, twice in a row")
)

// Pages reads the whole list, page by page. It yields an item once, even if the item moved to a later page while the
// list was read. Page.Shifted says that an item may have moved to an earlier page, and so is missing. The last pair
// holds the error, if there was one.
func (l List[T]) Pages(ctx context.Context) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		var seen idSet
		var before []ObjectID // the ids of the previous page
		overlap := 0
		number, size := 1, MaxPageSize
		for read := 1; ; read++ {
			page, err := l.Page(ctx, number, size)
			missing := size - len(page.Items)
			if err == nil {
				page.Shifted = overlap > 0 && !l.continues(page.Items, before, overlap, &seen)
				if before = before[:0]; page.More {
					before = slices.Grow(before, len(page.Items))
					for i := range page.Items {
						before = append(before, l.id(&page.Items[i]))
					}
				}
				err = l.dedupe(&page, &seen)
			}
			if err == nil && page.More && read == maxPages {
				err = l.bad(errTooLong)
			}
			if err != nil {
				yield(Page[T]{}, err)
				return
			}
			if !yield(page, nil) || !page.More {
				return
			}
			if !l.thins && seen.falls() {
				number++
				continue
			}
			end := number * size
			number, size = overlapping(end, missing)
			overlap = end - (number-1)*size
		}
	}
}

// continues reports whether a page begins with the last items of the previous page, at most as many as the pages
// overlap by, and goes on with new ones. If it does, no item moved between the two pages.
func (l List[T]) continues(items []T, before []ObjectID, overlap int, seen *idSet) bool {
	if len(items) == 0 {
		return false
	}
	from := slices.Index(before, l.id(&items[0]))
	if from < 0 || len(before)-from > min(overlap, len(items)) {
		return false
	}
	for i := range items {
		id := l.id(&items[i])
		if known := from+i < len(before); known && id != before[from+i] || !known && seen.has(id) {
			return false
		}
	}
	return true
}

// overlapping returns the number and the size of the next page after a number of items was read. The page begins at
// least one item before their end, and earlier if items are missing from the last page (Atlas left them out, so
// everything behind them has a smaller index). Of all sizes it takes the one whose page ends furthest behind. A page
// begins at a multiple of its size, so the size has to vary for a small overlap.
func overlapping(items, missing int) (number, size int) {
	begin := items - 1 - max(0, min(missing, MaxPageSize/4))
	for s := MaxPageSize - 1; s > MaxPageSize/2; s-- {
		if n := begin/s + 1; n*s > number*size {
			number, size = n, s
		}
	}
	return number, size
}

// All reads the whole list, item by item. If a page is Shifted, it reads the list once more from the beginning, and
// yields what the first reading missed. If that shifts too, it yields an error.
func (l List[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var known idSet
		for reading := range 2 {
			shifted := false
			for page, err := range l.Pages(ctx) {
				if shifted = page.Shifted; shifted && reading > 0 {
					err = l.bad(errMoves)
				}
				if err != nil {
					yield(none, err)
					return
				}
				if shifted {
					break
				}
				for i := range page.Items {
					isNew := page.Number == 1 && !page.More && reading == 0 || known.add(l.id(&page.Items[i]))
					if isNew && !yield(page.Items[i], nil) {
						return
					}
				}
			}
			if !shifted {
				return
			}
		}
	}
}

// dedupe removes the items from a page that were seen before.
func (l List[T]) dedupe(page *Page[T], seen *idSet) error {
	kept := page.Items[:0]
	for i := range page.Items {
		if seen.add(l.id(&page.Items[i])) {
			kept = append(kept, page.Items[i])
		}
	}
	page.Items = kept
	if len(kept) == 0 && page.More {
		return l.bad(errRepeated)
	}
	return nil
}

// idSet is a set of ids. The ids of most lists only rise or only fall. Then a binary search finds an id, and no map is
// needed.
type idSet struct {
	ids    []ObjectID
	rises  bool // the ids so far rise, else they fall
	lookup map[ObjectID]struct{}
}

// add adds an id, and reports whether it is new.
func (s *idSet) add(id ObjectID) bool {
	if s.lookup == nil && s.goesOn(id) {
		s.ids = append(s.ids, id)
		return true
	}
	if s.has(id) {
		return false
	}
	if s.lookup == nil {
		s.lookup = make(map[ObjectID]struct{}, 2*len(s.ids))
		for _, known := range s.ids {
			s.lookup[known] = struct{}{}
		}
		s.ids = nil
	}
	s.lookup[id] = struct{}{}
	return true
}

// has reports whether an id is in the set.
func (s *idSet) has(id ObjectID) bool {
	if s.lookup != nil {
		_, known := s.lookup[id]
		return known
	}
	_, known := slices.BinarySearchFunc(s.ids, id, func(a, b ObjectID) int {
		if s.rises {
			return a.Compare(b)
		}
		return b.Compare(a)
	})
	return known
}

// falls reports whether each id so far is below the one before, as in a list with the newest items first.
func (s *idSet) falls() bool { return s.lookup == nil && !s.rises }

// goesOn reports whether an id continues the direction of the ids before it.
func (s *idSet) goesOn(id ObjectID) bool {
	if len(s.ids) == 0 {
		return true
	}
	c := id.Compare(s.ids[len(s.ids)-1])
	if len(s.ids) == 1 {
		s.rises = c > 0
	}
	return c != 0 && s.rises == (c > 0)
}
