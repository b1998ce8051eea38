package atlassim

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// pageRequest is the requested page of a list.
type pageRequest struct {
	number, size int
	count        bool
}

const (
	defaultPageSize = 100
	maxPageSize     = 500
	maxPageNumber   = math.MaxInt32
)

// parse reads the paging parameters of a query.
func (p *pageRequest) parse(query url.Values) *reply {
	*p = pageRequest{number: 1, size: defaultPageSize, count: true}
	invalid := func(name string) *reply {
		return refuse(failure(http.StatusBadRequest, "INVALID_QUERY_PARAMETER", name))
	}
	var err error
	if text := query.Get("pageNum"); query.Has("pageNum") {
		if p.number, err = strconv.Atoi(text); err != nil || p.number < 1 || p.number > maxPageNumber {
			return invalid("pageNum")
		}
	}
	if text := query.Get("itemsPerPage"); query.Has("itemsPerPage") {
		if p.size, err = strconv.Atoi(text); err != nil || p.size < 1 || p.size > maxPageSize {
			return invalid("itemsPerPage")
		}
	}
	if text := query.Get("includeCount"); query.Has("includeCount") {
		if p.count, err = strconv.ParseBool(text); err != nil {
			return invalid("includeCount")
		}
	}
	return nil
}

// pageKey identifies a page of a list in the cache.
type pageKey struct {
	list      any
	order     Order
	generated int
	page      pageRequest
}

// pageCache is the cache of Options.CachePages.
type pageCache struct {
	mu    sync.Mutex
	pages map[pageKey][]byte
}

func (p *pageCache) get(key pageKey) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pages[key]
}

func (p *pageCache) keep(key pageKey, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil {
		p.pages = map[pageKey][]byte{}
	}
	p.pages[key] = body
}

// listOf answers with a page of a list.
func listOf[T listed](s *Server, c *call, items *list[T]) reply {
	base := s.base()
	item := func(b []byte, place int) []byte { return items.at(place).appendJSON(b, base) }
	if !s.options.CachePages || items.generated == 0 || len(items.stored) > 0 {
		return s.list(c, items.len(), item)
	}
	key := pageKey{list: items, order: items.order, generated: items.generated, page: c.page}
	if body := s.pages.get(key); body != nil {
		return s.object(c, body)
	}
	answer := s.list(c, items.len(), item)
	s.pages.keep(key, slices.Clone(answer.body))
	return answer
}

// list answers with a page of a list with total items. item appends the item at a place.
//
// Only the missing link to a next page shows the end of a list. If ShortPages hides items of the first page, neither
// the length of the page nor totalCount shows it.
func (s *Server) list(c *call, total int, item func(b []byte, place int) []byte) reply {
	withheld := min(s.options.ShortPages[c.resource.operation], c.page.size)
	counted := total + withheld
	// Places from gap to gap+withheld are counted, but not shown.
	gap := min(c.page.size, counted) - withheld
	// A page far beyond the end is as empty as the first one after it. Its own number might overflow a 32-bit int.
	number := min(c.page.number, counted/c.page.size+2)
	start, end := (number-1)*c.page.size, number*c.page.size

	buffer, ok := s.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	b := append((*buffer)[:0], `{"links":[`...)
	b = s.appendLink(b, c, "self", c.page.number)
	if c.page.number > 1 {
		b = s.appendLink(append(b, ','), c, "previous", c.page.number-1)
	}
	if end < counted {
		b = s.appendLink(append(b, ','), c, "next", c.page.number+1)
	}
	b = append(b, `],"results":[`...)
	first := true
	for place := start; place < min(end, counted); place++ {
		shown := place
		if place >= gap {
			if place < gap+withheld {
				continue
			}
			shown -= withheld
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = item(b, shown)
	}
	b = append(b, ']')
	if c.page.count {
		b = intMember(b, "totalCount", int64(counted))
	}
	b = append(b, '}')
	answer := s.object(c, b)
	answer.pooled = buffer
	return answer
}

// appendLink appends a link to a page of the requested list.
func (s *Server) appendLink(b []byte, c *call, rel string, page int) []byte {
	var href strings.Builder
	href.WriteString(s.options.CentralURL + c.request.URL.EscapedPath())
	if c.resource.paged {
		href.WriteByte('?')
		if !c.resource.bare {
			href.WriteString("includeCount=" + strconv.FormatBool(c.page.count) + "&")
		}
		for _, name := range c.resource.query {
			if c.query.Has(name) {
				href.WriteString(name + "=" + url.QueryEscape(c.query.Get(name)) + "&")
			}
		}
		href.WriteString("pageNum=" + strconv.Itoa(page) + "&itemsPerPage=" + strconv.Itoa(c.page.size))
	}
	return append(b, encode(wireLink{Href: href.String(), Rel: rel})...)
}
