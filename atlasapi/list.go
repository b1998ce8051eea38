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
	// bytesPerItem is a lower estimate of an item's size, to allocate a page at once.
	bytesPerItem = 256
)

var (
	errNoResults = errors.New("no results")
	errNoID      = errors.New("an item without an id")
	errEmptyPage = errors.New("an empty page with a link to a next page")
	errUnpaged   = errors.New("an answer without paging, but with a link to a next page")
)

// List is a list of items of Atlas. It reads nothing until you call a method.
type List[T any] struct {
	client    *Client
	op        *operation
	group     string
	path      []string
	decode    func(*jx.Decoder, *T) error
	id        func(*T) ObjectID
	uncounted bool // the endpoint does not support includeCount
	thins     bool // items disappear from its middle, whatever its order
	unpaged   bool // the endpoint does not support paging: one answer is the whole list
}

// Page is one page of a list.
type Page[T any] struct {
	// Number counts from 1.
	Number int
	Items  []T
	// More reports whether Atlas links to a next page. A short page does not mean the end: a page of 98 items instead
	// of 100, with a next link, was recorded.
	More bool
	// Shifted reports that the list moved after the previous page was read, so that an item may be on neither page.
	// Pages sets it. All then reads the list again.
	Shifted bool
}

// Page reads one page of a list, with pages of this size (1 to MaxPageSize). If the endpoint does not support paging,
// there is one page, whatever the size.
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

// link is an entry of "links". Its URL is not used, because it contains the host name that the server believes to have.
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

// get reads one object.
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
