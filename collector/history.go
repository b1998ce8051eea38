package collector

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

const (
	// headSize is the page size for the part of a list that may have changed. A list that is not longer is always read
	// in full, because that takes one request, too.
	headSize = 20
	// headPages is the maximum number of such pages. Beyond it, reading the list in full is cheaper.
	headPages = 8
)

// history is the jobs of one target that a refresh reads again, in the order in which Atlas lists them.
//
// A finished job does not change any more. After one full read, a refresh therefore reads only new jobs and jobs that
// may have changed. Where these are depends on the order of the list. Atlas does not document it, and it differs
// between lists. So a full read determines the order from the jobs themselves, and each page of a later refresh must
// fit the known jobs. If a page does not fit, the refresh reads the list in full.
//
// In Atlas's list, the job at index i of the history is at index i plus the number of new jobs before it. Such counting is
// only possible while all pages except the last are full.
type history[Job, Extra any] struct {
	jobs   []job[Extra]
	first  int // place in the list of the first of them
	total  int // how many jobs the list has
	order  listOrder
	relist time.Time // when the next full read is due, whatever the order
}

// trim returns the jobs that no refresh reads again, and keeps the others: those that may still change, the newest, and
// those that can be on a page with one of them. Where the next refresh reads the whole list, it keeps none.
func (h *history[Job, Extra]) trim(mayChange func(*job[Extra]) bool) (trimmed []job[Extra]) {
	if h.order == noOrder || h.total <= headSize {
		trimmed, h.jobs = h.jobs, nil
		return trimmed
	}
	newest := max(h.jobs[0].created, h.jobs[len(h.jobs)-1].created)
	from, to := len(h.jobs), 0
	for i := range h.jobs {
		if mayChange(&h.jobs[i]) || h.jobs[i].created == newest {
			from, to = min(from, i-headSize+1), max(to, i+headSize)
		}
	}
	from, to = max(from, 0), min(to, len(h.jobs))
	if trimmed = slices.Concat(h.jobs[:from], h.jobs[to:]); len(trimmed) > 0 {
		h.jobs, h.first = slices.Clone(h.jobs[from:to]), h.first+from // a copy: the whole array would stay in memory
	}
	return trimmed
}

type listOrder uint8

const (
	noOrder listOrder = iota
	newestFirst
	oldestFirst
)

// lister is how a history reads the list of one kind of job.
type lister[Job, Extra any] struct {
	list atlasapi.List[Job]
	// keep returns what is kept of a job.
	keep func(*Job) job[Extra]
	// open reports whether a job may still change.
	open func(*job[Extra]) bool
	// relistInterval is the maximum time between two full reads.
	relistInterval time.Duration
	now            time.Time
}

// nextRelist returns when a list that was just read in full is due for its next full read. The time is random, so that
// lists that were first read together are not always read in full together.
func (l *lister[Job, Extra]) nextRelist() time.Time {
	return l.now.Add(l.relistInterval/2 + rand.N(l.relistInterval/2+1))
}

// refresh brings the history up to date. full reports whether it now has every job of the list, and not just those
// that it kept and new ones. On an error it is as it was.
func (h *history[Job, Extra]) refresh(ctx context.Context, l lister[Job, Extra]) (full bool, err error) {
	if h.relist.After(l.now.Add(l.relistInterval)) {
		h.relist = l.nextRelist() // a reload shortened the interval
	}
	if h.order != noOrder && h.total > headSize && l.now.Before(h.relist) {
		fits, err := h.readChanges(ctx, l)
		if fits || err != nil {
			return false, err
		}
	}
	return true, h.readWhole(ctx, l)
}

func (h *history[Job, Extra]) readWhole(ctx context.Context, l lister[Job, Extra]) error {
	jobs, err := l.readAll(ctx)
	if err != nil {
		return err
	}
	h.replace(jobs)
	h.relist = l.nextRelist()
	return nil
}

// replace makes the history that of a whole list.
func (h *history[Job, Extra]) replace(jobs []job[Extra]) {
	h.jobs, h.first, h.total, h.order = jobs, 0, len(jobs), orderOf(jobs)
}

// readAll reads every page. If the list moved meanwhile, so that a job may be missing, it reads all pages once more. It
// does not try a third time: a list that shifts every time has no stable order, and would always shift.
func (l lister[Job, Extra]) readAll(ctx context.Context) (jobs []job[Extra], err error) {
	jobs, shifted, err := l.readPages(ctx)
	if shifted && err == nil {
		jobs, _, err = l.readPages(ctx)
	}
	return jobs, err
}

func (l lister[Job, Extra]) readPages(ctx context.Context) (jobs []job[Extra], shifted bool, err error) {
	for page, err := range l.list.Pages(ctx) {
		if err != nil {
			return nil, shifted, err
		}
		shifted = shifted || page.Shifted
		for i := range page.Items {
			jobs = append(jobs, l.keep(&page.Items[i]))
		}
	}
	return jobs, shifted, nil
}

// orderOf returns the order of jobs by their creation. Jobs created at the same time may be in either order. It returns
// noOrder if all were created at the same time.
func orderOf[Extra any](jobs []job[Extra]) listOrder {
	rises, falls := false, false
	for i := 1; i < len(jobs); i++ {
		c := cmp.Compare(jobs[i-1].created, jobs[i].created)
		rises, falls = rises || c < 0, falls || c > 0
	}
	switch {
	case falls && !rises:
		return newestFirst
	case rises && !falls:
		return oldestFirst
	}
	return noOrder
}

// readChanges reads the end of the list where new jobs appear, and every page with a job that may have changed. fits is
// false if an answer does not fit the known jobs. The history does not change then.
func (h *history[Job, Extra]) readChanges(ctx context.Context, l lister[Job, Extra]) (fits bool, err error) {
	r := changes[Job, Extra]{lister: l, known: h.jobs, first: h.first, total: h.total, read: map[int][]job[Extra]{}}
	if h.order == newestFirst {
		fits, err = r.readFront(ctx)
	} else {
		fits, err = r.readBack(ctx)
	}
	if fits {
		fits, err = r.readOpen(ctx)
	}
	if err != nil || !fits {
		return false, err
	}
	h.total += len(r.fresh)
	for _, page := range r.read {
		for i := range page {
			if at := r.knownIndex(page[i].id); at >= 0 {
				h.jobs[at] = page[i]
			}
		}
	}
	if h.order == newestFirst {
		h.jobs = append(slices.Clip(r.fresh), h.jobs...)
	} else {
		h.jobs = append(h.jobs, r.fresh...)
	}
	return true, nil
}

// changes is one read of the pages that may have changed.
type changes[Job, Extra any] struct {
	lister[Job, Extra]
	known []job[Extra]
	first int          // place in the list of the first known job, before new ones appeared
	total int          // how many jobs the list had
	fresh []job[Extra] // jobs that were not known, in the list's order
	shift int          // number of new jobs before the known ones
	read  map[int][]job[Extra]
	at    map[atlasapi.ObjectID]int // index in known of the known jobs that were read
}

func (c *changes[Job, Extra]) knownIndex(id atlasapi.ObjectID) int {
	if at, ok := c.at[id]; ok {
		return at
	}
	return -1
}

// page reads a page of headSize. more reports whether Atlas links to a next page.
func (c *changes[Job, Extra]) page(ctx context.Context, number int) (jobs []job[Extra], more bool, err error) {
	page, err := c.list.Page(ctx, number, headSize)
	if err != nil {
		return nil, false, err
	}
	for i := range page.Items {
		jobs = append(jobs, c.keep(&page.Items[i]))
	}
	c.read[number] = jobs
	return jobs, page.More, nil
}

// matches reports whether the page has the known jobs at their places, beginning with the page's index start. It
// remembers which known jobs were read.
func (c *changes[Job, Extra]) matches(number int, page []job[Extra], start int) bool {
	if c.at == nil {
		c.at = map[atlasapi.ObjectID]int{}
	}
	for i := start; i < len(page); i++ {
		place := (number-1)*headSize + i - c.shift
		if place >= c.total {
			break
		}
		at := place - c.first
		if at < 0 || at >= len(c.known) || c.known[at].id != page[i].id || c.known[at].created != page[i].created {
			return false
		}
		c.at[page[i].id] = at
	}
	return true
}

// readFront reads the new jobs at the front of a list with the newest first, up to the first known job. It returns
// false if the answers do not prove that the places of all known jobs are as counted:
//
//   - The newest known job must be found. Until it is, each page must be full, and there must be a next one.
//   - From it on, the page must have the known jobs in their order.
//   - If there is a next page, this one must be full, and must end before the last known job. Without a next page, it
//     must end exactly with the last known job.
//   - The new jobs must continue the order of the list.
func (c *changes[Job, Extra]) readFront(ctx context.Context) (bool, error) {
	var front []job[Extra]
	for number := 1; number <= headPages; number++ {
		page, more, err := c.page(ctx, number)
		if err != nil {
			return false, err
		}
		first := 0
		for first < len(page) && page[first].id != c.known[0].id {
			front = append(front, page[first])
			first++
		}
		if first == len(page) {
			if !more {
				return false, nil // the newest known job is no longer listed
			}
			if len(page) != headSize {
				return false, nil // a short page: Atlas left out jobs, so places cannot be counted
			}
			continue
		}
		c.fresh, c.shift = front, len(front)
		end := (number-1)*headSize + len(page)
		length := c.shift + c.total
		switch {
		case !c.matches(number, page, first),
			more && (len(page) != headSize || end >= length),
			!more && end != length,
			!c.ordered(front, newestFirst):
			return false, nil
		}
		return true, nil
	}
	return false, nil
}

// readBack reads the new jobs at the end of a list with the oldest first, from the page of the last known job on. It
// returns false for the same reasons as readFront.
func (c *changes[Job, Extra]) readBack(ctx context.Context) (bool, error) {
	last := c.total - 1
	first := last/headSize + 1
	for number := first; number < first+headPages; number++ {
		page, more, err := c.page(ctx, number)
		if err != nil {
			return false, err
		}
		start := (number - 1) * headSize
		if !c.matches(number, page, 0) || more && len(page) != headSize || number == first && start+len(page) <= last {
			return false, nil
		}
		for i := range page {
			if start+i > last {
				c.fresh = append(c.fresh, page[i])
			}
		}
		if !more {
			return c.ordered(c.fresh, oldestFirst), nil
		}
	}
	return false, nil
}

// ordered reports whether the new jobs continue the order of the list, among themselves and with their known neighbor,
// and are really new. If the list moved while it was read, a job appears twice.
//
// It puts the neighbor and the new jobs into one line, in the order of the list. The line must have the order of the
// list, or consist of jobs created at the same time, which have no order. Only jobs created in the same second as the
// neighbor can be known ones, because any other known job would break the order.
func (c *changes[Job, Extra]) ordered(fresh []job[Extra], order listOrder) bool {
	if len(fresh) == 0 {
		return true
	}
	line := make([]job[Extra], 0, len(fresh)+1)
	seen := make(map[atlasapi.ObjectID]struct{}, len(fresh))
	neighbor := c.known[0]
	if order == oldestFirst {
		neighbor = c.known[len(c.known)-1]
		line = append(line, neighbor)
	}
	for _, j := range fresh {
		if _, double := seen[j.id]; double || j.created == neighbor.created && c.isKnown(j.id) {
			return false
		}
		seen[j.id] = struct{}{}
		line = append(line, j)
	}
	if order == newestFirst {
		line = append(line, neighbor)
	}
	found := orderOf(line)
	return found == order || found == noOrder && line[0].created == line[len(line)-1].created
}

func (c *changes[Job, Extra]) isKnown(id atlasapi.ObjectID) bool {
	return slices.ContainsFunc(c.known, func(j job[Extra]) bool { return j.id == id })
}

// readOpen reads the pages with known jobs that may still change, except those that were read already. As in readFront,
// each page must have the known jobs at their places, must be full if there is a next one, and must end exactly with
// the last job if there is none.
func (c *changes[Job, Extra]) readOpen(ctx context.Context) (bool, error) {
	for at := range c.known {
		if !c.open(&c.known[at]) {
			continue
		}
		number := (c.first+at+c.shift)/headSize + 1
		if _, done := c.read[number]; done {
			continue
		}
		if len(c.read) == headPages {
			return false, nil
		}
		page, more, err := c.page(ctx, number)
		if err != nil {
			return false, err
		}
		end := (number-1)*headSize + len(page)
		length := len(c.fresh) + c.total
		if !c.matches(number, page, 0) || more && len(page) != headSize || end > length || !more && end != length {
			return false, nil
		}
	}
	return true, nil
}
