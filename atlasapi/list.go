package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-faster/jx"
)

const (
	// MaxPageSize is the most items that Atlas puts on a page.
	MaxPageSize = 500
	// bytesPerItem is about the least that an item takes, to make room for a page at once.
	bytesPerItem = 256
	// maxPages bounds a list, so that an endless chain of next links ends: half a million items.
	maxPages = 1000
)

var (
	errNoResults = errors.New("no results")
	errNoID      = errors.New("an item without an id")
	errEmptyPage = errors.New("an empty page that names a next one")
	errRepeated  = errors.New("a page that repeats what was read before, and names a next one")
	errUnpaged   = errors.New("an answer without paging that names a next page")
	errTooLong   = fmt.Errorf("the list does not end within %d pages", maxPages)
)

// List is a list of Atlas. Nothing is read before it is asked for.
type List[T any] struct {
	client    *Client
	op        *operation
	group     string
	path      []string
	decode    func(*jx.Decoder, *T) error
	id        func(*T) ObjectID
	uncounted bool // the endpoint knows no includeCount
	unpaged   bool // the endpoint knows no paging: its one answer is the list
}

// Page is one page of a list.
type Page[T any] struct {
	// Number counts from 1.
	Number int
	Items  []T
	// More reports whether Atlas names a next page. A short page is no sign of the end: one of 98 items of 100, with a
	// next link, was recorded.
	More bool
	// Shifted reports that the list moved up since the page before was read, so that an item may be in neither. Pages sets
	// it, for a list whose first page was not newest first.
	Shifted bool
}

// Page reads one page of a list, cut into pages of this size (1 to MaxPageSize), without a count. A list whose endpoint
// knows no paging has one page, whatever the size.
func (l List[T]) Page(ctx context.Context, number, size int) (Page[T], error) {
	query := url.Values{}
	if !l.unpaged {
		query.Set("pageNum", strconv.Itoa(number))
		query.Set("itemsPerPage", strconv.Itoa(size))
		if !l.uncounted {
			query.Set("includeCount", "false")
		}
	}
	page := Page[T]{Number: number}
	r := l.client.newRequest(l.op, http.MethodGet, l.group, query, l.path...)
	err := l.client.call(ctx, r, func(body []byte) error {
		page.Items, page.More = make([]T, 0, min(size, len(body)/bytesPerItem+1)), false
		return decodeDocument(body, l.decodePage, &page)
	})
	return page, err
}

func (l List[T]) decodePage(d *jx.Decoder, page *Page[T]) error {
	results := false
	err := object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "results":
			results = d.Next() != jx.Null
			return array(d, &page.Items, func(d *jx.Decoder, item *T) error {
				if err := l.decode(d, item); err != nil {
					return err
				}
				if l.id(item).IsZero() {
					return errNoID
				}
				return nil
			})
		case "links":
			var links []link
			if err := array(d, &links, decodeLink); err != nil {
				return err
			}
			page.More = false
			for _, link := range links {
				page.More = page.More || link.rel == "next"
			}
			return nil
		}
		return d.Skip()
	})
	switch {
	case err != nil:
		return err
	case !results:
		return errNoResults
	case len(page.Items) == 0 && page.More:
		return errEmptyPage
	case l.unpaged && page.More:
		return errUnpaged
	}
	return nil
}

// link is an entry of "links". Its address is not kept: it is built from the server's own idea of its name.
type link struct{ rel string }

func decodeLink(d *jx.Decoder, l *link) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) == "rel" {
			return str(d, &l.rel)
		}
		return d.Skip()
	})
}

// Pages reads the whole list, page by page. An item that moved to a later page while the list was read is returned
// once. The last pair holds the error, if there was one.
//
// An item that moved to an earlier page could be missed: one before it was dropped meanwhile. Atlas would drop the
// oldest, which are last where the newest come first. Otherwise each page begins with an item of the page before, and
// Shifted is set where that is no longer there.
func (l List[T]) Pages(ctx context.Context) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		var seen idSet
		number, size := 1, MaxPageSize
		for read := 1; ; read++ {
			page, err := l.Page(ctx, number, size)
			if err == nil {
				page.Shifted = size < MaxPageSize && (len(page.Items) == 0 || !seen.has(l.id(&page.Items[0])))
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
			if seen.falls() {
				number++
			} else {
				number, size = overlapping(number * size)
			}
		}
	}
}

// overlapping returns the page that begins before so many items, and ends the furthest behind them.
func overlapping(items int) (number, size int) {
	for s := MaxPageSize - 1; s > MaxPageSize/2; s-- {
		if n := (items-1)/s + 1; n*s > number*size {
			number, size = n, s
		}
	}
	return number, size
}

// All reads the whole list, item by item.
func (l List[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range l.Pages(ctx) {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// dedupe takes out of a page what was seen before.
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

// idSet is a set of ids. Those of a list mostly rise or fall throughout, and then a place among them tells whether one
// is there: only when they do not is it worth looking each up.
type idSet struct {
	ids    []ObjectID
	rises  bool // the ids so far rise, else they fall
	lookup map[ObjectID]struct{}
}

// add adds an id, and reports whether it was not in the set.
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

// falls reports whether the ids so far fall throughout, as those of a list do whose newest items come first.
func (s *idSet) falls() bool { return s.lookup == nil && !s.rises }

// goesOn reports whether an id goes on in the direction of those before.
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

func (l List[T]) bad(err error) error {
	return &Error{Endpoint: l.op.name, Kind: KindBadResponse, Err: err}
}

// get reads one thing.
func get[T any](ctx context.Context, c *Client, r *request, decode func(*jx.Decoder, *T) error) (T, error) {
	var thing T
	err := c.call(ctx, r, func(body []byte) error {
		var fresh T
		if err := decodeDocument(body, decode, &fresh); err != nil {
			return err
		}
		thing = fresh
		return nil
	})
	return thing, err
}
