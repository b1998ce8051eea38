package atlasapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-faster/jx"
)

const (
	// MaxPageSize is the most items that Atlas puts on a page.
	MaxPageSize = 500
	// bytesPerItem is about the least that an item takes, to make room for a page at once.
	bytesPerItem = 256
)

var (
	errNoResults = errors.New("no results")
	errNoID      = errors.New("an item without an id")
	errEmptyPage = errors.New("an empty page that names a next one")
	errUnpaged   = errors.New("an answer without paging that names a next page")
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
	thins     bool // items vanish from its middle, however it is ordered
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
	// Shifted reports that the list moved since the page before was read, so that an item may be in neither. Pages sets
	// it, and All reads the list again.
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
