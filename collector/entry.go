package collector

import (
	"context"
	"sync/atomic"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Entry is a thing that a project has many of, as discovery found it: a cluster, a flex cluster or a pipeline.
type Entry struct {
	ID   atlasapi.ObjectID
	Name string
	// Unsupported is why the API serves no target of the entry, None where it does.
	Unsupported Reason
	// leaving entries are being deleted: a successor of the same name takes their place.
	leaving bool
	facts   any // what the parent's list says of it
}

// entryList is how the entries of a parent are listed and chosen.
type entryList struct {
	label  string // that names an entry in metrics
	filter func(*config.Discovery) *config.Filter
	// filterOf is the filter of a project that the configuration names.
	filterOf func(*config.Project) *config.Filter
	list     func(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error)
	// running reports whether jobs of an entry can run now; nil: always.
	running func(*Entry) bool
}

// List reads all entries of a project.
func (d *Declaration) List(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error) {
	return d.entries.list(ctx, c, groupID)
}

// Choose returns the entries that pass the filters, one of each name. Named is the project's entry in the configuration,
// nil where it was only discovered.
func (d *Declaration) Choose(c *config.Config, named *config.Project, found []Entry) []Entry {
	chosen := make([]Entry, 0, len(found))
	index := make(map[string]int, len(found))
	for _, e := range found {
		if !d.entries.filter(&c.Discovery).Match(e.Name) || named != nil && !d.entries.filterOf(named).Match(e.Name) {
			continue
		}
		other, known := index[e.Name]
		switch {
		case !known:
			index[e.Name] = len(chosen)
			chosen = append(chosen, e)
		case !e.leaving:
			chosen[other] = e
		}
	}
	return chosen
}

// listAll reads a whole list and describes its items as entries.
func listAll[T any](ctx context.Context, list atlasapi.List[T], describe func(*T) Entry) ([]Entry, error) {
	items, err := collect(ctx, list)
	return entriesOf(items, describe), err
}

func entriesOf[T any](items []T, describe func(*T) Entry) []Entry {
	var entries []Entry
	for i := range items {
		e := describe(&items[i])
		e.facts = &items[i]
		entries = append(entries, e)
	}
	return entries
}

// collect reads a whole list, or nothing of it.
func collect[T any](ctx context.Context, list atlasapi.List[T]) ([]T, error) {
	var items []T
	for item, err := range list.All(ctx) {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// entry is an entry that is read, with its targets. Both are replaced together, and never change.
type entry struct {
	parent  *Declaration
	state   atomic.Pointer[entryState]
	running switchMemory
}

type entryState struct {
	Entry
	targets []*target // in the order of the table
}

func (e *entry) info() *Entry       { return &e.state.Load().Entry }
func (e *entry) targets() []*target { return e.state.Load().targets }

// factsOf returns what the parent's list says of an entry.
func factsOf[T any](e *entry) *T { return e.info().facts.(*T) }

// readerOf returns the reader of a type among targets, the zero value where there is none, as in a configuration that
// disables its collector.
func readerOf[R reader](targets []*target) R {
	for _, t := range targets {
		if r, ok := t.reader.(R); ok {
			return r
		}
	}
	var none R
	return none
}

// entryView is an entry as a scrape or a person looks at it. The inventory's lock is held.
type entryView struct {
	*entry
	config  *config.Config
	groupID string
	project *project
}
