package check

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// calls collects what the answers say besides the data: API versions, when they end, and how much of the rate limits is
// left.
type calls struct {
	next atlasapi.Observer // may be nil

	mu     sync.Mutex
	byName map[string]*Endpoint
}

func newCalls(next atlasapi.Observer) *calls {
	return &calls{next: next, byName: map[string]*Endpoint{}}
}

// Exchanged counts a request.
func (c *calls) Exchanged(x atlasapi.Exchange) {
	if c.next != nil {
		c.next.Exchanged(x)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byName[x.Endpoint]
	if e == nil {
		e = &Endpoint{Endpoint: x.Endpoint, Version: x.Version}
		c.byName[x.Endpoint] = e
	}
	e.Calls++
	if !x.Sunset.IsZero() {
		e.Sunset = x.Sunset.Format(time.DateOnly)
	}
	if told := x.RateLimit.Value; x.RateLimit.Set && (e.RateLimit == nil || told.Remaining < e.RateLimit.Remaining) {
		e.RateLimit = &RateLimit{GroupID: x.GroupID, Limit: told.Limit, Remaining: told.Remaining}
	}
}

// Retried passes the event on.
func (c *calls) Retried(endpoint string, reason atlasapi.Kind) {
	if c.next != nil {
		c.next.Retried(endpoint, reason)
	}
}

// Throttled passes the event on.
func (c *calls) Throttled(endpoint string, waited time.Duration) {
	if c.next != nil {
		c.next.Throttled(endpoint, waited)
	}
}

// endpoints returns what was collected, by endpoint.
func (c *calls) endpoints() []Endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []Endpoint{}
	for e := range maps.Values(c.byName) {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b Endpoint) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	return all
}
